"""Vehicle identification numbers (ISO 3779), with the check digit of 49 CFR 565.15.

Rules:

* 17 characters out of the digits and the alphabet without I, O and Q;
* positions 1 to 3 are the maker: GAM. In ISO 3780 no country's numbers begin with G, so it is
  assigned to nobody, and no car on a road has a number of ours;
* 4 to 8 describe the car, 9 is the check digit, 10 the model year, 11 the plant, and 12 to 17 a
  serial number that begins with 1 in each year;
* a letter in position 7 says that the model year is one of 2010 to 2039, so that no number comes
  again after thirty years;
* a number is given once; that of a car that was called off stays with it.

Left out on purpose: reading other makers' numbers beyond their form.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from monocoque.contracts.errors import VinSerialsSpent, WeekNotBuildable

MAKER: Final = "GAM"
DESCRIPTION: Final = "A7SE1"
"""Arden 7; S, a saloon; E, driven by a battery alone, and the letter of the thirty years; 1, belts
and airbags for everybody."""
PLANT: Final = "A"
SERIAL_MAX: Final = 999_999
YEAR_MIN: Final = 2010
YEAR_MAX: Final = 2039
YEAR_CODES: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
FORM: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}\Z")
CHECK_PLACE: Final = 8
WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
VALUES: Final = {str(digit): digit for digit in range(10)} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True)
)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def model_year(week_begins_us: int) -> int:
    """The calendar year in which this production week begins; raises WeekNotBuildable."""
    year = (EPOCH + timedelta(microseconds=week_begins_us)).year
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise WeekNotBuildable("The production week lies in a year that our numbers cannot say.")
    return year


def series(year: int) -> str:
    """Within what serial numbers are counted: every other character of the number, in order."""
    return f"{MAKER}{DESCRIPTION}{YEAR_CODES[year - YEAR_MIN]}{PLANT}"


def serial_after(last: int, serials_max: int) -> int:
    """The next serial number of a series; raises VinSerialsSpent."""
    if last >= min(serials_max, SERIAL_MAX):
        raise VinSerialsSpent("Every serial number of this model year and plant is given.")
    return last + 1


def make_vin(year: int, serial: int) -> str:
    """The number of the car with this serial number."""
    assert 1 <= serial <= SERIAL_MAX
    named = series(year)
    place = len(MAKER) + len(DESCRIPTION)
    blank = f"{named[:place]}0{named[place:]}{serial:06}"
    return f"{blank[:CHECK_PLACE]}{check_digit(blank)}{blank[CHECK_PLACE + 1 :]}"


def check_digit(vin: str) -> str:
    """What position 9 must be; what stands there makes no difference."""
    total = sum(weight * VALUES[each] for weight, each in zip(WEIGHTS, vin, strict=True))
    remainder = total % 11
    return "X" if remainder == 10 else str(remainder)


def is_vin(text: str) -> bool:
    """Whether a text has the form of a number, and the check digit that belongs to it."""
    return FORM.match(text) is not None and text[CHECK_PLACE] == check_digit(text)

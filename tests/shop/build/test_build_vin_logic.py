"""Vehicle identification numbers: their form, their check digit, and that none comes twice."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import VinSerialsSpent, WeekNotBuildable
from monocoque.shop.build.logic.vin import (
    CHECK_PLACE,
    SERIAL_MAX,
    VALUES,
    YEAR_MAX,
    YEAR_MIN,
    check_digit,
    is_vin,
    make_vin,
    model_year,
    serial_after,
    series,
)

YEARS = st.integers(YEAR_MIN, YEAR_MAX)
SERIALS = st.integers(1, SERIAL_MAX)
CHARACTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
COUNTED = [place for place in range(17) if place != CHECK_PLACE]
TEXTS = st.text(CHARACTERS, min_size=17, max_size=17)


def us(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    "vin",
    [
        "1M8GDM9AXKP042788",  # the example of 49 CFR 565
        "11111111111111111",
        "5GZCZ43D13S812715",
    ],
)
def test_known_numbers_have_the_check_digit_of_the_regulation(vin):
    assert is_vin(vin)
    assert check_digit(vin) == vin[CHECK_PLACE]


@given(TEXTS)
def test_the_check_digit_depends_on_every_place_but_its_own(text):
    right = text[:CHECK_PLACE] + check_digit(text) + text[CHECK_PLACE + 1 :]
    assert is_vin(right)
    for other in set("0123456789X") - {right[CHECK_PLACE]}:
        assert not is_vin(right[:CHECK_PLACE] + other + right[CHECK_PLACE + 1 :])


@given(TEXTS, st.sampled_from(COUNTED), st.sampled_from(CHARACTERS))
def test_one_wrong_character_is_noticed_unless_it_counts_the_same(text, place, character):
    right = text[:CHECK_PLACE] + check_digit(text) + text[CHECK_PLACE + 1 :]
    wrong = right[:place] + character + right[place + 1 :]
    assert is_vin(wrong) is (VALUES[character] == VALUES[right[place]])


@given(YEARS, SERIALS)
def test_ours_have_seventeen_characters_nobodys_maker_and_a_letter_in_place_seven(year, serial):
    vin = make_vin(year, serial)
    assert len(vin) == 17
    assert set(vin) <= set(CHARACTERS)
    assert vin.startswith("GAM")
    assert vin[6].isalpha()
    assert vin.endswith(f"{serial:06}")
    assert is_vin(vin)


@given(st.lists(st.tuples(YEARS, SERIALS), unique=True, max_size=50))
def test_no_two_years_and_serial_numbers_have_one_number(cars):
    assert len({make_vin(*car) for car in cars}) == len(cars)


def test_every_year_is_a_series_of_its_own():
    years = range(YEAR_MIN, YEAR_MAX + 1)
    assert len({series(year) for year in years}) == len(years)
    assert series(2026)[-2:] == "TA"


@pytest.mark.parametrize(
    "text",
    ["", "1M8GDM9AXKP04278", "1M8GDM9AXKP0427888", "1M8GDM9AXKPO42788", "1m8GDM9AXKP042788"],
)
def test_what_has_another_form_is_no_number(text):
    assert not is_vin(text)


def test_the_year_is_that_in_which_the_week_begins():
    assert model_year(us(2026, 12, 31, 23)) == 2026
    assert model_year(us(2027, 1, 1)) == 2027


@pytest.mark.parametrize("when", [us(2009, 12, 31), us(2040, 1, 1), 0, 253_402_300_799_999_999])
def test_a_week_in_a_year_that_no_number_can_say_is_refused(when):
    with pytest.raises(WeekNotBuildable):
        model_year(when)


def test_serial_numbers_end_where_six_digits_or_the_setting_end():
    assert serial_after(0, SERIAL_MAX) == 1
    assert serial_after(SERIAL_MAX - 1, 10 * SERIAL_MAX) == SERIAL_MAX
    for last, most in ((SERIAL_MAX, 10 * SERIAL_MAX), (3, 3), (4, 3)):
        with pytest.raises(VinSerialsSpent) as spent:
            serial_after(last, most)
        assert spent.value.hint

"""From the units in which fields of a bus are written to those of the signals.

Rules: each pair is linear and stands in one table; units are written as VSS writes them, and a few
words that databases use for the same.

Left out on purpose: guessing from the unit in the database, which is often wrong or missing.
"""

from typing import Final

SAME: Final = {
    "kph": "km/h", "kmh": "km/h", "km/hr": "km/h",
    "%": "percent", "degC": "Celsius", "C": "Celsius", "°C": "Celsius", "celsius": "Celsius",
    "degF": "fahrenheit", "F": "fahrenheit", "°F": "fahrenheit", "K": "kelvin",
    "deg": "degrees", "degree": "degrees", "mi": "mile", "miles": "mile",
    "MPH": "mph", "meter": "m", "meters": "m", "sec": "s", "minutes": "min",
}  # fmt: skip
"""Other words for a unit."""

LINEAR: Final[dict[tuple[str, str], tuple[float, float]]] = {
    ("mph", "km/h"): (1.609344, 0),
    ("m/s", "km/h"): (3.6, 0),
    ("mile", "km"): (1.609344, 0),
    ("mile", "m"): (1_609.344, 0),
    ("m", "km"): (0.001, 0),
    ("km", "m"): (1_000, 0),
    ("fahrenheit", "Celsius"): (5 / 9, -160 / 9),
    ("kelvin", "Celsius"): (1, -273.15),
    ("rad", "degrees"): (57.29577951308232, 0),
    ("bar", "kPa"): (100, 0),
    ("psi", "kPa"): (6.894757293168361, 0),
    ("Pa", "kPa"): (0.001, 0),
    ("kW", "W"): (1_000, 0),
    ("W", "kW"): (0.001, 0),
    ("mV", "V"): (0.001, 0),
    ("mA", "A"): (0.001, 0),
    ("Wh", "kWh"): (0.001, 0),
    ("kWh", "Wh"): (1_000, 0),
    ("min", "s"): (60, 0),
    ("s", "min"): (1 / 60, 0),
    ("h", "s"): (3_600, 0),
    ("ms", "s"): (0.001, 0),
    ("g", "m/s^2"): (9.80665, 0),
}
"""From the first to the second: factor and offset."""


def between(unit: str, wanted: str) -> tuple[float, float] | None:
    """Factor and offset from one unit to another; None when nobody knows."""
    unit, wanted = SAME.get(unit, unit), SAME.get(wanted, wanted)
    return (1, 0) if unit == wanted else LINEAR.get((unit, wanted))

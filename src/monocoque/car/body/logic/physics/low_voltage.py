"""The 12 V battery: filled by the converter (DC/DC), drained by what never sleeps.

Equations: counted charge at a constant drain; the converter holds a constant voltage, at which the
missing charge shrinks exponentially. Both are exact for steps of any length.

Left out on purpose: self-discharge, cold, and age.
"""

from typing import Final

from monocoque.car.body.logic.physics.amounts import Amount, Truth, choose, exponential, most
from monocoque.car.body.logic.physics.vehicle import Vehicle

FILLING_S: Final = 3_600.0
"""In this time the converter brings 63 % of what is missing."""
CONVERTER_V: Final = 14.2
EMPTY_V: Final = 11.4
FULL_V: Final = 12.8


def charge_after(vehicle: Vehicle, charge: Amount, supplied: Truth, elapsed_s: Amount) -> Amount:
    """The share of its charge after so long, with the converter on or off."""
    drained = vehicle.standby_a * elapsed_s / 3_600.0 / vehicle.low_voltage_ah
    filled = 1.0 - (1.0 - charge) * exponential(-elapsed_s / FILLING_S)
    return choose(supplied, filled, most(charge - drained, 0.0))


def volts(charge: Amount, supplied: Truth) -> Amount:
    """At its poles."""
    return choose(supplied, CONVERTER_V, EMPTY_V + (FULL_V - EMPTY_V) * charge)

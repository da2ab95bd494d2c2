"""Charging: how much power comes in at a wall, and at a fast charger.

Rules:

* the smallest limit counts: the outlet, the car's charger, and what the battery takes at its charge
  and temperature (battery.py), which makes the taper of the fast charger;
* a charge ends at its limit.

Equations: energy over time; the limits of power as above. Left out on purpose: the phase of
constant voltage at an outlet, which begins above what a daily charge goes to, and the words that
car and charger exchange (ISO 15118).
"""

from collections.abc import Callable
from typing import Final

from monocoque.car.body.logic.physics.amounts import Amount, Truth, choose, least, most
from monocoque.car.body.logic.physics.battery import WARM_CELSIUS, charge_w_max
from monocoque.car.body.logic.physics.vehicle import Vehicle

SLICES: Final = 32
PREHEATING_W: Final = 4_000.0
"""Heat for a cold battery on its way to a fast charger."""
CHILLING_W: Final = 5_000.0
"""Heat that the chiller draws from a battery that is fast charged."""
CHILLED_FROM_CELSIUS: Final = 35.0
CHILLER_COP: Final = 2.5
RAMP_K: Final = 2.0
"""Within so much of what is wanted, heating and cooling are held back."""
NEVER_S: Final = float("inf")


def ac_w(vehicle: Vehicle, charge: Amount, celsius: Amount, outlet_w: Amount) -> Amount:
    """What reaches the battery from an outlet that gives so much."""
    comes_w = least(outlet_w, vehicle.ac_w_max) * vehicle.ac_efficiency
    return least(comes_w, charge_w_max(vehicle, charge, celsius))


def dc_w(vehicle: Vehicle, charge: Amount, celsius: Amount, charger_w: Amount) -> Amount:
    """What reaches the battery from a fast charger that gives so much."""
    comes_w = least(charger_w, vehicle.dc_w_max) * vehicle.dc_efficiency
    return least(comes_w, charge_w_max(vehicle, charge, celsius))


def preheating_w(celsius: Amount, wanted: Truth) -> Amount:
    """Heat for the battery before a fast charge: full until it is warm."""
    missing_k = most(WARM_CELSIUS - celsius, 0.0)
    return choose(wanted, least(PREHEATING_W, PREHEATING_W * missing_k / RAMP_K), 0.0)


def chilling_w(celsius: Amount, wanted: Truth) -> Amount:
    """Heat that is drawn from the battery at a fast charger: full when it is clearly too warm."""
    excess_k = most(celsius - CHILLED_FROM_CELSIUS, 0.0)
    return choose(wanted, least(CHILLING_W, CHILLING_W * excess_k / RAMP_K), 0.0)


def conditioning_w(celsius: Amount) -> Amount:
    """Heat into the battery at a fast charger; negative when it is cooled."""
    return preheating_w(celsius, True) - chilling_w(celsius, True)


def conditioning_electric_w(celsius: Amount) -> Amount:
    """What that takes from the station."""
    return preheating_w(celsius, True) + chilling_w(celsius, True) / CHILLER_COP


def dc_s(vehicle: Vehicle, begins: float, ends: float, celsius: float, charger_w: float) -> float:
    """How long a fast charge takes between two charges, at one temperature; infinite for never."""
    return _lasts_s(vehicle, begins, ends, lambda charge: dc_w(vehicle, charge, celsius, charger_w))


def ac_s(vehicle: Vehicle, begins: float, ends: float, celsius: float, outlet_w: float) -> float:
    """The same at an outlet."""
    return _lasts_s(vehicle, begins, ends, lambda charge: ac_w(vehicle, charge, celsius, outlet_w))


def _lasts_s(
    vehicle: Vehicle, begins: float, ends: float, power_at: Callable[[float], float]
) -> float:
    """Energy over power, slice by slice of the charge, each at its middle."""
    if ends <= begins:
        return 0.0
    share = (ends - begins) / SLICES
    powers_w = [power_at(begins + (number + 0.5) * share) for number in range(SLICES)]
    if min(powers_w) <= 0.0:
        return NEVER_S
    return sum(share * vehicle.capacity_wh * 3_600.0 / power_w for power_w in powers_w)

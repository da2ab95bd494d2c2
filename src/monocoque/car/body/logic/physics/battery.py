"""The battery: voltage, current, heat, what it can give and take, and how it ages.

Equations: a voltage source behind a resistance (Plett, Battery Management Systems, volume 1,
chapter 2). The resistance follows Arrhenius over the temperature. Ageing: what time takes grows
with its square root, as a layer that hinders its own growth (SEI), and with warmth after Arrhenius,
with the activation energy of Schmalstieg and others (Journal of Power Sources 257, 2014); what use
takes grows with the energy that passed.

Rules:

* current and power are positive when the battery gives;
* the charge is a share (0 to 1) of what the battery holds at its age, counted in energy before the
  losses inside, so that nothing is lost but heat;
* ageing goes on from what was lost, and not from a date, so that steps of any length agree.

Left out on purpose: diffusion, hysteresis, differences between cells, and the small change of
energy per ampere-hour with the temperature.
"""

from collections.abc import Callable
from typing import Final

from monocoque.car.body.logic.physics.amounts import (
    Amount,
    between,
    exponential,
    least,
    most,
    root,
)
from monocoque.car.body.logic.physics.vehicle import Vehicle

KELVIN: Final = 273.15
REFERENCE_K: Final = 298.15
RESISTANCE_K: Final = 2_400.0
"""Activation energy of the resistance over the gas constant: three times as much at -10 °C."""
RESISTANCE_OF_AGE: Final = 3.0
"""By so many times what was lost of the capacity, the resistance has grown."""
CALENDAR_K: Final = 6_976.0
"""Activation energy of ageing at rest over the gas constant (Schmalstieg and others)."""
CALENDAR_PER_ROOT_YEAR: Final = 0.022
"""A battery that is half full at 25 °C loses so much in its first year."""
CYCLE_PER_FULL: Final = 0.00006
"""And so much in each cycle from full to empty and back."""
YEAR_S: Final = 365.25 * 86_400.0
HOLDS_C: Final = 3.0
"""It gives so many times its capacity in an hour, when it is warm and not empty."""
TAKES_C: Final = 2.2
"""And takes so many times, when it is warm and not full."""
TAPERS_FROM: Final = 0.5
"""Fuller than that, it takes less and less."""
COLDEST_CELSIUS: Final = -20.0
"""At this temperature it takes next to nothing: lithium would plate."""
WARM_CELSIUS: Final = 25.0
HOT_CELSIUS: Final = 45.0
HOTTEST_CELSIUS: Final = 60.0
LEAST_SHARE: Final = 0.02
GAUSS: Final = ((0.112_702, 5 / 18), (0.5, 8 / 18), (0.887_298, 5 / 18))
"""Shares of a time, and how much of it each of them stands for."""


def open_circuit_v(vehicle: Vehicle, charge: Amount) -> Amount:
    """The voltage without a current: flat in the middle, steep where it is nearly empty."""
    cell_v = 3.45 + 0.72 * charge - 0.45 * exponential(-20.0 * charge)
    return vehicle.cells_in_series * cell_v


def resistance_ohm(vehicle: Vehicle, celsius: Amount, health: Amount) -> Amount:
    """Of the whole battery; more when it is cold, and more when it is old."""
    cold = exponential(RESISTANCE_K * (1.0 / (celsius + KELVIN) - 1.0 / REFERENCE_K))
    return vehicle.resistance_ohm * cold * (1.0 + RESISTANCE_OF_AGE * (1.0 - health))


def current_a(open_v: Amount, ohm: Amount, power_w: Amount) -> Amount:
    """The current for this power at the poles.

    The smaller solution of P = U I - R I^2. Where the battery cannot give the power, the current is
    the one with which it gives most.
    """
    inside = open_v * open_v - 4.0 * ohm * power_w
    return (open_v - root(most(inside, 0.0))) / (2.0 * ohm)


def heat_w(ohm: Amount, current: Amount) -> Amount:
    """What the current turns into heat."""
    return ohm * current * current


def discharge_w_max(vehicle: Vehicle, charge: Amount, celsius: Amount) -> Amount:
    """What it can give: less when it is nearly empty, and less when it is cold or too hot."""
    empty = between(charge / 0.1, 0.0, 1.0)
    return HOLDS_C * vehicle.capacity_wh * empty * most(_warmth(celsius), 0.25 * empty)


def charge_w_max(vehicle: Vehicle, charge: Amount, celsius: Amount) -> Amount:
    """What it can take: less the fuller it is, and less when it is cold or too hot."""
    full = between((1.0 - charge) / (1.0 - TAPERS_FROM), 0.0, 1.0)
    return TAKES_C * vehicle.capacity_wh * full * _warmth(celsius)


def charge_after(
    vehicle: Vehicle, charge: Amount, health: Amount, inside_w: Amount, elapsed_s: Amount
) -> Amount:
    """The charge after this power before the losses inside (open voltage times current)."""
    given = inside_w * elapsed_s / 3_600.0 / (vehicle.capacity_wh * health)
    return between(charge - given, 0.0, 1.0)


def temperature_after(
    vehicle: Vehicle, celsius: Amount, outside_celsius: Amount, heat: Amount, elapsed_s: Amount
) -> Amount:
    """The battery's temperature after so long with this heat (W); exact while both stay."""
    heading = outside_celsius + heat / vehicle.battery_loss_w_per_k
    lasting_s = vehicle.battery_heat_j_per_k / vehicle.battery_loss_w_per_k
    return heading + (celsius - heading) * exponential(-elapsed_s / lasting_s)


def calendar_loss_after(loss: Amount, charge: Amount, celsius: Amount, elapsed_s: Amount) -> Amount:
    """What time has taken of the capacity, after so long at this charge and temperature."""
    warm = exponential(CALENDAR_K * (1.0 / REFERENCE_K - 1.0 / (celsius + KELVIN)))
    rate = CALENDAR_PER_ROOT_YEAR * warm * (0.5 + charge)
    return root(loss * loss + rate * rate * elapsed_s / YEAR_S)


def calendar_loss_over(
    loss: float,
    charge: tuple[float, float],
    celsius_at: Callable[[float], Amount],
    elapsed_s: float,
) -> Amount:
    """The same, over a long time in which charge and temperature change.

    charge: at its beginning and its end, even in between. celsius_at: the temperature at a share of
    the time. Gauss and Legendre's rule with three points (Abramowitz and Stegun, 25.4.30).
    """
    squared = 0.0
    for share, weight in GAUSS:
        there = charge[0] + (charge[1] - charge[0]) * share
        after = calendar_loss_after(0.0, there, celsius_at(share), elapsed_s * weight)
        squared += float(after) ** 2
    return root(loss * loss + squared)


def cycle_loss_after(vehicle: Vehicle, loss: Amount, passed_wh: Amount) -> Amount:
    """What use has taken of the capacity, after so much energy in or out."""
    return loss + CYCLE_PER_FULL * passed_wh / (2.0 * vehicle.capacity_wh)


def health_of(calendar_loss: Amount, cycle_loss: Amount) -> Amount:
    """What is left of the capacity, as a share."""
    return most(1.0 - calendar_loss - cycle_loss, 0.0)


def _warmth(celsius: Amount) -> Amount:
    """How much of its power the battery has at this temperature."""
    cold = (celsius - COLDEST_CELSIUS) / (WARM_CELSIUS - COLDEST_CELSIUS)
    hot = (HOTTEST_CELSIUS - celsius) / (HOTTEST_CELSIUS - HOT_CELSIUS)
    return between(least(cold, hot), LEAST_SHARE, 1.0)

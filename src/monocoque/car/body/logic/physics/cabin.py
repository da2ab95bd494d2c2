"""The cabin: how warm it becomes, and what that costs.

Equations: the heat balance of one lump of air, seats and panels (as FASTSim's "lumped cabin"): what
the climate adds, what the sun and people add, less what glass, sheets and fresh air let go. The
climate heats in proportion to what is missing, on top of what holds the target, up to its most. A
target that it cannot hold is the nearest that it can. So the course has two parts at most, first a
climate that does what it can and then one that holds back, and each is an exponential: any length
of step is exact.

Rules: heat is positive into the cabin. Electric power is heat over the coefficient of performance
(COP): a heat pump's, a share of Carnot's, or that of a plain heater (PTC) when it is too cold.

Left out on purpose: moisture, the windows' fog, and zones.
"""

from dataclasses import dataclass
from typing import Final

from monocoque.car.body.logic.physics.amounts import (
    Amount,
    Truth,
    between,
    choose,
    exponential,
    least,
    logarithm,
    most,
)
from monocoque.car.body.logic.physics.vehicle import Vehicle

KELVIN: Final = 273.15
AIR_J_PER_KG_K: Final = 1_005.0
PERSON_W: Final = 100.0
CONTROL_W_PER_K: Final = 2_000.0
"""The climate gives so much for each kelvin that is missing."""
CARNOT_SHARE: Final = 0.35
"""A heat pump of a car reaches so much of the ideal."""
PTC_BELOW_CELSIUS: Final = -10.0
COP_MAX: Final = 4.5
SMALLEST: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Air:
    """What the cabin meets, and what is wanted of it."""

    outside_celsius: Amount
    climate_on: Truth
    target_celsius: Amount
    sun_w_per_m2: Amount = 0.0
    people: Amount = 0.0
    recirculated: Amount = 0.7
    """The share of the air that is not fresh."""


@dataclass(frozen=True, slots=True)
class Warmed:
    """How the cabin is after a step, and what the climate gave in it."""

    celsius: Amount
    heat_j: Amount
    """Into the cabin; negative when cooled."""
    electric_j: Amount
    """What heating, cooling and fan took."""


def cop(vehicle_celsius: Amount, outside_celsius: Amount) -> Amount:
    """Heat for each watt, between the air outside and a cabin of this temperature."""
    lift_k = most(abs(vehicle_celsius - outside_celsius), 1.0) + 10.0
    pump = between(CARNOT_SHARE * (vehicle_celsius + KELVIN) / lift_k, 1.0, COP_MAX)
    return choose(outside_celsius < PTC_BELOW_CELSIUS, 1.0, pump)


def loss_w_per_k(vehicle: Vehicle, air: Air) -> Amount:
    """What goes out for each kelvin: through the sheets, and with the fresh air of the fan."""
    fresh_kg_per_s = vehicle.fan_kg_per_s * (1.0 - air.recirculated)
    return vehicle.cabin_loss_w_per_k + choose(air.climate_on, fresh_kg_per_s * AIR_J_PER_KG_K, 0.0)


def gains_w(vehicle: Vehicle, air: Air) -> Amount:
    """What the sun and people bring."""
    return vehicle.cabin_glass_m2 * air.sun_w_per_m2 + PERSON_W * air.people


def holding_w(vehicle: Vehicle, air: Air) -> Amount:
    """The heat that holds the target, as far as the climate can; nothing when it is off."""
    needed = loss_w_per_k(vehicle, air) * (air.target_celsius - air.outside_celsius)
    wanted = between(needed - gains_w(vehicle, air), -vehicle.cooling_w_max, vehicle.heating_w_max)
    return choose(air.climate_on, wanted, 0.0)


def electric_w(vehicle: Vehicle, air: Air) -> Amount:
    """What the climate takes in the long run."""
    took_w = abs(holding_w(vehicle, air)) / cop(air.target_celsius, air.outside_celsius)
    return took_w + choose(air.climate_on, vehicle.fan_w, 0.0)


def warm(vehicle: Vehicle, celsius: Amount, air: Air, elapsed_s: Amount) -> Warmed:
    """The cabin after so long of the same air and wishes."""
    loss, gains = loss_w_per_k(vehicle, air), gains_w(vehicle, air)
    if air.climate_on is False:  # one car, most of whose life is this
        heading = air.outside_celsius + gains / loss
        lasting_s = vehicle.cabin_heat_j_per_k / loss
        return Warmed(heading + (celsius - heading) * exponential(-elapsed_s / lasting_s), 0.0, 0.0)
    target = between(
        air.target_celsius,
        air.outside_celsius + (gains - vehicle.cooling_w_max) / loss,
        air.outside_celsius + (gains + vehicle.heating_w_max) / loss,
    )
    feed_w = loss * (target - air.outside_celsius) - gains
    # Beyond these temperatures the climate does what it can.
    coldest = target - (vehicle.heating_w_max - feed_w) / CONTROL_W_PER_K
    hottest = target + (vehicle.cooling_w_max + feed_w) / CONTROL_W_PER_K
    is_cold, is_hot = celsius < coldest, celsius > hottest
    full_w = choose(is_cold, vehicle.heating_w_max, choose(is_hot, -vehicle.cooling_w_max, 0.0))
    full_w = choose(air.climate_on, full_w, 0.0)
    border = choose(is_cold, coldest, hottest)
    # First part: full power, or a climate that is off.
    heading = air.outside_celsius + (gains + full_w) / loss
    lasting_s = vehicle.cabin_heat_j_per_k / loss
    full_s = choose(is_cold | is_hot, _reaches_s(celsius, heading, border, lasting_s), 0.0)
    full_s = least(choose(air.climate_on, full_s, elapsed_s), elapsed_s)
    between_celsius = heading + (celsius - heading) * exponential(-full_s / lasting_s)
    # Second part: it holds back, and the target is where it comes to rest.
    rest_s = elapsed_s - full_s
    settling_s = vehicle.cabin_heat_j_per_k / (loss + CONTROL_W_PER_K)
    left = (between_celsius - target) * exponential(-rest_s / settling_s)
    after = choose(rest_s > 0.0, target + left, between_celsius)
    missing_k_s = (target - between_celsius + left) * settling_s
    full_j = full_w * full_s
    held_j = feed_w * rest_s + CONTROL_W_PER_K * missing_k_s
    electric_j = (abs(full_j) + abs(held_j)) / cop(air.target_celsius, air.outside_celsius)
    fan_j = choose(air.climate_on, vehicle.fan_w, 0.0) * elapsed_s
    return Warmed(after, full_j + held_j, electric_j + fan_j)


def _reaches_s(celsius: Amount, heading: Amount, border: Amount, lasting_s: Amount) -> Amount:
    """When an exponential reaches the border; after more than any step when it never does."""
    share = (celsius - heading) / choose(
        abs(border - heading) < SMALLEST, SMALLEST, border - heading
    )
    return choose(share > 1.0, lasting_s * logarithm(most(share, SMALLEST)), float("inf"))

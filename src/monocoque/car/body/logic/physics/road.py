"""The road: what force a car needs to move as it does, and what that costs its battery.

The road load equation of the textbooks (Guzzella and Sciarretta, Vehicle Propulsion Systems, 3rd
edition, section 2.1): drag, rolling resistance, slope, and the inertia of the car and its wheels.

Rules: a force and a power are positive when the car is driven and negative when it is braked; a
car that stands needs none, however steep, since its brakes hold it.

Left out on purpose: wind, curves, slip, and the warming up of tyres and oil.
"""

from typing import Final

from monocoque.car.body.logic.physics.amounts import Amount, choose, exponential, least, most
from monocoque.car.body.logic.physics.vehicle import Vehicle

GRAVITY_M_PER_S2: Final = 9.81
AIR_KG_PER_M3: Final = 1.2
"""Dry air at 20 °C and sea level."""


def load_n(vehicle: Vehicle, speed_m_per_s: Amount, gain_m_per_s2: Amount, slope: Amount) -> Amount:
    """The force at the wheels.

    gain_m_per_s2: how fast the speed grows. slope: height over way, taken for the angle's sine, and
    its cosine for 1; on the steepest road (25 %) both are 3 % less.
    """
    weight_n = vehicle.mass_kg * GRAVITY_M_PER_S2
    drag_n = 0.5 * AIR_KG_PER_M3 * vehicle.drag_area_m2 * speed_m_per_s * speed_m_per_s
    rolling_n = weight_n * vehicle.rolling_coefficient
    inertia_n = (vehicle.mass_kg + vehicle.rotating_mass_kg) * gain_m_per_s2
    return drag_n + rolling_n + weight_n * slope + inertia_n


def wheel_w(
    vehicle: Vehicle, speed_m_per_s: Amount, gain_m_per_s2: Amount, slope: Amount
) -> Amount:
    """The power at the wheels."""
    return load_n(vehicle, speed_m_per_s, gain_m_per_s2, slope) * speed_m_per_s


def motor_efficiency(vehicle: Vehicle, shaft_w: Amount) -> Amount:
    """Of motor and inverter, by the load: it rises steeply, and is flat from a fifth on."""
    load = shaft_w / vehicle.motor_w_max
    gap = vehicle.motor_efficiency_high - vehicle.motor_efficiency_low
    return vehicle.motor_efficiency_high - gap * exponential(-load / vehicle.motor_load_knee)


def drive_w(vehicle: Vehicle, wheels_w: Amount) -> Amount:
    """What the battery gives to the motor for this power at the wheels; negative when it takes.

    What braking yields is less than what it takes, by gear and motor; what the motor cannot take,
    the brakes turn into heat.
    """
    driven_w = most(wheels_w, 0.0) / vehicle.gear_efficiency
    braked_w = least(most(-wheels_w, 0.0), vehicle.regeneration_w_max) * vehicle.gear_efficiency
    efficiency = motor_efficiency(vehicle, driven_w + braked_w)
    return choose(wheels_w > 0.0, driven_w / efficiency, -braked_w * efficiency)

"""What a kind of car is by its making: every number that the formulas need.

Rules: a number is what a data sheet, a publication or a measurement says, and never what would make
a test agree; the comments say which.

Left out on purpose: what changes while a car lives, which is its condition (condition.py).
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One kind of car."""

    mass_kg: float
    rotating_mass_kg: float
    """What the wheels add when the car gathers speed: their inertia over the radius squared."""
    drag_area_m2: float
    """Drag coefficient times frontal area."""
    rolling_coefficient: float
    gear_efficiency: float
    motor_w_max: float
    """At the shaft."""
    motor_efficiency_low: float
    """Of motor and inverter at hardly any load."""
    motor_efficiency_high: float
    """The same at much load."""
    motor_load_knee: float
    """With so much of its full load, the motor has 63 % of what lies between these two."""
    regeneration_w_max: float
    """At the wheels; what has to be braked beyond it, the brakes do."""
    auxiliary_w: float
    """Computers, pumps and lamps of a car that drives."""
    capacity_wh: float
    """What a new battery gives from full to empty."""
    cells_in_series: int
    resistance_ohm: float
    """Of a new battery at 25 °C."""
    battery_heat_j_per_k: float
    battery_loss_w_per_k: float
    """What the battery loses to the air around, for each kelvin."""
    ac_w_max: float
    """Of the on-board charger, at the plug."""
    ac_efficiency: float
    dc_w_max: float
    dc_efficiency: float
    cabin_heat_j_per_k: float
    """Of the air, and of the seats and panels that warm up with it."""
    cabin_loss_w_per_k: float
    """Through glass and sheets, with every vent shut."""
    cabin_glass_m2: float
    """How much of the sun's light comes in, as an area."""
    heating_w_max: float
    cooling_w_max: float
    fan_kg_per_s: float
    """Air that the fan moves."""
    fan_w: float
    low_voltage_ah: float
    standby_a: float
    """What a parked car draws from the 12 V battery."""
    tyre_kpa: float
    """Gauge pressure when filled, at 20 °C."""


ARDEN_7: Final = Vehicle(
    mass_kg=2_050.0,
    rotating_mass_kg=38.0,
    drag_area_m2=0.62,
    rolling_coefficient=0.009,
    gear_efficiency=0.97,
    motor_w_max=210_000.0,
    motor_efficiency_low=0.80,
    motor_efficiency_high=0.95,
    motor_load_knee=0.07,
    regeneration_w_max=100_000.0,
    auxiliary_w=420.0,
    capacity_wh=77_000.0,
    cells_in_series=108,
    resistance_ohm=0.075,
    battery_heat_j_per_k=480_000.0,
    battery_loss_w_per_k=9.0,
    ac_w_max=11_000.0,
    ac_efficiency=0.92,
    dc_w_max=170_000.0,
    dc_efficiency=0.97,
    cabin_heat_j_per_k=150_000.0,
    cabin_loss_w_per_k=70.0,
    cabin_glass_m2=1.6,
    heating_w_max=6_000.0,
    cooling_w_max=5_000.0,
    fan_kg_per_s=0.06,
    fan_w=120.0,
    low_voltage_ah=50.0,
    standby_a=0.03,
    tyre_kpa=260.0,
)
"""The car of the programme. It is fictitious, and so are its numbers; all are common today."""

MODEL_3: Final = Vehicle(
    # Tesla's data sheet of the Model 3 RWD of 2022: 1,752 kg at the kerb, drag coefficient 0.23.
    mass_kg=1_752.0,
    # FASTSim's vehicle file: 4 wheels of 0.815 kg m2 with a radius of 0.334 m.
    rotating_mass_kg=4 * 0.815 / 0.33435**2,
    # Frontal area 2.22 m2 (FASTSim's vehicle file).
    drag_area_m2=0.23 * 2.22,
    # The European tyre label's class A has 0.0065 at most, class B 0.0077; FASTSim: 0.007.
    rolling_coefficient=0.007,
    # One step of helical gears and a differential: 1 % for each mesh; FASTSim: 0.98.
    gear_efficiency=0.98,
    motor_w_max=239_000.0,
    # A curve through the usual map of a motor with its inverter, as published with FASTSim (Brooker
    # and others, SAE 2015-01-0973): 84 % at no load, 88 % at 4 %, 92 % at 10 %, 95 % from 40 % on.
    motor_efficiency_low=0.84,
    motor_efficiency_high=0.95,
    motor_load_knee=0.07,
    regeneration_w_max=85_000.0,
    # FASTSim's vehicle file.
    auxiliary_w=250.0,
    # 54 kWh in FASTSim's vehicle file. Iron phosphate has a flatter and lower voltage than our
    # curve; that changes only what the battery loses inside.
    capacity_wh=54_000.0,
    cells_in_series=106,
    resistance_ohm=0.09,
    battery_heat_j_per_k=400_000.0,
    battery_loss_w_per_k=9.0,
    ac_w_max=11_000.0,
    ac_efficiency=0.92,
    dc_w_max=170_000.0,
    dc_efficiency=0.97,
    cabin_heat_j_per_k=130_000.0,
    cabin_loss_w_per_k=65.0,
    cabin_glass_m2=1.8,
    heating_w_max=6_000.0,
    cooling_w_max=5_000.0,
    fan_kg_per_s=0.06,
    fan_w=120.0,
    low_voltage_ah=33.0,
    standby_a=0.03,
    tyre_kpa=290.0,
)
"""A Tesla Model 3 out of public data, for comparing with other people's models."""

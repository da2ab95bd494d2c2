"""Tyres: their pressure over temperature, and the air that every tyre loses.

Equations: the ideal gas at a constant volume (Gay-Lussac), and a leak in proportion to the
pressure, thus exponential. Left out on purpose: load, wear and bursts.
"""

from typing import Final

from monocoque.car.body.logic.physics.amounts import Amount, exponential

KELVIN: Final = 273.15
FILLED_CELSIUS: Final = 20.0
ATMOSPHERE_KPA: Final = 101.325
LEAK_PER_MONTH: Final = 0.015
"""A sound tyre loses one to two per cent of its air in a month."""
MONTH_S: Final = 30.4 * 86_400.0
WARMING_K_AT_SPEED: Final = 18.0
FAST_M_PER_S: Final = 30.0


def air_after(filled_kpa: Amount, leak_per_month: Amount, elapsed_s: Amount) -> Amount:
    """What a gauge would show at 20 °C after so long."""
    absolute = (filled_kpa + ATMOSPHERE_KPA) * exponential(-leak_per_month * elapsed_s / MONTH_S)
    return absolute - ATMOSPHERE_KPA


def temperature_celsius(outside_celsius: Amount, speed_m_per_s: Amount) -> Amount:
    """Of the air in a tyre that has rolled at this speed for a while."""
    return outside_celsius + WARMING_K_AT_SPEED * speed_m_per_s / FAST_M_PER_S


def pressure_kpa(filled_kpa: Amount, celsius: Amount) -> Amount:
    """What a gauge shows at this temperature of the air inside."""
    absolute = (filled_kpa + ATMOSPHERE_KPA) * (celsius + KELVIN) / (FILLED_CELSIUS + KELVIN)
    return absolute - ATMOSPHERE_KPA

"""What instruments read off a body: electric values, times, pressures.

Rules: power and current are positive while the battery is charged, as in the catalogue of signals;
values are rounded to what an instrument shows, so that a drift nobody sees is no news. A climate
that is on counts with what it takes in the long run.

Equations: those of ``physics``. Left out on purpose: noise and errors of sensors.
"""

from typing import Final

from monocoque.car.body.logic import Body, flow
from monocoque.car.body.logic.drives import gain_m_per_s2
from monocoque.car.body.logic.physics import battery, cabin, low_voltage, tyres
from monocoque.car.body.logic.physics.vehicle import ARDEN_7

SECONDS_PER_HOUR: Final = 3_600.0
TIME_TO_FULL_STEP_S: Final = 60
NEVER_S: Final = 4_294_967_295
"""The largest number of the signal: charging does not come to its end."""


def battery_w(body: Body) -> float:
    """At the battery's poles, in whole watts."""
    return float(round(_battery_w(body)))


def battery_a(body: Body) -> float:
    """The battery's current."""
    return round(-_current_a(body), 1)


def battery_v(body: Body) -> float:
    """The voltage at the battery's poles: it gives way under load."""
    open_v = battery.open_circuit_v(ARDEN_7, body.charge_percent / 100)
    return float(round(open_v - _ohm(body) * _current_a(body), 1))


def battery_celsius(body: Body) -> float:
    """How warm the battery is."""
    return round(body.battery_celsius, 1)


def energy_kwh(body: Body) -> float:
    """What the battery holds."""
    return round(body.charge_percent / 100 * ARDEN_7.capacity_wh * body.health / 1_000, 2)


def health_percent(body: Body) -> float:
    """What is left of the battery's capacity."""
    return round(body.health * 100, 2)


def charge_w(body: Body) -> float:
    """What comes in at the plug's end of the battery; 0 when nothing does."""
    return float(round(flow.outlet_w(body.battery_celsius))) if body.is_charging else 0.0


def time_to_full_s(body: Body) -> int:
    """Until charging ends, to the minute; 0 when the car does not charge."""
    if not body.is_charging:
        return 0
    comes_w = _battery_w(body)
    if comes_w <= 0.0:
        return NEVER_S
    missing_wh = (body.charge_limit_percent - body.charge_percent) / 100 * ARDEN_7.capacity_wh
    stored_w = flow.stored_w(comes_w, body.battery_celsius)
    lasts_s = missing_wh * body.health / stored_w * SECONDS_PER_HOUR
    return max(1, round(lasts_s / TIME_TO_FULL_STEP_S)) * TIME_TO_FULL_STEP_S


def low_voltage_v(body: Body) -> float:
    """At the poles of the 12 V battery."""
    return float(round(low_voltage.volts(body.low_voltage, body.is_supplied), 2))


def tyre_kpa(body: Body, number: int) -> int:
    """What a gauge shows at a tyre: front left, front right, rear left, rear right."""
    celsius = tyres.temperature_celsius(body.outside_celsius, body.speed_m_per_s)
    shown: float = tyres.pressure_kpa(body.tyres_kpa[number], celsius)
    return round(shown)


def _battery_w(body: Body) -> float:
    climate_w = float(cabin.electric_w(ARDEN_7, body.cabin_air)) if body.climate_on else 0.0
    if body.drive is not None:
        gain = gain_m_per_s2(body.drive, body.at_us)
        return -(
            flow.moving_w(body.speed_m_per_s, gain, body.slope) + ARDEN_7.auxiliary_w + climate_w
        )
    if body.is_charging:
        return flow.outlet_w(body.battery_celsius) - climate_w
    return 0.0 if body.plugged else -climate_w


def _current_a(body: Body) -> float:
    """Positive while the battery gives."""
    open_v = battery.open_circuit_v(ARDEN_7, body.charge_percent / 100)
    return float(battery.current_a(open_v, _ohm(body), -_battery_w(body)))


def _ohm(body: Body) -> float:
    return float(battery.resistance_ohm(ARDEN_7, body.battery_celsius, body.health))

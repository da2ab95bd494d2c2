"""What instruments read off a body: electric values, times, pressures.

Rules: power and current are positive while the battery is charged, as in the catalogue of signals;
values are rounded to what an instrument shows, so that a drift nobody sees is no news. A climate
that is on counts with what it takes in the long run.

Equations: those of ``physics``. Left out on purpose: noise and errors of sensors.
"""

from typing import Final

from monocoque.car.body.logic import Body, flow, stations
from monocoque.car.body.logic.drives import gain_m_per_s2
from monocoque.car.body.logic.physics import battery, cabin, low_voltage, tyres
from monocoque.car.body.logic.physics.vehicle import ARDEN_7
from monocoque.car.body.logic.state import RANGE_KM_PER_PERCENT

TIME_TO_FULL_STEP_S: Final = 60
NEVER_S: Final = 4_294_967_295
"""The largest number of the signal: charging does not come to its end."""
LASTS_S_MAX: Final = 30 * 86_400.0
"""What would take longer is not going to end."""
PHASE_V: Final = 230.0
SINGLE_PHASE_W_MAX: Final = 7_400.0
"""What an outlet gives with one phase (230 V, 32 A)."""


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


def outside_celsius(body: Body) -> float:
    """How warm the air outside is."""
    return round(body.outside_celsius, 1)


def energy_kwh(body: Body) -> float:
    """What the battery holds."""
    return round(body.charge_percent / 100 * ARDEN_7.capacity_wh * body.health / 1_000, 2)


def health_percent(body: Body) -> float:
    """What is left of the battery's capacity."""
    return round(body.health * 100, 2)


def charge_w(body: Body) -> float:
    """What comes to the battery's poles from the station; 0 when nothing does."""
    return float(round(_station_w(body)))


def charge_dc_a(body: Body) -> float:
    """The current from a fast charger, for battery, climate and what warms or cools the battery."""
    if not body.station.is_fast:
        return 0.0
    return round((_drawn_w(body) + _conditioning_w(body)) / battery_v(body), 1)


def charge_dc_v(body: Body) -> float:
    """The voltage of a fast charger that gives; 0 otherwise."""
    return battery_v(body) if _is_live(body) and body.station.is_fast else 0.0


def charge_ac_a(body: Body, phase: int) -> float:
    """The current on a phase (1 to 3) of the outlet, for battery and climate.

    A weak outlet has only the first.
    """
    if body.station.is_fast or phase > _phases(body):
        return 0.0
    return round(_plug_w(body) / _phases(body) / PHASE_V, 1)


def charge_ac_v(body: Body, phase: int) -> float:
    """The voltage on a phase (1 to 3) of the outlet that gives; 0 otherwise."""
    has_phase = not body.station.is_fast and phase <= _phases(body)
    return PHASE_V if has_phase and _is_live(body) else 0.0


def charge_dc_a_max(body: Body) -> float:
    """What the battery would take from any fast charger, full and warm as it is."""
    charge, celsius = body.charge_percent / 100, body.battery_celsius
    most_w = stations.taken_w_max(stations.Station(stations.DC), charge, celsius)
    open_v = battery.open_circuit_v(ARDEN_7, charge)
    return float(round(min(most_w, ARDEN_7.dc_w_max * ARDEN_7.dc_efficiency) / open_v))


def charge_km_per_h(body: Body) -> float:
    """How fast range is gained."""
    percent_per_h = _station_w(body) / body.capacity_wh * 100
    return round(percent_per_h * RANGE_KM_PER_PERCENT * body.health, 1)


def charge_loss_w(body: Body) -> float:
    """What charger and battery turn into heat."""
    comes_w = _station_w(body)
    lost_w = comes_w - flow.stored_w(comes_w, body.battery_celsius)
    return float(round(_plug_w(body) - _drawn_w(body) + lost_w))


def time_to_full_s(body: Body) -> int:
    """Until charging ends, to the minute; 0 when the car does not charge."""
    if not body.is_charging:
        return 0
    begins, limit = body.charge_percent / 100, body.charge_limit_percent / 100
    lasts_s = stations.lasts_s(
        body.station, begins, limit, body.capacity_wh,
        body.battery_celsius, body.outside_celsius, _climate_w(body),
    )  # fmt: skip
    if lasts_s > LASTS_S_MAX:
        return NEVER_S
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
    """Positive while it is charged; a full one takes nothing back, an empty one gives nothing."""
    comes_w = _wanted_w(body)
    if body.drive is not None and body.charge_percent >= 100.0:
        comes_w = min(0.0, comes_w)
    return max(0.0, comes_w) if body.charge_percent <= 0.0 else comes_w


def _wanted_w(body: Body) -> float:
    """The same of one that can give and take everything."""
    if body.drive is not None:
        gain = gain_m_per_s2(body.drive, body.at_us)
        moving_w = flow.moving_w(body.speed_m_per_s, gain, body.slope)
        return -(moving_w + ARDEN_7.auxiliary_w + _climate_w(body))
    if body.is_charging:
        return _comes_w(body)
    if body.is_unfit:
        return min(0.0, _comes_w(body))
    fed_w = stations.fed_w_max(body.station) if body.is_fed else 0.0
    return min(0.0, fed_w - _climate_w(body))


def _climate_w(body: Body) -> float:
    return float(cabin.electric_w(ARDEN_7, body.cabin_air)) if body.climate_on else 0.0


def _comes_w(body: Body) -> float:
    """From the station to the battery; negative when the climate takes more."""
    charge, celsius = body.charge_percent / 100, body.battery_celsius
    return stations.poles_w(body.station, charge, celsius, _climate_w(body))


def _station_w(body: Body) -> float:
    """What comes to the battery's poles; 0 when nothing does."""
    return max(0.0, _comes_w(body)) if body.is_charging else 0.0


def _drawn_w(body: Body) -> float:
    """What the station gives to battery and climate, behind the charger."""
    if not body.is_fed:
        return 0.0
    if not body.is_charging and not body.is_unfit:
        return min(stations.fed_w_max(body.station), _climate_w(body))
    charge, celsius = body.charge_percent / 100, body.battery_celsius
    most_w = stations.taken_w_max(body.station, charge, celsius)
    return min(stations.offered_w(body.station, celsius), _climate_w(body) + most_w)


def _plug_w(body: Body) -> float:
    """The same at the plug, before the charger's losses."""
    efficiency = ARDEN_7.dc_efficiency if body.station.is_fast else ARDEN_7.ac_efficiency
    return _drawn_w(body) / efficiency


def _conditioning_w(body: Body) -> float:
    """What warms or cools the battery takes of a fast charger."""
    if not body.is_charging and not body.is_unfit:
        return 0.0
    return stations.conditioning_electric_w(body.station, body.battery_celsius)


def _is_live(body: Body) -> bool:
    """Whether the station gives, or is ready to."""
    return body.is_charging or body.is_unfit or _drawn_w(body) > 0.0


def _phases(body: Body) -> int:
    return 1 if body.station.power_w <= SINGLE_PHASE_W_MAX else 3


def _current_a(body: Body) -> float:
    """Positive while the battery gives."""
    open_v = battery.open_circuit_v(ARDEN_7, body.charge_percent / 100)
    return float(battery.current_a(open_v, _ohm(body), -_battery_w(body)))


def _ohm(body: Body) -> float:
    return float(battery.resistance_ohm(ARDEN_7, body.battery_celsius, body.health))

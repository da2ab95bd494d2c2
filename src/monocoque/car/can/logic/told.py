"""The body as the bus tells it, for the guard: what the bus brings counts more than our record.

Rules:

* a value that was heard takes the place of what the record of the virtual body says of it; of what
  the mapping does not carry, the record counts;
* whatever the bus leaves open is taken for the worse: a car of which it is only said that it moves
  is fast, and one that backs up moves;
* a station is a fast one when the bus shows its voltage at the inlet.

Left out on purpose: how old a value is, which the gateway judges; and what kind of station a plug
leads to before that is live, which no signal says: the record counts then.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from monocoque.car.body.logic import Body
from monocoque.car.body.logic.deeds import reach
from monocoque.car.body.logic.stations import DC, Station
from monocoque.car.signals.logic.embodied import ACTUATION_OF
from monocoque.contracts.signals import (
    CABIN_TEMPERATURE,
    CHARGE,
    IS_CABLE_CONNECTED,
    IS_CHARGING,
    IS_MOVING,
    SELECTED_GEAR,
    SIGNALS,
    SPEED,
    Signal,
    Value,
)

PARK: Final = 126
LIVE_V_MIN: Final = 60.0
"""From here on a voltage is dangerous (ISO 6469-3, class B), and no error of a meter."""
KMH_PER_M_PER_S: Final = 3.6
_BY_PATH: Final = {signal.path: signal for signal in SIGNALS}
BATTERY_TEMPERATURE: Final = _BY_PATH["Vehicle.Powertrain.TractionBattery.Temperature.Average"]
DC_VOLTAGE: Final = _BY_PATH["Vehicle.Powertrain.TractionBattery.Charging.ChargeVoltage.DC"]
_OF_FIELDS: Final[Mapping[int, str]] = {
    CHARGE.number: "charge_percent",
    IS_CABLE_CONNECTED.number: "plugged",
    CABIN_TEMPERATURE.number: "cabin_celsius",
    BATTERY_TEMPERATURE.number: "battery_celsius",
}
"""Signals that are a field of the body as they are."""
_OWN: Final[Mapping[int, Signal]] = {
    **{number: actuation.signal for number, actuation in ACTUATION_OF.items()},
    **{
        signal.number: signal
        for signal in (
            SPEED, IS_MOVING, SELECTED_GEAR, CHARGE, IS_CHARGING, IS_CABLE_CONNECTED,
            CABIN_TEMPERATURE, BATTERY_TEMPERATURE, DC_VOLTAGE,
        )
    },
}  # fmt: skip
"""Signals by which the guard may judge."""


@dataclass(frozen=True, slots=True)
class ToldBody(Body):
    """A body of which somebody else tells how it moves and charges."""

    told_speed_m_per_s: float = 0.0
    told_gear: str = "park"
    told_charging: bool = False

    @property
    def speed_m_per_s(self) -> float:
        """See Body."""
        return self.told_speed_m_per_s

    @property
    def gear(self) -> str:
        """See Body."""
        return self.told_gear

    @property
    def is_charging(self) -> bool:
        """See Body."""
        return self.told_charging


def judged_by(signals: Iterable[Signal]) -> frozenset[int]:
    """Which of these the guard judges by; not what another catalogue has otherwise."""
    own = {number: (each.path, each.data_type) for number, each in _OWN.items()}
    return frozenset(s.number for s in signals if own.get(s.number) == (s.path, s.data_type))


def as_told(body: Body, told: Mapping[int, Value]) -> Body:
    """The body, as it is by these values; each is of a signal that the guard judges by."""
    reached: dict[str, int | bool] = {}
    for number, value in told.items():
        if number in ACTUATION_OF:
            reached |= ACTUATION_OF[number].target(value)
    fields: dict[str, Any] = {
        name: told[number] for number, name in _OF_FIELDS.items() if number in told
    }
    if _is_live(told.get(DC_VOLTAGE.number)) and not body.station.is_fast:
        fields["station"] = Station(DC)
    seen = replace(reach(body, reached), **fields)
    return ToldBody(
        **{field.name: getattr(seen, field.name) for field in dataclasses.fields(Body)},
        told_speed_m_per_s=_speed_m_per_s(seen, told),
        told_gear=_gear(seen, told),
        told_charging=bool(told.get(IS_CHARGING.number, seen.is_charging)),
    )


def _is_live(volts: Value | None) -> bool:
    return isinstance(volts, int | float) and abs(volts) >= LIVE_V_MIN


def _speed_m_per_s(body: Body, told: Mapping[int, Value]) -> float:
    speed_kmh = told.get(SPEED.number)
    if isinstance(speed_kmh, int | float):
        return abs(speed_kmh) / KMH_PER_M_PER_S
    if IS_MOVING.number in told:
        return math.inf if told[IS_MOVING.number] else 0.0
    return body.speed_m_per_s


def _gear(body: Body, told: Mapping[int, Value]) -> str:
    if SELECTED_GEAR.number not in told:
        return body.gear
    return "park" if told[SELECTED_GEAR.number] == PARK else "drive"

"""The body as the bus tells it, for the guard: what the bus brings counts more than our record.

Rules:

* a value that was heard takes the place of what the record of the virtual body says of it; of what
  the mapping does not carry, the record counts;
* whatever the bus leaves open is taken for the worse: a car of which it is only said that it moves
  is fast, also with a speed of 0 beside it, and one that backs up moves;
* a station is a fast one when the bus shows its voltage at the inlet;
* a signal by which the guard judges is understood, in whatever catalogue, or it is refused.

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
from monocoque.car.can.logic.units import between
from monocoque.car.guard.logic import INTERLOCKS
from monocoque.car.signals.logic.embodied import ACTUATION_OF
from monocoque.contracts.errors import CanMappingWrong
from monocoque.contracts.signals import (
    BY_PATH,
    CABIN_TEMPERATURE,
    CHARGE,
    IS_CABLE_CONNECTED,
    IS_CHARGING,
    IS_MOVING,
    SELECTED_GEAR,
    SPEED,
    DataType,
    Signal,
    Value,
)

PARK: Final = 126
LIVE_V_MIN: Final = 60.0
"""From here on a voltage is dangerous (ISO 6469-3, class B), and no error of a meter."""
KMH_PER_M_PER_S: Final = 3.6
BATTERY_TEMPERATURE: Final = BY_PATH["Vehicle.Powertrain.TractionBattery.Temperature.Average"]
DC_VOLTAGE: Final = BY_PATH["Vehicle.Powertrain.TractionBattery.Charging.ChargeVoltage.DC"]
STILL_KMH_MAX: Final = 1.0
"""A car that moves and is no faster than this contradicts itself."""
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
_MOTION: Final[Mapping[str, tuple[Signal, ...]]] = {
    "moving": (SPEED, IS_MOVING),
    "gear": (SELECTED_GEAR,),
}
"""By the guard's reason, the signals of which one at least must say how the car moves."""
_FRACTIONS: Final = (DataType.FLOAT, DataType.DOUBLE)


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
    """Which of these the guard judges by.

    Raises CanMappingWrong for one that another catalogue has otherwise: passed over, it would leave
    the guard to the record of a virtual body.
    """
    found = {s.number: s for s in signals if s.number in _OWN and _OWN[s.number].path == s.path}
    for number, signal in found.items():
        own = _OWN[number]
        if not _is_understood(signal, own):
            raise CanMappingWrong(
                f"{own.path} is {_kind(signal)} here, and the guard judges by {_kind(own)}.",
                hint="Use a catalogue that has it so, or leave its row to the virtual body.",
            )
    return frozenset(found)


def left_to_the_record(heard: Iterable[Signal], asked: Iterable[int]) -> tuple[str, ...]:
    """What no bus says though the guard judges these actuators by how the car moves; the paths."""
    heard_numbers = {signal.number for signal in heard}
    actions = {
        ACTUATION_OF[number].action(value)
        for number in asked
        if number in ACTUATION_OF
        for value in (False, True)
    }
    reasons = {row.reason for row in INTERLOCKS if row.action in actions}
    return tuple(
        needed[0].path
        for reason, needed in _MOTION.items()
        if reason in reasons and heard_numbers.isdisjoint(each.number for each in needed)
    )


def _is_understood(signal: Signal, own: Signal) -> bool:
    kind = signal.data_type
    if between(signal.unit, own.unit) != (1, 0):
        return False
    if kind is own.data_type:
        return True
    if kind.is_array or own.data_type in (DataType.BOOLEAN, DataType.STRING):
        return False
    # Parts of the body are whole; of what is only told, a fraction says as much.
    is_whole_needed = own.number in ACTUATION_OF and own.data_type.whole_limits is not None
    return kind.whole_limits is not None or (kind in _FRACTIONS and not is_whole_needed)


def _kind(signal: Signal) -> str:
    return f"{signal.data_type.value} {signal.unit}".strip()


def as_told(body: Body, told: Mapping[int, Value]) -> Body:
    """The body, as it is by these values.

    told: by the numbers that ``judged_by`` gives, such as it understands them. Of what is not among
    them the record counts, also of what is on its way.
    """
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
    is_moving = told.get(IS_MOVING.number)
    if isinstance(speed_kmh, int | float):
        is_still = abs(speed_kmh) <= STILL_KMH_MAX
        return math.inf if is_still and is_moving else abs(speed_kmh) / KMH_PER_M_PER_S
    if is_moving is not None:
        return math.inf if is_moving else 0.0
    return body.speed_m_per_s


def _gear(body: Body, told: Mapping[int, Value]) -> str:
    if SELECTED_GEAR.number not in told:
        return body.gear
    return "park" if told[SELECTED_GEAR.number] == PARK else "drive"

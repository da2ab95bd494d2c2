"""The body in terms of signals: what is read off it, and what a wish for a signal means for it.

Rules:

* a reading is of the type of its signal; one that a body cannot tell stands in no table;
* a wish names the guard's word for it, so that whatever comes through signals passes the same gate
  as everything else.

Left out on purpose: doing it (service/embodying.py), and frames, which are numbers (frames.py).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.car.body.logic import DRIVER_DOOR, Body, readings
from monocoque.car.body.logic.parts import DOORS
from monocoque.car.signals.logic.frames import GEARS
from monocoque.contracts import signals
from monocoque.contracts.signals import Signal, Value

GuardArguments = Mapping[str, int | bool | str]
BodyTarget = Mapping[str, int | bool]


@dataclass(frozen=True, slots=True)
class Actuation:
    """One signal that the body can be asked for."""

    signal: Signal
    action: Callable[[Value], str]
    """The guard's word for such a wish."""
    arguments: Callable[[Value], GuardArguments]
    """What the guard must know of it."""
    actuator: str
    """The body's name for the part that moves."""
    target: Callable[[Value], BodyTarget]
    """How the body is once it is done."""


def _fixed(value: Value) -> Callable[[Body], Value]:
    return lambda _: value


_FIXED: Final[Mapping[str, Value]] = {
    "Vehicle.VersionVSS.Major": 6,
    "Vehicle.VersionVSS.Minor": 0,
    "Vehicle.VersionVSS.Patch": 0,
    "Vehicle.VehicleIdentification.Brand": "Arden Motors",
    "Vehicle.VehicleIdentification.Model": "Arden 7",
    "Vehicle.Powertrain.Type": "ELECTRIC",
    "Vehicle.Powertrain.TractionBattery.NominalVoltage": 400,
    "Vehicle.Powertrain.TractionBattery.GrossCapacity": 77,
}
"""What is true of every such body."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One row: a part of the body, its signal, and the guard's word for it."""

    path: str
    name: str
    action: str


_LEVELS: Final = (
    _Part("Vehicle.Cabin.Door.Row1.DriverSide.Window.Position", "window_row1_left", "window"),
    _Part("Vehicle.Cabin.Door.Row1.PassengerSide.Window.Position", "window_row1_right", "window"),
    _Part("Vehicle.Cabin.Door.Row2.DriverSide.Window.Position", "window_row2_left", "window"),
    _Part("Vehicle.Cabin.Door.Row2.PassengerSide.Window.Position", "window_row2_right", "window"),
    _Part("Vehicle.Cabin.Seat.Row1.DriverSide.Position", "seat_driver_mm", "seat"),
    _Part("Vehicle.Cabin.Seat.Row1.PassengerSide.Position", "seat_passenger_mm", "seat"),
    _Part("Vehicle.Cabin.Seat.Row1.DriverSide.Height", "seat_driver_height_mm", "seat"),
    _Part("Vehicle.Cabin.Seat.Row1.PassengerSide.Height", "seat_passenger_height_mm", "seat"),
    _Part("Vehicle.Cabin.Seat.Row1.DriverSide.HeatingCooling", "seat_heat_driver", "seat_heating"),
    _Part(
        "Vehicle.Cabin.Seat.Row1.PassengerSide.HeatingCooling",
        "seat_heat_passenger",
        "seat_heating",
    ),
    _Part("Vehicle.Cabin.HVAC.Station.Row1.Driver.FanSpeed", "fan", "fan"),
)
"""Parts that are whole numbers, as their signals are."""
_TENTHS: Final = (
    _Part(
        "Vehicle.Cabin.Seat.Row1.DriverSide.Backrest.Recline",
        "seat_driver_recline_decidegrees",
        "seat",
    ),
    _Part(
        "Vehicle.Cabin.Seat.Row1.PassengerSide.Backrest.Recline",
        "seat_passenger_recline_decidegrees",
        "seat",
    ),
)
"""Parts that are tenths of what their signals are."""
_SWITCHES: Final = (
    _Part("Vehicle.Cabin.HVAC.IsFrontDefrosterActive", "defroster", "defroster"),
    _Part("Vehicle.Cabin.HVAC.IsRecirculationActive", "recirculation", "recirculation"),
    _Part("Vehicle.Body.Lights.Hazard.IsSignaling", "hazard", "hazard"),
    _Part(
        "Vehicle.Powertrain.TractionBattery.Charging.ChargingPort.AnyPosition"
        ".IsChargingCableLocked",
        "plug_lock",
        "plug_lock",
    ),
    _Part("Vehicle.Cabin.IsWindowChildLockEngaged", "window_child_lock", "window_child_lock"),
)
"""Parts that are on or off, as their signals are."""
_DOOR_PATHS: Final = tuple(
    f"Vehicle.Cabin.Door.{row}.{side}"
    for row in ("Row1", "Row2")
    for side in ("DriverSide", "PassengerSide")
)
"""Of the doors of the body, in their order."""
_TRUNK_PATH: Final = "Vehicle.Body.Trunk.Rear.IsOpen"
_ALL_OPEN: Final = 100
TENTHS_MAX: Final = 1_000_000
"""A signal without a range may be asked for as much as a float can say."""
_CHARGING: Final = signals.BY_PATH["Vehicle.Powertrain.TractionBattery.Charging.StartStopCharging"]
_START: Final = "START"
_STOP: Final = "STOP"


_BATTERY: Final = "Vehicle.Powertrain.TractionBattery"
_INSTRUMENTS: Final[tuple[tuple[str, Callable[[Body], Value]], ...]] = (
    (f"{_BATTERY}.CurrentPower", readings.battery_w),
    (f"{_BATTERY}.CurrentCurrent", readings.battery_a),
    (f"{_BATTERY}.CurrentVoltage", readings.battery_v),
    (f"{_BATTERY}.Temperature.Average", readings.battery_celsius),
    (f"{_BATTERY}.StateOfHealth", readings.health_percent),
    (f"{_BATTERY}.StateOfCharge.CurrentEnergy", readings.energy_kwh),
    (f"{_BATTERY}.Charging.TimeToComplete", readings.time_to_full_s),
    (f"{_BATTERY}.Charging.ChargeRate", readings.charge_km_per_h),
    (f"{_BATTERY}.Charging.PowerLoss", readings.charge_loss_w),
    (f"{_BATTERY}.Charging.ChargeCurrent.DC", readings.charge_dc_a),
    (f"{_BATTERY}.Charging.ChargeCurrent.Phase1", lambda b: readings.charge_ac_a(b, 1)),
    (f"{_BATTERY}.Charging.ChargeCurrent.Phase2", lambda b: readings.charge_ac_a(b, 2)),
    (f"{_BATTERY}.Charging.ChargeCurrent.Phase3", lambda b: readings.charge_ac_a(b, 3)),
    (f"{_BATTERY}.Charging.ChargeVoltage.DC", readings.charge_dc_v),
    (f"{_BATTERY}.Charging.ChargeVoltage.Phase1", lambda b: readings.charge_ac_v(b, 1)),
    (f"{_BATTERY}.Charging.ChargeVoltage.Phase2", lambda b: readings.charge_ac_v(b, 2)),
    (f"{_BATTERY}.Charging.ChargeVoltage.Phase3", lambda b: readings.charge_ac_v(b, 3)),
    (f"{_BATTERY}.Charging.MaximumChargingCurrent.DC", readings.charge_dc_a_max),
    ("Vehicle.Exterior.AirTemperature", readings.outside_celsius),
    ("Vehicle.LowVoltageBattery.CurrentVoltage", readings.low_voltage_v),
    ("Vehicle.Chassis.Axle.Row1.Wheel.Left.Tire.Pressure", lambda b: readings.tyre_kpa(b, 0)),
    ("Vehicle.Chassis.Axle.Row1.Wheel.Right.Tire.Pressure", lambda b: readings.tyre_kpa(b, 1)),
    ("Vehicle.Chassis.Axle.Row2.Wheel.Left.Tire.Pressure", lambda b: readings.tyre_kpa(b, 2)),
    ("Vehicle.Chassis.Axle.Row2.Wheel.Right.Tire.Pressure", lambda b: readings.tyre_kpa(b, 3)),
)
"""What instruments read off a body."""


def _level_reading(part: _Part) -> tuple[Signal, Callable[[Body], Value]]:
    return signals.BY_PATH[part.path], lambda body: body.level(part.name)


def _tenths_reading(part: _Part) -> tuple[Signal, Callable[[Body], Value]]:
    return signals.BY_PATH[part.path], lambda body: body.level(part.name) / 10


def _switch_reading(part: _Part) -> tuple[Signal, Callable[[Body], Value]]:
    return signals.BY_PATH[part.path], lambda body: bool(getattr(body.parts, part.name))


def _is_open_reading(part: _Part) -> tuple[Signal, Callable[[Body], Value]]:
    path = part.path.removesuffix("Position") + "IsOpen"
    return signals.BY_PATH[path], lambda body: body.level(part.name) > 0


_DOORS: Final = tuple(
    _Part(f"{path}.IsOpen", f"door_{door}", "door")
    for door, path in zip(DOORS, _DOOR_PATHS, strict=True)
)
"""What opens and shuts the doors; each is read by the body's doors that stand open."""


def _is_door_open(door: str) -> Callable[[Body], Value]:
    return lambda body: door in body.doors_open


def _is_child_locked(door: str) -> Callable[[Body], Value]:
    return lambda body: door in body.parts.child_locks


def _readings_of_doors() -> Iterator[tuple[Signal, Callable[[Body], Value]]]:
    """Of each door; whether the driver's is open or locked has rows of its own."""
    for door, path in zip(DOORS, _DOOR_PATHS, strict=True):
        yield signals.BY_PATH[f"{path}.IsChildLockActive"], _is_child_locked(door)
        if door != DRIVER_DOOR:
            yield signals.BY_PATH[f"{path}.IsOpen"], _is_door_open(door)
            yield signals.BY_PATH[f"{path}.IsLocked"], lambda body: body.locked


def _actuation(part: _Part) -> Actuation:
    """The wish for a part; ``on`` tells the guard whether it would use energy."""
    return Actuation(
        signals.BY_PATH[part.path],
        action=lambda _: part.action,
        arguments=lambda value: {
            "part": part.name,
            "target": int(_plain(value)),
            "on": bool(value),
        },
        actuator=part.name,
        target=lambda value: {part.name: _plain(value)},
    )


def _actuation_in_tenths(part: _Part) -> Actuation:
    """The wish for a part that is kept in tenths."""
    return Actuation(
        signals.BY_PATH[part.path],
        action=lambda _: part.action,
        arguments=lambda value: {"part": part.name, "target": _tenths(value), "on": bool(value)},
        actuator=part.name,
        target=lambda value: {part.name: _tenths(value)},
    )


def _tenths(value: Value) -> int:
    """In tenths; what no part reaches counts as ``TENTHS_MAX``, for the guard to refuse."""
    assert isinstance(value, int | float)
    return round(max(-TENTHS_MAX, min(TENTHS_MAX, value * 10)))


def _plain(value: Value) -> int | bool:
    assert isinstance(value, int)
    return value


def _opening(part: _Part) -> Actuation:
    """The wish that a window be open or shut, for whoever does not say how far."""
    return Actuation(
        signals.BY_PATH[part.path.removesuffix("Position") + "IsOpen"],
        action=lambda _: part.action,
        arguments=lambda value: {"part": part.name, "target": _ALL_OPEN * _plain(value)},
        actuator=part.name,
        target=lambda value: {part.name: _ALL_OPEN * _plain(value)},
    )


READINGS: Final[tuple[tuple[Signal, Callable[[Body], Value]], ...]] = (
    (signals.SPEED, lambda body: body.speed_m_per_s * 3.6),
    (signals.TRAVELED_DISTANCE, lambda body: round(body.odometer_m)),
    (signals.LATITUDE, lambda body: body.place_degrees[0]),
    (signals.LONGITUDE, lambda body: body.place_degrees[1]),
    (signals.BY_PATH["Vehicle.CurrentLocation.Heading"], lambda body: body.heading_degrees),
    (signals.BY_PATH["Vehicle.CurrentLocation.Altitude"], lambda body: body.height_m),
    (signals.CHARGE, lambda body: body.charge_percent),
    (signals.RANGE, lambda body: round(body.range_km * 1_000)),
    (signals.IS_CHARGING, lambda body: body.is_charging),
    (signals.IS_CABLE_CONNECTED, lambda body: body.plugged),
    (signals.CHARGE_LIMIT, lambda body: body.charge_limit_percent),
    (signals.SELECTED_GEAR, lambda body: round(GEARS[body.gear])),
    (signals.CABIN_TEMPERATURE, lambda body: body.cabin_celsius),
    (signals.CLIMATE_TARGET, lambda body: body.climate_target_decicelsius / 10),
    (signals.IS_CLIMATE_ON, lambda body: body.climate_on),
    (signals.IS_LOCKED, lambda body: body.locked),
    (signals.IS_DOOR_OPEN, _is_door_open(DRIVER_DOOR)),
    (signals.IS_MOVING, lambda body: body.speed_m_per_s > 0),
    *((signals.BY_PATH[path], _fixed(value)) for path, value in _FIXED.items()),
    *(_level_reading(part) for part in _LEVELS),
    *(_tenths_reading(part) for part in _TENTHS),
    *(_switch_reading(part) for part in _SWITCHES),
    *(_is_open_reading(part) for part in _LEVELS if part.action == "window"),
    *_readings_of_doors(),
    (signals.BY_PATH[_TRUNK_PATH], lambda body: body.level("trunk") > 0),
    (_CHARGING, lambda body: _START if body.parts.charging else _STOP),
    (signals.BY_PATH["Vehicle.Body.Trunk.Rear.IsLocked"], lambda body: body.locked),
    *((signals.BY_PATH[path], read) for path, read in _INSTRUMENTS),
)
"""How each signal is read off a body."""

ACTUATIONS: Final = (
    Actuation(
        signals.IS_LOCKED,
        action=lambda value: "lock" if value else "unlock",
        arguments=lambda _: {},
        actuator="locks",
        target=lambda value: {"locked": bool(value)},
    ),
    Actuation(
        signals.IS_CLIMATE_ON,
        action=lambda _: "climate",
        arguments=lambda value: {"on": bool(value)},
        actuator="climate",
        target=lambda value: {"climate_on": bool(value)},
    ),
    Actuation(
        signals.CLIMATE_TARGET,
        action=lambda _: "climate",
        arguments=lambda _: {"on": False},
        actuator="climate",
        target=lambda value: {"climate_target_decicelsius": _tenths(value)},
    ),
    Actuation(
        signals.CHARGE_LIMIT,
        action=lambda _: "charge_limit",
        arguments=lambda value: {"percent": _plain(value)},
        actuator="charge_limit",
        target=lambda value: {"charge_limit_percent": _plain(value)},
    ),
    Actuation(
        signals.BY_PATH[_TRUNK_PATH],
        action=lambda _: "trunk",
        arguments=lambda value: {"part": "trunk", "target": _ALL_OPEN * _plain(value)},
        actuator="trunk",
        target=lambda value: {"trunk": _ALL_OPEN * _plain(value)},
    ),
    Actuation(
        _CHARGING,
        action=lambda _: "charging",
        arguments=lambda value: {"on": value == _START},
        actuator="charging",
        target=lambda value: {"charging": value == _START},
    ),
    *(_actuation(part) for part in (*_LEVELS, *_SWITCHES, *_DOORS)),
    *(_opening(part) for part in _LEVELS if part.action == "window"),
    *(_actuation_in_tenths(part) for part in _TENTHS),
)
"""Every signal that the body can be asked for."""

ACTUATION_OF: Final = {each.signal.number: each for each in ACTUATIONS}


def values_of(body: Body) -> dict[int, Value]:
    """The value of each signal that a body can tell, by its number."""
    return {signal.number: read(body) for signal, read in READINGS}

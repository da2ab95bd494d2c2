"""The body by which the guard judges a car on a bus: what was heard counts more than our record."""

import dataclasses
import math

import pytest

from monocoque.car.body.logic import Body, Station
from monocoque.car.can.logic.told import as_told, judged_by, left_to_the_record
from monocoque.car.guard.logic import judge
from monocoque.car.signals.logic.embodied import ACTUATION_OF
from monocoque.contracts.errors import CanMappingWrong
from monocoque.contracts.signals import (
    CABIN_TEMPERATURE,
    CHARGE,
    CLIMATE_TARGET,
    IS_CABLE_CONNECTED,
    IS_CHARGING,
    IS_LOCKED,
    IS_MOVING,
    LATITUDE,
    SELECTED_GEAR,
    SIGNALS,
    SPEED,
    DataType,
)

BY_PATH = {signal.path: signal for signal in SIGNALS}
WINDOW = BY_PATH["Vehicle.Cabin.Door.Row1.DriverSide.Window.Position"]
SEAT = BY_PATH["Vehicle.Cabin.Seat.Row1.DriverSide.Position"]
DOOR = BY_PATH["Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"]
AT_HOME = Body(at_us=0)


@pytest.mark.parametrize(
    ("told", "speed_m_per_s"),
    [
        ({SPEED: 36.0}, 10.0),
        ({SPEED: -36.0}, 10.0),
        ({SPEED: 18.0, IS_MOVING: False}, 5.0),
        ({IS_MOVING: True}, math.inf),
        ({SPEED: 0.0, IS_MOVING: True}, math.inf),
        ({SPEED: -1.0, IS_MOVING: True}, math.inf),
        ({SPEED: 3.6, IS_MOVING: True}, 1.0),
        ({IS_MOVING: False}, 0.0),
        ({}, 0.0),
    ],
)
def test_a_car_is_as_fast_as_the_bus_says_and_faster_when_that_is_left_open(
    told, speed_m_per_s
) -> None:
    seen = as_told(AT_HOME, {signal.number: value for signal, value in told.items()})
    assert seen.speed_m_per_s == speed_m_per_s


@pytest.mark.parametrize(
    ("told", "gear"),
    [({SELECTED_GEAR: 126}, "park"), ({SELECTED_GEAR: -1}, "drive"), ({}, "park")],
)
def test_a_car_is_parked_when_the_bus_says_so_or_says_nothing(told, gear) -> None:
    seen = as_told(AT_HOME, {signal.number: value for signal, value in told.items()})
    assert seen.gear == gear


def test_what_the_bus_says_stands_before_the_record_of_the_body() -> None:
    told = {
        CHARGE: 12.5,
        IS_CABLE_CONNECTED: False,
        CABIN_TEMPERATURE: 31.0,
        IS_CHARGING: False,
        IS_LOCKED: False,
        WINDOW: 40,
        DOOR: True,
    }
    seen = as_told(AT_HOME, {signal.number: value for signal, value in told.items()})
    assert (seen.charge_percent, seen.plugged, seen.cabin_celsius) == (12.5, False, 31.0)
    assert (seen.is_charging, seen.locked) == (False, False)
    assert seen.level("window_row1_left") == 40
    assert seen.doors_open == ("row1_left",)
    assert seen.charge_limit_percent == AT_HOME.charge_limit_percent


BATTERY = "Vehicle.Powertrain.TractionBattery"
CELSIUS = BY_PATH[f"{BATTERY}.Temperature.Average"]
DC_V = BY_PATH[f"{BATTERY}.Charging.ChargeVoltage.DC"]
CHARGING = BY_PATH[f"{BATTERY}.Charging.StartStopCharging"]


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({CELSIUS: -18.5, DC_V: 395.0}, "battery_cold"),
        ({CELSIUS: 57.0, DC_V: 395.0}, "battery_hot"),
        ({CELSIUS: 25.0, DC_V: 395.0}, None),
        ({CELSIUS: -18.5, DC_V: 2.0}, None),
        ({CELSIUS: -18.5}, None),
    ],
)
def test_a_fast_charge_is_judged_by_the_battery_and_the_inlet_of_the_bus(told, word) -> None:
    assert judged_by(told) == {signal.number for signal in told}
    seen = as_told(AT_HOME, {signal.number: value for signal, value in told.items()})
    assert seen.battery_celsius == told[CELSIUS]
    assert judge("charging", ACTUATION_OF[CHARGING.number].arguments("START"), seen) == word


def test_a_fast_station_of_the_record_stays_what_it_is() -> None:
    there = Station("dc", 50_000.0)
    at_fast = dataclasses.replace(AT_HOME, station=there)
    assert as_told(at_fast, {DC_V.number: 400.0}).station == there
    assert as_told(at_fast, {DC_V.number: 0.0}).station == there


def test_of_what_the_bus_does_not_say_the_record_counts() -> None:
    seen = as_told(AT_HOME, {})
    same = [field.name for field in dataclasses.fields(Body)]
    assert [getattr(seen, name) for name in same] == [getattr(AT_HOME, name) for name in same]
    assert seen.is_charging == AT_HOME.is_charging


def test_the_guard_judges_by_its_own_signals_and_by_no_stranger_of_their_name_or_number() -> None:
    renamed = dataclasses.replace(SPEED, path="Vehicle.Speed2")
    assert judged_by([SPEED, WINDOW, LATITUDE]) == {SPEED.number, WINDOW.number}
    assert judged_by([renamed]) == frozenset()


@pytest.mark.parametrize(
    ("signal", "otherwise"),
    [
        (SPEED, {"data_type": DataType.UINT16}),
        (SPEED, {"data_type": DataType.DOUBLE}),
        (SPEED, {"unit": "kph"}),
        (SELECTED_GEAR, {"data_type": DataType.FLOAT}),
        (WINDOW, {"data_type": DataType.INT32}),
        (CLIMATE_TARGET, {"data_type": DataType.UINT8}),
    ],
)
def test_the_guard_judges_by_any_kind_of_number_in_its_own_unit(signal, otherwise) -> None:
    assert judged_by([dataclasses.replace(signal, **otherwise)]) == {signal.number}


@pytest.mark.parametrize(
    ("signal", "otherwise"),
    [
        (SPEED, {"data_type": DataType.STRING}),
        (SPEED, {"data_type": DataType.BOOLEAN}),
        (SPEED, {"data_type": DataType.FLOAT_ARRAY}),
        (SPEED, {"unit": "m/s"}),
        (IS_MOVING, {"data_type": DataType.UINT8}),
        (WINDOW, {"data_type": DataType.FLOAT}),
    ],
)
def test_what_the_guard_would_not_understand_is_refused_and_not_passed_over(
    signal, otherwise
) -> None:
    with pytest.raises(CanMappingWrong, match=f"{signal.path} is "):
        judged_by([dataclasses.replace(signal, **otherwise)])


@pytest.mark.parametrize(
    ("heard", "asked", "left"),
    [
        ([], [IS_LOCKED], (SPEED, SELECTED_GEAR)),
        ([], [DOOR], (SPEED, SELECTED_GEAR)),
        ([IS_MOVING], [IS_LOCKED], (SELECTED_GEAR,)),
        ([SPEED, SELECTED_GEAR], [IS_LOCKED], ()),
        ([], [WINDOW, CLIMATE_TARGET, LATITUDE], ()),
        ([], [SEAT], (SPEED,)),
        ([], [], ()),
    ],
)
def test_how_the_car_moves_is_left_to_the_record_when_no_bus_says_it(heard, asked, left) -> None:
    found = left_to_the_record(heard, [signal.number for signal in asked])
    assert found == tuple(signal.path for signal in left)

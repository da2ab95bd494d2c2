"""A body as values of signals."""

from dataclasses import replace

import pytest

from monocoque.car.body.logic import Body, Motion, begin_drive, begin_motion, begin_park, step
from monocoque.car.signals.logic.frames import READINGS, frame_of
from monocoque.car.signals.service import AWAKE_AFTER_US, Watch, watch_of
from monocoque.contracts import signals

SECOND_US = 1_000_000
UNLOCK = Motion("locks", {"locked": False}, 0)
PARKED = Body(at_us=5_000 * SECOND_US, charge_percent=61.5, odometer_m=1_234.0)


def values_of(body):
    frame = frame_of(body)
    assert frame.begins_at_us == body.at_us
    assert list(frame.offsets_ms) == [0] * len(frame.signal_ids)
    return dict(zip(frame.signal_ids, frame.values, strict=True))


def test_a_frame_has_every_signal_that_a_body_can_tell():
    told = {signal.number for signal, _ in READINGS}
    assert len(told) == len(READINGS)
    assert set(values_of(PARKED)) == told == {signal.number for signal in signals.TOLD}


def test_a_parked_car_is_told_as_it_is():
    values = values_of(PARKED)
    assert values[signals.SPEED.number] == 0.0
    assert values[signals.IS_MOVING.number] == 0.0
    assert values[signals.TRAVELED_DISTANCE.number] == 1_234.0
    assert values[signals.CHARGE.number] == 61.5
    assert values[signals.SELECTED_GEAR.number] == 126.0
    assert values[signals.IS_LOCKED.number] == 1.0
    assert values[signals.IS_CABLE_CONNECTED.number] == 1.0
    assert values[signals.IS_CHARGING.number] == 1.0
    assert values[signals.CHARGE_LIMIT.number] == 80.0
    assert values[signals.IS_CLIMATE_ON.number] == 0.0
    assert values[signals.CLIMATE_TARGET.number] == 21.0
    assert values[signals.IS_DOOR_OPEN.number] == 0.0


def test_a_driving_car_is_told_in_the_units_of_the_table():
    drive = step(begin_drive(PARKED, 60 * SECOND_US), PARKED.at_us + 20 * SECOND_US)
    values = values_of(drive)
    assert round(values[signals.SPEED.number]) == 50
    assert values[signals.IS_MOVING.number] == 1.0
    assert values[signals.SELECTED_GEAR.number] == 127.0
    assert values[signals.IS_CABLE_CONNECTED.number] == 0.0
    assert values[signals.RANGE.number] == drive.range_km * 1_000
    assert values[signals.TRAVELED_DISTANCE.number] > 1_300
    latitude, longitude = drive.place_degrees
    assert values[signals.LATITUDE.number] == latitude
    assert values[signals.LONGITUDE.number] == longitude


def test_an_open_door_is_told():
    values = values_of(replace(PARKED, doors_open=("row1_left",), locked=False))
    assert values[signals.IS_DOOR_OPEN.number] == 1.0
    assert values[signals.IS_LOCKED.number] == 0.0
    assert values[signals.CABIN_TEMPERATURE.number] == PARKED.cabin_celsius


def test_a_car_is_awake_while_it_drives_and_sleeps_when_left_alone():
    full = replace(PARKED, charge_percent=80.0)
    assert watch_of(full) is Watch.SLEEPS
    driving = step(begin_drive(full, 600 * SECOND_US), full.at_us + 300 * SECOND_US)
    assert watch_of(driving) is Watch.AWAKE


def test_a_car_that_only_fills_its_battery_charges_until_the_limit():
    assert watch_of(PARKED) is Watch.CHARGES
    assert watch_of(replace(PARKED, plugged=False)) is Watch.SLEEPS
    assert watch_of(replace(PARKED, charge_percent=80.0)) is Watch.SLEEPS


@pytest.mark.parametrize("plugged", [True, False])
def test_a_car_that_was_touched_stays_awake_for_a_while(plugged: bool):
    alone = replace(PARKED, plugged=plugged)
    assert watch_of(alone) is not Watch.AWAKE
    commanded = begin_motion(alone, replace(UNLOCK, ends_us=alone.at_us + SECOND_US))
    plugged_in = begin_park(replace(alone, charge_percent=90.0))
    for touched in (commanded, plugged_in):
        assert watch_of(step(touched, alone.at_us + AWAKE_AFTER_US - 1)) is Watch.AWAKE
        assert watch_of(step(touched, alone.at_us + AWAKE_AFTER_US)) is not Watch.AWAKE

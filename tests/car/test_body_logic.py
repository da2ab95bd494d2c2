"""The body as physics: what time does to a car."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    DRIVER_DOOR,
    OUTSIDE_CELSIUS,
    SPEED_M_PER_S_MAX,
    Body,
    Motion,
    begin_drive,
    begin_motion,
    begin_park,
    is_at,
    next_event_us,
    of_text,
    open_door,
    shut_doors,
    step,
    to_text,
    with_jam,
)

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
PARKED = Body(at_us=0)
UNLOCK = Motion("locks", {"locked": False}, 300_000)


def test_a_parked_week_is_one_step() -> None:
    after = step(PARKED, 7 * 24 * HOUR_US)
    assert after.charge_percent == PARKED.charge_limit_percent
    assert after.cabin_celsius == pytest.approx(OUTSIDE_CELSIUS)
    assert after.place_degrees == PARKED.place_degrees
    assert after.locked


def test_time_never_goes_back() -> None:
    later = step(PARKED, HOUR_US)
    assert step(later, HOUR_US - 1) is later


def test_an_actuator_is_where_it_was_until_its_time_is_over() -> None:
    moving = begin_motion(PARKED, UNLOCK)
    assert step(moving, 299_999).locked
    assert not step(moving, 300_000).locked
    assert is_at(step(moving, HOUR_US), UNLOCK.target)
    assert step(moving, HOUR_US).motions == ()


def test_what_is_jammed_is_found_where_it_was() -> None:
    moving = with_jam(begin_motion(PARKED, UNLOCK), frozenset({"locks"}))
    assert step(moving, HOUR_US).locked
    freed = with_jam(step(moving, HOUR_US), frozenset())
    assert step(freed, 2 * HOUR_US).locked


def test_the_last_word_to_an_actuator_counts() -> None:
    moving = begin_motion(PARKED, UNLOCK)
    moving = begin_motion(step(moving, 100_000), Motion("locks", {"locked": True}, 400_000))
    climate = Motion("climate", {"climate_on": True, "climate_target_decicelsius": 240}, 350_000)
    after = step(begin_motion(moving, climate), HOUR_US)
    assert after.locked
    assert after.climate_on
    assert after.cabin_celsius == pytest.approx(24.0, abs=0.1)


def test_a_drive_gathers_speed_holds_it_and_parks() -> None:
    away = begin_drive(replace(PARKED, doors_open=("row1_left",)), 60 * SECOND_US)
    assert (away.gear, away.plugged, away.doors_open) == ("drive", False, ())
    assert away.speed_m_per_s == 0.0
    fast = step(away, 30 * SECOND_US)
    assert fast.speed_m_per_s == SPEED_M_PER_S_MAX
    assert fast.place_degrees != PARKED.place_degrees
    assert fast.place_measured_us == 30 * SECOND_US
    braking = step(away, 62 * SECOND_US)
    assert 0.0 < braking.speed_m_per_s < SPEED_M_PER_S_MAX
    end = step(away, HOUR_US)
    assert (end.gear, end.speed_m_per_s) == ("park", 0.0)
    assert end.odometer_m == pytest.approx(SPEED_M_PER_S_MAX * 60.0)
    assert end.charge_percent < PARKED.charge_percent
    assert begin_drive(fast, 1) is fast


def test_parking_puts_the_brakes_on_and_then_the_plug_in() -> None:
    fast = step(begin_drive(PARKED, HOUR_US), 30 * SECOND_US)
    braking = begin_park(fast)
    assert begin_park(braking) == braking
    stands = step(braking, fast.at_us + 10 * SECOND_US)
    assert (stands.gear, stands.plugged) == ("park", False)
    assert begin_park(stands).is_charging


def test_a_drive_that_was_parked_at_once_is_over_at_once() -> None:
    away = begin_park(begin_drive(PARKED, HOUR_US))
    assert step(away, 1).gear == "park"


def test_an_empty_battery_is_empty_and_no_less() -> None:
    away = begin_drive(replace(PARKED, charge_percent=0.01), HOUR_US)
    assert step(away, HOUR_US).charge_percent == 0.0


@given(st.lists(st.integers(1, 120 * SECOND_US), max_size=12))
def test_many_small_steps_come_to_where_one_large_step_does(steps_us) -> None:
    away = begin_motion(begin_drive(PARKED, 60 * SECOND_US), UNLOCK)
    by_steps = away
    for one_us in steps_us:
        by_steps = step(by_steps, by_steps.at_us + one_us)
    at_once = step(away, sum(steps_us))
    assert by_steps.odometer_m == pytest.approx(at_once.odometer_m)
    assert by_steps.charge_percent == pytest.approx(at_once.charge_percent)
    assert by_steps.cabin_celsius == pytest.approx(at_once.cabin_celsius)
    assert (by_steps.gear, by_steps.locked) == (at_once.gear, at_once.locked)


@given(st.integers(0, HOUR_US), st.booleans(), st.booleans())
def test_a_body_comes_back_from_its_record_as_it_was(at_us, drives, jams) -> None:
    body = begin_motion(PARKED, UNLOCK)
    body = begin_drive(body, 30 * SECOND_US) if drives else body
    body = with_jam(body, frozenset({"locks"} if jams else ()))
    body = step(body, at_us)
    assert of_text(to_text(body)) == body


def test_the_next_event_is_the_first_of_all_that_is_under_way() -> None:
    assert next_event_us(PARKED) is None
    assert next_event_us(begin_motion(PARKED, UNLOCK)) == UNLOCK.ends_us
    assert next_event_us(begin_drive(begin_motion(PARKED, UNLOCK), 1)) < UNLOCK.ends_us


def test_half_the_charge_reaches_half_as_far() -> None:
    full, half = (replace(PARKED, charge_percent=percent) for percent in (100.0, 50.0))
    assert full.range_km == pytest.approx(2 * half.range_km)
    assert half.range_km > 0.0


def test_a_drive_is_as_fast_as_it_was_begun() -> None:
    slow = step(begin_drive(PARKED, 60 * SECOND_US, 5.0), PARKED.at_us + 30 * SECOND_US)
    assert slow.speed_m_per_s == 5.0
    # Two seconds to gather speed, at half of it.
    assert slow.odometer_m - PARKED.odometer_m == pytest.approx(5.0 * 29.0)


def test_a_door_that_is_opened_by_hand_is_unlocked_and_touched() -> None:
    standing = step(PARKED, HOUR_US)
    opened = open_door(open_door(standing, DRIVER_DOOR), DRIVER_DOOR)
    assert (opened.doors_open, opened.locked, opened.touched_us) == ((DRIVER_DOOR,), False, HOUR_US)
    shut = shut_doors(step(opened, 2 * HOUR_US))
    assert (shut.doors_open, shut.locked, shut.touched_us) == ((), False, 2 * HOUR_US)


def test_a_car_that_is_being_locked_is_not_locked_once_a_door_is_open() -> None:
    unlocked = replace(PARKED, locked=False)
    locking = begin_motion(unlocked, Motion("locks", {"locked": True}, 300_000))
    opened = step(open_door(step(locking, 200_000), DRIVER_DOOR), SECOND_US)
    assert not opened.locked
    assert opened.motions == ()


def test_a_car_that_drives_keeps_its_doors_shut() -> None:
    away = step(begin_drive(PARKED, HOUR_US), 10 * SECOND_US)
    assert open_door(away, DRIVER_DOOR) == away
    assert begin_drive(open_door(PARKED, DRIVER_DOOR), HOUR_US).doors_open == ()

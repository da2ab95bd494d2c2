"""A body's physics over any length of time, held to the small steps of the same formulas."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    Body,
    Station,
    begin_drive,
    begin_park,
    of_text,
    readings,
    step,
    to_text,
)
from monocoque.car.body.logic.physics.condition import Condition, Doing, pass_on
from monocoque.car.body.logic.physics.vehicle import ARDEN_7

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
PARKED = Body(at_us=0, plugged=False)
PLUGGED = Body(at_us=0, charge_percent=50.0)
WARMING = replace(PARKED, climate_on=True)


def test_a_drive_takes_as_much_as_small_steps_say() -> None:
    away = begin_drive(
        replace(PARKED, climate_on=True, battery_celsius=25.0), 600 * SECOND_US, 25.0
    )
    by_seconds = Condition(charge=0.62, battery_celsius=25.0)
    body = away
    while body.drive is not None:
        after = step(body, body.at_us + SECOND_US // 4)
        elapsed_s = (after.at_us - body.at_us) / SECOND_US
        doing = Doing(
            (body.speed_m_per_s + after.speed_m_per_s) / 2,
            (after.speed_m_per_s - body.speed_m_per_s) / elapsed_s,
            climate_on=True,
            people=0.0,
        )
        by_seconds = pass_on(ARDEN_7, by_seconds, doing, elapsed_s)
        body = after
    at_once = step(away, body.at_us)
    used = away.charge_percent - at_once.charge_percent
    assert used == pytest.approx(62.0 - by_seconds.charge * 100, rel=0.01)
    assert at_once.trip_given_wh == pytest.approx(by_seconds.given_wh, rel=0.02)
    assert at_once.trip_taken_wh == pytest.approx(by_seconds.taken_wh, rel=0.02)
    assert 0.0 < at_once.trip_taken_wh < at_once.trip_given_wh
    assert at_once.cabin_celsius == pytest.approx(by_seconds.cabin_celsius, abs=0.1)
    assert at_once.battery_celsius == pytest.approx(by_seconds.battery_celsius, abs=0.1)


def test_charging_takes_as_long_as_small_steps_say() -> None:
    by_minutes = Condition(charge=0.5, battery_celsius=9.0)
    plugged = Doing(awake=False, outlet_w=11_000.0, limit=0.8, people=0.0)
    for _ in range(90):
        by_minutes = pass_on(ARDEN_7, by_minutes, plugged, 60.0)
    after = step(PLUGGED, 90 * 60 * SECOND_US)
    assert after.charge_percent == pytest.approx(by_minutes.charge * 100, abs=0.05)
    assert after.battery_celsius == pytest.approx(by_minutes.battery_celsius, abs=0.2)


STARTS = st.sampled_from(
    [
        PARKED,
        PLUGGED,
        WARMING,
        replace(PLUGGED, climate_on=True),
        replace(PLUGGED, outside_celsius=-15.0, battery_celsius=-15.0, climate_on=True),
        begin_drive(WARMING, 900 * SECOND_US, 30.0),
        begin_drive(replace(PARKED, charge_percent=2.0), HOUR_US, 30.0),
    ]
)


@settings(deadline=None)
@given(STARTS, st.lists(st.integers(1, 4 * HOUR_US), min_size=1, max_size=8))
def test_many_steps_come_to_what_one_does(start, steps_us) -> None:
    by_steps = start
    for one_us in steps_us:
        by_steps = step(by_steps, by_steps.at_us + one_us)
    at_once = step(start, sum(steps_us))
    assert by_steps.charge_percent == pytest.approx(at_once.charge_percent, abs=0.2)
    assert by_steps.cabin_celsius == pytest.approx(at_once.cabin_celsius, abs=1e-3)
    assert by_steps.battery_celsius == pytest.approx(at_once.battery_celsius, abs=1.0)
    assert by_steps.calendar_loss == pytest.approx(at_once.calendar_loss, rel=0.03)
    assert by_steps.low_voltage == pytest.approx(at_once.low_voltage)
    assert by_steps.tyres_kpa == pytest.approx(at_once.tyres_kpa)
    assert by_steps.trip_given_wh == pytest.approx(at_once.trip_given_wh, rel=1e-4)
    assert by_steps.trip_taken_wh == pytest.approx(at_once.trip_taken_wh)


@settings(deadline=None)
@given(STARTS, st.integers(1, 40 * DAY_US))
def test_a_body_stays_what_a_body_can_be(start, later_us) -> None:
    after = step(start, later_us)
    assert 0.0 <= after.charge_percent <= 100.0
    assert 0.0 < after.health <= 1.0
    assert 0.0 <= after.low_voltage <= 1.0
    assert -40.0 < after.cabin_celsius < 60.0
    assert of_text(to_text(after)) == after


def test_charging_ends_at_its_limit_and_the_outlet_feeds_the_climate() -> None:
    full = step(replace(PLUGGED, climate_on=True), DAY_US)
    assert full.charge_percent == 80.0
    assert step(full, 2 * DAY_US).charge_percent == 80.0
    exactly = step(replace(PLUGGED, charge_percent=79.999_999), 10 * SECOND_US)
    assert exactly.charge_percent == 80.0


def test_the_climate_of_a_parked_car_empties_its_battery_and_costs_range() -> None:
    warm = step(WARMING, 5 * HOUR_US)
    assert warm.charge_percent < step(PARKED, 5 * HOUR_US).charge_percent == PARKED.charge_percent
    assert WARMING.range_km < PARKED.range_km
    again = replace(WARMING, parts=replace(WARMING.parts, recirculation=True))
    assert WARMING.range_km < again.range_km


def test_a_new_drive_counts_its_energy_anew() -> None:
    driven = step(begin_drive(PARKED, 60 * SECOND_US), HOUR_US)
    assert driven.trip_given_wh > 0.0
    assert begin_drive(driven, 60 * SECOND_US).trip_given_wh == 0.0


def test_an_old_car_reaches_less_far() -> None:
    old = replace(PARKED, calendar_loss=0.1, cycle_loss=0.05)
    assert old.range_km == pytest.approx(PARKED.range_km * 0.85)
    assert step(PARKED, 365 * DAY_US).health < 1.0


def test_the_12_v_battery_dies_slowly_without_a_plug_and_lives_with_one() -> None:
    assert 0.0 < step(PARKED, 30 * DAY_US).low_voltage < 1.0
    assert step(PARKED, 90 * DAY_US).low_voltage == 0.0
    assert step(PLUGGED, 90 * DAY_US).low_voltage == pytest.approx(1.0)
    assert readings.low_voltage_v(PARKED) < readings.low_voltage_v(PLUGGED)


def test_a_record_of_a_car_that_knew_no_physics_is_read() -> None:
    older = '{"at_us":5,"charge_percent":70.0,"drive":null,"doors_open":[]}'
    assert of_text(older) == Body(at_us=5, charge_percent=70.0)


def test_instruments_show_a_drive() -> None:
    away = begin_drive(PARKED, 60 * SECOND_US)
    gathers, holds, brakes = (step(away, seconds * SECOND_US) for seconds in (3, 30, 62))
    assert (
        readings.battery_w(gathers) < readings.battery_w(holds) < 0.0 < readings.battery_w(brakes)
    )
    assert readings.battery_v(gathers) < readings.battery_v(PARKED) < readings.battery_v(brakes)
    assert readings.battery_a(holds) < 0.0 < readings.battery_a(brakes)
    assert readings.battery_a(holds) * readings.battery_v(holds) == pytest.approx(
        readings.battery_w(holds), rel=0.01
    )
    assert readings.tyre_kpa(holds, 0) > readings.tyre_kpa(PARKED, 0)


def test_instruments_show_a_charge() -> None:
    assert readings.charge_w(PARKED) == 0.0
    assert readings.battery_w(PLUGGED) == readings.charge_w(PLUGGED) == pytest.approx(10_120.0)
    lasts_s = readings.time_to_full_s(PLUGGED)
    assert step(PLUGGED, (lasts_s - 120) * SECOND_US).is_charging
    assert not step(PLUGGED, (lasts_s + 120) * SECOND_US).is_charging
    assert readings.time_to_full_s(PARKED) == 0
    arctic = replace(PLUGGED, outside_celsius=-40.0, battery_celsius=-40.0, climate_on=True)
    weak = replace(arctic, station=Station("ac", 2_000.0))
    assert readings.time_to_full_s(weak) == readings.NEVER_S
    assert readings.time_to_full_s(arctic) > 2 * lasts_s
    assert readings.energy_kwh(PLUGGED) == pytest.approx(38.5)
    assert readings.health_percent(PLUGGED) == 100.0
    assert readings.battery_celsius(PLUGGED) == 9.0


def test_instruments_show_a_climate_at_rest() -> None:
    assert readings.battery_w(PARKED) == 0.0
    assert readings.battery_w(WARMING) < 0.0
    assert readings.battery_w(replace(WARMING, plugged=True, charge_percent=80.0)) == 0.0
    assert begin_park(PARKED).plugged

"""The weather around a body: a day's curve, the same for one seed, and what it does to a car."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    Body,
    Weather,
    begin_drive,
    new_body,
    of_text,
    readings,
    step,
    to_text,
    weather,
)

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
BEGINS_US = 20_000 * DAY_US
USUAL = Weather()
STILL = Weather(mean_celsius=15.0, swing_k=0.0, change_k=0.0)


def celsius(hour: float, what: Weather = USUAL) -> float:
    return weather.outside_celsius(what, BEGINS_US + round(hour * HOUR_US))


def test_a_day_is_coldest_before_the_sun_and_warmest_in_the_afternoon() -> None:
    even = replace(USUAL, change_k=0.0)
    day = [celsius(hour, even) for hour in range(24)]
    assert day.index(min(day)) in (4, 5)
    assert day.index(max(day)) in (14, 15)
    assert (min(day), max(day)) == pytest.approx((4.0, 14.0), abs=0.2)


def test_days_differ_but_within_their_bounds_and_without_leaps() -> None:
    means = [weather.day_celsius(USUAL, BEGINS_US + day * DAY_US) for day in range(400)]
    assert max(means) - min(means) > USUAL.change_k
    assert all(abs(mean - USUAL.mean_celsius) <= USUAL.change_k for mean in means)
    assert sum(means) / len(means) == pytest.approx(USUAL.mean_celsius, abs=0.5)
    hours = [celsius(hour / 2) for hour in range(2 * 24 * 60)]
    leaps = (abs(later - before) for before, later in pairwise(hours))
    assert max(leaps) < 1.0


@settings(deadline=None)
@given(st.integers(-(10**17), 10**17), st.integers(-(2**70), 2**70))
def test_the_same_seed_has_the_same_weather_and_another_has_another(at_us, seed) -> None:
    one = Weather(seed=seed)
    assert weather.outside_celsius(one, at_us) == weather.outside_celsius(Weather(seed=seed), at_us)
    assert math.isfinite(weather.outside_celsius(one, at_us))
    days = range(7)
    assert [weather.day_celsius(one, day * DAY_US) for day in days] != [
        weather.day_celsius(Weather(seed=seed + 1), day * DAY_US) for day in days
    ]


def test_a_weather_that_is_still_stays() -> None:
    assert {celsius(hour, STILL) for hour in range(100)} == {15.0}
    body = new_body(BEGINS_US, STILL)
    assert (body.cabin_celsius, body.battery_celsius, body.outside_celsius) == (15.0, 15.0, 15.0)
    assert step(body, BEGINS_US + 9 * HOUR_US).cabin_celsius == pytest.approx(15.0)


def test_a_body_without_weather_stays_in_the_air_that_it_has() -> None:
    after = step(Body(at_us=BEGINS_US, outside_celsius=30.0), BEGINS_US + 3 * DAY_US)
    assert after.outside_celsius == 30.0
    assert after.cabin_celsius == pytest.approx(30.0)


def test_a_cabin_follows_the_day_at_once_and_a_battery_late_and_little() -> None:
    body = step(new_body(BEGINS_US), BEGINS_US + 2 * DAY_US)
    hours = [step(body, body.at_us + hour * HOUR_US) for hour in range(25)]
    outside, cabin, battery = (
        [getattr(each, name) for each in hours]
        for name in ("outside_celsius", "cabin_celsius", "battery_celsius")
    )
    assert max(outside) - min(outside) > 8.0
    assert max(cabin) - min(cabin) > 0.8 * (max(outside) - min(outside))
    assert max(battery) - min(battery) < 0.5 * (max(outside) - min(outside))
    assert outside.index(min(outside)) < battery.index(min(battery))
    assert readings.outside_celsius(hours[3]) == round(outside[3], 1)


def test_a_cold_night_costs_the_climate_more_than_a_warm_one() -> None:
    def left_percent(mean_celsius: float) -> float:
        there = Weather(mean_celsius=mean_celsius)
        body = replace(new_body(BEGINS_US, there), climate_on=True, plugged=False)
        return step(body, BEGINS_US + 8 * HOUR_US).charge_percent

    assert left_percent(-10.0) < left_percent(5.0) - 1.0 < left_percent(18.0) - 2.0


@settings(deadline=None)
@given(
    st.sampled_from(["parked", "warming", "driving", "charging"]),
    st.lists(st.integers(1, 8 * HOUR_US), min_size=1, max_size=8),
)
def test_many_steps_in_a_weather_come_to_what_one_does(doing, steps_us) -> None:
    body = replace(new_body(BEGINS_US), plugged=doing == "charging")
    body = replace(body, climate_on=doing == "warming")
    start = begin_drive(body, HOUR_US, 20.0) if doing == "driving" else body
    by_steps = start
    for one_us in steps_us:
        by_steps = step(by_steps, by_steps.at_us + one_us)
    at_once = step(start, BEGINS_US + sum(steps_us))
    assert by_steps.outside_celsius == at_once.outside_celsius
    assert by_steps.cabin_celsius == pytest.approx(at_once.cabin_celsius, abs=1e-3)
    assert by_steps.battery_celsius == pytest.approx(at_once.battery_celsius, abs=0.1)
    assert by_steps.charge_percent == pytest.approx(at_once.charge_percent, abs=0.2)


def test_two_months_that_nobody_looked_are_near_to_two_months_of_looks() -> None:
    start = new_body(BEGINS_US)
    at_once = step(start, BEGINS_US + 60 * DAY_US)
    looked = start
    for day in range(1, 61):
        looked = step(looked, BEGINS_US + day * DAY_US)
    assert at_once.battery_celsius == pytest.approx(looked.battery_celsius, abs=1.0)
    assert at_once.calendar_loss == pytest.approx(looked.calendar_loss, rel=0.02)
    assert at_once.outside_celsius == looked.outside_celsius


def test_a_weather_is_in_the_record() -> None:
    body = new_body(BEGINS_US, Weather(seed=5))
    assert of_text(to_text(body)) == body
    assert '"weather"' not in to_text(Body(at_us=0))

"""Slopes of a driven route: what a hill costs, and what comes back on the way down."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    Body,
    begin_drive,
    begin_park,
    begin_route,
    readings,
    step,
)
from monocoque.car.body.logic.physics.condition import Condition, Doing, pass_on
from monocoque.car.body.logic.physics.road import GRAVITY_M_PER_S2
from monocoque.car.body.logic.physics.vehicle import ARDEN_7
from monocoque.car.body.logic.routes import METRES_PER_DEGREE, Route, make_route, read_route
from monocoque.car.body.logic.slopes import PIECES_MAX, SLOPE_MAX

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
WARM = Body(at_us=0, plugged=False, battery_celsius=25.0)
SPEED_M_PER_S = 15.0
LENGTH_M = 6_000
HILL_M = 240.0
MOUNTAIN = Path(__file__).parents[2] / "docs/guide/routes/lake-to-hill.gpx"


def north(heights: list[float | None], length_m: float = LENGTH_M) -> Route:
    """A straight way to the north, with these heights at even distances."""
    step_degrees = length_m / METRES_PER_DEGREE / (len(heights) - 1)
    return make_route([(number * step_degrees, 8.0, h) for number, h in enumerate(heights)])


UP = north([HILL_M * n / 60 for n in range(61)])
DOWN = north([HILL_M * (60 - n) / 60 for n in range(61)])
FLAT = north([0.0] * 61)
OVER = north([HILL_M * min(n, 120 - n) / 60 for n in range(121)], 2 * LENGTH_M)
FLAT_TWICE = north([0.0] * 121, 2 * LENGTH_M)


def driven(route: Route, body: Body = WARM, speed_m_per_s: float = SPEED_M_PER_S) -> Body:
    """The car at the end of the route, the moment it stands."""
    now = begin_route(body, route, speed_m_per_s)
    while now.drive is not None:
        now = step(now, now.at_us + SECOND_US)
    return now


def used_wh(route: Route) -> float:
    parked = driven(route)
    return parked.trip_given_wh - parked.trip_taken_wh


POTENTIAL_WH = ARDEN_7.mass_kg * GRAVITY_M_PER_S2 * HILL_M / 3_600.0


def test_a_hill_costs_its_height_over_the_efficiency_of_the_drive() -> None:
    efficiency = POTENTIAL_WH / (used_wh(UP) - used_wh(FLAT))
    low = ARDEN_7.gear_efficiency * ARDEN_7.motor_efficiency_low
    assert low < efficiency < ARDEN_7.gear_efficiency


def test_a_way_down_gives_back_less_than_the_way_up_cost() -> None:
    gained_wh, cost_wh = used_wh(FLAT) - used_wh(DOWN), used_wh(UP) - used_wh(FLAT)
    assert 0.6 * POTENTIAL_WH < gained_wh < POTENTIAL_WH < cost_wh
    assert driven(DOWN).charge_percent > WARM.charge_percent
    assert driven(DOWN).trip_taken_wh > driven(FLAT).trip_taken_wh + 0.3 * POTENTIAL_WH


def test_up_and_down_again_costs_a_little_more_than_flat() -> None:
    over, flat = used_wh(OVER), used_wh(FLAT_TWICE)
    assert flat < over < flat + 0.4 * POTENTIAL_WH


def test_a_route_without_heights_costs_what_a_flat_one_does() -> None:
    unknown = driven(north([None] * 61))
    assert unknown.trip_given_wh == pytest.approx(driven(FLAT).trip_given_wh, rel=1e-3)
    assert unknown.trip_taken_wh == pytest.approx(driven(FLAT).trip_taken_wh, rel=1e-3)
    assert begin_route(WARM, FLAT, SPEED_M_PER_S).slope == 0.0


def test_a_drive_over_a_hill_takes_as_much_as_small_steps_say() -> None:
    by_steps = Condition(charge=0.62, battery_celsius=25.0)
    body = begin_route(WARM, OVER, SPEED_M_PER_S)
    away = body
    while body.drive is not None:
        after = step(body, body.at_us + SECOND_US // 4)
        elapsed_s = (after.at_us - body.at_us) / SECOND_US
        doing = Doing(
            (body.speed_m_per_s + after.speed_m_per_s) / 2,
            (after.speed_m_per_s - body.speed_m_per_s) / elapsed_s,
            slope=step(body, body.at_us + SECOND_US // 8).slope,
            people=0.0,
        )
        by_steps = pass_on(ARDEN_7, by_steps, doing, elapsed_s)
        body = after
    at_once = step(away, body.at_us)
    used = WARM.charge_percent - at_once.charge_percent
    assert used == pytest.approx(62.0 - by_steps.charge * 100, rel=0.02)
    # A moment in which the motor takes counts whole, though the computers eat a part of it.
    assert at_once.trip_given_wh == pytest.approx(by_steps.given_wh, rel=0.05)
    assert body.trip_given_wh == pytest.approx(at_once.trip_given_wh)


@settings(deadline=None)
@given(
    st.sampled_from([UP, DOWN, OVER]),
    st.lists(st.integers(1, 300 * SECOND_US), min_size=1, max_size=8),
    st.floats(1.0, 40.0),
)
def test_many_steps_on_a_slope_come_to_what_one_does(route, steps_us, speed_m_per_s) -> None:
    start = by_steps = begin_route(WARM, route, speed_m_per_s)
    for one_us in steps_us:
        by_steps = step(by_steps, by_steps.at_us + one_us)
    at_once = step(start, sum(steps_us))
    assert by_steps.charge_percent == pytest.approx(at_once.charge_percent, abs=0.01)
    assert by_steps.trip_given_wh == pytest.approx(at_once.trip_given_wh)
    assert by_steps.trip_taken_wh == pytest.approx(at_once.trip_taken_wh)
    assert by_steps.odometer_m == at_once.odometer_m


def test_who_brakes_on_a_slope_pays_for_the_way_that_was_driven() -> None:
    half = step(begin_route(WARM, UP, SPEED_M_PER_S), 200 * SECOND_US)
    parked = step(begin_park(half), 300 * SECOND_US)
    assert parked.gear == "park"
    cost_wh = parked.trip_given_wh - parked.trip_taken_wh
    assert cost_wh == pytest.approx(used_wh(UP) / 2, rel=0.05)
    at_once = step(begin_park(begin_route(WARM, UP, SPEED_M_PER_S)), HOUR_US)
    assert at_once.trip_given_wh < 0.1


def test_noise_of_a_receiver_hardly_costs_energy_and_the_climb_is_kept() -> None:
    random = Random(7)
    points = 601
    true = [HILL_M * n / (points - 1) for n in range(points)]
    noisy = north([true[0], *(h + random.gauss(0.0, 3.0) for h in true[1:-1]), true[-1]])
    climbed_m = sum(slope * noisy.slopes.piece_m for slope in noisy.slopes.slopes)
    assert climbed_m == pytest.approx(HILL_M, abs=1.0)
    assert used_wh(noisy) == pytest.approx(used_wh(UP), rel=0.01)
    true_slope = HILL_M / LENGTH_M
    inside = noisy.slopes.slopes[4:-4]
    spread = math.sqrt(sum((slope - true_slope) ** 2 for slope in inside) / len(inside))
    raw = [(b - a) / 10.0 for a, b in pairwise(h for h in noisy.heights_m)]
    raw_spread = math.sqrt(sum((slope - true_slope) ** 2 for slope in raw) / len(raw))
    assert spread < raw_spread / 15


def test_heights_that_no_road_has_count_as_the_steepest_road() -> None:
    cliff = north([0.0, 0.0, 8_000.0, 0.0, 0.0])
    assert max(cliff.slopes.slopes) == SLOPE_MAX
    assert min(cliff.slopes.slopes) == -SLOPE_MAX
    assert math.isfinite(used_wh(cliff))


def test_a_long_way_has_a_bounded_number_of_pieces_and_a_short_one_has_one() -> None:
    assert len(north([0.0, 500.0, 0.0], 190_000.0).slopes.slopes) == PIECES_MAX
    short = north([0.0, 1.0], 10.0)
    assert short.slopes.slopes == pytest.approx((0.1,), rel=0.02)
    assert driven(short).gear == "park"


def test_a_full_battery_takes_nothing_on_the_way_down() -> None:
    full = begin_route(replace(WARM, charge_percent=100.0), DOWN, SPEED_M_PER_S)
    below = step(full, 60 * SECOND_US)
    later = step(below, 300 * SECOND_US)
    assert below.charge_percent == later.charge_percent == 100.0
    assert readings.battery_w(below) == readings.battery_w(later) == 0.0
    # What comes back runs the computers, and no more.
    taken_wh = later.trip_taken_wh - below.trip_taken_wh
    assert taken_wh == pytest.approx(ARDEN_7.auxiliary_w * 240 / 3_600, rel=0.01)
    half = begin_route(WARM, DOWN, SPEED_M_PER_S)
    wear = step(half, 300 * SECOND_US).cycle_loss - step(half, 60 * SECOND_US).cycle_loss
    assert later.cycle_loss - below.cycle_loss < wear / 5


def test_an_empty_battery_gives_nothing_on_the_way_up() -> None:
    empty = begin_route(replace(WARM, charge_percent=0.0), UP, SPEED_M_PER_S)
    above = step(empty, 300 * SECOND_US)
    assert above.charge_percent == above.trip_given_wh == above.cycle_loss == 0.0
    assert readings.battery_w(above) == 0.0
    down = step(replace(empty, route=DOWN), 300 * SECOND_US)
    assert down.charge_percent > 0.0 < readings.battery_w(down)


def test_a_full_battery_takes_nothing_of_the_brakes_on_a_flat_way_either() -> None:
    full = begin_drive(replace(WARM, charge_percent=100.0), 60 * SECOND_US, 20.0)
    away = step(full, 64 * SECOND_US)
    assert away.trip_taken_wh > 0.0
    assert away.charge_percent < 100.0
    # One that is filled to the brim as it brakes takes what runs the computers, and no more.
    brim = replace(step(full, 60 * SECOND_US), charge_percent=100.0)
    braked = step(brim, 66 * SECOND_US)
    assert braked.charge_percent == pytest.approx(100.0, abs=0.001)
    assert braked.trip_taken_wh - brim.trip_taken_wh < 5.0


VALLEY = north([HILL_M * abs(60 - n) / 60 for n in range(121)], 2 * LENGTH_M)


@settings(deadline=None)
@given(
    st.sampled_from([VALLEY, OVER, None]),
    st.sampled_from([100.0, 99.7, 1.0, 0.3, 0.0]),
    st.lists(st.integers(1, 200 * SECOND_US), min_size=1, max_size=8),
)
def test_a_battery_that_becomes_full_or_empty_does_so_however_often_it_is_looked_at(
    route, percent, steps_us
) -> None:
    body = replace(WARM, charge_percent=percent)
    start = by_steps = (
        begin_drive(body, 400 * SECOND_US, 20.0)
        if route is None
        else begin_route(body, route, SPEED_M_PER_S)
    )
    for one_us in steps_us:
        by_steps = step(by_steps, by_steps.at_us + one_us)
    at_once = step(start, sum(steps_us))
    assert by_steps.charge_percent == pytest.approx(at_once.charge_percent, abs=0.01)
    assert by_steps.trip_given_wh == pytest.approx(at_once.trip_given_wh, abs=1.0)
    assert by_steps.trip_taken_wh == pytest.approx(at_once.trip_taken_wh, abs=1.0)
    assert by_steps.cycle_loss == pytest.approx(at_once.cycle_loss, rel=0.01, abs=1e-9)
    held_wh = by_steps.trip_given_wh - by_steps.trip_taken_wh
    lost_wh = (percent - by_steps.charge_percent) / 100 * ARDEN_7.capacity_wh
    assert held_wh <= lost_wh + 1e-6


def test_instruments_show_the_slope() -> None:
    at_us = 100 * SECOND_US
    up, flat, down = (
        step(begin_route(WARM, route, SPEED_M_PER_S), at_us) for route in (UP, FLAT, DOWN)
    )
    assert (up.slope, down.slope) == pytest.approx((0.04, -0.04), rel=0.01)
    assert readings.battery_w(up) < readings.battery_w(flat) < 0.0 < readings.battery_w(down)
    assert WARM.slope == 0.0


def test_the_hill_of_the_guide_costs_more_up_than_down() -> None:
    up = read_route(MOUNTAIN.read_bytes())
    down = Route(
        up.places[::-1],
        tuple(up.length_m - along for along in up.along_m[::-1]),
        up.heights_m[::-1],
    )
    assert used_wh(up) > used_wh(down) + POTENTIAL_WH

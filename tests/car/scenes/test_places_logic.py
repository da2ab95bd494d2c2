"""Coming and going: seen once each, through noise, at the radius, and after a time out of sight."""

import itertools
import math
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.scenes.logic import places, runs
from monocoque.car.scenes.logic.places import Crossing, Fix, Side, Standing, Watch
from monocoque.contracts.scenes import ACTIONS, Action, Arrive, AtTime, Leave, Place, Scene

SECOND_US = 1_000_000
HOME = Place(473_769_000, 85_417_000, enter_radius_m=150, exit_radius_m=300)
METRES_PER_DEGREE = 111_195.0
AWAY_S = 300
NEEDED = 3
LAMP = (Action(ACTIONS["home.lamp.turn_on"], {}),)


def scene(when):
    return Scene("scene_0123456789abcdefghjkmnpqrs", "Light", when, LAMP, 600)


ARRIVE = scene(Arrive(HOME, AWAY_S))
LEAVE = scene(Leave(HOME, AWAY_S))


def fix(at_s, north_m, east_m=0.0, accuracy_m=5.0):
    latitude = 47.3769 + north_m / METRES_PER_DEGREE
    longitude = 8.5417 + east_m / METRES_PER_DEGREE / math.cos(math.radians(47.3769))
    return Fix(latitude, longitude, accuracy_m, round(at_s * SECOND_US))


def crossings(fixes, watch=None):
    watch = watch or Watch()
    for each in fixes:
        watch, crossing = places.look(watch, HOME, each, NEEDED)
        if crossing is not None:
            yield crossing


def judged(fixes, of=ARRIVE, watch=None):
    """Every judgement that is made because of these measured places."""
    found = (runs.of_crossing(of, crossing) for crossing in crossings(fixes, watch))
    return [judgement for judgement in found if judgement is not None]


def fired(fixes, of=ARRIVE):
    """When the scene ran, in seconds."""
    return [each.occurred_us / SECOND_US for each in judged(fixes, of) if each.ran]


def along(*metres, begin_s=0, step_s=1):
    return [fix(begin_s + number * step_s, north_m) for number, north_m in enumerate(metres)]


def test_a_car_that_was_gone_and_comes_runs_its_scene_once():
    there = [100.0, 50.0, 0.0, 0.0, 0.0, 0.0]
    fixes = along(*[1_000.0] * 310, *there)
    assert fired(fixes) == [312.0]
    assert fired(fixes, LEAVE) == []


def test_a_car_that_was_there_and_goes_runs_its_scene_once():
    fixes = along(*[0.0] * 310, *[400.0] * 10)
    assert fired(fixes, LEAVE) == [312.0]
    assert fired(fixes) == []


def test_what_it_means_says_why():
    ran, short, unseen = (
        judged(along(*[1_000.0] * 310, *[100.0] * 3))[0],
        judged(along(*[1_000.0] * 100, *[100.0] * 3))[0],
        judged(along(*[100.0] * 3))[0],
    )
    assert (ran.ran, ran.reason) == (True, "arrived")
    assert [(each.what, each.fits) for each in ran.findings] == [
        ("distance_m", True),
        ("accuracy_m", True),
        ("before", True),
        ("before_s", True),
    ]
    assert (short.ran, short.reason) == (False, "away_too_short")
    assert short.findings[-1] == runs.Finding("before_s", "98", fits=False)
    assert (unseen.ran, unseen.reason) == (False, "not_seen_coming")
    assert judged(along(*[400.0] * 3), LEAVE)[0].reason == "not_seen_going"
    assert judged(along(*[0.0] * 9, *[400.0] * 3), LEAVE)[0].reason == "stay_too_short"


def test_a_scene_that_waits_for_a_minute_cares_for_no_place():
    crossing = next(crossings(along(*[100.0] * 3)))
    assert runs.of_crossing(scene(AtTime(0, ("mon",), "UTC")), crossing) is None


@pytest.mark.parametrize("accuracy_m", [0.0, -1.0, 75.1, 10_000.0, math.nan, math.inf])
def test_a_place_with_a_large_error_or_with_none_given_is_not_looked_at(accuracy_m):
    gone = along(*[1_000.0] * 310)
    there = [fix(310 + number, 0.0, accuracy_m=accuracy_m) for number in range(100)]
    assert fired([*gone, *there]) == []
    assert fired([*gone, *there, *along(0.0, 0.0, 0.0, begin_s=500)]) == [502.0]


@pytest.mark.parametrize(
    ("fixes", "times"),
    [
        pytest.param([0.0, 0.0], [], id="too few"),
        pytest.param([0.0, 1_000.0, 0.0, 1_000.0, 0.0, 0.0], [], id="not in a row"),
        pytest.param([0.0, 200.0, 0.0, 200.0, 0.0, 0.0], [], id="between the radii and back"),
        pytest.param([151.0] * 50, [], id="just not there"),
        pytest.param([149.0] * 3, [312.0], id="just there"),
    ],
)
def test_several_places_in_a_row_must_say_that_the_car_is_there(fixes, times):
    assert fired(along(*[1_000.0] * 310, *fixes)) == times


@pytest.mark.parametrize(
    ("latitude", "longitude", "age_s", "usable"),
    [
        (47.0, 8.0, 0, True),
        (47.0, 8.0, 10, True),
        (47.0, 8.0, -10, True),
        (47.0, 8.0, 10.1, False),
        (47.0, 8.0, -10.1, False),
        (90.1, 8.0, 0, False),
        (47.0, -180.1, 0, False),
        (math.nan, 8.0, 0, False),
        (47.0, math.inf, 0, False),
    ],
)
def test_only_a_place_on_earth_that_was_measured_now_is_usable(latitude, longitude, age_s, usable):
    measured = Fix(latitude, longitude, 5.0, round((1_000 - age_s) * SECOND_US))
    assert places.is_usable(measured, 1_000 * SECOND_US, 10.0) is usable


@pytest.mark.parametrize(
    ("gap_s", "moved_m", "lost"),
    [(121, 51, True), (120, 5_000, False), (100_000, 49, False), (121, 5_000, True)],
)
def test_a_car_that_was_moved_while_nobody_looked_was_out_of_sight(gap_s, moved_m, lost):
    last, found = fix(0, 1_000.0), fix(gap_s, 1_000.0 + moved_m)
    assert places.is_out_of_sight(last, found, 120.0, 50.0) is lost
    assert not places.is_out_of_sight(None, found, 120.0, 50.0)


@pytest.mark.parametrize(
    ("gap_s", "before_m", "after_m", "lost"),
    [
        (121, 7_000, 12_000, True),
        (121, 7_000, 7_050, False),
        (120, 7_000, 12_000, False),
        (121, 0, 12_000, False),
        (121, 7_000, 0, False),
    ],
)
def test_a_car_that_was_away_and_came_back_while_nobody_looked_knows_by_its_odometer(
    gap_s, before_m, after_m, lost
):
    last = replace(fix(0, 1_000.0), odometer_m=before_m)
    found = replace(fix(gap_s, 1_000.0), odometer_m=after_m)
    assert places.is_out_of_sight(last, found, 120.0, 50.0) is lost


def test_a_car_that_was_out_of_sight_has_not_been_seen_to_come():
    found = judged(along(*[0.0] * 3, begin_s=9_999), watch=Watch())
    assert [(each.ran, each.reason) for each in found] == [(False, "not_seen_coming")]


def test_distances_are_right_also_at_the_edges_of_the_map():
    assert places.distance_m(fix(0, 1_000.0), 47.3769, 8.5417) == pytest.approx(1_000.0, abs=1.0)
    assert places.distance_m(fix(0, 0.0, 750.0), 47.3769, 8.5417) == pytest.approx(750.0, abs=1.0)
    fiji = Fix(-17.0, 179.9995, 5.0, 0)
    assert places.distance_m(fiji, -17.0, -179.9995) == pytest.approx(106.3, abs=1.0)
    pole = Fix(90.0, 0.0, 5.0, 0)
    assert places.distance_m(pole, 90.0, 180.0) == pytest.approx(0.0, abs=1.0)
    assert places.distance_m(Fix(0.0, 0.0, 5.0, 0), 0.0, 180.0) == pytest.approx(20_015_087, abs=1)


STEPS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 600)), min_size=1, max_size=120)


def walk(steps):
    at_s, fixes = 0, []
    for step_s, north_m in steps:
        at_s += step_s
        fixes.append(fix(at_s, float(north_m)))
    return fixes


@settings(max_examples=400)
@given(STEPS)
def test_no_sequence_of_places_runs_a_scene_before_the_car_was_away_for_so_long(steps):
    """Judged by the steps alone: since the car was last seen at home, so much time went by."""
    fixes = walk(steps)
    at_s = [each.measured_us // SECOND_US for each in fixes]
    is_there = [north_m <= HOME.enter_radius_m for _, north_m in steps]
    for now_s in fired(fixes):
        last = at_s.index(now_s)
        first = last - NEEDED + 1
        assert all(is_there[first : last + 1])
        begin_s = at_s[first] - AWAY_S
        away = [n for n in range(first) if at_s[n] > begin_s]
        assert not any(all(is_there[n : n + NEEDED]) for n in away if n + NEEDED <= first)
        gone = [n for n in range(first) if at_s[n] <= begin_s]
        assert any(steps[n][1] > HOME.exit_radius_m for n in gone)


@settings(max_examples=200)
@given(STEPS)
def test_between_two_comings_the_car_went(steps):
    found = list(crossings(walk(steps)))
    sides = [each.after.side for each in found]
    assert all(before is not after for before, after in itertools.pairwise(sides))
    assert Side.UNKNOWN not in sides
    for each, following in itertools.pairwise(found):
        assert following.before == each.after


@given(
    st.lists(st.sampled_from([140.0, 149.0, 151.0, 160.0, 299.0]), min_size=1, max_size=400),
)
def test_a_car_that_flutters_at_the_inner_radius_comes_once_at_most(metres):
    assert len(fired(along(*[1_000.0] * 310, *metres))) <= 1


@given(st.lists(st.sampled_from([160.0, 290.0, 299.0, 301.0, 310.0]), min_size=1, max_size=400))
def test_a_car_that_flutters_at_the_outer_radius_neither_comes_nor_goes_twice(metres):
    fixes = along(*[0.0] * 310, *metres)
    assert fired(fixes) == []
    assert len(fired(fixes, LEAVE)) <= 1


@given(st.lists(st.sampled_from([100.0, 200.0, 400.0]), max_size=290))
def test_a_car_that_comes_again_and_again_within_the_time_away_comes_once(metres):
    assert len(fired(along(*[1_000.0] * 310, 0.0, 0.0, 0.0, *metres))) <= 1 + len(metres) // AWAY_S


@dataclass
class Truth:
    """Where a car really was, and what it measured."""

    at_s: int
    north_m: float
    east_m: float
    measured: Fix

    @property
    def away_m(self):
        return math.hypot(self.north_m, self.east_m)


ERROR_M = 45.0
"""More than the walk of the error below ever reaches."""


def noisy_drive(random: Random):
    """Some legs with stops; errors that drift, that jitter, and now and then one that is absurd."""
    north_m, east_m = random.uniform(-2_000, 2_000), random.uniform(-2_000, 2_000)
    drift_north = drift_east = 0.0
    at_s, truths = 0, []
    for _ in range(random.randint(3, 7)):
        if random.random() < 0.5:  # to home, or to the very edge of it
            away_m, angle = random.uniform(0, 340), random.uniform(0, math.tau)
            goal = (away_m * math.cos(angle), away_m * math.sin(angle))
        else:
            goal = (random.uniform(-2_000, 2_000), random.uniform(-2_000, 2_000))
        speed = random.uniform(5, 16)
        distance = math.hypot(goal[0] - north_m, goal[1] - east_m)
        steps = max(1, round(distance / speed / 2))
        begin = (north_m, east_m)
        for step in [*range(1, steps + 1), *[steps] * random.choice([0, 5, 60])]:
            part = step / steps
            north_m = begin[0] + (goal[0] - begin[0]) * part
            east_m = begin[1] + (goal[1] - begin[1]) * part
            at_s += 2
            drift_north = max(-20.0, min(20.0, drift_north * 0.98 + random.gauss(0, 1.5)))
            drift_east = max(-20.0, min(20.0, drift_east * 0.98 + random.gauss(0, 1.5)))
            error = (drift_north + random.uniform(-8, 8), drift_east + random.uniform(-8, 8))
            if random.random() < 0.01:
                error = (random.uniform(-2_500, 2_500), random.uniform(-2_500, 2_500))
            measured = fix(at_s, north_m + error[0], east_m + error[1], random.uniform(3, 30))
            truths.append(Truth(at_s, north_m, east_m, measured))
        at_s += random.choice([0, 0, 300, 30_000])  # stands, and measures nothing
    return truths


def check_arrival(truths, now_s):
    """The car is there, had been gone, and was not there for the time away."""
    index = next(number for number, each in enumerate(truths) if each.at_s == now_s)
    assert truths[index].away_m <= HOME.enter_radius_m + ERROR_M
    first = index - NEEDED + 1
    begin_s = truths[first].at_s - AWAY_S
    before = [each for each in truths[:first] if each.at_s > begin_s]
    was_there = [each.away_m < HOME.enter_radius_m - ERROR_M for each in before]
    assert not any(all(was_there[n : n + 2 * NEEDED]) for n in range(len(before) - 2 * NEEDED))
    earlier = [each for each in truths[:first] if each.at_s <= begin_s]
    assert any(each.away_m > HOME.exit_radius_m - ERROR_M for each in earlier)


def true_arrivals_max(truths):
    """How often the car came, when every doubt counts as coming and going."""
    count, is_gone = 0, True
    for each in truths:
        if each.away_m > HOME.exit_radius_m - ERROR_M:
            is_gone = True
        elif is_gone and each.away_m <= HOME.enter_radius_m + ERROR_M:
            count, is_gone = count + 1, False
    return count


def test_a_thousand_noisy_drives_give_no_false_arrival():
    arrivals = 0
    for seed in range(1_000):
        truths = noisy_drive(Random(seed))
        found = fired([each.measured for each in truths])
        for now_s in found:
            check_arrival(truths, now_s)
        assert len(found) <= true_arrivals_max(truths)
        arrivals += len(found)
    assert arrivals > 300  # it is not that nothing ever arrives


def test_a_crossing_counts_the_time_until_the_car_was_first_seen_on_the_other_side():
    crossing = Crossing(Standing(Side.GONE, 10), Standing(Side.THERE, 99), 10 + SECOND_US, 0, 5)
    assert crossing.stayed_s == 1.0

"""How a campaign goes on: a table of transitions, and a model of a fleet under every order."""

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.cloud.campaigns.logic import phases, rollout
from monocoque.cloud.campaigns.logic.phases import Phase, State
from monocoque.cloud.campaigns.logic.rollout import Count, Event, Plan, Standing
from monocoque.trust.updates.manifests import UpdateState

PLAN = Plan(waves=3, failures_max=1, soak_us=100, silent_us=50)
BEGUN = Standing(State.RUNNING, wave=0, wave_began_us=1_000)


def count(wave: int, phase: Phase, cars: int = 1, *, is_forgiven: bool = False) -> Count:
    return Count(wave, phase, is_forgiven, cars)


REFUSED = {
    (State.HALTED, Event.PAUSE),
    (State.HALTED, Event.RESUME),
    (State.HALTED, Event.FAIL),
    (State.HALTED, Event.SETTLE),
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_what_is_not_in_the_table_is_refused(state, event):
    refused = state is State.FINISHED or (state, event) in REFUSED
    assert (rollout.next_state(state, event) is None) is refused


@pytest.mark.parametrize(
    ("counts", "now_us", "expected"),
    [
        ([count(0, Phase.WAITING)], 1_050, 0),
        ([count(0, Phase.WAITING)], 1_099, 0),
        ([count(0, Phase.WAITING)], 1_100, 1),
        ([count(0, Phase.INSTALLED, 2)], 1_001, 1),
        ([count(0, Phase.INSTALLED), count(0, Phase.REFUSED)], 1_001, 1),
        ([count(0, Phase.INSTALLED), count(0, Phase.HELD)], 1_001, 0),
        ([count(0, Phase.INSTALLED), count(1, Phase.SKIPPED)], 1_001, 2),
    ],
)
def test_the_next_wave_begins_when_this_one_is_settled_or_has_waited(counts, now_us, expected):
    said = {each.wave for each in counts}
    rest = [count(wave, Phase.HELD) for wave in (1, 2) if wave not in said]
    after = rollout.go_on(BEGUN, [*counts, *rest], PLAN, now_us)
    assert (after.state, after.wave) == (State.RUNNING, expected)
    assert after.wave_began_us == (now_us if expected else 1_000)


def test_a_wave_that_waited_does_not_take_the_next_ones_with_it():
    waiting = [count(wave, Phase.WAITING) for wave in range(3)]
    assert rollout.go_on(BEGUN, waiting, PLAN, 10_000).wave == 1


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
@pytest.mark.parametrize("phase", sorted(phases.FAILURES))
def test_more_failures_in_one_wave_than_may_halt_a_campaign(state, phase):
    standing = Standing(state, 1, 1_000)
    rest = [count(2, Phase.HELD)]
    spread = [count(0, phase), count(1, phase), *rest]
    assert rollout.go_on(standing, spread, PLAN, 1_001).state is state
    forgiven = [count(1, phase), count(1, phase, 5, is_forgiven=True), *rest]
    assert rollout.go_on(standing, forgiven, PLAN, 1_001).state is state
    halted = rollout.go_on(standing, [count(1, phase, 2), *rest], PLAN, 1_001)
    assert (halted.state, halted.reason) == (State.HALTED, "failures")


def test_a_paused_campaign_begins_no_wave():
    paused = Standing(State.PAUSED, 0, 1_000)
    counts = [count(0, Phase.INSTALLED), count(1, Phase.HELD)]
    assert rollout.go_on(paused, counts, PLAN, 10_000) == paused


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_a_campaign_is_finished_when_every_car_is_settled(state):
    counts = [count(0, Phase.INSTALLED), count(2, Phase.ROLLED_BACK)]
    assert rollout.go_on(Standing(state, 0, 1_000), counts, PLAN, 1_001).state is State.FINISHED


@pytest.mark.parametrize("state", [State.HALTED, State.FINISHED])
def test_what_stands_still_does_not_go_on_by_itself(state):
    standing = Standing(state, 0, 1_000, "failures")
    assert rollout.go_on(standing, [count(0, Phase.ROLLED_BACK, 9)], PLAN, 10_000) == standing


def test_time_is_asked_for_only_while_a_wave_is_to_come():
    assert rollout.due_us(BEGUN, PLAN) == 1_100
    assert rollout.due_us(Standing(State.RUNNING, 2, 1_000), PLAN) is None
    assert rollout.due_us(Standing(State.PAUSED, 0, 1_000), PLAN) is None


@given(cars=st.lists(st.integers(), max_size=30), sizes=st.lists(st.integers(1, 9), max_size=5))
def test_waves_have_every_car_once_and_in_order(cars, sizes):
    waves = rollout.split(cars, sizes)
    assert [car for wave in waves for car in wave] == cars
    assert all(len(wave) == size for wave, size in zip(waves[:-1], sizes, strict=False))
    assert all(waves)


# --- a model of a fleet -----------------------------------------------------------------------

STORIES = (
    (UpdateState.OFFERED, UpdateState.DOWNLOADING, UpdateState.WAITING),
    (UpdateState.OFFERED, UpdateState.INSTALLING, UpdateState.BOOTING, UpdateState.INSTALLED),
    (UpdateState.INSTALLING, UpdateState.BOOTING, UpdateState.ROLLED_BACK, UpdateState.NONE),
    (UpdateState.REFUSED, UpdateState.OFFERED, UpdateState.INSTALLING, UpdateState.INSTALLED),
    (UpdateState.REFUSED,),
)


class Model:
    """A campaign whose one wave has begun, and its cars, as the service has them on record."""

    def __init__(self, cars: int, failures_max: int) -> None:
        self.plan = Plan(1, failures_max, 100, 50)
        self.standing = Standing(State.RUNNING, 0, 0)
        self.phase = dict.fromkeys(range(cars), Phase.DIRECTED)
        self.directed = set(range(cars))
        self.heard = Counter[int]()
        self.cars = cars

    def hear(self, car: int, sequence: int, said: UpdateState) -> None:
        if sequence <= self.heard[car]:
            return
        self.heard[car] = sequence
        has_it = said is UpdateState.INSTALLED
        self.phase[car] = phases.after_report(
            self.phase[car], said, has_it=has_it, is_directed=car in self.directed
        )
        self.go_on()

    def go_on(self) -> None:
        counts = [count(0, phase) for phase in self.phase.values()]
        assert sum(each.cars for each in counts) == self.cars
        self.standing = rollout.go_on(self.standing, counts, self.plan, 1)
        for car in sorted(self.directed):
            if self.phase[car] in phases.to_call_back(self.standing.state):
                self.directed.discard(car)
                self.phase[car] = phases.after_call_back(self.phase[car])


@st.composite
def fleets(draw):
    """Cars with a story each, and two orders in which their words arrive, some of them twice."""
    stories = draw(st.lists(st.sampled_from(STORIES), min_size=1, max_size=6))
    words = [(car, at + 1) for car, story in enumerate(stories) for at in range(len(story))]

    def order():
        mixed = draw(st.permutations(words))
        own = {car: iter(sorted(w for w in mixed if w[0] == car)) for car in range(len(stories))}
        heard = [next(own[car]) for car, _ in mixed]  # each car's own words come in order
        return [w for w in heard for _ in range(draw(st.integers(1, 2)))]

    return stories, order(), order(), draw(st.integers(0, 3))


@settings(max_examples=200, deadline=None)
@given(fleets())
def test_the_order_in_which_cars_report_changes_nothing(fleet):
    stories, first, second, failures_max = fleet
    ends = []
    for order in (first, second):
        model = Model(len(stories), failures_max)
        for car, sequence in order:
            model.hear(car, sequence, stories[car][sequence - 1])
        ends.append(model)
    # What the cars have come to. Whether a campaign is halted on the way may depend on the order,
    # since a car that refused may come round; whether it could be halted at the end does not.
    settled = [
        {car: p for car, p in model.phase.items() if p in phases.SETTLED | phases.BEGUN}
        for model in ends
    ]
    assert settled[0] == settled[1]


@settings(max_examples=200, deadline=None)
@given(fleets())
def test_a_halted_campaign_directs_nobody_any_more(fleet):
    stories, order, _, failures_max = fleet
    model = Model(len(stories), failures_max)
    directed: set[int] | None = None
    for car, sequence in order:
        model.hear(car, sequence, stories[car][sequence - 1])
        if model.standing.state is State.HALTED:
            assert directed is None or model.directed <= directed
            directed = set(model.directed)
            assert not phases.to_direct(model.standing.state)

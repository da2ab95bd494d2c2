"""The steps of a build, whatever happens in whatever order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.shop.build.logic.parts import ARDEN, CONTROL_UNITS, LUMIO, unit_serial
from monocoque.shop.build.logic.steps import (
    Build,
    NotBuildable,
    OrderCancelled,
    OrderPaid,
    Progress,
    State,
    Step,
    step,
)

WEEK_US = 1_800_000_000_000_000
LATER_US = WEEK_US + 10_000_000
PAID = OrderPaid(4, WEEK_US)
SCHEDULED = Build(State.SCHEDULED, 4, WEEK_US)
ORDER = (State.SCHEDULED, State.IN_PRODUCTION, State.BUILT, State.DELIVERED)
BEGUN = ORDER[1:]


def at(state: State) -> Build:
    return replace(SCHEDULED, state=state)


def test_what_was_paid_is_scheduled_for_its_week():
    assert step(None, PAID) == Step(SCHEDULED)


def test_a_car_goes_through_production_to_its_owner():
    build = SCHEDULED
    for happening, state in zip(Progress, BEGUN, strict=True):
        taken = step(build, happening)
        assert taken == Step(at(state))
        build = taken.build


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", Progress)
def test_no_step_is_taken_out_of_order_or_twice(state, happening):
    taken = step(at(state), happening)
    place = list(Progress).index(happening)
    assert (taken is not None) is (state is ORDER[place])


@pytest.mark.parametrize("state", State)
def test_the_same_event_again_changes_nothing(state):
    assert step(at(state), PAID) is None
    assert step(at(state), OrderCancelled(4, WEEK_US)) is None


def test_a_new_week_counts_until_production_begins():
    later = OrderPaid(5, LATER_US)
    assert step(SCHEDULED, later) == Step(Build(State.SCHEDULED, 5, LATER_US))
    assert step(SCHEDULED, OrderPaid(3, LATER_US)) is None
    for state in (*BEGUN, State.CANCELLED, State.REFUSED):
        assert step(at(state), later) is None


def test_an_order_is_called_off_before_production():
    cancelled = step(SCHEDULED, OrderCancelled(5, WEEK_US))
    assert cancelled == Step(Build(State.CANCELLED, 5, WEEK_US))


@pytest.mark.parametrize("state", BEGUN)
def test_from_production_on_calling_off_is_refused_once(state):
    refused = step(at(state), OrderCancelled(5, WEEK_US))
    assert refused == Step(replace(at(state), order_sequence=5), "build_begun")
    assert step(refused.build, OrderCancelled(5, WEEK_US)) is None


def test_calling_off_that_overtakes_the_payment_is_an_end():
    early = step(None, OrderCancelled(5, WEEK_US))
    assert early == Step(Build(State.CANCELLED, 5, WEEK_US))
    assert step(early.build, PAID) is None
    assert step(early.build, OrderPaid(6, WEEK_US)) is None
    assert step(early.build, OrderCancelled(7, WEEK_US)) is None


def test_what_cannot_be_built_ends_with_its_reason():
    refused = step(SCHEDULED, NotBuildable("vin_serials_spent"))
    assert refused == Step(at(State.REFUSED), "vin_serials_spent")
    # The shop calls such an order off, and that is no news to the factory.
    assert step(refused.build, OrderCancelled(5, WEEK_US)) is None


HAPPENINGS = st.one_of(
    st.builds(OrderPaid, st.integers(1, 6), st.sampled_from((WEEK_US, LATER_US))),
    st.builds(OrderCancelled, st.integers(1, 6), st.just(WEEK_US)),
    st.sampled_from(Progress),
)


@given(st.lists(HAPPENINGS, max_size=30))
def test_whatever_happens_no_build_goes_back_and_a_cancelled_one_never_began(happenings):
    build, seen = None, []
    for happening in happenings:
        if build is None and isinstance(happening, Progress):
            continue
        taken = step(build, happening)
        if taken is not None:
            build = taken.build
            seen.append(build.state)
    begun = [state for state in seen if state in BEGUN]
    assert begun == sorted(begun, key=ORDER.index)
    if State.CANCELLED in seen:
        assert not begun
        assert seen[-1] is State.CANCELLED


def test_an_arden_7_has_ten_control_units_or_more_each_of_its_own_name():
    names = [unit.name for unit in CONTROL_UNITS]
    assert len(set(names)) == len(names) >= 10
    assert {unit.supplier for unit in CONTROL_UNITS} == {ARDEN, LUMIO}
    assert unit_serial(CONTROL_UNITS[0], "GAMA7SE1TA", 7) == "central-computer-TA000007"

"""A control unit's slots, whatever happens to it: it always starts what was started before."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.updates.logic.unit import (
    Image,
    confirmed,
    emptied,
    factory_state,
    filled,
    made_good,
    next_start,
    of_members,
    on_trial,
    taken_back,
    to_members,
)

OLD = Image(1, "1.0.0", 10, "a" * 64)
NEW = Image(2, "1.1.0", 20, "b" * 64)
TRIES_MAX = 3
FACTORY = factory_state(OLD)
TRIED = on_trial(filled(FACTORY, NEW))


def started(state, works):
    """The state after starts that work or do not, as often as the unit tries."""
    for one in works:
        state, slot = next_start(state, TRIES_MAX)
        if slot == state.running:
            return state
        if one:
            return confirmed(state)
    return state


def test_a_new_image_runs_when_it_confirms_itself_and_is_active_when_it_is_made_good() -> None:
    assert TRIED.image == OLD, "nothing new runs before the unit has started"
    running = started(TRIED, [True])
    assert (running.image, running.active) == (NEW, "a")
    assert next_start(running, TRIES_MAX) == (running, "b")
    good = made_good(running)
    assert (good.image, good.active, good.other, good.trying) == (NEW, "b", "a", None)
    assert made_good(good) == good, "twice is harmless"


def test_an_image_that_does_not_confirm_is_given_up_after_so_many_starts() -> None:
    state, slots = TRIED, []
    for _ in range(TRIES_MAX + 1):
        state, slot = next_start(state, TRIES_MAX)
        slots.append(slot)
    assert slots == ["b"] * TRIES_MAX + ["a"]
    assert (state.image, state.trying) == (OLD, None)
    assert state.images == {"a": OLD}, "what did not start is not tried again"
    assert started(TRIED, [False, False, True]).image == NEW, "the last try counts"


def test_a_trial_that_is_under_way_is_not_begun_anew() -> None:
    counted, _ = next_start(TRIED, TRIES_MAX)
    assert on_trial(counted) == counted
    assert counted.tries == 1


def test_what_cannot_be_is_a_defect() -> None:
    with pytest.raises(AssertionError):
        on_trial(FACTORY)
    with pytest.raises(AssertionError):
        confirmed(FACTORY)
    with pytest.raises(AssertionError):
        made_good(TRIED)
    with pytest.raises(AssertionError):
        filled(TRIED, NEW)


STEPS = st.sampled_from(["empty", "fill", "try", "start", "hang", "good", "back"])


@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_an_image_runs_that_was_active_or_has_confirmed_itself(steps) -> None:
    state = FACTORY
    for number, step in enumerate(steps):
        before = state
        if step == "empty":
            state = emptied(state)
        elif step == "fill" and state.trying is None:
            state = filled(state, replace(NEW, release_number=number))
        elif step == "try" and (state.trying or state.other in state.images):
            state = on_trial(state)
        elif step == "start":
            state = started(state, [True])
        elif step == "hang":
            state = started(state, [False])
        elif step == "good" and (state.trying is None or state.is_confirmed):
            state = made_good(state)
        elif step == "back":
            state = taken_back(state)
        assert state.images[state.active] == before.images[state.active]
        assert state.running in state.images
        assert state.tries <= TRIES_MAX
        assert of_members(to_members(state)) == state
        ended = started(state, [False] * (TRIES_MAX + 1))
        assert ended.image == state.image, "a unit that hangs comes back to what it ran"
        if state.image != before.image:
            assert step in ("start", "empty", "back")

"""The table of orders, production weeks, and the intake of many at once."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import NoWeekFree, OrderConflict, QuoteUsed
from monocoque.shop.orders.logic import (
    HOLDING,
    PAYABLE,
    TABLE,
    Effect,
    Event,
    State,
    Step,
    Taken,
    Week,
    Weeks,
    Wish,
    asked,
    step,
    take_in,
)

DURATION_US = 10
EARLIEST_US = 1_000
EVENTS = st.lists(st.sampled_from(Event), max_size=12)


def weeks(*taken: int, slots: int = 2, count_max: int = 5) -> Weeks:
    """Weeks from the earliest on, of which so many places each are taken."""
    known = [Week(EARLIEST_US + at * DURATION_US, slots, it) for at, it in enumerate(taken)]
    return Weeks(known, EARLIEST_US, DURATION_US, slots, count_max)


def wish(number: int, person: str = "person", key: str = "", quote: str = "") -> Wish:
    """A wish with everything of its own, unless it is named."""
    return Wish(
        order_id=f"order-{number}",
        person_id=person,
        idempotency_key=key or f"key-{number}",
        request_sha256=quote or f"quote-{number}",
        quote_id=quote or f"quote-{number}",
        wanted_week_us=EARLIEST_US,
    )


def taken(of: Wish) -> Taken:
    return Taken(of.order_id, of.person_id, of.idempotency_key, of.request_sha256, of.quote_id)


# --- the table --------------------------------------------------------------------------------


def test_an_order_goes_from_placed_to_delivered() -> None:
    state = State.PLACED
    for event in (Event.DECLINED, Event.CHARGED, Event.SCHEDULED, Event.BUILT, Event.DELIVERED):
        state = asked(state, event).state
    assert state is State.DELIVERED


def test_a_fact_that_comes_late_or_twice_changes_nothing() -> None:
    assert step(State.BUILT, Event.SCHEDULED) is None
    assert step(State.DELIVERED, Event.BUILT) is None
    assert step(State.CANCELLED, Event.DECLINED) is None


@pytest.mark.parametrize(
    "state", [State.SCHEDULED, State.BUILT, State.DELIVERED, State.EXPIRED, State.CANCELLED]
)
def test_what_the_factory_has_taken_or_what_has_ended_cannot_be_called_off(state: State) -> None:
    with pytest.raises(OrderConflict, match=f"is {state.value} cannot be called_off"):
        asked(state, Event.CALLED_OFF)


def test_a_charge_has_a_row_in_every_state_and_pays_only_what_waits_for_it() -> None:
    for state in State:
        found = TABLE[state, Event.CHARGED]
        if state in PAYABLE:
            assert found == Step(State.PAID, (Effect.RENEW_WEEK,))
        else:
            assert found == Step(state, (Effect.GIVE_THIS_MONEY_BACK,))


def test_a_place_is_given_back_exactly_when_an_order_stops_holding_it() -> None:
    for (before, _), found in TABLE.items():
        stops = before in HOLDING and found.state not in HOLDING
        assert (Effect.GIVE_PLACE_BACK in found.effects) == stops
        assert before in HOLDING or found.state not in HOLDING


@given(EVENTS)
def test_money_is_earned_once_by_what_was_paid_and_otherwise_goes_back(events: list[Event]) -> None:
    state, held, earned, returned = State.PLACED, 0, 0, 0
    charges = events.count(Event.CHARGED)
    for event in events:
        found = step(state, event)
        if found is None:
            continue
        held += event is Event.CHARGED
        if Effect.GIVE_THIS_MONEY_BACK in found.effects:
            held, returned = held - 1, returned + 1
        if Effect.GIVE_MONEY_BACK in found.effects:
            held, returned = 0, returned + held
        if Effect.EARN in found.effects:
            held, earned = held - 1, earned + 1
        state = found.state
        assert held == (state in {State.PAID, State.SCHEDULED, State.BUILT})
    assert earned == (state is State.DELIVERED)
    assert held + earned + returned == charges


# --- weeks ------------------------------------------------------------------------------------


def test_the_first_week_with_a_place_is_found_and_taken() -> None:
    these = weeks(2, 1)
    assert these.first_free_us(0) == EARLIEST_US + DURATION_US
    assert these.take(0) == EARLIEST_US + DURATION_US
    assert these.take(0) == EARLIEST_US + 2 * DURATION_US
    assert these.changed == {
        EARLIEST_US + DURATION_US: Week(EARLIEST_US + DURATION_US, 2, 2),
        EARLIEST_US + 2 * DURATION_US: Week(EARLIEST_US + 2 * DURATION_US, 2, 1),
    }


def test_a_wanted_week_is_not_got_earlier_than_wanted() -> None:
    assert weeks().first_free_us(EARLIEST_US + 3 * DURATION_US) == EARLIEST_US + 3 * DURATION_US


def test_a_moment_within_a_week_of_another_pace_means_the_next_one() -> None:
    assert weeks().first_free_us(EARLIEST_US + 11) == EARLIEST_US + 2 * DURATION_US


def test_a_week_on_record_keeps_its_own_number_of_places() -> None:
    these = Weeks([Week(EARLIEST_US, 1, 1)], EARLIEST_US, DURATION_US, 9, 5)
    assert these.first_free_us(0) == EARLIEST_US + DURATION_US


def test_when_every_planned_week_is_sold_nothing_is_promised() -> None:
    with pytest.raises(NoWeekFree):
        weeks(2, 2, count_max=2).take(0)


@given(
    st.lists(st.integers(0, 3), max_size=4),
    st.lists(st.integers(0, 40), max_size=30),
    st.integers(1, 3),
)
def test_no_week_is_ever_sold_beyond_its_places(
    before: list[int], wanted: list[int], slots: int
) -> None:
    these = weeks(*(min(it, slots) for it in before), slots=slots)
    got: Counter[int] = Counter()
    for behind in wanted:
        try:
            got[these.take(EARLIEST_US + behind)] += 1
        except NoWeekFree:
            break
    for at in range(5):
        had = min(before[at], slots) if at < len(before) else 0
        assert had + got[EARLIEST_US + at * DURATION_US] <= slots


# --- intake -----------------------------------------------------------------------------------


def test_of_two_who_want_the_last_place_the_first_gets_it_and_the_other_the_next_week() -> None:
    found = take_in([wish(1, "ann"), wish(2, "bob")], [], weeks(1))
    assert found.answers == ("order-1", "order-2")
    assert found.new == {"order-1": EARLIEST_US, "order-2": EARLIEST_US + DURATION_US}


@pytest.mark.parametrize("is_on_record", [True, False])
def test_the_same_wish_again_is_the_same_order(is_on_record: bool) -> None:
    first, again = wish(1), replace(wish(1), order_id="order-2")
    known = [taken(first)] if is_on_record else []
    found = take_in([again] if is_on_record else [first, again], known, weeks())
    assert found.answers[-1] == "order-1"
    assert len(found.new) == (0 if is_on_record else 1)


def test_the_same_key_with_another_quote_is_a_conflict() -> None:
    found = take_in([wish(1, key="k"), wish(2, key="k")], [], weeks())
    assert found.answers[0] == "order-1"
    assert isinstance(found.answers[1], OrderConflict)
    assert list(found.new) == ["order-1"]


def test_the_same_key_of_another_person_is_another_order() -> None:
    found = take_in([wish(1, "ann", key="k"), wish(2, "bob", key="k")], [], weeks())
    assert found.answers == ("order-1", "order-2")


def test_the_same_quote_is_one_order_for_whoever_ordered_first() -> None:
    wishes = [wish(1, "ann", quote="q"), wish(2, "ann", quote="q"), wish(3, "bob", quote="q")]
    found = take_in(wishes, [], weeks())
    assert found.answers[:2] == ("order-1", "order-1")
    assert isinstance(found.answers[2], QuoteUsed)
    assert list(found.new) == ["order-1"]


def test_without_a_free_week_a_wish_is_refused_and_another_with_its_key_may_come() -> None:
    found = take_in([wish(1), wish(1)], [], weeks(count_max=0))
    assert all(isinstance(answer, NoWeekFree) for answer in found.answers)
    assert not found.new

"""How often signals are wanted, which answers are news, and which times are taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.signals.logic.checks import all_in_time, leave_out, sift
from monocoque.car.signals.logic.readings import Freshness, Reading, news_among
from monocoque.car.signals.logic.wishes import EVERY_VALUE_MS, Wishes
from monocoque.contracts.errors import SignalDenied, SignalValueRefused
from monocoque.contracts.signals import DataType, EntryType, Signal

OWN_MS = 20


def signal(number):
    return Signal(number, f"Vehicle.S{number}", DataType.FLOAT, EntryType.SENSOR, "", "x")


def test_nobody_wants_a_signal_until_somebody_does_and_after_all_have_left() -> None:
    wishes = Wishes()
    assert wishes.fastest_ms(1, OWN_MS) is None
    wishes.add([1, 2], 100)
    assert (wishes.fastest_ms(1, OWN_MS), wishes.fastest_ms(3, OWN_MS)) == (100, None)
    wishes.drop([1], 100)
    assert (wishes.fastest_ms(1, OWN_MS), wishes.fastest_ms(2, OWN_MS)) == (None, 100)


def test_the_most_frequent_wish_counts_while_anybody_has_it() -> None:
    wishes = Wishes()
    for interval_ms in (500, 100, 100, 5):
        wishes.add([1], interval_ms)
    seen = []
    for interval_ms in (5, 100, 100):
        seen.append(wishes.fastest_ms(1, OWN_MS))
        wishes.drop([1], interval_ms)
    assert [*seen, wishes.fastest_ms(1, OWN_MS)] == [5, 100, 100, 500]


def test_who_wants_every_value_wants_it_as_often_as_there_is_one() -> None:
    wishes = Wishes()
    wishes.add([1], EVERY_VALUE_MS)
    assert wishes.fastest_ms(1, OWN_MS) == OWN_MS
    assert wishes.fastest_ms(1, 0) == 0
    wishes.add([1], 10)
    assert wishes.fastest_ms(1, OWN_MS) == 10


@given(st.lists(st.integers(0, 5), max_size=20), st.randoms())
def test_what_was_added_and_dropped_leaves_nothing(intervals_ms, random) -> None:
    wishes = Wishes()
    for interval_ms in intervals_ms:
        wishes.add([7], interval_ms)
    random.shuffle(intervals_ms)
    for interval_ms in intervals_ms:
        assert wishes.fastest_ms(7, OWN_MS) is not None
        wishes.drop([7], interval_ms)
    assert wishes.fastest_ms(7, OWN_MS) is None


@pytest.mark.parametrize(
    ("known", "value", "time_us", "is_news"),
    [
        (Reading(1, None, 0, "", Freshness.NEVER), 5.0, 0, True),
        (Reading(1, 5.0, 10, "a", Freshness.FRESH), 5.0, 10, False),
        (Reading(1, 5.0, 10, "a", Freshness.STALE), 5.0, 10, False),
        (Reading(1, 5.0, 10, "a", Freshness.FRESH), 5.0, 11, True),
        (Reading(1, 5.0, 10, "a", Freshness.FRESH), 6.0, 10, True),
        (Reading(1, 5.0, 10, "a", Freshness.FRESH), 6.0, 9, False),
        (Reading(1, 5.0, 10, "a", Freshness.PROVIDER_GONE), 5.0, 10, True),
    ],
)
def test_an_answer_is_news_unless_it_is_known_or_older(known, value, time_us, is_news) -> None:
    assert news_among([known], [value], [time_us]) == ([0] if is_news else [])


@pytest.mark.parametrize(
    ("times_us", "is_good"),
    [([], True), ([0, 100], True), ([100, 101], False), ([-1, 5], False)],
)
def test_times_are_between_1970_and_the_latest(times_us, is_good) -> None:
    assert all_in_time(times_us, 100) is is_good


def test_a_value_with_an_absurd_time_is_sifted_out_by_name() -> None:
    signals = [signal(number) for number in (1, 2, 3)]
    numbers, values, times_us, refused = sift(signals, [1.0, 2.0, 3.0], [-1, 50, 101], 100)
    assert (numbers, values, times_us) == ((2,), [2.0], [50])
    assert {number: type(error) for number, error in refused.items()} == dict.fromkeys(
        (1, 3), SignalValueRefused
    )
    assert "Vehicle.S1" in refused[1].what
    assert "1970" in refused[1].what
    assert "Vehicle.S3" in refused[3].what


def test_what_is_not_provided_is_left_out_by_number() -> None:
    refused, numbers, values, times_us = leave_out(frozenset({1, 3}), (1, 2, 3), "abc", (7, 8, 9))
    assert (numbers, values, times_us) == ((1, 3), ["a", "c"], [7, 9])
    assert [(number, type(error)) for number, error in refused.items()] == [(2, SignalDenied)]

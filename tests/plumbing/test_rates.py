"""Buckets of the bus: what they let through, whatever the times and the subjects."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import TooManyRequests
from monocoque.contracts.topics import CAR_HELLO, Topic
from monocoque.plumbing.bus.rates import MINUTE_US, Rates, taken_after
from tests.fixtures.http import SettableClock

rates_per_minute = st.integers(1, 6_000_000)
pauses_us = st.lists(st.integers(0, 2 * MINUTE_US), max_size=60)


class Bucket:
    """Buckets of one topic with this rate, at a time that the test sets."""

    def __init__(self, rate: int, subjects_max: int = 1_000) -> None:
        self.topic: Topic[Any] = replace(CAR_HELLO, rate_per_minute_max=rate)
        self.clock = SettableClock()
        self.rates = Rates(self.clock, subjects_max)

    def takes(self, *subjects: str) -> bool:
        """Whether these may be said at once."""
        try:
            self.rates.take(self.topic, Counter(subjects))
        except TooManyRequests:
            return False
        return True


@given(st.integers(1, 50), pauses_us)
def test_in_no_time_more_is_taken_than_a_minutes_worth_and_what_flowed_back(rate, pauses):
    bucket, at_us = Bucket(rate), 0
    taken_at_us: list[int] = []
    for pause_us in pauses:
        at_us += pause_us
        bucket.clock.time_us += pause_us
        if bucket.takes("a"):
            taken_at_us.append(at_us)
    for first, begin_us in enumerate(taken_at_us):
        for last, end_us in enumerate(taken_at_us[first:], start=1):
            assert last * MINUTE_US <= rate * (MINUTE_US + end_us - begin_us)


@given(rates_per_minute, st.lists(st.integers(0, MINUTE_US), max_size=100))
def test_who_keeps_to_the_rate_is_never_refused(rate, more_us):
    taken = 0
    for extra_us in more_us:
        after = taken_after(taken, -(-MINUTE_US // rate) + extra_us, 1, rate)
        assert after is not None
        taken = after


@given(rates_per_minute, st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**7))
def test_the_bucket_is_never_over_full_and_never_less_than_empty(rate, taken, elapsed, count):
    after = taken_after(min(taken, rate * MINUTE_US), elapsed, count, rate)
    assert after is None or count * MINUTE_US <= after <= rate * MINUTE_US
    assert after is not None or count > rate or taken > 0


def test_a_minutes_worth_may_come_at_once_and_the_next_when_a_token_is_back():
    bucket = Bucket(60)
    assert bucket.takes(*["a"] * 60)
    assert not bucket.takes("a")
    bucket.clock.time_us += 999_999
    assert not bucket.takes("a")
    bucket.clock.time_us += 1
    assert bucket.takes("a")


def test_subjects_have_each_their_own_bucket_and_a_batch_takes_all_or_nothing():
    bucket = Bucket(2)
    assert bucket.takes("a", "a")
    assert not bucket.takes("b", "b", "a")
    assert bucket.takes("b", "b")


def test_more_than_a_minutes_worth_is_never_taken_and_leaves_no_trace():
    bucket = Bucket(2)
    assert not bucket.takes("a", "a", "a")
    assert len(bucket.rates) == 0
    assert bucket.takes("a", "a")


@pytest.mark.parametrize("back_us", [1, 10 * MINUTE_US])
def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing(back_us):
    bucket = Bucket(60)
    assert bucket.takes(*["a"] * 59)
    bucket.clock.time_us += -back_us
    assert bucket.takes("a")
    assert not bucket.takes("a")
    bucket.clock.time_us += 1_000_000
    assert bucket.takes("a")


def test_no_more_subjects_are_remembered_than_allowed_and_the_busy_ones_stay():
    bucket = Bucket(2, subjects_max=3)
    assert bucket.takes("busy", "busy")
    for number in range(100):
        assert bucket.takes(f"s{number}")
        bucket.clock.time_us += 1
        assert not bucket.takes("busy")
        assert len(bucket.rates) <= 3

"""Buckets fill by the clock, refuse when empty, and are bounded in number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import TooManyRequests
from monocoque.plumbing.http.rates import Rates
from tests.fixtures.http import SettableClock


def _taken(rates: Rates, key: str) -> bool:
    try:
        rates.take(key)
    except TooManyRequests:
        return False
    return True


def test_a_burst_is_allowed_and_then_the_steady_rate() -> None:
    clock = SettableClock()
    rates = Rates(clock, per_s=10, burst_requests=3, keys_max=10)

    assert [_taken(rates, "a") for _ in range(4)] == [True, True, True, False]
    clock.advance(0.1)
    assert [_taken(rates, "a") for _ in range(2)] == [True, False]


def test_one_caller_does_not_use_up_another_s_rate() -> None:
    rates = Rates(SettableClock(), per_s=1, burst_requests=1, keys_max=10)

    assert _taken(rates, "a")
    assert _taken(rates, "b")
    assert not _taken(rates, "a")


def test_the_table_forgets_who_was_not_seen_for_the_longest_time() -> None:
    rates = Rates(SettableClock(), per_s=1, burst_requests=1, keys_max=2)
    for key in ("a", "b", "a", "c"):
        _taken(rates, key)

    assert len(rates) == 2
    assert not _taken(rates, "a")
    assert _taken(rates, "b")


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=60))
def test_no_pattern_of_calls_gets_more_than_burst_and_rate(pauses_s: list[float]) -> None:
    clock = SettableClock()
    start_us = clock.time_us
    rates = Rates(clock, per_s=2, burst_requests=5, keys_max=1)
    allowed = 0
    for pause_s in pauses_s:
        clock.advance(pause_s)
        allowed += _taken(rates, "a")

    elapsed_s = (clock.time_us - start_us) / 1_000_000
    assert allowed <= 5 + 2 * elapsed_s + 1e-6


def test_a_full_bucket_holds_no_more_than_its_burst() -> None:
    clock = SettableClock()
    rates = Rates(clock, per_s=1_000, burst_requests=2, keys_max=1)
    clock.advance(1_000)
    rates.take("a")
    rates.take("a")
    with pytest.raises(TooManyRequests):
        rates.take("a")

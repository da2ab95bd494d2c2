"""The counter window: never the same counter twice, any order within it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.trust.windows import WINDOW_WIDTH, CounterWindow, accept

COUNTERS = st.integers(min_value=-2, max_value=200) | st.integers(max_value=2**53)


@given(st.lists(COUNTERS, max_size=80))
def test_a_counter_is_taken_when_it_is_new_and_not_below_the_window_and_only_then(counters):
    window, taken = CounterWindow(), set()
    for counter in counters:
        after = accept(window, counter)
        highest = max(taken, default=0)
        expected = counter >= 1 and counter not in taken and counter > highest - WINDOW_WIDTH
        assert (after is not None) == expected
        if after is not None:
            window = after
            taken.add(counter)
        assert window.highest == max(taken, default=0)
        assert 0 <= window.bits < 2**63


@given(st.permutations(range(1, WINDOW_WIDTH + 1)))
def test_any_order_within_the_window_is_taken(counters):
    window = CounterWindow()
    for counter in counters:
        window = accept(window, counter)
        assert window is not None


@pytest.mark.parametrize(("first", "second", "taken"), [(64, 1, True), (65, 1, False)])
def test_the_window_is_64_wide(first, second, taken):
    assert (accept(accept(CounterWindow(), first), second) is not None) == taken

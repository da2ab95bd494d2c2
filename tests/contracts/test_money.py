"""Money against decimal arithmetic."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import MoneyMismatch
from monocoque.contracts.money import Money, total


def untyped(value: object) -> Any:
    """The value as a caller without a type checker would hand it over."""
    return value


AMOUNTS = st.integers(-(10**15), 10**15)


@given(amount=AMOUNTS, basis_points=st.integers(-20_000, 20_000))
def test_a_share_is_rounded_half_up_as_decimals_are(amount, basis_points):
    exact = Decimal(amount) * basis_points / 10_000
    expected = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert Money(amount, "EUR").share(basis_points) == Money(expected, "EUR")


@pytest.mark.parametrize(
    ("amount", "basis_points", "expected"),
    [(1, 5_000, 1), (-1, 5_000, -1), (3, 5_000, 2), (1, 4_999, 0), (10_000, 1_900, 1_900)],
)
def test_a_half_goes_away_from_zero(amount, basis_points, expected):
    assert Money(amount, "EUR").share(basis_points).amount_minor == expected


@given(amounts=st.lists(AMOUNTS, max_size=20))
def test_a_total_is_the_sum_whatever_the_order(amounts):
    lines = [Money(amount, "SEK") for amount in amounts]
    assert total(lines, "SEK") == Money(sum(amounts), "SEK") == total(lines[::-1], "SEK")


def test_amounts_are_added_taken_away_and_repeated():
    assert Money(5, "EUR") + Money(7, "EUR") == Money(12, "EUR")
    assert Money(5, "EUR") - Money(7, "EUR") == Money(-2, "EUR")
    assert Money(5, "EUR").times(3) == Money(15, "EUR")


@pytest.mark.parametrize(
    "combine",
    [
        pytest.param(lambda: Money(1, "EUR") + Money(1, "USD"), id="sum"),
        pytest.param(lambda: Money(1, "EUR") - Money(1, "USD"), id="difference"),
        pytest.param(lambda: total([Money(1, "EUR")], "USD"), id="total"),
        pytest.param(lambda: Money(untyped(1.0), "EUR"), id="a float"),
        pytest.param(lambda: Money(True, "EUR"), id="a truth"),
        pytest.param(lambda: Money(untyped("1"), "EUR"), id="a text"),
        pytest.param(lambda: Money(1, "ABC"), id="no currency"),
        pytest.param(lambda: Money(1, "eur"), id="small letters"),
        pytest.param(lambda: Money(1, "EUR").times(untyped(0.5)), id="half of it"),
    ],
)
def test_what_does_not_add_up_is_refused(combine):
    with pytest.raises(MoneyMismatch):
        combine()

"""The ledger: money moves from one account to another, and every posting adds up to nothing.

Rules:

* a posting has a name of its own, made of what caused it, so that it cannot be booked twice;
* its lines add up to zero in one currency; what an account holds is the sum of its lines;
* ``provider`` is what the provider holds for us, ``deposits`` what we owe buyers until their car is
  theirs, ``sales`` and ``tax`` what became ours and the state's with the delivery.

Left out on purpose: fees of the provider, and what it pays out; the practice provider has neither.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Account(enum.Enum):
    """Where money can be; what we hold is positive, what we owe or earned is negative."""

    PROVIDER = "provider"
    DEPOSITS = "deposits"
    SALES = "sales"
    TAX = "tax"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a posting."""

    account: Account
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Posting:
    """A movement of money."""

    name: str
    entries: tuple[Entry, ...]


def received(payment_id: str, amount_minor: int, currency: str) -> Posting:
    """The provider charged a buyer for us."""
    return Posting(
        f"{payment_id}.received",
        (
            Entry(Account.PROVIDER, amount_minor, currency),
            Entry(Account.DEPOSITS, -amount_minor, currency),
        ),
    )


def refunded(payment_id: str, amount_minor: int, currency: str) -> Posting:
    """The provider gave a buyer's money back."""
    return Posting(
        f"{payment_id}.refunded",
        (
            Entry(Account.DEPOSITS, amount_minor, currency),
            Entry(Account.PROVIDER, -amount_minor, currency),
        ),
    )


def delivered(order_id: str, total_minor: int, tax_minor: int, currency: str) -> Posting:
    """The car is the buyer's: what was owed is earned, but for the tax."""
    return Posting(
        f"{order_id}.delivered",
        (
            Entry(Account.DEPOSITS, total_minor, currency),
            Entry(Account.SALES, tax_minor - total_minor, currency),
            Entry(Account.TAX, -tax_minor, currency),
        ),
    )


def is_balanced(entries: Iterable[Entry]) -> bool:
    """Whether these add up to nothing, in every currency."""
    sums: dict[str, int] = {}
    for entry in entries:
        sums[entry.currency] = sums.get(entry.currency, 0) + entry.amount_minor
    return not any(sums.values())

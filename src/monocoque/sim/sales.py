"""What must hold of orders, weeks and money in a world, by what buyers remember.

By the names in ``SALES``. The oracle is outside the product: each buyer's own list of what the shop
acknowledged, the places that a week has, and the charges of the practice provider, which keeps
records of its own.

Rules: one look is one transaction, so that it sees orders, weeks and money of one moment; what is
not decided yet is not judged.

Left out on purpose: what a buyer sees wrong in a single answer; buyers.py names that.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.plumbing.records.port import Records
from monocoque.shop.orders.logic import HOLDING, State
from monocoque.shop.payments.logic.ledger import Account
from monocoque.shop.payments.logic.states import Found, PaymentState
from monocoque.sim.buyers import Buyer
from monocoque.sim.tables import CHARGES, LEDGER, ORDERS, PAYMENTS, WEEKS, rows_in

SALES: Final = {
    "order_lost": "the shop did not know an order that it had acknowledged",
    "order_doubled": "an order was on record that nobody placed, or one twice",
    "order_altered": "an order said something else than its quote",
    "car_refused": "the shop refused a quote for a car that its own configurator had made",
    "slot_sold_twice": "more orders held a place in a week than the week has, or than are counted",
    "ledger_unbalanced": "a posting did not add up, or the ledger and the provider differ",
    "called_off_in_vain": "an order that was called off went on, or its money was kept",
    "never_delivered": "a buyer of the first days had no car when the days should begin",
    "never_built": "an order was paid, its week was over, and no car was made",
}
HELD: Final = frozenset(state.value for state in HOLDING)
WAITING: Final = frozenset({State.PAID.value, State.SCHEDULED.value})
UNDECIDED: Final = frozenset({PaymentState.ASKED.value, PaymentState.REFUND_DUE.value})
Violate = Callable[[str, str], None]


@dataclass(frozen=True)
class _Books:
    """Everything on record of one moment."""

    orders: Sequence[Row[Any]]
    weeks: Sequence[Row[Any]]
    payments: Sequence[Row[Any]]
    ledger: Sequence[Row[Any]]
    charges: Sequence[Row[Any]]


class Sales:
    """Watches the shop of one world."""

    def __init__(
        self, cell: Records, buyers: Sequence[Buyer], slots_per_week: int, violate: Violate
    ) -> None:
        """buyers: may grow."""
        self._cell = cell
        self._buyers = buyers
        self._slots_per_week = slots_per_week
        self._violate = violate
        self._calm_us = 0
        self._calm_s = 0.0
        self._told: set[tuple[str, str]] = set()

    async def check(self) -> None:
        """Check what must hold at every moment."""
        for buyer in self._buyers:
            for invariant, what in buyer.memory.wrongs:
                self._tell(invariant, what)
        acknowledged = [
            purchase.order_id
            for buyer in self._buyers
            for purchase in buyer.memory.purchases
            if purchase.is_acknowledged
        ]
        # Whatever was acknowledged by now must be in what is read from now on.
        books = await self._cell.transact(_books)
        known = {row.order_id for row in books.orders}
        for order_id in acknowledged:
            if order_id not in known:
                self._tell("order_lost", order_id)
        self._check_called_off(books)
        self._check_keys(books)
        self._check_weeks(books)
        self._check_postings(books)

    def begin_calm(self, now_us: int) -> None:
        """From now on nothing fails: what was due before must be built at the end."""
        self._calm_us = now_us
        self._calm_s = asyncio.get_running_loop().time()

    async def check_end(self) -> None:
        """Check what must hold at the end, after everybody has looked once more."""
        await self.check()
        books = await self._cell.transact(_books)
        for row in books.orders:
            if row.state in WAITING and row.week_us < self._calm_us:
                self._tell("never_built", row.order_id)
        self._check_money(books)

    def _check_keys(self, books: _Books) -> None:
        wanted = {purchase.key for buyer in self._buyers for purchase in buyer.memory.purchases}
        seen: Counter[str] = Counter()
        for row in books.orders:
            seen[row.idempotency_key] += 1
            if row.idempotency_key not in wanted or seen[row.idempotency_key] > 1:
                self._tell("order_doubled", row.order_id)

    def _called_off(self) -> dict[str, float]:
        """When the shop acknowledged of which order that it was called off, in virtual seconds."""
        return {
            purchase.order_id: purchase.called_off_s
            for buyer in self._buyers
            for purchase in buyer.memory.purchases
            if purchase.called_off_s is not None
        }

    def _check_called_off(self, books: _Books) -> None:
        called_off = self._called_off()
        for row in books.orders:
            if row.order_id in called_off and row.state != State.CANCELLED.value:
                self._tell("called_off_in_vain", f"{row.order_id} is {row.state}")

    def _check_weeks(self, books: _Books) -> None:
        held = Counter(row.week_us for row in books.orders if row.state in HELD)
        counted = {row.begins_us: row.taken for row in books.weeks}
        for week_us in sorted(held.keys() | counted.keys()):
            count = held[week_us]
            if count > self._slots_per_week or count != counted.get(week_us, 0):
                self._tell("slot_sold_twice", f"week {week_us}: {count} orders")

    def _check_postings(self, books: _Books) -> None:
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for row in books.ledger:
            sums[row.posting, row.currency] += row.amount_minor
        for (posting, _currency), amount_minor in sorted(sums.items()):
            if amount_minor:
                self._tell("ledger_unbalanced", posting)

    def _check_money(self, books: _Books) -> None:
        """For each payment the ledger has what the provider charged; for each car its price."""
        held: dict[str, int] = defaultdict(int)
        for row in books.ledger:
            if row.account == Account.PROVIDER.value:
                held[row.posting.partition(".")[0]] += row.amount_minor
        charges = {row.payment_id: row for row in books.charges}
        paid: dict[str, int] = defaultdict(int)
        undecided: set[str] = set()
        for row in books.payments:
            paid[row.order_id] += held[row.payment_id]
            charge = charges.get(row.payment_id)
            if row.state in UNDECIDED:
                undecided.add(row.order_id)
            elif held[row.payment_id] != _charged_minor(charge):
                self._tell("ledger_unbalanced", row.payment_id)
        for row in books.orders:
            is_over = row.state == State.DELIVERED.value and row.order_id not in undecided
            if is_over and paid[row.order_id] != row.total_minor:
                self._tell("ledger_unbalanced", row.order_id)
        for order_id, called_off_s in self._called_off().items():
            is_late = called_off_s < self._calm_s and order_id in undecided
            if is_late or (order_id not in undecided and paid[order_id]):
                self._tell("called_off_in_vain", f"{order_id}: {paid[order_id]} kept")

    def _tell(self, invariant: str, what: str) -> None:
        if (invariant, what) not in self._told:
            self._told.add((invariant, what))
            self._violate(invariant, what)


def _charged_minor(charge: Row[Any] | None) -> int:
    """What the provider holds of a charge that is decided."""
    if charge is None or charge.state not in (Found.CHARGED.value, Found.PENDING.value):
        return 0
    return int(charge.amount_minor)


def _books(connection: Connection) -> _Books:
    return _Books(
        *(
            rows_in(connection, name)
            for name in (
                ORDERS,
                WEEKS,
                PAYMENTS,
                LEDGER,
                CHARGES,
            )
        )
    )

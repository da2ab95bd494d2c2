"""Payments as other features of the shop use them, inside their own transactions.

Rules:

* a payment is on record before the provider is asked, with the key that makes asking again
  harmless: the payment's own identifier;
* an order has one undecided payment at most; so nobody is charged twice by clicking again;
* money is booked in the transaction that notes why.

Left out on purpose: talking to the provider, which shop/orders does between two transactions.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts.errors import OrderConflict, PaymentOpen, TooManyRequests
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.shop.payments import records as rows
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.payments.logic import ledger
from monocoque.shop.payments.logic.events import ProviderEvent
from monocoque.shop.payments.logic.ledger import Entry
from monocoque.shop.payments.logic.states import (
    Finding,
    PaymentState,
    Step,
    Treatment,
    step,
)

EVENT_SECRET = "payment-event-secret"  # noqa: S105 - the name of a secret among the cell's
SECRET_BYTES = 32
SECOND_US = 1_000_000
DOUBLINGS_MAX = 16
OPEN = (PaymentState.ASKED.value,)


@dataclass(frozen=True)
class Ask:
    """A payment that is about to be asked for."""

    payment_id: str
    order_id: str
    idempotency_key: str
    token: str
    """What the provider's page gave the buyer; it is never kept."""
    amount_minor: int
    currency: str

    def known_as(self, payment_id: str) -> "Ask":
        """The same, by the identifier that it got the first time."""
        return replace(self, payment_id=payment_id)


def make_secret(keystore: KeyStore, random_bytes: bytes) -> None:
    """Keep the secret that shop and provider share, where there is none."""
    if keystore.read(EVENT_SECRET) is None:
        keystore.write(EVENT_SECRET, random_bytes)


def find_asked(connection: Connection, ask: Ask) -> Row[Any] | None:
    """The payment that an earlier request asked for; raises OrderConflict.

    The same key with another token is another request.
    """
    for row in rows.payments_of(connection, ask.order_id):
        if row.idempotency_key == ask.idempotency_key:
            if row.request_sha256 != _request_sha256(ask):
                raise OrderConflict("Another payment of this order has this key.")
            return row
    return None


def begin(connection: Connection, ask: Ask, now_us: int, config: PaymentsConfig) -> None:
    """Put the payment on record, before anybody is asked; raises PaymentOpen, TooManyRequests."""
    known = rows.payments_of(connection, ask.order_id)
    if any(row.state in OPEN for row in known):
        raise PaymentOpen("Another payment for this order is not decided yet.")
    if len(known) >= config.payments_per_order_max:
        raise TooManyRequests("This order was tried to be paid as often as it may.")
    values = {
        "payment_id": ask.payment_id,
        "order_id": ask.order_id,
        "idempotency_key": ask.idempotency_key,
        "request_sha256": _request_sha256(ask),
        "amount_minor": ask.amount_minor,
        "currency": ask.currency,
        "state": PaymentState.ASKED.value,
        "charged_minor": 0,
        "charged_currency": "",
        "asked_us": now_us,
        "looks": 0,
        "look_us": _look_us(0, now_us, config),
    }
    rows.add_payment(connection, values)


def apply(connection: Connection, row: Row[Any], finding: Finding, now_us: int) -> Step:
    """What the provider's word makes of this payment: state and ledger, on record."""
    found = step(PaymentState(row.state), finding, row.amount_minor, row.currency)
    if found.state.value == row.state:
        return found
    values: dict[str, Any] = {"state": found.state.value, "looks": 0}
    values["look_us"] = now_us if found.state is PaymentState.REFUND_DUE else None
    amount_minor, currency = row.charged_minor, row.charged_currency
    if found.money_came:
        amount_minor, currency = finding.amount_minor, finding.currency
        values |= {"charged_minor": amount_minor, "charged_currency": currency}
        posting = ledger.received(row.payment_id, amount_minor, currency)
        rows.book(connection, posting, row.order_id, now_us)
    if found.money_went:
        posting = ledger.refunded(row.payment_id, amount_minor, currency)
        rows.book(connection, posting, row.order_id, now_us)
    rows.change_payment(connection, row.payment_id, values)
    return found


def give_back(connection: Connection, order_id: str, now_us: int) -> None:
    """What was charged for this order is due to go back."""
    for row in rows.payments_of(connection, order_id):
        if row.state == PaymentState.CHARGED.value:
            give_back_one(connection, row.payment_id, now_us)


def give_back_one(connection: Connection, payment_id: str, now_us: int) -> None:
    """This charge is due to go back."""
    values = {"state": PaymentState.REFUND_DUE.value, "looks": 0, "look_us": now_us}
    rows.change_payment(connection, payment_id, values)


def earn(
    connection: Connection,
    order_id: str,
    total_minor: int,
    tax_minor: int,
    currency: str,
    now_us: int,
) -> None:
    """The car of this order is the buyer's."""
    rows.book(connection, ledger.delivered(order_id, total_minor, tax_minor, currency),
              order_id, now_us)  # fmt: skip


def look_later(
    connection: Connection, payment_id: str, now_us: int, config: PaymentsConfig
) -> None:
    """The provider did not know, or did not answer: look again, later each time."""
    row = rows.find_payment(connection, payment_id)
    if row is not None and row.look_us is not None:
        looks = row.looks + 1
        values = {"looks": looks, "look_us": _look_us(looks, now_us, config)}
        rows.change_payment(connection, payment_id, values)


def has_open(connection: Connection, order_id: str) -> bool:
    """Whether a payment of this order is not decided yet."""
    return any(row.state in OPEN for row in rows.payments_of(connection, order_id))


def due(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """Payments that must be looked at by now."""
    return rows.payments_due(connection, now_us, count_max)


def next_look_us(connection: Connection) -> int | None:
    """When the next payment must be looked at."""
    return rows.next_look_us(connection)


def find(connection: Connection, payment_id: str) -> Row[Any] | None:
    """One payment."""
    return rows.find_payment(connection, payment_id)


def of_order(connection: Connection, order_id: str) -> Sequence[Row[Any]]:
    """The payments of one order, the oldest first."""
    return rows.payments_of(connection, order_id)


def is_known_event(connection: Connection, event_id: str) -> bool:
    """Whether this event was dealt with."""
    return rows.has_event(connection, event_id)


def note_event(
    connection: Connection, event: ProviderEvent, treatment: Treatment, now_us: int
) -> None:
    """Note what became of an event, in the transaction of its effect."""
    values = {
        "event_id": event.event_id,
        "payment_id": event.payment_id,
        "kind": event.kind,
        "treatment": treatment.value,
        "created_s": event.created_s,
        "received_us": now_us,
    }
    rows.add_event(connection, values)


def treatments(connection: Connection) -> dict[str, str]:
    """What became of each event."""
    return {row.event_id: row.treatment for row in rows.all_events(connection)}


def entries(connection: Connection) -> list[Entry]:
    """The whole ledger."""
    return [
        Entry(ledger.Account(row.account), row.amount_minor, row.currency)
        for row in rows.all_entries(connection)
    ]


def _look_us(looks: int, now_us: int, config: PaymentsConfig) -> int:
    pause_s: float = config.look_again_s * 2 ** min(looks, DOUBLINGS_MAX)
    return now_us + int(min(pause_s, config.look_again_s_max) * SECOND_US)


def _request_sha256(ask: Ask) -> str:
    digest = hashlib.sha256(ask.token.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")

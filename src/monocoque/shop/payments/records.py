"""Payments that were asked for, events of the provider, and the ledger."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from monocoque.shop.payments.logic.ledger import Posting

metadata = MetaData()

payments = Table(
    "payments_payments",
    metadata,
    Column("payment_id", String(64), primary_key=True),
    Column("order_id", String(64), nullable=False, index=True),
    Column("idempotency_key", String(64), nullable=False),
    Column("request_sha256", String(43), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(16), nullable=False),
    Column("charged_minor", BigInteger, nullable=False),
    Column("charged_currency", String(3), nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("look_us", BigInteger, index=True),
    UniqueConstraint("order_id", "idempotency_key", name="payments_payments_key"),
)
"""One row per payment; ``look_us`` is when it must be looked at again, NULL when never."""

events = Table(
    "payments_events",
    metadata,
    Column("event_id", String(64), primary_key=True),
    Column("payment_id", String(64), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("treatment", String(32), nullable=False),
    Column("created_s", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
)

ledger = Table(
    "payments_ledger",
    metadata,
    Column("posting", String(96), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("order_id", String(64), nullable=False, index=True),
    Column("account", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("booked_us", BigInteger, nullable=False),
)
"""Append-only; the lines of a posting add up to zero."""


def add_payment(connection: Connection, values: dict[str, Any]) -> None:
    """Put a payment on record."""
    connection.execute(insert(payments).values(**values))


def find_payment(connection: Connection, payment_id: str) -> Row[Any] | None:
    """One payment."""
    found = select(payments).where(payments.c.payment_id == payment_id)
    return connection.execute(found).one_or_none()


def change_payment(connection: Connection, payment_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one payment."""
    mine = payments.c.payment_id == payment_id
    connection.execute(update(payments).where(mine).values(**values))


def payments_of(connection: Connection, order_id: str) -> Sequence[Row[Any]]:
    """The payments of one order, the oldest first."""
    mine = select(payments).where(payments.c.order_id == order_id)
    ordered = mine.order_by(payments.c.asked_us, payments.c.payment_id)
    return connection.execute(ordered).all()


def payments_due(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """Payments that must be looked at by now, the longest waiting first."""
    due = select(payments).where(payments.c.look_us <= now_us)
    ordered = due.order_by(payments.c.look_us, payments.c.payment_id).limit(count_max)
    return connection.execute(ordered).all()


def next_look_us(connection: Connection) -> int | None:
    """When the next payment must be looked at."""
    return connection.execute(select(func.min(payments.c.look_us))).scalar()


def has_event(connection: Connection, event_id: str) -> bool:
    """Whether this event was dealt with."""
    found = select(events.c.event_id).where(events.c.event_id == event_id)
    return connection.execute(found).first() is not None


def add_event(connection: Connection, values: dict[str, Any]) -> None:
    """Note what became of an event."""
    connection.execute(insert(events).values(**values))


def all_events(connection: Connection) -> Sequence[Row[Any]]:
    """Every event, in order of its identifier."""
    return connection.execute(select(events).order_by(events.c.event_id)).all()


def book(connection: Connection, posting: Posting, order_id: str, now_us: int) -> None:
    """Book a posting, once, however often it is asked for."""
    known = select(ledger.c.posting).where(ledger.c.posting == posting.name)
    if connection.execute(known).first() is not None:
        return
    lines = [
        {
            "posting": posting.name,
            "number": number,
            "order_id": order_id,
            "account": entry.account.value,
            "amount_minor": entry.amount_minor,
            "currency": entry.currency,
            "booked_us": now_us,
        }
        for number, entry in enumerate(posting.entries)
    ]
    connection.execute(insert(ledger), lines)


def all_entries(connection: Connection) -> Sequence[Row[Any]]:
    """Every line of the ledger, posting by posting."""
    ordered = select(ledger).order_by(ledger.c.posting, ledger.c.number)
    return connection.execute(ordered).all()

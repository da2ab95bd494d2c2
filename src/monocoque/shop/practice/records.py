"""What the practice provider must not forget: charges, and events that it has yet to tell."""

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
    delete,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

charges = Table(
    "practice_charges",
    metadata,
    Column("payment_id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("decided_us", BigInteger, nullable=False),
)
"""One row per payment that it was asked for; one that is pending is charged at ``decided_us``."""

notices = Table(
    "practice_notices",
    metadata,
    Column("notice_id", String(96), primary_key=True),
    Column("event_id", String(80), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("payment_id", String(64), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
)
"""Events that wait to be told."""


def find_charge(connection: Connection, payment_id: str) -> Row[Any] | None:
    """One charge."""
    found = select(charges).where(charges.c.payment_id == payment_id)
    return connection.execute(found).one_or_none()


def all_charges(connection: Connection) -> Sequence[Row[Any]]:
    """Every charge, in order of its payment."""
    return connection.execute(select(charges).order_by(charges.c.payment_id)).all()


def add_charge(connection: Connection, values: dict[str, Any]) -> None:
    """Put a charge on record."""
    connection.execute(insert(charges).values(**values))


def change_charge(connection: Connection, payment_id: str, state: str) -> None:
    """The charge is in this state now."""
    mine = charges.c.payment_id == payment_id
    connection.execute(update(charges).where(mine).values(state=state))


def add_notices(connection: Connection, values: Sequence[dict[str, Any]]) -> None:
    """These events are to be told."""
    if values:
        connection.execute(insert(notices), list(values))


def notices_due(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """Events that are due, the longest waiting first."""
    due = select(notices).where(notices.c.due_us <= now_us)
    return connection.execute(
        due.order_by(notices.c.due_us, notices.c.notice_id).limit(count_max)
    ).all()


def next_due_us(connection: Connection) -> int | None:
    """When the next event is due."""
    return connection.execute(select(func.min(notices.c.due_us))).scalar()


def remove_notice(connection: Connection, notice_id: str) -> None:
    """This event was told, or given up."""
    connection.execute(delete(notices).where(notices.c.notice_id == notice_id))


def postpone_notice(connection: Connection, notice_id: str, due_us: int, tries: int) -> None:
    """Tell this event again then."""
    mine = notices.c.notice_id == notice_id
    connection.execute(update(notices).where(mine).values(due_us=due_us, tries=tries))

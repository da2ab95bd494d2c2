"""The book of orders: orders, what changed in each, the weeks, and events on their way out."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from monocoque.shop.orders.logic import Taken, Week

metadata = MetaData()

orders = Table(
    "orders_orders",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("person_id", String(64), nullable=False, index=True),
    Column("idempotency_key", String(64), nullable=False),
    Column("request_sha256", String(43), nullable=False),
    Column("quote_id", String(64), nullable=False, unique=True),
    Column("quote", LargeBinary, nullable=False),
    Column("catalogue_version", String(64), nullable=False),
    Column("market", String(16), nullable=False),
    Column("options", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("tax_minor", BigInteger, nullable=False),
    Column("quoted_week_us", BigInteger, nullable=False),
    Column("week_us", BigInteger, nullable=False, index=True),
    Column("state", String(24), nullable=False, index=True),
    Column("placed_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, index=True),
    Column("changes", Integer, nullable=False),
    Column("car_id", String(64)),
    UniqueConstraint("idempotency_key", "person_id", name="orders_orders_key"),
)
"""One row per order; ``quote`` is the very document that was ordered by."""

changes = Table(
    "orders_changes",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("state", String(24), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
)
"""Append-only: what happened to each order, counted from 1 without a gap."""

outbox = Table(
    "orders_outbox",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False, index=True),
    Column("payload", LargeBinary, nullable=False),
)
"""Events that the bus has not acknowledged yet."""

weeks = Table(
    "orders_weeks",
    metadata,
    Column("begins_us", BigInteger, primary_key=True, autoincrement=False),
    Column("slots", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
)
"""How many places of each week are sold."""


def find_order(connection: Connection, order_id: str) -> Row[Any] | None:
    """One order."""
    found = select(orders).where(orders.c.order_id == order_id)
    return connection.execute(found).one_or_none()


def find_orders(connection: Connection, order_ids: Iterable[str]) -> Sequence[Row[Any]]:
    """These orders."""
    found = select(orders).where(orders.c.order_id.in_(list(order_ids)))
    return connection.execute(found).all()


def similar(connection: Connection, keys: Sequence[str], quote_ids: Sequence[str]) -> list[Taken]:
    """Orders with one of these keys or quotes."""
    c = orders.c
    found = select(c.order_id, c.person_id, c.idempotency_key, c.request_sha256, c.quote_id).where(
        or_(c.idempotency_key.in_(list(keys)), c.quote_id.in_(list(quote_ids)))
    )
    return [Taken(*row) for row in connection.execute(found.order_by(c.order_id))]


def find_request(
    connection: Connection, person_id: str, idempotency_key: str, request_sha256: str
) -> Row[Any] | None:
    """The order that this person's request with this key placed."""
    c = orders.c
    found = select(orders).where(
        (c.idempotency_key == idempotency_key)
        & (c.person_id == person_id)
        & (c.request_sha256 == request_sha256)
    )
    return connection.execute(found).one_or_none()


def find_key(connection: Connection, person_id: str, idempotency_key: str) -> Row[Any] | None:
    """The order that this person placed with this key, whatever its words."""
    c = orders.c
    mine = (c.idempotency_key == idempotency_key) & (c.person_id == person_id)
    return connection.execute(select(orders).where(mine)).one_or_none()


def add_orders(connection: Connection, values: Sequence[dict[str, Any]]) -> None:
    """Put new orders on record."""
    connection.execute(insert(orders), list(values))


def change_order(connection: Connection, order_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one order."""
    mine = orders.c.order_id == order_id
    connection.execute(update(orders).where(mine).values(**values))


def orders_of(connection: Connection, person_id: str, count_max: int) -> Sequence[Row[Any]]:
    """The newest orders of one person, the newest first."""
    mine = select(orders).where(orders.c.person_id == person_id)
    ordered = mine.order_by(orders.c.placed_us.desc(), orders.c.order_id).limit(count_max)
    return connection.execute(ordered).all()


def overdue(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """Orders that were not paid in time, the longest waiting first."""
    due = select(orders).where(orders.c.expires_us <= now_us)
    ordered = due.order_by(orders.c.expires_us, orders.c.order_id).limit(count_max)
    return connection.execute(ordered).all()


def next_expiry_us(connection: Connection) -> int | None:
    """When the next order expires."""
    return connection.execute(select(func.min(orders.c.expires_us))).scalar()


def count_states(connection: Connection) -> Sequence[Row[Any]]:
    """How many orders are in each state."""
    counted = select(orders.c.state, func.count().label("orders_count"))
    return connection.execute(counted.group_by(orders.c.state).order_by(orders.c.state)).all()


def count_states_by_week(connection: Connection, earliest_us: int) -> Sequence[Row[Any]]:
    """How many orders of these weeks are in each state."""
    counted = select(orders.c.state, orders.c.week_us, func.count().label("orders_count"))
    later = counted.where(orders.c.week_us >= earliest_us)
    grouped = later.group_by(orders.c.state, orders.c.week_us)
    return connection.execute(grouped.order_by(orders.c.week_us, orders.c.state)).all()


def add_changes(connection: Connection, values: Sequence[dict[str, Any]]) -> None:
    """Append to the lists of what changed."""
    connection.execute(insert(changes), list(values))


def changes_of(connection: Connection, order_id: str) -> Sequence[Row[Any]]:
    """What changed in one order, the oldest first."""
    mine = select(changes).where(changes.c.order_id == order_id)
    return connection.execute(mine.order_by(changes.c.number)).all()


def add_events(connection: Connection, values: Sequence[dict[str, Any]]) -> None:
    """Put events into the outbox."""
    connection.execute(insert(outbox), list(values))


def waiting_events(connection: Connection, count_max: int) -> Sequence[Row[Any]]:
    """The oldest events that wait; those of one order in their order."""
    c = outbox.c
    waiting = select(outbox).order_by(c.at_us, c.order_id, c.number).limit(count_max)
    return connection.execute(waiting).all()


def remove_events(connection: Connection, keys: Sequence[tuple[str, int]]) -> None:
    """These were acknowledged."""
    told = tuple_(outbox.c.order_id, outbox.c.number).in_(list(keys))
    connection.execute(delete(outbox).where(told))


def weeks_from(connection: Connection, earliest_us: int) -> list[Week]:
    """The weeks on record that begin then or later."""
    found = select(weeks).where(weeks.c.begins_us >= earliest_us).order_by(weeks.c.begins_us)
    return [Week(*row) for row in connection.execute(found)]


def save_weeks(connection: Connection, changed: Iterable[Week]) -> None:
    """So many places are taken in these weeks now."""
    for week in changed:
        mine = weeks.c.begins_us == week.begins_us
        found = connection.execute(update(weeks).where(mine).values(taken=week.taken))
        if found.rowcount == 0:
            values = {"begins_us": week.begins_us, "slots": week.slots, "taken": week.taken}
            connection.execute(insert(weeks).values(**values))


def give_back(connection: Connection, begins_us: int) -> None:
    """One place in this week is free again."""
    mine = weeks.c.begins_us == begins_us
    connection.execute(update(weeks).where(mine).values(taken=weeks.c.taken - 1))


def newest_weeks(connection: Connection, count_max: int) -> list[Week]:
    """The latest weeks on record, the earliest of them first."""
    latest = select(weeks).order_by(weeks.c.begins_us.desc()).limit(count_max)
    return [Week(*row) for row in reversed(connection.execute(latest).all())]

"""What the link must not forget: how often the car started, and events on their way out."""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

starts = Table(
    "link_starts",
    metadata,
    Column("machine_id", String(64), primary_key=True),
    Column("boot_count", BigInteger, nullable=False),
)

outbox = Table(
    "link_outbox",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("message_id", String(64), nullable=False, unique=True),
    Column("payload", LargeBinary, nullable=False),
)
"""Events that the cell has not acknowledged yet, oldest first."""


def boot_count(connection: Connection, machine_id: str) -> int:
    """How many starts of this machine are on record."""
    known = connection.execute(
        select(starts.c.boot_count).where(starts.c.machine_id == machine_id)
    ).scalar()
    return int(known or 0)


def set_boot_count(connection: Connection, machine_id: str, count: int) -> None:
    """So many starts there were, the present one included."""
    mine = starts.c.machine_id == machine_id
    changed = connection.execute(update(starts).where(mine).values(boot_count=count))
    if changed.rowcount == 0:
        connection.execute(insert(starts).values(machine_id=machine_id, boot_count=count))


def add_event(connection: Connection, message_id: str, payload: bytes, events_max: int) -> bool:
    """Put an event into the outbox, once; False when it holds so many already."""
    known = select(outbox.c.sequence).where(outbox.c.message_id == message_id)
    if connection.execute(known).first() is not None:
        return True
    if connection.execute(select(func.count()).select_from(outbox)).scalar_one() >= events_max:
        return False
    connection.execute(insert(outbox).values(message_id=message_id, payload=payload))
    return True


def waiting_events(connection: Connection, count_max: int) -> list[tuple[str, bytes]]:
    """The oldest events that wait, as message id and payload."""
    rows = connection.execute(
        select(outbox.c.message_id, outbox.c.payload).order_by(outbox.c.sequence).limit(count_max)
    )
    return [(row.message_id, bytes(row.payload)) for row in rows]


def remove_events(connection: Connection, message_ids: list[str]) -> None:
    """These were acknowledged."""
    connection.execute(delete(outbox).where(outbox.c.message_id.in_(message_ids)))

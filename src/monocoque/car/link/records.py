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


def count_start(connection: Connection, machine_id: str) -> int:
    """One more start; returns how many there were, this one included."""
    known = connection.execute(
        select(starts.c.boot_count).where(starts.c.machine_id == machine_id)
    ).scalar()
    if known is None:
        connection.execute(insert(starts).values(machine_id=machine_id, boot_count=1))
        return 1
    connection.execute(
        update(starts).where(starts.c.machine_id == machine_id).values(boot_count=known + 1)
    )
    return int(known) + 1


def add_event(connection: Connection, message_id: str, payload: bytes) -> None:
    """Put an event into the outbox."""
    connection.execute(insert(outbox).values(message_id=message_id, payload=payload))


def waiting_events(connection: Connection, count_max: int) -> list[tuple[str, bytes]]:
    """The oldest events that wait, as message id and payload."""
    rows = connection.execute(
        select(outbox.c.message_id, outbox.c.payload).order_by(outbox.c.sequence).limit(count_max)
    )
    return [(row.message_id, bytes(row.payload)) for row in rows]


def remove_events(connection: Connection, message_ids: list[str]) -> None:
    """These were acknowledged."""
    connection.execute(delete(outbox).where(outbox.c.message_id.in_(message_ids)))

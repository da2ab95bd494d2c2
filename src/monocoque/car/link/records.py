"""What the link must not forget: how often the car started, events on their way out, and frames.

Rules: a statement of the way of a frame is built once, since to build it takes longer than to run
it.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
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

spool = Table(
    "link_spool",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
)
"""Frames that the cell has not confirmed yet; the payload lacks what is known when it is sent."""

numbers = Table(
    "link_numbers",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
)
"""The last sequence that a frame was given; it outlives the frame."""


_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_LAST_SEQUENCE: Final = select(numbers.c.last_sequence).where(numbers.c.car_id == _SOUGHT)
_SET_LAST_SEQUENCE: Final = update(numbers).where(numbers.c.car_id == _SOUGHT)
_ADD_FRAME: Final = insert(spool)
_REMOVE_FRAMES: Final = delete(spool).where(spool.c.sequence <= _SOUGHT)
_FRAMES: Final = select(spool.c.sequence, spool.c.payload).order_by(spool.c.sequence)


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


def last_sequence(connection: Connection, car_id: str) -> int:
    """The last sequence that was given; 0 for none."""
    return int(connection.execute(_LAST_SEQUENCE, {"sought": car_id}).scalar() or 0)


def set_last_sequence(connection: Connection, car_id: str, sequence: int) -> None:
    """This is the last sequence that was given."""
    values = {"sought": car_id, "last_sequence": sequence}
    changed = connection.execute(_SET_LAST_SEQUENCE, values)
    if changed.rowcount == 0:
        connection.execute(insert(numbers).values(car_id=car_id, last_sequence=sequence))


def frames(connection: Connection) -> list[tuple[int, bytes]]:
    """Every frame that waits, oldest first."""
    return [(row.sequence, bytes(row.payload)) for row in connection.execute(_FRAMES)]


def add_frame(connection: Connection, sequence: int, payload: bytes) -> None:
    """Put a frame into the spool."""
    values = {"sequence": sequence, "payload": payload, "size_bytes": len(payload)}
    connection.execute(_ADD_FRAME, values)


def remove_frames(connection: Connection, up_to: int) -> None:
    """Take out everything up to this sequence."""
    connection.execute(_REMOVE_FRAMES, {"sought": up_to})


def drop_frame(connection: Connection, sequence: int) -> None:
    """This frame can never be sent."""
    connection.execute(delete(spool).where(spool.c.sequence == sequence))

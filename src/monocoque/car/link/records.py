"""What the link must not forget: how often the car started, events on their way out, and frames."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class SpoolState:
    """How full the spool is, and what it has just lost."""

    frames: int
    dropped: int


@dataclass(frozen=True)
class Waiting:
    """Some frames of the spool, and the oldest sequence in it."""

    oldest: int
    frames: list[tuple[int, bytes]]


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
    known = connection.execute(
        select(numbers.c.last_sequence).where(numbers.c.car_id == car_id)
    ).scalar()
    return int(known or 0)


def _set_last_sequence(connection: Connection, car_id: str, sequence: int) -> None:
    mine = numbers.c.car_id == car_id
    changed = connection.execute(update(numbers).where(mine).values(last_sequence=sequence))
    if changed.rowcount == 0:
        connection.execute(insert(numbers).values(car_id=car_id, last_sequence=sequence))


def add_frame(connection: Connection, car_id: str, payload: bytes) -> None:
    """Put a frame into the spool, under the next sequence."""
    sequence = last_sequence(connection, car_id) + 1
    _set_last_sequence(connection, car_id, sequence)
    connection.execute(
        insert(spool).values(sequence=sequence, payload=payload, size_bytes=len(payload))
    )


def settle_spool(connection: Connection, car_id: str, confirmed: int) -> None:
    """Take out what is confirmed; give new numbers when more is than was ever given."""
    if confirmed <= last_sequence(connection, car_id):
        connection.execute(delete(spool).where(spool.c.sequence <= confirmed))
        return
    rows = connection.execute(select(spool.c.payload).order_by(spool.c.sequence)).all()
    connection.execute(delete(spool))
    _set_last_sequence(connection, car_id, confirmed)
    for row in rows:
        add_frame(connection, car_id, bytes(row.payload))


def bound_spool(connection: Connection, frames_max: int, bytes_max: int) -> SpoolState:
    """Take out the oldest frames beyond these limits."""
    whole = select(func.count(), func.coalesce(func.sum(spool.c.size_bytes), 0)).select_from(spool)
    frames, size_bytes = connection.execute(whole).one()
    dropped: list[int] = []
    if frames > frames_max or size_bytes > bytes_max:
        oldest = select(spool.c.sequence, spool.c.size_bytes).order_by(spool.c.sequence)
        for row in connection.execute(oldest):
            if frames <= frames_max and size_bytes <= bytes_max:
                break
            dropped.append(row.sequence)
            frames, size_bytes = frames - 1, size_bytes - row.size_bytes
        connection.execute(delete(spool).where(spool.c.sequence <= max(dropped)))
    return SpoolState(int(frames), len(dropped))


def frames_after(connection: Connection, sequence: int, count_max: int) -> Waiting:
    """The frames that follow on this sequence, oldest first."""
    rows = connection.execute(
        select(spool.c.sequence, spool.c.payload)
        .where(spool.c.sequence > sequence)
        .order_by(spool.c.sequence)
        .limit(count_max)
    ).all()
    if not rows:
        return Waiting(0, [])
    oldest = connection.execute(select(func.min(spool.c.sequence))).scalar_one()
    return Waiting(int(oldest), [(int(row.sequence), bytes(row.payload)) for row in rows])


def drop_frame(connection: Connection, sequence: int) -> None:
    """This frame can never be sent."""
    connection.execute(delete(spool).where(spool.c.sequence == sequence))

"""What was begun, and the car's log: one line for every genuine command.

Rules: a statement of the way of a command is built once, since to build it takes longer than to
run it.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Index,
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

intents = Table(
    "commands_intents",
    metadata,
    Column("command_sha256", String(43), primary_key=True),
    Column("command_id", String(64), nullable=False),
    Column("key_id", String(43), nullable=False),
    Column("scope", String(64), nullable=False),
    Column("replaces", String(64)),
    Column("trace_id", String(64), nullable=False),
)
"""Commands that were begun and have no outcome yet: one at most, but after a loss of power."""

lines = Table(
    "commands_lines",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("command_sha256", String(43), nullable=False, index=True),
    Column("key_id", String(43), nullable=False),
    Column("replaces", String(64)),
    Column("receipt_sha256", String(43), nullable=False),
    Column("message", LargeBinary, nullable=False),
    Index("commands_lines_replaced", "key_id", "replaces"),
)
"""The log. The message is the receipt as it is said on the bus, with its header."""

confirmed = Table(
    "commands_confirmed",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)
"""How far the cell has the log."""

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_HAS_INTENT: Final = select(intents.c.command_sha256).where(intents.c.command_sha256 == _SOUGHT)
_ADD_INTENT: Final = insert(intents)
_REMOVE_INTENT: Final = delete(intents).where(intents.c.command_sha256 == _SOUGHT)
_MESSAGE: Final = (
    select(lines.c.message)
    .where(lines.c.command_sha256 == _SOUGHT)
    .order_by(lines.c.sequence)
    .limit(1)
)
_REPLACED: Final = (
    select(lines.c.sequence)
    .where(lines.c.key_id == bindparam("sought_key"), lines.c.replaces == _SOUGHT)
    .limit(1)
)
_LAST: Final = (
    select(lines.c.sequence, lines.c.receipt_sha256).order_by(lines.c.sequence.desc()).limit(1)
)
_LINES_AFTER: Final = (
    select(lines.c.sequence, lines.c.message)
    .where(lines.c.sequence > bindparam("sought"))
    .order_by(lines.c.sequence)
    .limit(bindparam("count_max"))
)
_ADD_LINE: Final = insert(lines)
_FORGET_LINES: Final = delete(lines).where(lines.c.sequence <= _SOUGHT)
_CONFIRMED: Final = select(func.max(confirmed.c.sequence)).where(confirmed.c.car_id == _SOUGHT)
_SET_CONFIRMED: Final = update(confirmed).where(confirmed.c.car_id == _SOUGHT)


@dataclass(frozen=True, slots=True)
class Intent:
    """A command that was begun."""

    command_sha256: str
    command_id: str
    key_id: str
    scope: str
    replaces: str | None
    trace_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    sequence: int
    command_sha256: str
    key_id: str
    replaces: str | None
    receipt_sha256: str
    message: bytes


def open_intents(connection: Connection) -> list[Intent]:
    """What was begun and has no outcome."""
    rows = connection.execute(select(intents).order_by(intents.c.command_sha256))
    return [Intent(*row) for row in rows]


def has_intent(connection: Connection, command_sha256: str) -> bool:
    """Whether this command was begun and has no outcome."""
    return connection.execute(_HAS_INTENT, {"sought": command_sha256}).first() is not None


def add_intent(connection: Connection, intent: Intent) -> None:
    """This command is begun."""
    values = {name: getattr(intent, name) for name in Intent.__slots__}
    connection.execute(_ADD_INTENT, values)


def remove_intent(connection: Connection, command_sha256: str) -> None:
    """It has its outcome."""
    connection.execute(_REMOVE_INTENT, {"sought": command_sha256})


def message_of(connection: Connection, command_sha256: str) -> bytes | None:
    """The first line about this command, as it was said; None when there is none."""
    row = connection.execute(_MESSAGE, {"sought": command_sha256}).first()
    return None if row is None else bytes(row.message)


def is_replaced(connection: Connection, key_id: str, command_id: str) -> bool:
    """Whether this key has asked before that this command shall not be done."""
    sought = {"sought_key": key_id, "sought": command_id}
    return connection.execute(_REPLACED, sought).first() is not None


def last_place(connection: Connection) -> tuple[int, str] | None:
    """Sequence and digest of the last line, or None of an empty log."""
    row = connection.execute(_LAST).first()
    return None if row is None else (row.sequence, row.receipt_sha256)


def add_line(connection: Connection, line: Line, remove_up_to: int) -> None:
    """Write one line; the oldest, up to this sequence, are forgotten."""
    values = {name: getattr(line, name) for name in Line.__slots__}
    connection.execute(_ADD_LINE, values)
    connection.execute(_FORGET_LINES, {"sought": remove_up_to})


def messages_after(
    connection: Connection, sequence: int, count_max: int
) -> list[tuple[int, bytes]]:
    """The lines after this one, oldest first, each with its sequence and as it was said."""
    found = connection.execute(_LINES_AFTER, {"sought": sequence, "count_max": count_max})
    return [(row.sequence, bytes(row.message)) for row in found]


def confirmed_up_to(connection: Connection, car_id: str) -> int:
    """The last line that the cell has, with all before it; 0 for none."""
    return connection.execute(_CONFIRMED, {"sought": car_id}).scalar_one() or 0


def set_confirmed(connection: Connection, car_id: str, sequence: int) -> None:
    """The cell has the log up to here."""
    changed = connection.execute(_SET_CONFIRMED, {"sought": car_id, "sequence": sequence})
    if changed.rowcount == 0:
        connection.execute(insert(confirmed).values(car_id=car_id, sequence=sequence))

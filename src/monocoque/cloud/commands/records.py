"""What the mailbox must not forget: commands, the cars' receipts, and the cell's own log.

Rules:

* a command, a receipt and a line of the log are kept as the very bytes that came;
* a statement of the way of a command is built once, since to build it takes longer than to run it,
  and none of them becomes slower with what was kept before.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

metadata = MetaData()

mailbox = Table(
    "commands_mailbox",
    metadata,
    Column("command_id", String(64), primary_key=True),
    Column("car_id", String(64), nullable=False),
    Column("person_id", String(64), nullable=False),
    Column("key_id", String(43), nullable=False),
    Column("scope", String(64), nullable=False),
    Column("command_sha256", String(43), nullable=False),
    Column("replaces", String(64)),
    Column("document", LargeBinary, nullable=False),
    Column("grants", Text, nullable=False),
    Column("handed_in_us", BigInteger, nullable=False),
    Column("deadline_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(64)),
    Column("sends", BigInteger, nullable=False),
    Column("sent_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, index=True),
    Column("is_answered", Boolean, nullable=False),
    Column("answered_us", BigInteger),
    Column("receipt", LargeBinary),
    Index("commands_mailbox_of_car", "car_id", "handed_in_us"),
    Index("commands_mailbox_of_key", "key_id", "handed_in_us"),
    Index("commands_mailbox_by_state", "state", "car_id"),
)
"""One row per command; ``grants`` is a JSON list of documents. ``due_us`` says when time next asks
for something; it is empty when nothing is left to do."""

receipts = Table(
    "commands_receipts",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", String(43), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("received_us", BigInteger, nullable=False),
)
"""The cars' logs, line by line, without a gap."""

entries = Table(
    "commands_entries",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
)
"""The cell's own log, one chain per car."""

places = Table(
    "commands_places",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("receipt_sha256", String(43), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("entry_sha256", String(43), nullable=False),
    Column("other_receipt", LargeBinary),
)
"""How far both logs of a car are; ``other_receipt`` is the first genuine line of the car that
contradicts its log as it is on record here."""

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_ADD_COMMAND: Final = insert(mailbox)
_FIND_COMMAND: Final = select(mailbox).where(mailbox.c.command_id == _SOUGHT)
_SAVE_COMMAND: Final = update(mailbox).where(mailbox.c.command_id == _SOUGHT)
_COUNT: Final = select(func.count()).select_from(mailbox)
_COUNT_BY_KEY: Final = _COUNT.where(
    mailbox.c.key_id == _SOUGHT, mailbox.c.handed_in_us > bindparam("since_us")
)
_COUNT_OPEN: Final = _COUNT.where(
    mailbox.c.car_id == _SOUGHT, mailbox.c.state.in_(bindparam("states", expanding=True))
)
_DUE: Final = (
    select(mailbox)
    .where(mailbox.c.due_us <= bindparam("now_us"))
    .order_by(mailbox.c.due_us, mailbox.c.handed_in_us, mailbox.c.command_id)
    .limit(bindparam("count_max"))
)
_NEXT_DUE: Final = select(func.min(mailbox.c.due_us))
_CARS_WITH: Final = (
    select(mailbox.c.car_id)
    .where(mailbox.c.state.in_(bindparam("states", expanding=True)))
    .distinct()
)
_ADD_RECEIPT: Final = insert(receipts)
_FIND_RECEIPT: Final = select(receipts).where(
    receipts.c.car_id == _SOUGHT, receipts.c.sequence == bindparam("sought_sequence")
)
_ADD_ENTRY: Final = insert(entries)
_FIND_PLACE: Final = select(places).where(places.c.car_id == _SOUGHT)
_ADD_PLACE: Final = insert(places)
_SAVE_PLACE: Final = update(places).where(places.c.car_id == _SOUGHT)


def add_command(connection: Connection, values: dict[str, Any]) -> None:
    """Put a new command into the mailbox."""
    connection.execute(_ADD_COMMAND, values)


def find_command(connection: Connection, command_id: str) -> Row[Any] | None:
    """The row of one command."""
    return connection.execute(_FIND_COMMAND, {"sought": command_id}).one_or_none()


def save_command(connection: Connection, command_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one command."""
    connection.execute(_SAVE_COMMAND, {"sought": command_id} | values)


def newest_commands(connection: Connection, car_id: str, count_max: int) -> Sequence[Row[Any]]:
    """The commands of a car, the newest first."""
    order = (mailbox.c.handed_in_us.desc(), mailbox.c.command_id)
    wanted = select(mailbox).where(mailbox.c.car_id == car_id).order_by(*order)
    return connection.execute(wanted.limit(count_max)).all()


def count_by_key(connection: Connection, key_id: str, since_us: int) -> int:
    """How many commands this key handed in since then."""
    sought = {"sought": key_id, "since_us": since_us}
    return int(connection.execute(_COUNT_BY_KEY, sought).scalar_one())


def count_open(connection: Connection, car_id: str, states: Collection[str]) -> int:
    """How many commands of this car are in one of these states."""
    sought = {"sought": car_id, "states": list(states)}
    return int(connection.execute(_COUNT_OPEN, sought).scalar_one())


def cars_with(connection: Connection, states: Collection[str]) -> set[str]:
    """The cars that have a command in one of these states."""
    return set(connection.execute(_CARS_WITH, {"states": list(states)}).scalars())


def commands_to_send(
    connection: Connection,
    car_ids: Collection[str],
    states: Collection[str],
    now_us: int,
    sent_us_max: int,
    count_max: int,
) -> Sequence[Row[Any]]:
    """The commands of these cars in one of these states that may be sent now.

    Those are not over, and were never sent, or not after ``sent_us_max``. What was sent the longest
    ago is chosen first, so what waits for an answer takes nobody's place for ever; they are given
    in the order in which they came.
    """
    is_due = or_(mailbox.c.sends == 0, mailbox.c.sent_us <= sent_us_max)
    wanted = select(mailbox).where(
        mailbox.c.car_id.in_(list(car_ids)),
        mailbox.c.state.in_(list(states)),
        mailbox.c.deadline_us > now_us,
        is_due,
    )
    order = (mailbox.c.sent_us, mailbox.c.handed_in_us, mailbox.c.command_id)
    found = connection.execute(wanted.order_by(*order).limit(count_max)).all()
    return sorted(found, key=lambda row: (row.handed_in_us, row.command_id))


def due_commands(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """The commands whose time has come, the longest due first."""
    return connection.execute(_DUE, {"now_us": now_us, "count_max": count_max}).all()


def next_due_us(connection: Connection) -> int | None:
    """When time asks for something next; None for never."""
    found: int | None = connection.execute(_NEXT_DUE).scalar_one()
    return found


def place_of(connection: Connection, car_id: str) -> Row[Any] | None:
    """How far the logs of this car are."""
    return connection.execute(_FIND_PLACE, {"sought": car_id}).one_or_none()


def add_place(connection: Connection, values: dict[str, Any]) -> None:
    """Begin the logs of a car."""
    connection.execute(_ADD_PLACE, values)


def save_place(connection: Connection, car_id: str, values: dict[str, Any]) -> None:
    """Set these columns of the place of one car."""
    connection.execute(_SAVE_PLACE, {"sought": car_id} | values)


def add_receipt(connection: Connection, values: dict[str, Any]) -> None:
    """Put the next line of a car's log on record."""
    connection.execute(_ADD_RECEIPT, values)


def find_receipt(connection: Connection, car_id: str, sequence: int) -> Row[Any] | None:
    """One line of a car's log."""
    sought = {"sought": car_id, "sought_sequence": sequence}
    return connection.execute(_FIND_RECEIPT, sought).one_or_none()


def add_entry(connection: Connection, car_id: str, number: int, line: str) -> None:
    """Put the next line of the cell's own log on record."""
    connection.execute(_ADD_ENTRY, {"car_id": car_id, "number": number, "line": line})


def receipts_after(
    connection: Connection, car_id: str, sequence: int, count_max: int
) -> Sequence[bytes]:
    """The lines of a car's log behind that one, in order."""
    wanted = select(receipts.c.document).where(
        receipts.c.car_id == car_id, receipts.c.sequence > sequence
    )
    found = connection.execute(wanted.order_by(receipts.c.sequence).limit(count_max))
    return [bytes(document) for document in found.scalars()]


def entries_after(
    connection: Connection, car_id: str, number: int, count_max: int
) -> Sequence[str]:
    """The lines of the cell's log of this car behind that one, in order."""
    wanted = select(entries.c.line).where(entries.c.car_id == car_id, entries.c.number > number)
    found = connection.execute(wanted.order_by(entries.c.number).limit(count_max))
    return list(found.scalars())

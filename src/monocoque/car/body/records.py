"""How the body is, as its own logic writes it, and what was done to it.

Rules: a statement of the way of a command is built once, since to build it takes longer than to
run it.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

state = Table(
    "body_state",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("members", Text, nullable=False),
)
"""One row; a text, since only the body's own logic reads it, and it is always read whole."""

acts = Table(
    "body_acts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("command_sha256", String(43), nullable=False, index=True),
    Column("actuator", String(64), nullable=False),
    Column("began_us", BigInteger, nullable=False),
)
"""Each time that an actuator was set in motion, and for which command."""

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_READ_STATE: Final = select(state.c.members).where(state.c.car_id == _SOUGHT)
_SET_STATE: Final = update(state).where(state.c.car_id == _SOUGHT)
_ADD_ACT: Final = insert(acts)
_FORGET_ACTS: Final = delete(acts).where(
    acts.c.number <= select(func.max(acts.c.number)).scalar_subquery() - bindparam("kept")
)
_COUNT_ACTS: Final = select(acts.c.command_sha256, func.count().label("counted")).group_by(
    acts.c.command_sha256
)


def read_state(connection: Connection, car_id: str) -> str | None:
    """The body as it was written, or None before its first start."""
    row = connection.execute(_READ_STATE, {"sought": car_id}).first()
    return None if row is None else str(row[0])


def set_state(connection: Connection, car_id: str, text: str) -> None:
    """The body is like this."""
    if connection.execute(_SET_STATE, {"sought": car_id, "members": text}).rowcount == 0:
        connection.execute(insert(state).values(car_id=car_id, members=text))


def add_act(
    connection: Connection, command_sha256: str, actuator: str, began_us: int, acts_kept: int
) -> None:
    """An actuator was set in motion; the oldest acts are forgotten."""
    values = {"command_sha256": command_sha256, "actuator": actuator, "began_us": began_us}
    connection.execute(_ADD_ACT, values)
    connection.execute(_FORGET_ACTS, {"kept": acts_kept})


def count_acts(connection: Connection) -> dict[str, int]:
    """How often an actuator was set in motion, for each command that is remembered."""
    return {row.command_sha256: row.counted for row in connection.execute(_COUNT_ACTS)}

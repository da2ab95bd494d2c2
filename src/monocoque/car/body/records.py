"""How the body is, as JSON, and what was done to it."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
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
"""One row; JSON, since only the body's own logic reads it, and it is always read whole."""

acts = Table(
    "body_acts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("command_sha256", String(43), nullable=False, index=True),
    Column("actuator", String(64), nullable=False),
    Column("began_us", BigInteger, nullable=False),
)
"""Each time that an actuator was set in motion, and for which command."""


def read_state(connection: Connection, car_id: str) -> Mapping[str, Any] | None:
    """The members of the body, or None before its first start."""
    row = connection.execute(select(state.c.members).where(state.c.car_id == car_id)).first()
    return None if row is None else json.loads(row.members)


def set_state(connection: Connection, car_id: str, members: Mapping[str, Any]) -> None:
    """The body is like this."""
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    mine = state.c.car_id == car_id
    if connection.execute(update(state).where(mine).values(members=text)).rowcount == 0:
        connection.execute(insert(state).values(car_id=car_id, members=text))


def add_act(
    connection: Connection, command_sha256: str, actuator: str, began_us: int, acts_kept: int
) -> None:
    """An actuator was set in motion; the oldest acts are forgotten."""
    connection.execute(
        insert(acts).values(command_sha256=command_sha256, actuator=actuator, began_us=began_us)
    )
    newest = select(func.max(acts.c.number)).scalar_subquery()
    connection.execute(delete(acts).where(acts.c.number <= newest - acts_kept))


def count_acts(connection: Connection) -> dict[str, int]:
    """How often an actuator was set in motion, for each command that is remembered."""
    counted = func.count().label("counted")
    rows = connection.execute(
        select(acts.c.command_sha256, counted).group_by(acts.c.command_sha256)
    )
    return {row.command_sha256: row.counted for row in rows}

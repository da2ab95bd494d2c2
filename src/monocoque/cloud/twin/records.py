"""What the twin must not forget: the last word of each car about its body."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)

metadata = MetaData()

bodies = Table(
    "twin_bodies",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
)
"""One row per car; ``body`` is the very message, so that what is added to it later is kept."""


_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_SAVE_BODY: Final = update(bodies).where(bodies.c.car_id == _SOUGHT)
_FIND_BODY: Final = select(bodies).where(bodies.c.car_id == _SOUGHT)


def save_body(connection: Connection, car_id: str, body: bytes, now_us: int) -> None:
    """This is the last word of the car."""
    values = {"body": body, "heard_us": now_us}
    changed = connection.execute(_SAVE_BODY, {"sought": car_id} | values)
    if changed.rowcount == 0:
        connection.execute(insert(bodies).values(car_id=car_id, **values))


def find_body(connection: Connection, car_id: str) -> Row[Any] | None:
    """The last word of one car."""
    return connection.execute(_FIND_BODY, {"sought": car_id}).one_or_none()

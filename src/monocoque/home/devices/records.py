"""How each virtual device is, and what it was told to do."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    Row,
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

devices = Table(
    "devices_devices",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("target_decicelsius", Integer, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("is_jammed", Boolean, nullable=False),
)
"""One row per device, from when it was first looked at."""

acts = Table(
    "devices_acts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("cause", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("began_us", BigInteger, nullable=False),
)
"""Each time that a device did something, and what for."""

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_FIND_DEVICE: Final = select(devices).where(devices.c.name == _SOUGHT)
_SAVE_DEVICE: Final = update(devices).where(devices.c.name == _SOUGHT)
_ADD_ACT: Final = insert(acts)
_FORGET_ACTS: Final = delete(acts).where(
    acts.c.number <= select(func.max(acts.c.number)).scalar_subquery() - bindparam("kept")
)


def find_device(connection: Connection, name: str) -> Row[Any] | None:
    """The row of one device."""
    return connection.execute(_FIND_DEVICE, {"sought": name}).one_or_none()


def add_device(connection: Connection, values: dict[str, Any]) -> None:
    """A device is looked at for the first time."""
    connection.execute(insert(devices).values(**values))


def save_device(connection: Connection, name: str, values: dict[str, Any]) -> None:
    """Set these columns of one device."""
    connection.execute(_SAVE_DEVICE, {"sought": name} | values)


def add_act(connection: Connection, cause: str, name: str, began_us: int, acts_kept: int) -> None:
    """A device did something; the oldest acts are forgotten."""
    connection.execute(_ADD_ACT, {"cause": cause, "name": name, "began_us": began_us})
    connection.execute(_FORGET_ACTS, {"kept": acts_kept})


def all_acts(connection: Connection) -> Sequence[Row[Any]]:
    """Every act that is remembered, the oldest first."""
    return connection.execute(select(acts).order_by(acts.c.number)).all()

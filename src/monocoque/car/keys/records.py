"""What the car must not forget about keys: its epoch, its owner, and which counters were seen.

Rules: a statement of the way of a command is built once, since to build it takes longer than to
run it.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Connection,
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

memory = Table(
    "keys_memory",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("epoch", String(22), nullable=False),
    Column("owner_grant_id", String(64)),
    Column("owner_key_id", String(43)),
    Column("latest_us", BigInteger, nullable=False),
)
"""One row: the epoch, the maker's grant that was used first, and the latest time that was seen."""

windows = Table(
    "keys_windows",
    metadata,
    Column("key_id", String(43), primary_key=True),
    Column("highest", BigInteger, nullable=False),
    Column("bits", BigInteger, nullable=False),
    Column("used_us", BigInteger, nullable=False, index=True),
)
"""Which counters of each key were seen, and when it was used last."""

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_READ_MEMORY: Final = select(memory).where(memory.c.car_id == _SOUGHT)
_SAVE_MEMORY: Final = update(memory).where(memory.c.car_id == _SOUGHT)
_READ_WINDOW: Final = select(windows.c.highest, windows.c.bits).where(windows.c.key_id == _SOUGHT)
_SET_WINDOW: Final = update(windows).where(windows.c.key_id == _SOUGHT)


def read_memory(connection: Connection, car_id: str) -> Row[tuple[str, str, str, str, int]] | None:
    """The one row, or None before the first start."""
    return connection.execute(_READ_MEMORY, {"sought": car_id}).first()


def begin_memory(connection: Connection, car_id: str, epoch: str) -> None:
    """The first start: nothing was seen yet."""
    connection.execute(insert(memory).values(car_id=car_id, epoch=epoch, latest_us=0))


def set_latest(connection: Connection, car_id: str, latest_us: int) -> None:
    """No earlier time is believed any more."""
    connection.execute(_SAVE_MEMORY, {"sought": car_id, "latest_us": latest_us})


def set_owner(connection: Connection, car_id: str, grant_id: str, key_id: str) -> None:
    """The maker's grant that counts from now on."""
    values = {"owner_grant_id": grant_id, "owner_key_id": key_id}
    connection.execute(_SAVE_MEMORY, {"sought": car_id} | values)


def read_window(connection: Connection, key_id: str) -> tuple[int, int] | None:
    """The highest counter and the bits below it, or None for a key that was never used."""
    row = connection.execute(_READ_WINDOW, {"sought": key_id}).first()
    return None if row is None else (row.highest, row.bits)


def count_windows(connection: Connection) -> int:
    """How many keys are remembered."""
    return connection.execute(select(func.count()).select_from(windows)).scalar_one()


def forget_windows(connection: Connection, before_us: int) -> None:
    """Forget the keys that were not used since then."""
    connection.execute(delete(windows).where(windows.c.used_us < before_us))


def set_window(connection: Connection, key_id: str, highest: int, bits: int, used_us: int) -> None:
    """What was seen of this key."""
    values = {"highest": highest, "bits": bits, "used_us": used_us}
    if connection.execute(_SET_WINDOW, {"sought": key_id} | values).rowcount == 0:
        connection.execute(insert(windows).values(key_id=key_id, **values))

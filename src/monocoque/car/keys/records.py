"""What the car must not forget about keys: its epoch, its owner, and which counters were seen."""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    Row,
    String,
    Table,
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


def read_memory(connection: Connection, car_id: str) -> Row[tuple[str, str, str, str, int]] | None:
    """The one row, or None before the first start."""
    return connection.execute(select(memory).where(memory.c.car_id == car_id)).first()


def begin_memory(connection: Connection, car_id: str, epoch: str) -> None:
    """The first start: nothing was seen yet."""
    connection.execute(insert(memory).values(car_id=car_id, epoch=epoch, latest_us=0))


def set_latest(connection: Connection, car_id: str, latest_us: int) -> None:
    """No earlier time is believed any more."""
    mine = memory.c.car_id == car_id
    connection.execute(update(memory).where(mine).values(latest_us=latest_us))


def set_owner(connection: Connection, car_id: str, grant_id: str, key_id: str) -> None:
    """The maker's grant that counts from now on."""
    mine = memory.c.car_id == car_id
    connection.execute(
        update(memory).where(mine).values(owner_grant_id=grant_id, owner_key_id=key_id)
    )


def read_window(connection: Connection, key_id: str) -> tuple[int, int] | None:
    """The highest counter and the bits below it, or None for a key that was never used."""
    mine = windows.c.key_id == key_id
    row = connection.execute(select(windows.c.highest, windows.c.bits).where(mine)).first()
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
    mine = windows.c.key_id == key_id
    if connection.execute(update(windows).where(mine).values(**values)).rowcount == 0:
        connection.execute(insert(windows).values(key_id=key_id, **values))

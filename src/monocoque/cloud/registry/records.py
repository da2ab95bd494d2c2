"""What the registry must not forget: the cars, when each was last heard, and their events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    MetaData,
    Row,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

cars = Table(
    "registry_cars",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("identity_key", Text),
    Column("bus_key", String(64)),
    Column("enrolled_us", BigInteger),
    Column("online", Boolean, nullable=False),
    Column("last_hello_us", BigInteger),
    Column("boot_count", BigInteger, nullable=False),
    Column("software_version", String(64), nullable=False),
    Column("state_occurred_us", BigInteger),
    Column("started_us", BigInteger),
    Column("disk_free_bytes", BigInteger),
    Column("hellos_missed", BigInteger),
)
"""One row per car. A car that the bus knows and these records do not (they were put back from a
copy) gets a row without an identity key at its next hello."""

events = Table(
    "registry_events",
    metadata,
    Column("message_id", String(64), primary_key=True),
    Column("car_id", String(64), nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("boot_count", BigInteger, nullable=False),
    Column("occurred_us", BigInteger, nullable=False),
)

_NEVER_HEARD = {"online": False, "boot_count": 0, "software_version": ""}
_FIND_CAR: Final = select(cars).where(cars.c.car_id == bindparam("sought"))


@dataclass(frozen=True)
class CarEventRow:
    """One event of a car."""

    message_id: str
    car_id: str
    kind: str
    boot_count: int
    occurred_us: int


def save_car(connection: Connection, car_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one car, whose row is made when there is none."""
    changed = connection.execute(update(cars).where(cars.c.car_id == car_id).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(cars).values(car_id=car_id, **_NEVER_HEARD | values))


def find_car(connection: Connection, car_id: str) -> Row[Any] | None:
    """The row of one car."""
    return connection.execute(_FIND_CAR, {"sought": car_id}).one_or_none()


def all_cars(connection: Connection) -> Sequence[Row[Any]]:
    """Every car, by its identifier."""
    return connection.execute(select(cars).order_by(cars.c.car_id)).all()


def count_heard_since(connection: Connection, since_us: int) -> int:
    """How many cars said hello since then."""
    counted = connection.execute(
        select(func.count()).select_from(cars).where(cars.c.last_hello_us > since_us)
    )
    return int(counted.scalar_one())


def take_silent(connection: Connection, since_us: int) -> Sequence[Row[Any]]:
    """Note as silent those who were online and have not said hello since; returns them."""
    fell_silent = cars.c.online.is_(True) & (cars.c.last_hello_us <= since_us)
    found = connection.execute(select(cars).where(fell_silent).order_by(cars.c.car_id)).all()
    if found:
        connection.execute(update(cars).where(fell_silent).values(online=False))
    return found


def add_events(connection: Connection, rows: Sequence[CarEventRow]) -> None:
    """Record events, each once, however often it came."""
    wanted = {row.message_id: row for row in rows}
    known = connection.execute(
        select(events.c.message_id).where(events.c.message_id.in_(list(wanted)))
    ).scalars()
    for message_id in known:
        del wanted[message_id]
    for row in wanted.values():
        connection.execute(insert(events).values(**vars(row)))

"""What the registry must not forget: the cars, when each was last heard, and what each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Connection,
    LargeBinary,
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

as_built = Table(
    "registry_as_built",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("vin", String(17), nullable=False, unique=True),
    Column("order_id", String(64), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("recorded_us", BigInteger, nullable=False),
)
"""The factory's record of each car that was built for an order, as the very bytes it signed."""

_NEVER_HEARD = {"online": False, "boot_count": 0, "software_version": ""}
_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_FIND_CAR: Final = select(cars).where(cars.c.car_id == _SOUGHT)
_SAVE_CAR: Final = update(cars).where(cars.c.car_id == _SOUGHT)
_HEARD_SINCE: Final = select(func.count()).select_from(cars).where(cars.c.last_hello_us > _SOUGHT)
_FELL_SILENT: Final = cars.c.online.is_(True) & (cars.c.last_hello_us <= _SOUGHT)
_FIND_SILENT: Final = select(cars).where(_FELL_SILENT).order_by(cars.c.car_id)
_NOTE_SILENT: Final = update(cars).where(_FELL_SILENT).values(online=False)
_LONGEST_AGO: Final = select(func.min(cars.c.last_hello_us)).where(cars.c.online.is_(True))


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
    changed = connection.execute(_SAVE_CAR, {"sought": car_id} | values)
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
    return int(connection.execute(_HEARD_SINCE, {"sought": since_us}).scalar_one())


def take_silent(connection: Connection, since_us: int) -> Sequence[Row[Any]]:
    """Note as silent those who were online and have not said hello since; returns them."""
    found = connection.execute(_FIND_SILENT, {"sought": since_us}).all()
    if found:
        connection.execute(_NOTE_SILENT, {"sought": since_us})
    return found


def longest_ago_us(connection: Connection) -> int | None:
    """The hello that is longest ago among the last ones of those who are online."""
    found: int | None = connection.execute(_LONGEST_AGO).scalar_one()
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


def find_as_built(connection: Connection, car_id: str) -> Row[Any] | None:
    """The factory's record of one car."""
    return connection.execute(select(as_built).where(as_built.c.car_id == car_id)).one_or_none()


def has_vin(connection: Connection, vin: str) -> bool:
    """Whether a car on record has this number."""
    found = connection.execute(select(as_built.c.car_id).where(as_built.c.vin == vin)).first()
    return found is not None


def add_as_built(connection: Connection, values: dict[str, Any]) -> None:
    """Keep the factory's record of a car."""
    connection.execute(insert(as_built).values(**values))

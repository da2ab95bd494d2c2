"""What the factory must not forget: the cars it made, their owners, and what it shall build."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
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

cars = Table(
    "build_cars",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("sign_key", Text, nullable=False),
    Column("seal_key", Text, nullable=False),
    Column("hand_over_code", String(22), nullable=False),
    Column("born_us", BigInteger, nullable=False),
    Column("owner_key_id", String(64)),
    Column("first_grant", LargeBinary),
    Column("handed_over_us", BigInteger),
)
"""One row per car; the keys are public JWKs as JSON. Owner and grant come with the hand-over."""

tries = Table(
    "build_tries",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("request_sha256", String(43), primary_key=True),
    Column("tried_us", BigInteger, nullable=False),
)
"""Hand-overs with a wrong code; a request that comes twice is one try."""

builds = Table(
    "build_builds",
    metadata,
    Column("order_id", String(64), primary_key=True),
    Column("state", String(16), nullable=False, index=True),
    Column("order_sequence", BigInteger, nullable=False),
    Column("event_sequence", BigInteger, nullable=False),
    Column("catalogue_version", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("week_begins_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, index=True),
    Column("vin", String(17), unique=True),
    Column("year", Integer),
    Column("serial", Integer),
    Column("car_id", String(64), unique=True),
    Column("as_built", LargeBinary),
    Column("refusal_code", String(64), nullable=False),
    Column("changed_us", BigInteger, nullable=False),
)
"""One row per order that was paid, or called off. ``due_us`` is when the factory has work with it;
the number of the car comes with the week, and ``car_id`` before the car is begun."""

serials = Table(
    "build_serials",
    metadata,
    Column("series", String(16), primary_key=True),
    Column("last", Integer, nullable=False),
)
"""The last serial number that was given, of each model year and plant."""

outbox = Table(
    "build_outbox",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("message_id", String(64), nullable=False, unique=True),
    Column("order_id", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
)
"""Events that the bus has not taken yet, oldest first."""


def add_car(connection: Connection, car_id: str, values: dict[str, Any]) -> None:
    """Put a new car on record."""
    connection.execute(insert(cars).values(car_id=car_id, **values))


def find_car(connection: Connection, car_id: str) -> Row[Any] | None:
    """The row of one car."""
    return connection.execute(select(cars).where(cars.c.car_id == car_id)).one_or_none()


def oldest_car(connection: Connection) -> Row[Any] | None:
    """The car that was made first."""
    order = (cars.c.born_us, cars.c.car_id)
    return connection.execute(select(cars).order_by(*order).limit(1)).one_or_none()


def hand_over(
    connection: Connection, car_id: str, key_id: str, grant: bytes, now_us: int
) -> Row[Any]:
    """Note the first grant of a car, unless it has one; returns the row as it is then."""
    wanted = (cars.c.car_id == car_id) & cars.c.owner_key_id.is_(None)
    values = {"owner_key_id": key_id, "first_grant": grant, "handed_over_us": now_us}
    connection.execute(update(cars).where(wanted).values(**values))
    return connection.execute(select(cars).where(cars.c.car_id == car_id)).one()


def newest_tries(
    connection: Connection, car_id: str, after_us: int, now_us: int, count_max: int
) -> list[int]:
    """When the newest requests with a wrong code came, the newest first.

    What lies ahead of the clock is left out: a clock that was set back closes no car.
    """
    column = tries.c.tried_us
    same = (tries.c.car_id == car_id) & (column > after_us) & (column <= now_us)
    wanted = select(column).where(same).order_by(column.desc()).limit(count_max)
    return list(connection.execute(wanted).scalars())


def add_try(
    connection: Connection, car_id: str, request_sha256: str, now_us: int, forget_us: int
) -> None:
    """Note a request with a wrong code, once; those up to forget_us are forgotten."""
    mine = tries.c.car_id == car_id
    connection.execute(delete(tries).where(mine & (tries.c.tried_us <= forget_us)))
    same = mine & (tries.c.request_sha256 == request_sha256)
    if connection.execute(select(tries.c.car_id).where(same)).first() is None:
        values = {"car_id": car_id, "request_sha256": request_sha256, "tried_us": now_us}
        connection.execute(insert(tries).values(**values))


def find_build(connection: Connection, order_id: str) -> Row[Any] | None:
    """The row of one order's build."""
    return connection.execute(select(builds).where(builds.c.order_id == order_id)).one_or_none()


def save_build(connection: Connection, order_id: str, values: dict[str, Any]) -> Row[Any]:
    """Set these columns of a build, whose row is made when there is none; returns the row."""
    mine = builds.c.order_id == order_id
    if connection.execute(update(builds).where(mine).values(**values)).rowcount == 0:
        connection.execute(insert(builds).values(order_id=order_id, **values))
    return connection.execute(select(builds).where(mine)).one()


def due_builds(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """Builds that the factory has work with now, in the order in which they became due."""
    order = (builds.c.due_us, builds.c.order_id)
    due = select(builds).where(builds.c.due_us <= now_us).order_by(*order).limit(count_max)
    return connection.execute(due).all()


def next_due_us(connection: Connection) -> int | None:
    """When the factory has work next."""
    found = connection.execute(select(func.min(builds.c.due_us))).scalar()
    return None if found is None else int(found)


def builds_handed_over(connection: Connection, state: str) -> Sequence[Row[Any]]:
    """Builds in this state whose car has its first grant."""
    joined = select(builds).join(cars, cars.c.car_id == builds.c.car_id)
    wanted = (builds.c.state == state) & cars.c.owner_key_id.is_not(None)
    return connection.execute(joined.where(wanted).order_by(builds.c.order_id)).all()


def cars_in(connection: Connection, states: Sequence[str]) -> Sequence[str]:
    """The cars of builds in these states, in the order in which they were promised."""
    wanted = builds.c.state.in_(states) & builds.c.car_id.is_not(None)
    order = (builds.c.week_begins_us, builds.c.order_id)
    found = connection.execute(select(builds.c.car_id).where(wanted).order_by(*order))
    return [str(car_id) for car_id in found.scalars()]


def last_serial(connection: Connection, series: str) -> int:
    """The last serial number that was given in this series; 0 when none was."""
    found = select(serials.c.last).where(serials.c.series == series)
    return int(connection.execute(found).scalar() or 0)


def set_last_serial(connection: Connection, series: str, last: int) -> None:
    """This serial number was given."""
    mine = serials.c.series == series
    if connection.execute(update(serials).where(mine).values(last=last)).rowcount == 0:
        connection.execute(insert(serials).values(series=series, last=last))


def add_message(connection: Connection, message_id: str, order_id: str, payload: bytes) -> None:
    """Put an event into the outbox."""
    values = {"message_id": message_id, "order_id": order_id, "payload": payload}
    connection.execute(insert(outbox).values(**values))


def waiting_messages(
    connection: Connection, but_of: Collection[str], count_max: int
) -> Sequence[Row[Any]]:
    """The oldest events that wait, but for those of these orders."""
    wanted = select(outbox).where(outbox.c.order_id.not_in(list(but_of)))
    return connection.execute(wanted.order_by(outbox.c.sequence).limit(count_max)).all()


def remove_message(connection: Connection, message_id: str) -> None:
    """The bus has it."""
    connection.execute(delete(outbox).where(outbox.c.message_id == message_id))

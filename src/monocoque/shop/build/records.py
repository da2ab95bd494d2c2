"""What the factory must not forget: the cars it made, their codes, and the grants it signed."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
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

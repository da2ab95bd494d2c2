"""What pairing must not forget: who asked for which car, and whose each car is."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
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

requests = Table(
    "pairing_requests",
    metadata,
    Column("request_id", String(64), primary_key=True),
    Column("car_id", String(64), nullable=False),
    Column("person_id", String(64), nullable=False, index=True),
    Column("document", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("refusal_code", String(64)),
    Column("asked_us", BigInteger, nullable=False),
    Column("sent_us", BigInteger, index=True),
    Column("answered_us", BigInteger),
)
"""One row per hand-over that was asked for: waiting, granted or refused."""

owners = Table(
    "pairing_owners",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("person_id", String(64), nullable=False, index=True),
    Column("key_id", String(64), nullable=False),
    Column("first_grant", LargeBinary, nullable=False),
    Column("since_us", BigInteger, nullable=False),
)
"""One row per car that has an owner."""

_FIND_OWNER: Final = select(owners).where(owners.c.car_id == bindparam("sought"))
_UNSENT: Final = (
    select(requests)
    .where(requests.c.sent_us.is_(None))
    .where(requests.c.car_id.not_in(bindparam("but_of", expanding=True)))
    .order_by(requests.c.asked_us, requests.c.request_id)
    .limit(bindparam("count_max"))
)


def add_request(connection: Connection, values: dict[str, Any]) -> None:
    """Note a hand-over that was asked for."""
    connection.execute(insert(requests).values(**values))


def find_request(connection: Connection, request_id: str) -> Row[Any] | None:
    """The row of one request."""
    wanted = select(requests).where(requests.c.request_id == request_id)
    return connection.execute(wanted).one_or_none()


def count_requests(connection: Connection, person_id: str, since_us: int) -> int:
    """How often this person asked since then."""
    recent = (requests.c.person_id == person_id) & (requests.c.asked_us > since_us)
    counted = select(func.count()).select_from(requests).where(recent)
    return int(connection.execute(counted).scalar_one())


def forget_requests(connection: Connection, person_id: str, before_us: int) -> None:
    """Take away what this person asked for before then, unless it was granted."""
    old = (requests.c.person_id == person_id) & (requests.c.asked_us < before_us)
    connection.execute(delete(requests).where(old & (requests.c.state != "granted")))


def unsent_requests(
    connection: Connection, but_of: Collection[str], count_max: int
) -> Sequence[Row[Any]]:
    """Requests that are not on the bus yet, oldest first, but for those of these cars."""
    sought = {"but_of": list(but_of), "count_max": count_max}
    return connection.execute(_UNSENT, sought).all()


def save_request(connection: Connection, request_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one request."""
    same = requests.c.request_id == request_id
    connection.execute(update(requests).where(same).values(**values))


def find_owner(connection: Connection, car_id: str) -> Row[Any] | None:
    """Whose this car is."""
    return connection.execute(_FIND_OWNER, {"sought": car_id}).one_or_none()


def add_owner(connection: Connection, values: dict[str, Any]) -> None:
    """Note whose a car is."""
    connection.execute(insert(owners).values(**values))


def cars_of(connection: Connection, person_id: str) -> Sequence[Row[Any]]:
    """The cars of this person, in the order in which they came."""
    wanted = select(owners).where(owners.c.person_id == person_id)
    return connection.execute(wanted.order_by(owners.c.since_us, owners.c.car_id)).all()

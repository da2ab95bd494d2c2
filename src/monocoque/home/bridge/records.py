"""What the bridge must not forget: each request, how far it is, and whether the cell knows.

Rules: a statement of the way of a request is built once, since to build it takes longer than to run
it.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

requests = Table(
    "bridge_requests",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("car_id", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("scene_id", String(64), nullable=False),
    Column("action", Text, nullable=False),
    Column("trace_id", String(64)),
    Column("received_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("device", String(64)),
    Column("state", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("decided_us", BigInteger),
    Column("is_known", Boolean, nullable=False),
    UniqueConstraint("car_id", "request_id", name="bridge_requests_once"),
    Index("bridge_requests_by_state", "state", "device"),
    Index("bridge_requests_by_known", "is_known"),
    Index("bridge_requests_by_expiry", "expires_us"),
)
"""``state`` is ``waiting``, ``begun``, or the outcome. ``is_known``: the cell has the outcome."""

WAITING: Final = "waiting"
BEGUN: Final = "begun"

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_FIND: Final = select(requests).where(
    requests.c.car_id == bindparam("sought_car"), requests.c.request_id == _SOUGHT
)
_ADD: Final = insert(requests)
_SAVE: Final = update(requests).where(requests.c.number == _SOUGHT)
_COUNT_WAITING: Final = (
    select(func.count()).select_from(requests).where(requests.c.state == WAITING)
)
_NEXT: Final = (
    select(requests)
    .where(requests.c.state.in_((WAITING, BEGUN)), requests.c.device == _SOUGHT)
    .order_by(requests.c.number)
    .limit(1)
)
_BEGUN: Final = select(requests).where(requests.c.state == BEGUN).order_by(requests.c.number)
_UNKNOWN: Final = (
    select(requests)
    .where(requests.c.is_known.is_(False), requests.c.decided_us.is_not(None))
    .order_by(requests.c.number)
    .limit(bindparam("count_max"))
)
_OLD: Final = (
    select(requests.c.number)
    .where(requests.c.expires_us < bindparam("before_us"), requests.c.is_known.is_(True))
    .order_by(requests.c.expires_us)
    .limit(bindparam("count_max"))
)


def find_request(connection: Connection, car_id: str, request_id: str) -> Row[Any] | None:
    """The row of one request."""
    sought = {"sought_car": car_id, "sought": request_id}
    return connection.execute(_FIND, sought).one_or_none()


def add_request(connection: Connection, values: dict[str, Any]) -> None:
    """Put a new request on record."""
    connection.execute(_ADD, values)


def save_request(connection: Connection, number: int, values: dict[str, Any]) -> None:
    """Set these columns of one request."""
    connection.execute(_SAVE, {"sought": number} | values)


def count_waiting(connection: Connection) -> int:
    """How many requests wait for their device."""
    return int(connection.execute(_COUNT_WAITING).scalar_one())


def next_open(connection: Connection, device: str) -> Row[Any] | None:
    """The oldest request of this device without an outcome.

    While the device does nothing, one that is begun is one whose intent alone is on record.
    """
    return connection.execute(_NEXT, {"sought": device}).one_or_none()


def begun_requests(connection: Connection) -> Sequence[Row[Any]]:
    """The requests that were begun and have no outcome."""
    return connection.execute(_BEGUN).all()


def unknown_outcomes(connection: Connection, count_max: int) -> Sequence[Row[Any]]:
    """The outcomes that the cell does not have, the oldest first."""
    return connection.execute(_UNKNOWN, {"count_max": count_max}).all()


def forget_requests(connection: Connection, before_us: int, count_max: int) -> None:
    """Take away requests whose time was over before then and whose outcome the cell has."""
    found = connection.execute(_OLD, {"before_us": before_us, "count_max": count_max})
    numbers = list(found.scalars())
    if numbers:
        connection.execute(delete(requests).where(requests.c.number.in_(numbers)))

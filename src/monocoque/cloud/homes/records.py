"""What the desk must not forget: homes, their cars, what scenes asked and what became of it.

Rules: a request is one row, named by its car and its ``request_id``; a statement of the way of a
request is built once, since to build it takes longer than to run it.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    Column,
    Connection,
    Index,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

metadata = MetaData()

homes = Table(
    "homes_homes",
    metadata,
    Column("home_id", String(64), primary_key=True),
    Column("made_us", BigInteger, nullable=False),
    Column("bus_key", String(64)),
    Column("code_sha256", String(43), unique=True),
    Column("code_expires_us", BigInteger),
    Column("person_id", String(64), index=True),
    Column("since_us", BigInteger),
    Column("hello_us", BigInteger),
    Column("software_version", String(64)),
    Column("state", LargeBinary),
)
"""One row per home. ``bus_key``: the public key of its place on the bus, once it has one. ``state``
is the very message that the home said last."""

ties = Table(
    "homes_ties",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("home_id", String(64), nullable=False, index=True),
    Column("since_us", BigInteger, nullable=False),
)
"""Which home a car belongs to; one at most."""

tries = Table(
    "homes_tries",
    metadata,
    Column("person_id", String(64), primary_key=True),
    Column("since_us", BigInteger, nullable=False),
    Column("wrong", BigInteger, nullable=False),
)
"""How many wrong codes a person gave since then."""

scenes = Table(
    "homes_scenes",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("said", LargeBinary, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
)
"""The last word of each car about its scenes; the very message."""

requests = Table(
    "homes_requests",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("request_id", String(64), primary_key=True),
    Column("home_id", String(64)),
    Column("scene_id", String(64), nullable=False),
    Column("action", Text, nullable=False),
    Column("trace_id", String(64)),
    Column("occurred_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("taken_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("is_answered", Boolean, nullable=False),
    Column("decided_us", BigInteger),
    Column("due_us", BigInteger, index=True),
    Index("homes_requests_by_state", "state", "home_id"),
    Index("homes_requests_of_car", "car_id", "taken_us"),
)
"""``is_answered``: the home itself said what became of it. ``due_us``: when time closes it; empty
when it is closed."""

Place = tuple[int, str, str]
"""Where a request stands in the order in which they came: when it was taken, its car, itself."""
BEFORE_THE_FIRST: Final[Place] = (-1, "", "")

_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_FIND_HOME: Final = select(homes).where(homes.c.home_id == _SOUGHT)
_FIND_CODE: Final = select(homes).where(homes.c.code_sha256 == _SOUGHT)
_SAVE_HOME: Final = update(homes).where(homes.c.home_id == _SOUGHT)
_FIND_TIE: Final = select(ties).where(ties.c.car_id == _SOUGHT)
_ALL_TIES: Final = select(ties).order_by(ties.c.since_us, ties.c.car_id)
_TIES_OF: Final = _ALL_TIES.where(ties.c.home_id.in_(bindparam("sought", expanding=True)))
_FIND_SCENES: Final = select(scenes).where(scenes.c.car_id == _SOUGHT)
_SAVE_SCENES: Final = update(scenes).where(scenes.c.car_id == _SOUGHT)
_FIND_REQUEST: Final = select(requests).where(
    requests.c.car_id == bindparam("sought_car"), requests.c.request_id == _SOUGHT
)
_SAVE_REQUEST: Final = update(requests).where(
    requests.c.car_id == bindparam("sought_car"), requests.c.request_id == _SOUGHT
)
_ADD_REQUEST: Final = insert(requests)
_COUNT: Final = select(func.count()).select_from(requests)
_COUNT_RECENT: Final = _COUNT.where(
    requests.c.car_id == _SOUGHT, requests.c.taken_us > bindparam("since_us")
)
_COUNT_OPEN: Final = _COUNT.where(requests.c.car_id == _SOUGHT, requests.c.due_us.is_not(None))
_PLACE: Final = (requests.c.taken_us, requests.c.car_id, requests.c.request_id)
_OPEN_OF_HOMES: Final = (
    select(requests)
    .where(requests.c.home_id.in_(bindparam("sought", expanding=True)))
    .where(requests.c.state.in_(bindparam("states", expanding=True)))
    .where(
        tuple_(*_PLACE)
        > tuple_(bindparam("taken_us"), bindparam("car_id"), bindparam("request_id"))
    )
    .order_by(*_PLACE)
    .limit(bindparam("count_max"))
)
_DUE: Final = (
    select(requests)
    .where(requests.c.due_us <= bindparam("now_us"))
    .order_by(requests.c.due_us, requests.c.car_id, requests.c.request_id)
    .limit(bindparam("count_max"))
)
_NEXT_DUE: Final = select(func.min(requests.c.due_us))
_OLD: Final = (
    select(requests.c.request_id)
    .where(requests.c.car_id == _SOUGHT, requests.c.expires_us < bindparam("before_us"))
    .where(requests.c.due_us.is_(None))
    .limit(bindparam("count_max"))
)


def find_home(connection: Connection, home_id: str) -> Row[Any] | None:
    """The row of one home."""
    return connection.execute(_FIND_HOME, {"sought": home_id}).one_or_none()


def find_code(connection: Connection, code_sha256: str) -> Row[Any] | None:
    """The home that waits for this code."""
    return connection.execute(_FIND_CODE, {"sought": code_sha256}).one_or_none()


def add_home(connection: Connection, values: dict[str, Any]) -> None:
    """Put a new home on record."""
    connection.execute(insert(homes).values(**values))


def save_home(connection: Connection, home_id: str, values: dict[str, Any]) -> None:
    """Set these columns of one home."""
    connection.execute(_SAVE_HOME, {"sought": home_id} | values)


def all_homes(connection: Connection) -> Sequence[Row[Any]]:
    """Every home, the oldest first."""
    return connection.execute(select(homes).order_by(homes.c.made_us, homes.c.home_id)).all()


def homes_of(connection: Connection, person_id: str) -> Sequence[Row[Any]]:
    """The homes of this person, in the order in which they were taken."""
    wanted = select(homes).where(homes.c.person_id == person_id)
    return connection.execute(wanted.order_by(homes.c.since_us, homes.c.home_id)).all()


def find_tie(connection: Connection, car_id: str) -> Row[Any] | None:
    """Which home this car belongs to."""
    return connection.execute(_FIND_TIE, {"sought": car_id}).one_or_none()


def ties_of(connection: Connection, home_ids: Collection[str]) -> Sequence[Row[Any]]:
    """The cars of these homes, in the order in which they came."""
    if not home_ids:
        return []
    return connection.execute(_TIES_OF, {"sought": list(home_ids)}).all()


def all_ties(connection: Connection) -> Sequence[Row[Any]]:
    """Every car that belongs to a home."""
    return connection.execute(_ALL_TIES).all()


def add_tie(connection: Connection, car_id: str, home_id: str, now_us: int) -> None:
    """The car belongs to this home."""
    connection.execute(insert(ties).values(car_id=car_id, home_id=home_id, since_us=now_us))


def remove_tie(connection: Connection, car_id: str) -> None:
    """The car belongs to no home."""
    connection.execute(delete(ties).where(ties.c.car_id == car_id))


def find_tries(connection: Connection, person_id: str) -> Row[Any] | None:
    """The wrong codes of this person."""
    wanted = select(tries).where(tries.c.person_id == person_id)
    return connection.execute(wanted).one_or_none()


def save_tries(connection: Connection, person_id: str, since_us: int, wrong: int) -> None:
    """This person gave so many wrong codes since then."""
    same = tries.c.person_id == person_id
    changed = connection.execute(update(tries).where(same).values(since_us=since_us, wrong=wrong))
    if changed.rowcount == 0:
        values = {"person_id": person_id, "since_us": since_us, "wrong": wrong}
        connection.execute(insert(tries).values(**values))


def find_scenes(connection: Connection, car_id: str) -> Row[Any] | None:
    """The last word of a car about its scenes."""
    return connection.execute(_FIND_SCENES, {"sought": car_id}).one_or_none()


def save_scenes(connection: Connection, car_id: str, said: bytes, now_us: int) -> None:
    """This is the last word of the car about its scenes."""
    values = {"said": said, "heard_us": now_us}
    if connection.execute(_SAVE_SCENES, {"sought": car_id} | values).rowcount == 0:
        connection.execute(insert(scenes).values(car_id=car_id, **values))


def find_request(connection: Connection, car_id: str, request_id: str) -> Row[Any] | None:
    """The row of one request."""
    sought = {"sought_car": car_id, "sought": request_id}
    return connection.execute(_FIND_REQUEST, sought).one_or_none()


def add_request(connection: Connection, values: dict[str, Any]) -> None:
    """Put a new request on record."""
    connection.execute(_ADD_REQUEST, values)


def save_request(
    connection: Connection, car_id: str, request_id: str, values: dict[str, Any]
) -> None:
    """Set these columns of one request."""
    connection.execute(_SAVE_REQUEST, {"sought_car": car_id, "sought": request_id} | values)


def count_recent(connection: Connection, car_id: str, since_us: int) -> int:
    """How many requests of this car were taken since then."""
    sought = {"sought": car_id, "since_us": since_us}
    return int(connection.execute(_COUNT_RECENT, sought).scalar_one())


def count_open(connection: Connection, car_id: str) -> int:
    """How many requests of this car are not closed."""
    return int(connection.execute(_COUNT_OPEN, {"sought": car_id}).scalar_one())


def open_requests(
    connection: Connection,
    home_ids: Collection[str],
    states: Collection[str],
    after: Place,
    count_max: int,
) -> Sequence[Row[Any]]:
    """The requests of these homes in one of these states, in the order in which they came.

    after: those behind this place alone.
    """
    taken_us, car_id, request_id = after
    place = {"taken_us": taken_us, "car_id": car_id, "request_id": request_id}
    sought = {"sought": sorted(home_ids), "states": list(states), "count_max": count_max}
    return connection.execute(_OPEN_OF_HOMES, sought | place).all()


def place_of(row: Row[Any]) -> Place:
    """Where this request stands among all."""
    return row.taken_us, row.car_id, row.request_id


def open_of_car(connection: Connection, car_id: str) -> Sequence[Row[Any]]:
    """The requests of this car that are not closed."""
    wanted = select(requests).where(requests.c.car_id == car_id, requests.c.due_us.is_not(None))
    return connection.execute(wanted.order_by(requests.c.request_id)).all()


def due_requests(connection: Connection, now_us: int, count_max: int) -> Sequence[Row[Any]]:
    """The requests whose time is over, the longest over first."""
    return connection.execute(_DUE, {"now_us": now_us, "count_max": count_max}).all()


def next_due_us(connection: Connection) -> int | None:
    """When the time of the next request is over; None for never."""
    found: int | None = connection.execute(_NEXT_DUE).scalar_one()
    return found


def newest_requests(connection: Connection, car_id: str, count_max: int) -> Sequence[Row[Any]]:
    """The requests of a car, the newest first."""
    order = (requests.c.taken_us.desc(), requests.c.request_id)
    wanted = select(requests).where(requests.c.car_id == car_id)
    return connection.execute(wanted.order_by(*order).limit(count_max)).all()


def forget_requests(connection: Connection, car_id: str, before_us: int, count_max: int) -> None:
    """Take away closed requests of a car whose time was over before then."""
    sought = {"sought": car_id, "before_us": before_us, "count_max": count_max}
    found = list(connection.execute(_OLD, sought).scalars())
    if found:
        named = (requests.c.car_id == car_id) & requests.c.request_id.in_(found)
        connection.execute(delete(requests).where(named))

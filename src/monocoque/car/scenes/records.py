"""The scenes of a car, what they asked for, why each ran or not, and the car's last place.

Rules: a statement that is used whenever the body is said is built once, since to build it takes
longer than to run it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from monocoque.contracts.scenes import CAR, HOME

metadata = MetaData()

scenes = Table(
    "scenes_scenes",
    metadata,
    Column("scene_id", String(64), primary_key=True),
    Column("scene", Text, nullable=False),
    Column("state", Text, nullable=False),
)
"""Each scene as its one text, and as JSON what its trigger remembers."""

requests = Table(
    "scenes_requests",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("request_id", String(64), nullable=False, unique=True),
    Column("scene_id", String(64), nullable=False),
    Column("action", Text, nullable=False),
    Column("done_by", String(16), nullable=False),
    Column("occurred_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("is_begun", Boolean, nullable=False),
    Column("trace_number", Integer, nullable=False),
)
"""What scenes asked for: of the home until its time is over, of the car until it is done."""

traces = Table(
    "scenes_traces",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("scene_id", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("occurred_us", BigInteger, nullable=False),
    Column("ran", Boolean, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("findings", Text, nullable=False),
)
"""Why a scene ran or not; the findings are JSON lists of what, found and whether it fits."""

sight = Table(
    "scenes_sight",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("members", Text, nullable=False),
)
"""One row: the last place of the car that was believed."""

_EVERY_SCENE: Final = select(scenes).order_by(scenes.c.scene_id)
_FIND_SCENE: Final = select(scenes).where(scenes.c.scene_id == bindparam("sought"))
_SET_STATE: Final = update(scenes).where(scenes.c.scene_id == bindparam("sought"))
_REQUESTS_OF: Final = (
    select(requests).where(requests.c.done_by == bindparam("sought")).order_by(requests.c.number)
)
_COUNT_REQUESTS: Final = select(func.count()).select_from(requests)
_FORGET_REQUESTS: Final = delete(requests).where(
    requests.c.done_by == HOME, requests.c.expires_us <= bindparam("now_us")
)
_RUNNING: Final = (
    select(requests.c.number)
    .where(requests.c.scene_id == bindparam("sought"), requests.c.done_by == CAR)
    .limit(1)
)
_NEWEST_TRACES: Final = select(traces).order_by(traces.c.number.desc())
_ADD_TRACE: Final = insert(traces)
_FORGET_TRACES: Final = delete(traces).where(traces.c.number <= bindparam("sought"))
_LAST_SIGHT: Final = select(sight.c.members).where(sight.c.car_id == bindparam("sought"))
_SAVE_SIGHT: Final = update(sight).where(sight.c.car_id == bindparam("sought"))

Findings = Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class StoredScene:
    """One scene as it is on record."""

    scene_id: str
    scene: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that a scene asked for."""

    request_id: str
    scene_id: str
    action: str
    done_by: str
    occurred_us: int
    expires_us: int
    is_begun: bool
    trace_number: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Why a scene ran or not."""

    scene_id: str
    request_id: str
    """That of the first thing that was asked of the home; empty when none was."""
    occurred_us: int
    ran: bool
    reason: str
    findings: Findings


def every_scene(connection: Connection) -> list[StoredScene]:
    """All of them, in the order of their identifiers."""
    rows = connection.execute(_EVERY_SCENE)
    return [StoredScene(row.scene_id, row.scene, json.loads(row.state)) for row in rows]


def find_scene(connection: Connection, scene_id: str) -> StoredScene | None:
    """The scene of that identifier, or None."""
    row = connection.execute(_FIND_SCENE, {"sought": scene_id}).first()
    return None if row is None else StoredScene(row.scene_id, row.scene, json.loads(row.state))


def count_scenes(connection: Connection) -> int:
    """How many scenes there are."""
    return connection.execute(select(func.count()).select_from(scenes)).scalar_one()


def put_scene(connection: Connection, scene_id: str, scene: str, state: Mapping[str, Any]) -> None:
    """Keep this scene, in place of what was kept under its identifier."""
    values = {"scene": scene, "state": json.dumps(state, sort_keys=True)}
    changed = connection.execute(update(scenes).where(scenes.c.scene_id == scene_id), values)
    if changed.rowcount == 0:
        connection.execute(insert(scenes).values(scene_id=scene_id, **values))


def set_state(connection: Connection, scene_id: str, state: Mapping[str, Any]) -> None:
    """What its trigger remembers from now on."""
    text = json.dumps(state, sort_keys=True)
    connection.execute(_SET_STATE, {"sought": scene_id, "state": text})


def remove_scene(connection: Connection, scene_id: str) -> None:
    """Forget it, with what it asked for and what was not begun."""
    connection.execute(delete(scenes).where(scenes.c.scene_id == scene_id))
    not_begun = (requests.c.scene_id == scene_id, requests.c.is_begun.is_(False))
    connection.execute(delete(requests).where(*not_begun))


def add_trace(connection: Connection, trace: Trace, kept: int) -> int:
    """Write it down; the oldest are forgotten. Returns its number."""
    values = {name: getattr(trace, name) for name in Trace.__slots__}
    values["findings"] = json.dumps(trace.findings)
    added = connection.execute(_ADD_TRACE, values)
    key = added.inserted_primary_key
    assert key is not None
    number: int = key[0]
    connection.execute(_FORGET_TRACES, {"sought": number - kept})
    return number


def add_request(connection: Connection, request: Request) -> None:
    """A scene asks for this."""
    values = {name: getattr(request, name) for name in Request.__slots__}
    connection.execute(insert(requests).values(values))


def newest_traces(connection: Connection) -> list[Trace]:
    """All that are kept, the newest first."""
    rows = connection.execute(_NEWEST_TRACES)
    return [
        Trace(
            row.scene_id,
            row.request_id,
            row.occurred_us,
            row.ran,
            row.reason,
            [(what, found, fits) for what, found, fits in json.loads(row.findings)],
        )
        for row in rows
    ]


def requests_of(connection: Connection, done_by: str) -> list[Request]:
    """What was asked of the home, or of the car, in the order in which it was."""
    rows = connection.execute(_REQUESTS_OF, {"sought": done_by})
    return [Request(**{name: getattr(row, name) for name in Request.__slots__}) for row in rows]


def count_requests(connection: Connection) -> int:
    """How many things were asked for and are not over."""
    return int(connection.execute(_COUNT_REQUESTS).scalar_one())


def is_running(connection: Connection, scene_id: str) -> bool:
    """Whether something that this scene asked of the car is not over."""
    return connection.execute(_RUNNING, {"sought": scene_id}).first() is not None


def forget_requests(connection: Connection, now_us: int) -> None:
    """Whatever was asked of the home is over when its time is."""
    connection.execute(_FORGET_REQUESTS, {"now_us": now_us})


def begin_request(connection: Connection, request_id: str) -> bool:
    """From now on it may have happened; False when it is not there any more."""
    wanted = requests.c.request_id == request_id
    return connection.execute(update(requests).where(wanted).values(is_begun=True)).rowcount > 0


def end_request(connection: Connection, request: Request, finding: tuple[str, str, bool]) -> None:
    """It is over, and its trace says how: the finding takes the place of the one of its word."""
    wanted = traces.c.number == request.trace_number
    row = connection.execute(select(traces.c.findings).where(wanted)).first()
    if row is not None:
        found = [finding if old[0] == finding[0] else old for old in json.loads(row.findings)]
        connection.execute(update(traces).where(wanted).values(findings=json.dumps(found)))
    connection.execute(delete(requests).where(requests.c.request_id == request.request_id))


def last_sight(connection: Connection, car_id: str) -> Mapping[str, Any] | None:
    """The last place that was believed, or None."""
    row = connection.execute(_LAST_SIGHT, {"sought": car_id}).first()
    return None if row is None else json.loads(row.members)


def set_sight(connection: Connection, car_id: str, members: Mapping[str, Any]) -> None:
    """The car was seen here."""
    text = json.dumps(members, sort_keys=True)
    changed = connection.execute(_SAVE_SIGHT, {"sought": car_id, "members": text})
    if changed.rowcount == 0:
        connection.execute(insert(sight).values(car_id=car_id, members=text))

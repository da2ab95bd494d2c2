"""What telemetry must not forget: how far each car's frames are, and the last batch."""

import json
from collections.abc import Iterable, Mapping
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
    Text,
    bindparam,
    insert,
    select,
    update,
)

from monocoque.cloud.telemetry.logic import Place

metadata = MetaData()
CARS_AT_ONCE = 500
"""How many cars one question names; databases bound the number of values in a statement."""

places = Table(
    "telemetry_places",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
    Column("ahead", Text, nullable=False),
)
"""One row per car: everything up to ``last_sequence`` is dealt with, and these after it (JSON)."""

batches = Table(
    "telemetry_batches",
    metadata,
    Column("writer", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("places", Text, nullable=False),
)
"""The last batch of a writer, and the places that hold once it is in the lake; then none."""


_SOUGHT: Final[BindParameter[Any]] = bindparam("sought")
_FIND_PLACES: Final = select(places).where(
    places.c.car_id.in_(bindparam("car_ids", expanding=True))
)
_SAVE_PLACE: Final = update(places).where(places.c.car_id == _SOUGHT)
_FIND_BATCH: Final = select(batches).where(batches.c.writer == _SOUGHT)
_SAVE_BATCH: Final = update(batches).where(batches.c.writer == _SOUGHT)


def find_places(connection: Connection, car_ids: Iterable[str]) -> dict[str, Place]:
    """How far these cars are; who is missing is at the beginning."""
    wanted = sorted(car_ids)
    found: dict[str, Place] = {}
    for at in range(0, len(wanted), CARS_AT_ONCE):
        some = {"car_ids": wanted[at : at + CARS_AT_ONCE]}
        for row in connection.execute(_FIND_PLACES, some):
            found[row.car_id] = Place(row.last_sequence, frozenset(json.loads(row.ahead)))
    return found


def save_places(connection: Connection, changed: Mapping[str, Place]) -> None:
    """These cars are so far."""
    for car_id in sorted(changed):
        values = {
            "last_sequence": changed[car_id].last,
            "ahead": json.dumps(sorted(changed[car_id].ahead)),
        }
        if connection.execute(_SAVE_PLACE, {"sought": car_id} | values).rowcount == 0:
            connection.execute(insert(places).values(car_id=car_id, **values))


def find_batch(connection: Connection, writer: str) -> Row[Any] | None:
    """The last batch of this writer, or None before its first."""
    return connection.execute(_FIND_BATCH, {"sought": writer}).one_or_none()


def save_batch(
    connection: Connection, writer: str, number: int, meant: Mapping[str, Place]
) -> None:
    """This batch is under way, or done when no place is meant."""
    said = {car_id: [place.last, *sorted(place.ahead)] for car_id, place in meant.items()}
    values = {"number": number, "places": json.dumps(said, sort_keys=True)}
    if connection.execute(_SAVE_BATCH, {"sought": writer} | values).rowcount == 0:
        connection.execute(insert(batches).values(writer=writer, **values))


def meant_by(row: Row[Any]) -> dict[str, Place]:
    """The places that hold once this batch is in the lake."""
    said: dict[str, list[int]] = json.loads(row.places)
    return {car_id: Place(last, frozenset(ahead)) for car_id, (last, *ahead) in said.items()}

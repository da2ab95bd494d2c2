"""What the car remembers about its updates.

Rules: a part is JSON that is read and written whole, and only by the logic that it belongs to;
statements are built once, since to build one takes longer than to run it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

metadata = MetaData()

memory = Table(
    "updates_memory",
    metadata,
    Column("car_id", String(64), primary_key=True),
    Column("part", String(32), primary_key=True),
    Column("members", Text, nullable=False),
)

JOURNAL: Final = "journal"
"""Which update is under way, and how far."""
CONSENT: Final = "consent"
"""Which release the owner agreed to."""
IMAGE: Final = "image"
DIRECTOR: Final = "director"
"""What was trusted last of each repository."""
SEQUENCE: Final = "sequence"
"""The number of the last manifest."""


_OF_PART: Final = (memory.c.car_id == bindparam("sought")) & (
    memory.c.part == bindparam("sought_part")
)
_READ: Final = select(memory.c.members).where(_OF_PART)
_SAVE: Final = update(memory).where(_OF_PART)


def read_part(connection: Connection, car_id: str, part: str) -> dict[str, Any] | None:
    """What is remembered there, or None."""
    row = connection.execute(_READ, {"sought": car_id, "sought_part": part}).first()
    return None if row is None else json.loads(row.members)


def set_part(connection: Connection, car_id: str, part: str, members: Mapping[str, Any]) -> None:
    """Remember this in place of what was there."""
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    place = {"sought": car_id, "sought_part": part}
    if connection.execute(_SAVE, place | {"members": text}).rowcount == 0:
        connection.execute(insert(memory).values(car_id=car_id, part=part, members=text))

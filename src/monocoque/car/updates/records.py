"""What the car remembers about its updates.

Rules: a part is JSON that is read and written whole, and only by the logic that it belongs to.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Connection, MetaData, String, Table, Text, insert, select, update

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


def read_part(connection: Connection, car_id: str, part: str) -> dict[str, Any] | None:
    """What is remembered there, or None."""
    wanted = select(memory.c.members).where(memory.c.car_id == car_id, memory.c.part == part)
    row = connection.execute(wanted).first()
    return None if row is None else json.loads(row.members)


def set_part(connection: Connection, car_id: str, part: str, members: Mapping[str, Any]) -> None:
    """Remember this in place of what was there."""
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    place = (memory.c.car_id == car_id, memory.c.part == part)
    if connection.execute(update(memory).where(*place).values(members=text)).rowcount == 0:
        connection.execute(insert(memory).values(car_id=car_id, part=part, members=text))

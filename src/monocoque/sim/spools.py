"""What must hold of everything that waits to be sent: it is gone once the network is back.

Rules: a frame that was in a spool before the calm at the end has left it by the end, and so has
every event of the outboxes; a calm that is shorter than the pauses of a link proves nothing.

Left out on purpose: what was sent. Frames are counted in the lake, events where they are heard.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Connection, func, select

from monocoque.plumbing.records.port import Records
from monocoque.sim.frames import Measured
from monocoque.sim.tables import (
    BUILD_OUTBOX,
    CAR_OUTBOX,
    FRAME_NUMBERS,
    ORDER_OUTBOX,
    SPOOL,
    count_in,
    rows_in,
    table_of,
)

SPOOLS: Final = {
    "frame_twice": "a value of a frame was in the lake twice",
    "spool_never_emptied": "something that waited to be sent still waited at the end, in calm",
}
Violate = Callable[[str, str], None]


class Spools:
    """Watches what waits in one world."""

    def __init__(
        self, cell: Records, factory: Records | None, is_long_enough: bool, violate: Violate
    ) -> None:
        """is_long_enough: whether the calm is."""
        self._outboxes = [(cell, ORDER_OUTBOX)]
        if factory is not None:
            self._outboxes.append((factory, BUILD_OUTBOX))
        self._is_long_enough = is_long_enough
        self._violate = violate
        self._cars: dict[str, Records] = {}
        self._due: dict[str, int] = {}

    def add_car(self, car_id: str, records: Records) -> None:
        """A car joins the world."""
        self._cars[car_id] = records

    async def frames_made(self) -> dict[str, int]:
        """How many frames each car has made."""
        return {
            car_id: await records.transact(_frames_made) for car_id, records in self._cars.items()
        }

    async def begin_calm(self) -> None:
        """From now on nothing fails: what waits now must be gone at the end."""
        self._due = await self.frames_made()

    async def check_end(self, measured: Measured) -> None:
        """Check what must hold at the end. measured: what is in the lake."""
        if measured.doubled:
            self._violate("frame_twice", f"{measured.doubled} values")
        if not self._is_long_enough:
            return
        for car_id, due in self._due.items():
            waiting = await self._cars[car_id].transact(partial(_waiting, last=due))
            if waiting:
                self._violate("spool_never_emptied", f"{car_id}: {waiting}")
        for records, name in self._outboxes:
            waiting = await records.transact(partial(count_in, name=name))
            if waiting:
                self._violate("spool_never_emptied", f"{name}: {waiting}")


def _frames_made(connection: Connection) -> int:
    return sum(row.last_sequence for row in rows_in(connection, FRAME_NUMBERS))


def _waiting(connection: Connection, last: int) -> int:
    spool = table_of(connection, SPOOL)
    frames = select(func.count()).where(spool.c.sequence <= last)
    return int(connection.execute(frames).scalar_one()) + count_in(connection, CAR_OUTBOX)

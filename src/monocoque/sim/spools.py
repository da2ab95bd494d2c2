"""What must hold of everything that waits to be sent: it is gone once the network is back.

Rules: a frame that was in a spool before the calm at the end has left it by the end, and so has
every event of the outboxes; a calm that is shorter than the pauses of a link proves nothing.

Left out on purpose: what was sent. Frames are counted in the lake, events where they are heard.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, func, select

from monocoque.car.link import records as link
from monocoque.plumbing.records.port import Records
from monocoque.shop.build import records as build
from monocoque.shop.orders import records as orders
from monocoque.sim.frames import Measured

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
        self._outboxes = [(cell, "orders", orders.outbox)]
        if factory is not None:
            self._outboxes.append((factory, "builds", build.outbox))
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
            car_id: await records.transact(partial(link.last_sequence, car_id=car_id))
            for car_id, records in self._cars.items()
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
        for records, name, outbox in self._outboxes:
            waiting = await records.transact(partial(_count, table=outbox))
            if waiting:
                self._violate("spool_never_emptied", f"{name}: {waiting}")


def _waiting(connection: Connection, last: int) -> int:
    frames = select(func.count()).where(link.spool.c.sequence <= last)
    return int(connection.execute(frames).scalar_one()) + _count(connection, link.outbox)


def _count(connection: Connection, table: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

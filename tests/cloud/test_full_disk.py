"""A full disk: the services that hear cars and homes wait until there is room, and lose nothing."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from monocoque.contracts.errors import DiskFull
from monocoque.plumbing.records.port import Records
from tests.cloud.homes import HomeByHand, request, say_scenes, shown
from tests.cloud.owner import CAR, SERVICES, Cell, until

Result = TypeVar("Result")


class FullRecords:
    """Records on a disk that is full for a while."""

    def __init__(self, inner: Records) -> None:
        self._inner = inner
        self.is_full = False

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""
        if self.is_full:
            raise DiskFull("There is no room.")
        return await self._inner.transact(work)

    async def close(self) -> None:
        """See Records."""
        await self._inner.close()


async def test_every_service_waits_until_there_is_room_and_then_writes_what_it_heard(
    clients, records
):
    disk = FullRecords(records)
    cell = Cell(clients, disk)

    def waits(service: str) -> bool:
        labels = {"where": service, "code": DiskFull.code}
        return bool(cell.metrics.registry.get_sample_value("monocoque_errors_total", labels))

    async def all_wait() -> bool:
        return all(waits(service) for service in SERVICES)

    async with cell.living():  # which fails when a service ends
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        disk.is_full = True
        await cell.say_body(speed_kmh=31.0)
        await cell.hello()
        await home.hello()
        asked = request(cell)
        await say_scenes(cell, asked)
        await until(all_wait)
        disk.is_full = False

        async def is_all_written() -> bool:
            found = await shown(owner.client)
            body = await owner.body()
            heard = (await owner.client.get(f"/api/own-cars/{CAR}")).json()
            return (
                body is not None
                and body["speed_kmh"] == 31.0
                and heard["online"]
                and found["home"]["online"]
                and [one["request_id"] for one in found["requests"]] == [asked.request_id]
            )

        await until(is_all_written)

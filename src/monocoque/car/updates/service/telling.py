"""Says what the car has and how its update goes: the manifest, signed by the car.

Rules:

* it is said at the start, at each new connection to the cell, at each change, and at least every
  ``poll_interval_s``; the director answers it with fresh directions, so it is also the poll;
* its number is on record before it is said, and only grows;
* changes that follow one another soon are told of together.

Left out on purpose: the way to the cell (car/link), which repeats the last one until it is there.
"""

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection

from monocoque.car.updates import records
from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.logic import journal as logic
from monocoque.car.updates.service.consent import agreed_to
from monocoque.car.updates.service.units import Unit
from monocoque.contracts.topics import CAR_UPDATE_MANIFEST
from monocoque.contracts.wire.update_pb2 import UpdateManifest
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.insisting import AWAY, insist
from monocoque.plumbing.service import Context
from monocoque.trust.ports import Signer
from monocoque.trust.updates.manifests import UnitReport, UpdateReport, sign_manifest

SECOND_US = 1_000_000


class Teller:
    """Says the manifests of one car."""

    def __init__(self, context: Context, identity: Signer, units: Sequence[Unit]) -> None:
        self._context = context
        self._config = context.config(UpdatesConfig)
        self._identity = identity
        self._units = units
        self._due = asyncio.Event()
        self._said: tuple[object, ...] = ()

    def wake(self) -> None:
        """Something may have changed."""
        self._due.set()

    def poll(self) -> None:
        """Say everything, changed or not: the director answers."""
        self._said = ()
        self._due.set()

    async def tell_for_ever(self) -> None:
        """Say what is news, and everything once in a while, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._config.poll_interval_s):
                    await self._due.wait()
            except TimeoutError:
                self.poll()
            self._due.clear()
            await self._say_news()
            await asyncio.sleep(self._config.say_interval_s_min)

    async def tell_at_connections_for_ever(self) -> None:
        """Say everything at each new connection to the cell, until cancelled."""
        uplink, connections = self._context.uplink, 0
        while uplink is not None:
            connections = await uplink.connected_after(connections)
            self.poll()

    async def _say_news(self) -> None:
        context = self._context
        units = [_report_of(unit) for unit in self._units]

        def work(connection: Connection) -> tuple[int, int, UpdateReport] | None:
            car_id = context.machine_id
            journal = logic.of_members(records.read_part(connection, car_id, records.JOURNAL))
            update = logic.report(journal, agreed_to(connection, car_id))
            version = journal.directions_version
            if (units, version, update) == self._said:
                return None
            last = records.read_part(connection, car_id, records.SEQUENCE) or {"last": 0}
            sequence = last["last"] + 1
            records.set_part(connection, car_id, records.SEQUENCE, {"last": sequence})
            return sequence, version, update

        news = await insist(context, work, self._config.records_retry_s)
        if news is None:
            return
        sequence, version, update = news
        now_s = context.clock.now_us() // SECOND_US
        message = UpdateManifest(
            manifest=sign_manifest(
                context.machine_id, sequence, version, units, update, now_s, self._identity
            )
        )
        stamp(message, context.clock, context.random)
        try:
            await context.bus.publish(CAR_UPDATE_MANIFEST, message, car_id=context.machine_id)
        except AWAY as error:
            context.count_error(error, error.what)
            return
        self._said = (units, version, update)


def _report_of(unit: Unit) -> UnitReport:
    image = unit.image
    return UnitReport(
        ecu_id=unit.ecu_id,
        hardware_id=unit.hardware_id,
        release_number=image.release_number,
        version=image.version,
        length=image.length,
        sha256=image.sha256,
    )

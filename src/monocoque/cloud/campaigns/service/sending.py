"""Says what is on record: directions to the cars, and to the pages that something changed.

Rules:

* directions are on record before they are said, and are said again until the bus has them; the
  newest of a car replaces the older ones;
* a page that missed a word begins with the records, so such a word is said once, or not at all.

Left out on purpose: deciding anything; and roots, since there is the first alone, and each car has
it from the factory.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import Row

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.service.keeping import AWAY, Changes
from monocoque.contracts import topics
from monocoque.contracts.errors import LimitError
from monocoque.contracts.wire import update_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Outgoing
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.service import Context


class Sending:
    """The sending half of the director."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(CampaignsConfig)
        self._has_unsent = asyncio.Event()
        self._untold = Changes()
        self._has_untold = asyncio.Event()

    def note(self, changes: Changes) -> None:
        """These changed, and there may be directions to send."""
        self._has_unsent.set()
        self._untold.cars |= changes.cars
        self._untold.campaigns |= changes.campaigns
        self._has_untold.set()

    async def send(self) -> None:
        """Put directions on the bus, until cancelled."""
        self._has_unsent.set()  # what an earlier life left
        while True:
            await self._has_unsent.wait()
            self._has_unsent.clear()
            try:
                await self._send()
            except AWAY as error:
                self._context.count_error(error, "directions wait")
                await asyncio.sleep(self._config.retry_s)
                self._has_unsent.set()

    async def tell(self) -> None:
        """Tell the pages, until cancelled."""
        while True:
            await self._has_untold.wait()
            self._has_untold.clear()
            changes, self._untold = self._untold, Changes()
            context = self._context
            with contextlib.suppress(*AWAY):
                for car_id, campaign_id in changes.cars.items():
                    await tell_car(context.bus, car_id, campaign_id, context.clock, context.random)
            with contextlib.suppress(*AWAY):
                for campaign_id in sorted(changes.campaigns):
                    await tell_campaign(context.bus, campaign_id, context.clock, context.random)

    async def _send(self) -> None:
        records, count_max = self._context.records, self._config.send_batch_cars
        while True:
            found = await records.transact(partial(rows.unsent_directions, count_max=count_max))
            sent = await self._publish(found) if found else []
            if sent:
                await records.transact(partial(rows.note_sent, sent=sent))
            if len(sent) < len(found):
                raise LimitError("A car is told more often than it may be.")
            if len(found) < count_max:
                return

    async def _publish(self, found: Sequence[Row[Any]]) -> list[tuple[str, int]]:
        """Say these; returns cars and versions of those that the bus has."""
        bus = self._context.bus
        said = [self._outgoing(row) for row in found]
        versions = [(row.car_id, row.timestamp_version) for row in found]
        with contextlib.suppress(LimitError):
            await bus.publish_batch(topics.CAR_UPDATE_DIRECTIONS, said)
            return versions
        sent = []
        for each, version in zip(said, versions, strict=True):
            with contextlib.suppress(LimitError):
                await bus.publish(topics.CAR_UPDATE_DIRECTIONS, each.message, **each.identifiers)
                sent.append(version)
        return sent

    def _outgoing(self, row: Row[Any]) -> Outgoing[update_pb2.UpdateDirections]:
        message = update_pb2.UpdateDirections(
            timestamp=row.timestamp, snapshot=row.snapshot, targets=row.targets
        )
        stamp(message, self._context.clock, self._context.random)
        return Outgoing(message, {"car_id": row.car_id})


async def tell_car(bus: Bus, car_id: str, campaign_id: str, clock: Clock, random: Random) -> None:
    """Tell the pages that the update of a car changed; raises what the bus raises."""
    changed = update_pb2.UpdateChanged(campaign_id=campaign_id)
    stamp(changed, clock, random)
    await bus.publish(topics.UPDATE_CHANGED, changed, car_id=car_id)


async def tell_campaign(bus: Bus, campaign_id: str, clock: Clock, random: Random) -> None:
    """Tell whoever listens that a campaign changed; raises what the bus raises."""
    changed = update_pb2.UpdateChanged(campaign_id=campaign_id)
    stamp(changed, clock, random)
    await bus.publish(topics.CAMPAIGN_CHANGED, changed, campaign_id=campaign_id)

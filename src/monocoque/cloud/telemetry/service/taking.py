"""Takes frames batch by batch: sorted, noted, written, on record, told.

Rules:

* a batch is noted on record with what will hold once it is in the lake, then written, then what
  holds is put on record; only after that cars are told, and the bus is;
* whatever is found noted at a start, or after an error, is in the lake or is not: the lake knows
  the number of its last batch. So a frame is in the lake once, wherever this was killed;
* frames whose sequence is on record are duplicates: left out, and confirmed again;
* a frame that is refused is counted and dealt with, so that the car need not keep it.

Left out on purpose: reading the lake, and compacting it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlalchemy import Connection

from monocoque.cloud.telemetry import logic
from monocoque.cloud.telemetry import records as rows
from monocoque.cloud.telemetry.config import TelemetryConfig
from monocoque.cloud.telemetry.logic import SECOND_US, Bounds, Came, Decoded, Place
from monocoque.cloud.telemetry.service.table import VALUES, batch_of
from monocoque.contracts import topics
from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import (
    LimitError,
    MessageRefused,
    MonocoqueError,
    RecordsContended,
    SettingInvalid,
    StorageError,
    UnavailableError,
)
from monocoque.contracts.views import CAR_FRAMES_IN_BULK
from monocoque.contracts.wire.telemetry_pb2 import FramesConfirmed, FramesInBulk
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Consumer, Delivery, Outgoing
from monocoque.plumbing.lake.port import Lake
from monocoque.plumbing.service import Context

AWAY = (UnavailableError, RecordsContended, LimitError, StorageError)
"""Errors after which it waits and goes on: what was not written comes again."""
WRITER: Final = "telemetry"
Found = Sequence[Delivery[FramesInBulk]]


@dataclass
class _Sorted:
    """What a batch of frames came to, beside its rows."""

    places: dict[str, Place] = field(default_factory=dict)
    """How far each car is after it."""
    taken: list[int] = field(default_factory=list)
    """The indices of the frames that go into the lake."""
    duplicates: int = 0
    refused: int = 0
    waiting: int = 0
    lost: int = 0


class Taking:
    """One life of the service."""

    def __init__(self, context: Context) -> None:
        if context.lake is None:
            raise SettingInvalid("Telemetry needs a lake, and was given none.")
        self._context = context
        self._lake: Lake = context.lake
        self._config = context.config(TelemetryConfig)

    async def take(self) -> None:
        """Batch by batch."""
        while True:
            try:
                await self._take()
            except AWAY as error:
                self._count(error)
                await asyncio.sleep(self._config.retry_s)

    async def _take(self) -> None:
        number = await self._settle()
        consumer = await self._context.bus.consumer(CAR_FRAMES_IN_BULK, WRITER)
        while True:
            found = await self._gather(consumer)
            if not found:
                continue
            try:
                number = await self._write(found, number + 1)
            except AWAY:
                await consumer.give_back(found)
                raise
            await consumer.acknowledge(found)

    async def _settle(self) -> int:
        """Bring a batch to its end that was under way; returns the number of the last one."""
        context = self._context
        row = await context.records.transact(partial(rows.find_batch, writer=WRITER))
        in_lake = await self._lake.last_batch(VALUES, WRITER)
        if row is None:
            return in_lake
        meant = rows.meant_by(row)
        if meant and row.number <= in_lake:
            await self._hold(row.number, meant)
        return max(int(row.number), in_lake)

    async def _gather(self, consumer: Consumer[FramesInBulk]) -> list[Delivery[FramesInBulk]]:
        """What comes within ``batch_interval_s`` after the first."""
        config, loop = self._config, asyncio.get_running_loop()
        found = await consumer.fetch(config.batch_frames_max, config.fetch_wait_s)
        due_s = loop.time() + config.batch_interval_s
        try:
            while found and len(found) < config.batch_frames_max:
                left_s = due_s - loop.time()
                if left_s <= 0:
                    break
                if len(found) <= config.few_frames:  # not woken by each of the few others
                    await asyncio.sleep(left_s)
                    left_s = 0.0
                found += await consumer.fetch(config.batch_frames_max - len(found), left_s)
        except AWAY:
            await consumer.give_back(found)
            raise
        return found

    async def _write(self, found: Found, number: int) -> int:
        """Into the lake, on record, told; returns the number of the last batch."""
        context = self._context
        refusals: dict[int, MessageRefused] = {}
        came: list[Came] = []
        for index, delivery in enumerate(found):
            refusal = logic.refusal_of_shape(delivery.message)
            if refusal is not None:
                refusals[index] = refusal
            came.append(Came(delivery.identifiers["car_id"], delivery.message))
        whole = [index for index in range(len(came)) if index not in refusals]
        decoded, wrong = logic.decode([came[index] for index in whole], self._bounds())
        refusals |= {whole[index]: refusal for index, refusal in wrong.items()}
        outcome = await context.records.transact(
            partial(self._note, came=came, refusals=refusals, number=number)
        )
        if outcome.taken:
            await self._append(came, whole, decoded, outcome.taken, number)
        await self._hold(number, outcome.places)
        self._report(refusals, outcome)
        await self._confirm(outcome.places)
        return number

    def _bounds(self) -> Bounds:
        now_us = self._context.clock.now_us()
        return Bounds(
            latest_us=now_us + CLOCK_DIFFERENCE_S_MAX * SECOND_US,
            span_ms_max=round(self._config.frame_span_s_max * 1_000),
        )

    def _note(
        self,
        connection: Connection,
        came: Sequence[Came],
        refusals: dict[int, MessageRefused],
        number: int,
    ) -> _Sorted:
        """Sort what came by what is on record, and note what will hold once it is written."""
        outcome = _Sorted()
        outcome.places = rows.find_places(connection, {each.car_id for each in came})
        # By sequence, so that who says that older ones are gone is heard after those that came.
        order = sorted(range(len(came)), key=lambda index: came[index].frames.sequence)
        for index in order:
            self._sort(outcome, index, came[index], index in refusals)
        rows.save_batch(connection, WRITER, number, outcome.places)
        return outcome

    def _sort(self, outcome: _Sorted, index: int, each: Came, is_refused: bool) -> None:
        frames = each.frames
        place = outcome.places.get(each.car_id, Place())
        if 1 <= frames.oldest_sequence <= frames.sequence:
            place, lost = logic.with_oldest(place, frames.oldest_sequence)
            outcome.lost += lost
        is_next = frames.sequence == place.last + 1
        has_room = is_next or len(place.ahead) < self._config.ahead_frames_max
        if is_refused:
            outcome.refused += 1
        elif logic.is_taken(place, frames.sequence):
            outcome.duplicates += 1
        elif has_room:
            outcome.taken.append(index)
        else:
            outcome.waiting += 1
        if frames.sequence >= 1 and has_room:
            place = logic.with_taken(place, frames.sequence)
        outcome.places[each.car_id] = place

    async def _append(
        self,
        came: Sequence[Came],
        whole: Sequence[int],
        decoded: Decoded,
        taken: Sequence[int],
        number: int,
    ) -> None:
        among = {index: at for at, index in enumerate(whole)}
        rows_taken = logic.rows_of(
            [came[index] for index in whole], decoded, [among[index] for index in taken]
        )
        await self._lake.append(VALUES, WRITER, batch_of(number, rows_taken))

    async def _hold(self, number: int, places: dict[str, Place]) -> None:
        """What the batch meant is so now."""

        def work(connection: Connection) -> None:
            rows.save_places(connection, places)
            rows.save_batch(connection, WRITER, number, {})

        await self._context.records.transact(work)

    async def _confirm(self, places: dict[str, Place]) -> None:
        """Tell each car; one that is not told sends again, and is told then."""
        context, at_once = self._context, self._config.confirmations_at_once
        said = []
        for car_id in sorted(places):
            confirmed = FramesConfirmed(sequence=places[car_id].last)
            stamp(confirmed, context.clock, context.random)
            said.append(Outgoing(confirmed, {"car_id": car_id}))
        try:
            for at in range(0, len(said), at_once):
                await context.bus.publish_batch(
                    topics.CAR_FRAMES_CONFIRMED, said[at : at + at_once]
                )
        except AWAY as error:
            self._count(error)

    def _report(self, refusals: dict[int, MessageRefused], outcome: _Sorted) -> None:
        context = self._context
        metrics, topic = context.metrics, topics.CAR_FRAMES.name
        for name in ("taken", "duplicates", "refused", "waiting"):
            counted = getattr(outcome, name)
            count = len(counted) if isinstance(counted, list) else counted
            metrics.frames.labels(outcome=name).inc(count)
        metrics.frames_lost.inc(outcome.lost)
        for refusal in refusals.values():
            metrics.messages_refused.labels(topic, refusal.code).inc()
        for code in sorted({refusal.code for refusal in refusals.values()}):
            context.log.warning("frames refused", topic=topic, error_code=code)

    def _count(self, error: MonocoqueError) -> None:
        context = self._context
        context.count_error(error, "telemetry waits")

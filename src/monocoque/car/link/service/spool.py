"""The spool: frames of telemetry, kept until the cell has them in its lake.

Rules:

* every ``frame_interval_s`` the awake car's frame becomes a row, and of one that only charges every
  ``charging_frame_interval_s``; the same transaction takes out what was confirmed and, beyond
  ``spool_frames_max`` or ``spool_bytes_max``, the oldest, counted;
* for a car that sleeps nothing is asked or written until its body is said, or the cell confirms
  what is still here, or ``asleep_look_s`` are over; nor, until its next frame is due, for one that
  charges;
* what waits is in memory too (shelf.py), so that sending reads no row;
* a row's sequence is given once and never again. Each message says the oldest that is still here,
  so that nobody waits for what was given up;
* rows are sent in order, ``spool_batch_frames`` at once; after each new connection, once the cell
  was asked how far it is, and when nothing was confirmed for a time that doubles up to
  ``resend_after_s_max``, again from the oldest;
* what the cell confirms is believed, also when it is less than before: it may have lost its data.
  When it is more than was ever sent, this spool is younger than the cell's memory (a new disk), and
  what waits gets new numbers after that;
* a frame that our own door refuses can never be sent, and is given up and counted.

Left out on purpose: what is in a frame, which car/signals says.
"""

import asyncio
import contextlib
from functools import partial

from sqlalchemy import Connection

from monocoque.car.link import records
from monocoque.car.link.config import LinkConfig
from monocoque.car.link.service.shelf import Frame, Plan, Shelf
from monocoque.car.signals.service import Watch, seen_now
from monocoque.contracts import topics
from monocoque.contracts.errors import (
    MessageRefused,
    MonocoqueError,
    QueueFull,
)
from monocoque.contracts.wire import telemetry_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Outgoing
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context


class Spool:
    """The spool of one car."""

    def __init__(self, context: Context, uplink: Bus) -> None:
        self._context = context
        self._uplink = uplink
        self._config = context.config(LinkConfig)
        self._confirmed: int | None = None
        """What the cell said last; None before it said anything."""
        self._sent = 0
        """The last sequence that was sent since sending began anew."""
        self._beginnings = 0
        self._asked_connections = 0
        """For which connection the cell was asked how far it is; before that nothing is sent."""
        self._heard_s = 0.0
        """When the cell said last how far it is, by the loop's time."""
        self._has_news = asyncio.Event()
        self._woken = asyncio.Event()
        """The car may be awake, or something may leave the spool."""
        self._shelf: Shelf | None = None
        """What the rows hold, where that is known."""
        self._at_rows = asyncio.Lock()
        self._counted_frames = 0
        self._charging_due_s = 0.0
        """When a car that only charges has its next frame, by the loop's time."""

    async def keep(self) -> None:
        """Record, send and hear what is confirmed, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._record_for_ever())
                group.create_task(self._send_for_ever())
                group.create_task(self._hear_for_ever())
                group.create_task(self._ask_for_ever())
        finally:
            self._context.metrics.spool_frames.dec(self._counted_frames)

    # --- recording ---------------------------------------------------------------------------

    async def _record_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._config.frame_interval_s * self._context.random.random()
        while True:  # spread, so that a fleet does not write in step
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            due_s = max(due_s, loop.time() - self._config.frame_interval_s)
            due_s += self._config.frame_interval_s
            self._woken.clear()
            try:
                watch = await self._record()
            except AWAY as error:
                self._count(error)
                continue
            if watch is not Watch.AWAKE:
                await self._sleep(watch)
                if watch is Watch.CHARGES:
                    due_s = min(due_s, self._charging_due_s)
                due_s = max(due_s, loop.time())

    def wake(self) -> None:
        """The body was said: the car may be awake."""
        self._woken.set()

    async def _sleep(self, watch: Watch) -> None:
        """Until the car may be awake, or something may leave the spool; bounded."""
        until_s = asyncio.get_running_loop().time() + self._config.asleep_look_s
        if watch is Watch.CHARGES:
            until_s = self._charging_due_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._woken.wait()

    async def _record(self) -> Watch:
        """Write the frame that is due, and take out what may go; how the car is."""
        context, car_id = self._context, self._context.machine_id
        now_us = context.clock.now_us()
        # Made before the work, which may run twice.
        header = telemetry_pb2.Frames()
        stamp(header, context.clock, context.random)

        def work(connection: Connection) -> tuple[Shelf, Plan, Watch]:
            shelf = known or _read(connection, car_id)
            if self._confirmed is not None and self._confirmed > shelf.last:
                shelf = _renumbered(connection, car_id, shelf, self._confirmed)
            seen, frame = seen_now(connection, car_id, now_us), None
            if self._is_due(seen.watch):
                frame = seen.frame()
                frame.MergeFrom(header)
            plan = self._plan(shelf, frame)
            _write(connection, car_id, plan)
            return shelf, plan, seen.watch

        async with self._at_rows:
            known, self._shelf = self._shelf, None  # whoever is interrupted here knows nothing
            shelf, plan, watch = await context.records.transact(work)
            shelf.follow(plan)
            self._shelf = shelf
        self._show(len(shelf.frames))
        if plan.dropped:
            context.metrics.spool_dropped.labels(code=QueueFull.code).inc(plan.dropped)
            context.log.warning("the spool is full; its oldest frames are lost")
        if plan.added is not None:
            now_s = asyncio.get_running_loop().time()
            self._charging_due_s = now_s + self._config.charging_frame_interval_s
            self._has_news.set()
        return watch

    def _is_due(self, watch: Watch) -> bool:
        """Whether a car that is watched so has a frame now; a new life begins with one."""
        is_time = asyncio.get_running_loop().time() >= self._charging_due_s
        return watch is Watch.AWAKE or (watch is Watch.CHARGES and is_time)

    def _plan(self, shelf: Shelf, frame: telemetry_pb2.Frames | None) -> Plan:
        return shelf.plan(
            confirmed=self._confirmed or 0,
            payload=None if frame is None else frame.SerializeToString(),
            frames_max=self._config.spool_frames_max,
            bytes_max=self._config.spool_bytes_max,
        )

    async def _at_shelf(self) -> Shelf:
        """What waits, read anew where it is not known."""
        if self._shelf is None:
            async with self._at_rows:
                car_id = self._context.machine_id
                if self._shelf is None:
                    read = partial(_read, car_id=car_id)
                    self._shelf = await self._context.records.transact(read)
        return self._shelf

    def _show(self, frames: int) -> None:
        self._context.metrics.spool_frames.inc(frames - self._counted_frames)
        self._counted_frames = frames

    # --- sending -----------------------------------------------------------------------------

    async def _send_for_ever(self) -> None:
        pause_s, confirmed = self._config.resend_after_s_min, self._confirmed
        while True:
            if self._confirmed != confirmed:
                pause_s, confirmed = self._config.resend_after_s_min, self._confirmed
            elif self._is_overdue(pause_s):
                self._begin_anew()
                pause_s = min(pause_s * 2, self._config.resend_after_s_max)
            connections = self._uplink.connection_count
            try:
                if not self._was_asked() or not await self._send_some():
                    is_behind = self._sent > (self._confirmed or 0)
                    longest_s = self._config.resend_after_s_max
                    await self._wait_for_news(pause_s if is_behind else longest_s)
            except AWAY as error:
                self._count(error)
                await self._pause(connections)

    def _was_asked(self) -> bool:
        return self._asked_connections >= self._uplink.connection_count

    def _is_overdue(self, pause_s: float) -> bool:
        """Whether what was sent is unconfirmed, and nothing was heard of it for so long."""
        now_s = asyncio.get_running_loop().time()
        return self._sent > (self._confirmed or 0) and now_s - self._heard_s >= pause_s

    def _begin_anew(self) -> None:
        """Send everything again that is not confirmed."""
        self._sent = self._confirmed or 0
        self._beginnings += 1
        self._has_news.set()

    async def _send_some(self) -> bool:
        """Send the next rows; whether there may be more."""
        after, beginnings = max(self._sent, self._confirmed or 0), self._beginnings
        shelf, count_max = await self._at_shelf(), self._config.spool_batch_frames
        found = shelf.after(after, count_max)
        if not found:
            return False
        if self._sent <= (self._confirmed or 0):
            self._heard_s = asyncio.get_running_loop().time()  # the first that can be overdue
        outgoing = [self._message(shelf.oldest, *frame) for frame in found]
        try:
            await self._uplink.publish_batch(topics.CAR_FRAMES, outgoing)
        except MessageRefused:
            await self._send_one_by_one(outgoing)
        if beginnings == self._beginnings:
            self._sent = found[-1].sequence
        return len(found) == count_max

    def _message(
        self, oldest: int, sequence: int, payload: bytes
    ) -> Outgoing[telemetry_pb2.Frames]:
        frames = telemetry_pb2.Frames.FromString(payload)
        frames.sequence, frames.oldest_sequence = sequence, oldest
        return Outgoing(frames, {"car_id": self._context.machine_id})

    async def _send_one_by_one(self, outgoing: list[Outgoing[telemetry_pb2.Frames]]) -> None:
        """Among these is one that our own door refuses: find it, and give it up."""
        context = self._context
        for each in outgoing:
            try:
                await self._uplink.publish(topics.CAR_FRAMES, each.message, **each.identifiers)
            except MessageRefused as refusal:
                async with self._at_rows:
                    self._shelf = None
                    await context.records.transact(
                        partial(records.drop_frame, sequence=each.message.sequence)
                    )
                context.metrics.spool_dropped.labels(code=refusal.code).inc()
                self._count(refusal)

    async def _wait_for_news(self, s_max: float) -> None:
        try:
            async with asyncio.timeout(s_max):
                await self._has_news.wait()
        except TimeoutError:
            return
        self._has_news.clear()

    async def _pause(self, connections: int) -> None:
        """Until there is a new connection, or a little time has passed."""
        spread = 0.5 + self._context.random.random()
        try:
            async with asyncio.timeout(self._config.spool_retry_s * spread):
                await self._uplink.connected_after(connections)
        except TimeoutError:
            return

    # --- what the cell confirms --------------------------------------------------------------

    async def _hear_for_ever(self) -> None:
        topic, car_id = topics.CAR_FRAMES_CONFIRMED, self._context.machine_id
        while True:
            try:
                async with self._uplink.listen(topic, car_id=car_id) as heard:
                    async for delivery in heard:
                        self._believe(delivery.message.sequence)
            except AWAY as error:
                self._count(error)
            await asyncio.sleep(self._config.crossing_retry_s)

    async def _ask_for_ever(self) -> None:
        """At every new connection: how far are the frames in the lake?"""
        topic, car_id = topics.CAR_FRAMES_CONFIRMED, self._context.machine_id
        connections = 0
        while True:
            connections = await self._uplink.connected_after(connections)
            try:
                last = await self._uplink.last(topic, car_id=car_id)
                self._believe(0 if last is None else last.message.sequence)
                self._asked_connections = connections
                self._begin_anew()
            except AWAY as error:
                self._count(error)
                connections -= 1
                await asyncio.sleep(self._config.crossing_retry_s)

    def _believe(self, sequence: int) -> None:
        """The cell says that it has everything up to here."""
        if sequence != self._confirmed:  # else it does not have what was sent after that
            self._heard_s = asyncio.get_running_loop().time()
        before, self._confirmed = self._confirmed or 0, sequence
        if self._counted_frames:
            self._woken.set()
        if sequence < before:
            self._begin_anew()

    def _count(self, error: MonocoqueError) -> None:
        self._context.count_error(error, error.what)


def _read(connection: Connection, car_id: str) -> Shelf:
    last = records.last_sequence(connection, car_id)
    return Shelf(last, [Frame(*row) for row in records.frames(connection)])


def _write(connection: Connection, car_id: str, plan: Plan) -> None:
    if plan.added is not None:
        records.set_last_sequence(connection, car_id, plan.added.sequence)
        records.add_frame(connection, *plan.added)
    if plan.up_to:
        records.remove_frames(connection, plan.up_to)


def _renumbered(connection: Connection, car_id: str, shelf: Shelf, last: int) -> Shelf:
    """The same frames, with numbers after this one."""
    records.remove_frames(connection, shelf.last)
    again = [
        Frame(sequence, frame.payload) for sequence, frame in enumerate(shelf.frames, last + 1)
    ]
    for frame in again:
        records.add_frame(connection, *frame)
    last += len(again)
    records.set_last_sequence(connection, car_id, last)
    return Shelf(last, again)

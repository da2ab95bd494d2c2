"""The link: speaks for the car to the cell.

Rules:

* says hello every ``hello_interval_s``, every ``hello_retry_s`` while none can be sent, and at once
  whenever the connection was made anew. Then the pauses double from the second to the first of
  these: who listens in the cell may be back a little later than the car;
* publishes the car's state after each hello that followed a new connection or a missed hello, and
  at least every ``state_interval_s``;
* an event is a row in the outbox first and a message second; the row goes when the cell has
  acknowledged it, and its message id makes a repetition harmless;
* the outbox holds ``outbox_events_max``: the oldest stay, since what follows is read in their
  light, and an event beyond them is counted (``queue_full``) and lost;
* bus or records that do not answer, or are full, never end the link, and never count another start;
* without a connection nothing is lost but hellos, which are counted;
* it is the only crossing between the car's own bus and the cell's, and lets pass what ``DOWN`` and
  ``UP`` name, and frames by their spool (spool.py). What it passes on and cannot, it drops: whoever
  said it says it again. How far the cell has the car's log, and what it is to install, is asked at
  every new connection; of the body, the manifest and the scenes the newest counts.

Left out on purpose: what the frames of telemetry hold, which is car/signals'.
"""

import asyncio
from typing import Any, Final, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Connection

from monocoque.car.link import records
from monocoque.car.link.config import LinkConfig
from monocoque.car.link.service.spool import Spool
from monocoque.contracts import topics
from monocoque.contracts.errors import (
    MessageRefused,
    MonocoqueError,
    QueueFull,
    SettingInvalid,
    UnavailableError,
)
from monocoque.contracts.topics import Kept, Topic
from monocoque.contracts.wire import car_pb2, command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Outgoing, Subscription
from monocoque.plumbing.insisting import AWAY, insist, reconnected
from monocoque.plumbing.service import Context

MessageType = TypeVar("MessageType", bound=Message)

DOWN: Final[tuple[Topic[Any], ...]] = (
    topics.CAR_COMMANDS,
    topics.CAR_RECEIPTS_CONFIRMED,
    topics.CAR_UPDATE_DIRECTIONS,
)
"""What passes from the cell into the car."""
UP: Final[tuple[Topic[Any], ...]] = (
    topics.CAR_RECEIPTS,
    topics.CAR_BODY,
    topics.CAR_UPDATE_MANIFEST,
    topics.CAR_SCENES,
)
"""What passes from the car to the cell."""


async def run(context: Context) -> None:
    """Count the start, then speak until cancelled."""
    link = _Link(context)
    await link.begin()
    nothing = command_pb2.ReceiptsConfirmed(sequence=0)
    async with asyncio.TaskGroup() as group:
        group.create_task(link.say_hello_for_ever())
        group.create_task(link.empty_outbox_for_ever())
        for topic in DOWN:
            group.create_task(link.let_down_for_ever(topic))
        for topic in UP:
            group.create_task(link.let_up_for_ever(topic))
        group.create_task(link.ask_last_for_ever(topics.CAR_RECEIPTS_CONFIRMED, nothing))
        group.create_task(link.ask_last_for_ever(topics.CAR_UPDATE_DIRECTIONS, None))
        group.create_task(link.keep_spool())


class _Link:
    def __init__(self, context: Context) -> None:
        if context.uplink is None:
            raise SettingInvalid("The link needs a connection to the cell, and was given none.")
        self._context = context
        self._uplink: Bus = context.uplink
        self._config = context.config(LinkConfig)
        self._started_at_us = context.clock.now_us()
        self._boot_count = 0
        self._hellos_missed = 0
        self._has_events = asyncio.Event()
        self._spool = Spool(context, self._uplink)

    async def begin(self) -> None:
        """Count this start and put the event that tells of it into the outbox, at once.

        It is asked again until the records answer. The count is read before, so that a work whose
        outcome was unknown counts no second start.
        """
        context = self._context
        retry_s = self._config.records_retry_s
        before = await insist(
            context,
            lambda connection: records.boot_count(connection, context.machine_id),
            retry_s,
        )
        self._boot_count = before + 1
        event = car_pb2.CarEvent(kind="started", boot_count=self._boot_count)
        stamp(event, context.clock, context.random)

        def work(connection: Connection) -> bool:
            records.set_boot_count(connection, context.machine_id, self._boot_count)
            return records.add_event(
                connection,
                event.header.message_id,
                event.SerializeToString(),
                self._config.outbox_events_max,
            )

        if not await insist(context, work, retry_s):
            self._count(QueueFull("The outbox is full; an event of the car is lost."))
        self._has_events.set()

    def _count(self, error: MonocoqueError) -> None:
        self._context.count_error(error, error.what)

    async def keep_spool(self) -> None:
        """Record frames and bring them to the cell's lake."""
        await self._spool.keep()

    async def say_hello_for_ever(self) -> None:
        """Hello, and the state where it is due; again after a pause."""
        state_due_us = 0
        pause_s = self._config.hello_retry_s
        while True:
            connections = self._uplink.connection_count
            now_us = self._context.clock.now_us()
            try:
                await self._say_hello()
                if now_us >= state_due_us:
                    await self._say_state()
                    state_due_us = now_us + round(self._config.state_interval_s * 1_000_000)
            except AWAY:
                state_due_us = 0
                pause_s = self._config.hello_retry_s
            if await reconnected(self._uplink, connections, pause_s * self._spread()):
                state_due_us, pause_s = 0, self._config.hello_retry_s
            else:
                pause_s = min(pause_s * 2, self._config.hello_interval_s)

    async def empty_outbox_for_ever(self) -> None:
        """Publish what waits, oldest first, and remove what was acknowledged."""
        while True:
            await self._has_events.wait()
            connections = self._uplink.connection_count
            try:
                if await self._publish_waiting() == 0:
                    self._has_events.clear()
            except AWAY:
                await reconnected(self._uplink, connections, self._config.outbox_retry_s)

    async def let_down_for_ever(self, topic: Topic[MessageType]) -> None:
        """Say on the car's own bus what the cell says on this topic."""
        while True:
            try:
                async with self._uplink.listen(topic, car_id=self._context.machine_id) as heard:
                    async for delivery in heard:
                        await self._pass_on(self._context.bus, topic, delivery.message)
            except AWAY as error:
                self._count(error)
            await asyncio.sleep(self._config.crossing_retry_s)

    async def let_up_for_ever(self, topic: Topic[Any]) -> None:
        """Say to the cell what is said on the car's own bus on this topic."""
        bus, mine = self._context.bus, {"car_id": self._context.machine_id}
        if topic.kept is not Kept.LAST_VALUE:
            async with bus.listen(topic, **mine) as heard:
                async for delivery in heard:
                    await self._pass_on(self._uplink, topic, delivery.message)
        async with bus.watch(topic, **mine) as values:
            async for delivery in values:
                self._spool.wake()
                await self._keep_saying(topic, delivery.message, values)

    async def ask_last_for_ever(
        self, topic: Topic[MessageType], otherwise: MessageType | None
    ) -> None:
        """At every new connection: what did the cell say last?

        otherwise: what is said in the car when the cell has said nothing yet.
        """
        mine = {"car_id": self._context.machine_id}
        connections = 0
        while True:
            connections = await self._uplink.connected_after(connections)
            try:
                last = await self._uplink.last(topic, **mine)
            except AWAY as error:
                self._count(error)
                connections -= 1
                await asyncio.sleep(self._config.crossing_retry_s)
                continue
            if last is not None:
                await self._pass_on(self._context.bus, topic, last.message)
            elif otherwise is not None:
                stamp(otherwise, self._context.clock, self._context.random)
                await self._pass_on(self._context.bus, topic, otherwise)

    async def _pass_on(self, bus: Bus, topic: Topic[MessageType], message: MessageType) -> None:
        """Say it on that bus, or count that it could not be said."""
        try:
            await bus.publish(topic, message, car_id=self._context.machine_id)
        except (*AWAY, MessageRefused) as error:
            self._count(error)

    async def _keep_saying(self, topic: Topic[Any], message: Any, newer: Subscription[Any]) -> None:
        """Say a last value until the cell has it, or there is a newer one to say instead."""
        waiting = message
        while waiting is not None:
            try:
                await self._uplink.publish(topic, waiting, car_id=self._context.machine_id)
                waiting = None
            except MessageRefused as error:
                self._count(error)
                waiting = None
            except AWAY:
                await reconnected(
                    self._uplink, self._uplink.connection_count, self._config.crossing_retry_s
                )
            await asyncio.sleep(self._config.last_value_pause_s)
            while (news := await newer.next(0.0)) is not None:
                waiting = news.message
                self._spool.wake()

    def _spread(self) -> float:
        """What pauses are multiplied with, so that a fleet does not speak in step."""
        return 0.9 + 0.1 * self._context.random.random()

    async def _say_hello(self) -> None:
        hello = car_pb2.CarHello(
            boot_count=self._boot_count, software_version=self._context.software_version
        )
        stamp(hello, self._context.clock, self._context.random)
        try:
            await self._uplink.publish(topics.CAR_HELLO, hello, car_id=self._context.machine_id)
        except UnavailableError:
            self._hellos_missed += 1
            raise

    async def _say_state(self) -> None:
        state = car_pb2.CarState(
            boot_count=self._boot_count,
            started_at_us=self._started_at_us,
            software_version=self._context.software_version,
            disk_free_bytes=self._context.disk_free_bytes(),
            hellos_missed=self._hellos_missed,
        )
        stamp(state, self._context.clock, self._context.random)
        await self._uplink.publish(topics.CAR_STATE, state, car_id=self._context.machine_id)

    async def _publish_waiting(self) -> int:
        waiting = await self._context.records.transact(
            lambda connection: records.waiting_events(
                connection, self._config.outbox_batch_messages
            )
        )
        if not waiting:
            return 0
        mine = {"car_id": self._context.machine_id}
        await self._uplink.publish_batch(
            topics.CAR_EVENTS,
            [Outgoing(car_pb2.CarEvent.FromString(payload), mine) for _, payload in waiting],
        )
        done = [message_id for message_id, _ in waiting]
        await self._context.records.transact(
            lambda connection: records.remove_events(connection, done)
        )
        return len(waiting)

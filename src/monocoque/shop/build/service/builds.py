"""Builds: makes a car for each order that was paid, in its week, once.

Rules:

* an order that was paid is a row first; its number (VIN) is given in the same transaction, so what
  cannot have one is refused at once and never promised;
* the row holds the deadline: what is due is found in the records, so a restart loses none, and what
  was due meanwhile is made at the start;
* the car's identity is in the row before the line is asked for the car; a start after a kill asks
  for the same car again, so no order gets two and none is lost;
* every change of a build is an event in the outbox, in the same transaction, and a message second;
* a car is delivered when its first grant is on record, whoever put it there;
* a car that the line cannot make now is tried again, and disturbs no other.

Left out on purpose: how the line makes a car (line.py), and how many cars a week can carry, which
is the shop's book.
"""

import asyncio
import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.contracts import identifiers, topics
from monocoque.contracts.errors import (
    IdentifierMalformed,
    MonocoqueError,
    VinSerialsSpent,
    WeekNotBuildable,
)
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.wire import order_pb2
from monocoque.plumbing.bus.header import header_of, stamp
from monocoque.plumbing.bus.port import Delivery
from monocoque.plumbing.insisting import AWAY, say_waiting
from monocoque.plumbing.service import Context, handling
from monocoque.shop.build import records as rows
from monocoque.shop.build.config import BuildConfig
from monocoque.shop.build.logic.steps import (
    Build,
    Happening,
    NotBuildable,
    OrderCancelled,
    OrderPaid,
    Progress,
    State,
    Step,
    step,
)
from monocoque.shop.build.logic.vin import make_vin, model_year, serial_after, series
from monocoque.shop.build.service.as_built import RECORD_BITS, BuiltCar, as_built
from monocoque.shop.build.service.hand_over import put_on_record
from monocoque.shop.build.service.keys import FACTORY_KEY, secret_key
from monocoque.shop.build.service.line import Line

SECOND_US: Final = 1_000_000
PAID: Final = "paid"
CANCELLED: Final = "cancelled"
"""The states of an order that mean something to the factory (docs/protocol/orders.md)."""
NOTHING: Final[Mapping[str, Any]] = {}
ON_THE_ROAD: Final = (State.BUILT.value, State.DELIVERED.value)


class Builds:
    """The builds of one factory."""

    def __init__(self, context: Context, line: Line) -> None:
        self._context = context
        self._config = context.config(BuildConfig)
        self._line = line
        self._has_work = asyncio.Event()
        self._has_messages = asyncio.Event()

    def look_again(self) -> None:
        """Something changed: a car may be due, or handed over."""
        self._has_work.set()

    # --- orders -------------------------------------------------------------------------------

    async def take_orders_for_ever(self) -> None:
        """Events of orders: on record first, acknowledged second."""
        while True:
            try:
                await self._take_orders()
            except AWAY as error:
                await self._wait_after(error)

    async def _take_orders(self) -> None:
        config = self._config
        consumer = await self._context.bus.consumer(topics.ORDER_EVENTS, "factory")
        while True:
            found = await consumer.fetch(config.orders_batch_messages, config.orders_wait_s)
            for at, delivery in enumerate(found):
                try:
                    with handling(delivery):
                        await self._take(delivery)
                except AWAY:
                    await consumer.give_back(found[at:])
                    raise
                await consumer.acknowledge([delivery])

    async def _take(self, delivery: Delivery[order_pb2.OrderEvent]) -> None:
        event = delivery.message
        try:
            order_id = identifiers.order_id(delivery.identifiers["order_id"])
        except IdentifierMalformed as error:
            self._context.log.warning("an event of no order", error_code=error.code)
            return
        happening: Happening
        if event.state == PAID:
            happening = OrderPaid(event.sequence, event.week_begins_us)
        elif event.state == CANCELLED:
            happening = OrderCancelled(event.sequence, event.week_begins_us)
        else:
            return
        ordered = {
            "catalogue_version": event.catalogue_version,
            "options": json.dumps(list(event.options)),
        }
        if await self._change(order_id, happening, at_first=ordered):
            self.look_again()

    # --- the line -----------------------------------------------------------------------------

    async def build_for_ever(self) -> None:
        """Let go again what left the line before; then make what is due, and see deliveries."""
        while True:
            try:
                work = partial(rows.cars_in, states=ON_THE_ROAD)
                for car_id in await self._context.records.transact(work):
                    await self._line.let_go(CarId(car_id))
                while True:
                    await self._wait(await self._look())
            except AWAY as error:
                await self._wait_after(error)

    async def _look(self) -> int:
        """Do what is due; returns when the next look must be, in microseconds."""
        self._has_work.clear()
        context, config = self._context, self._config
        now_us = context.clock.now_us()
        handed_over = partial(rows.builds_handed_over, state=State.BUILT.value)
        for row in await context.records.transact(handed_over):
            await self._change(row.order_id, Progress.HANDED_OVER)
        due = partial(rows.due_builds, now_us=now_us, count_max=config.due_cars_max)
        for row in await context.records.transact(due):
            await self._try_to_build(row)
        next_us = await context.records.transact(rows.next_due_us)
        latest_us = now_us + round(config.look_interval_s * SECOND_US)
        return latest_us if next_us is None else min(next_us, latest_us)

    async def _try_to_build(self, row: Row[Any]) -> None:
        """Make the car of this build, or put it off when the line cannot."""
        try:
            await self._build(row)
        except AWAY:
            raise
        except MonocoqueError as error:
            context = self._context
            context.count_error(
                error, "a car cannot be made now", order_id=row.order_id, hint=error.hint
            )
            await self._put_off(row)

    async def _put_off(self, row: Row[Any]) -> None:
        """Let the others have their turn first."""
        due_us = self._context.clock.now_us() + round(self._config.line_retry_s * SECOND_US)

        def work(connection: Connection) -> None:
            found = rows.find_build(connection, row.order_id)
            if found is not None and found.due_us is not None:
                rows.save_build(connection, row.order_id, {"due_us": due_us})

        await self._context.records.transact(work)

    async def _build(self, row: Row[Any]) -> None:
        context, order_id = self._context, row.order_id
        new_car_id = identifiers.make("car", context.random.getrandbits)
        await self._change(order_id, Progress.WEEK_BEGAN, {"car_id": new_car_id})
        begun = await context.records.transact(partial(rows.find_build, order_id=order_id))
        if begun is None or begun.state != State.IN_PRODUCTION.value:
            return  # called off meanwhile
        car_id = CarId(begun.car_id)
        keys = await self._line.make(car_id)
        await put_on_record(context.records, car_id, keys, context.clock, context.random)
        record = as_built(
            _built_car(begun, context.software_version),
            context.clock.now_us(),
            context.random.getrandbits(RECORD_BITS),
            secret_key(context.keystore, FACTORY_KEY),
        )
        await self._change(order_id, Progress.LEFT_LINE, {"as_built": record})
        await self._line.let_go(car_id)
        context.log.info("a car left the line", order_id=order_id, car_id=car_id)

    # --- what is said -------------------------------------------------------------------------

    async def say_for_ever(self) -> None:
        """Publish what waits, oldest first, and remove what the bus took."""
        while True:
            try:
                self._has_messages.clear()
                if await self._say_waiting() == 0:
                    await _wait_for(self._has_messages, self._config.look_interval_s)
            except AWAY as error:
                await self._wait_after(error)

    async def _say_waiting(self) -> int:
        """Returns how many the bus was asked to take.

        An order that says more than it may keeps its own events waiting, and nobody else's; for it
        LimitError is raised after the others were said.
        """
        return await say_waiting(self._waiting, lambda row: str(row.order_id), self._say)

    async def _waiting(self, but_of: Collection[str]) -> Sequence[Row[Any]]:
        count_max = self._config.outbox_batch_messages
        look = partial(rows.waiting_messages, but_of=but_of, count_max=count_max)
        return await self._context.records.transact(look)

    async def _say(self, row: Row[Any]) -> None:
        context = self._context
        event = order_pb2.BuildEvent.FromString(bytes(row.payload))
        await context.bus.publish(topics.BUILD_EVENTS, event, order_id=row.order_id)
        await context.records.transact(partial(rows.remove_message, message_id=row.message_id))

    # --- every change -------------------------------------------------------------------------

    async def _change(
        self,
        order_id: str,
        happening: Happening,
        columns: Mapping[str, Any] = NOTHING,
        at_first: Mapping[str, Any] = NOTHING,
    ) -> bool:
        """Take a step with its event in one transaction; whether there was one to take.

        columns: what the step writes beside the state. at_first: likewise, until production begins.
        """
        context = self._context
        event = order_pb2.BuildEvent()
        stamp(event, context.clock, context.random)
        now_us = context.clock.now_us()

        def work(connection: Connection) -> bool:
            row = rows.find_build(connection, order_id)
            taken = step(_build_of(row), happening)
            if taken is None:
                return False
            is_open = row is None or row.state == State.SCHEDULED.value
            values = {**columns, **(at_first if is_open else NOTHING)}
            if taken.build.state is State.SCHEDULED and (row is None or row.vin is None):
                taken, numbered = self._numbered(connection, taken)
                values |= numbered
            sequence = 1 if row is None else row.event_sequence + 1
            values |= _columns(taken, now_us) | {"event_sequence": sequence}
            saved = rows.save_build(connection, order_id, values)
            said = _said(event, taken, saved)
            rows.add_message(connection, header_of(said).message_id, order_id, _bytes(said))
            return True

        if not await context.records.transact(work):
            return False
        self._has_messages.set()
        return True

    def _numbered(self, connection: Connection, taken: Step) -> tuple[Step, dict[str, Any]]:
        """The next number for a build that begins, or its end when there is none."""
        try:
            year = model_year(taken.build.week_begins_us)
            named = series(year)
            last = rows.last_serial(connection, named)
            serial = serial_after(last, self._config.vin_serials_max)
        except (VinSerialsSpent, WeekNotBuildable) as error:
            refused = step(taken.build, NotBuildable(error.code))
            assert refused is not None
            return refused, {}
        rows.set_last_serial(connection, named, serial)
        return taken, {"year": year, "serial": serial, "vin": make_vin(year, serial)}

    async def _wait(self, until_us: int) -> None:
        """Until then, or until there is something to do."""
        now_us = self._context.clock.now_us()
        await _wait_for(self._has_work, max(until_us - now_us, 0) / SECOND_US)

    async def _wait_after(self, error: MonocoqueError) -> None:
        self._context.count_error(error, "factory waits")
        await asyncio.sleep(self._config.retry_s)


async def _wait_for(event: asyncio.Event, seconds_max: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds_max):
            await event.wait()


def _build_of(row: Row[Any] | None) -> Build | None:
    if row is None:
        return None
    return Build(State(row.state), row.order_sequence, row.week_begins_us)


def _columns(taken: Step, now_us: int) -> dict[str, Any]:
    """What a step writes: the state, its deadline, and the code of what went wrong."""
    build = taken.build
    due_us = {State.SCHEDULED: build.week_begins_us, State.IN_PRODUCTION: now_us}.get(build.state)
    return {
        "state": build.state.value,
        "order_sequence": build.order_sequence,
        "week_begins_us": build.week_begins_us,
        "due_us": due_us,
        "refusal_code": taken.refusal_code,
        "changed_us": now_us,
    }


def _said(event: order_pb2.BuildEvent, taken: Step, row: Row[Any]) -> order_pb2.BuildEvent:
    said = order_pb2.BuildEvent()
    said.CopyFrom(event)
    said.sequence, said.state = row.event_sequence, row.state
    said.car_id, said.refusal_code = row.car_id or "", taken.refusal_code
    if taken.build.state is State.BUILT and not taken.refusal_code:
        said.as_built = bytes(row.as_built)
    return said


def _bytes(message: order_pb2.BuildEvent) -> bytes:
    return message.SerializeToString(deterministic=True)


def _built_car(row: Row[Any], software_version: str) -> BuiltCar:
    return BuiltCar(
        car_id=row.car_id,
        order_id=row.order_id,
        vin=row.vin,
        year=row.year,
        serial=row.serial,
        catalogue_version=row.catalogue_version,
        options=json.loads(row.options),
        software_version=software_version,
    )

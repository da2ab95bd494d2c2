"""The book of orders at work: says what changed, hears the factory, and keeps the time of orders.

Rules:

* nothing that was acknowledged to a buyer hangs on memory: after a kill everything goes on from the
  records, and what was said is said again with the same identifiers;
* it looks through the book when it hears of a change, when the next thing is due, and every
  ``look_s_max`` in any case;
* news that come within ``gather_s`` are dealt with in one look, so that a burst of orders does not
  make a burst of looks, which would take the records from them;
* while bus or records are away it waits and goes on by itself.

Left out on purpose: taking orders and payments, which HTTP does with the same parts (web.py).
"""

import asyncio
import contextlib
from collections.abc import Sequence

from sqlalchemy import Connection

from monocoque.contracts import topics
from monocoque.contracts.errors import (
    LimitError,
    MonocoqueError,
    RecordsContended,
    StorageError,
    UnavailableError,
)
from monocoque.contracts.weeks import SECOND_US
from monocoque.plumbing.service import Context
from monocoque.shop.orders import records as rows
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.orders.service.saying import empty_outbox, take_builds, tell_changed
from monocoque.shop.orders.service.till import Till
from monocoque.shop.payments import service as payments

AWAY = (UnavailableError, RecordsContended, StorageError, LimitError)
"""Errors that pass by themselves, when bus or records answer again."""
LISTEN_S = 3_600.0
"""How long one wait for news lasts; then another begins."""


async def run(context: Context, till: Till, news: Sequence[asyncio.Event] = ()) -> None:
    """Keep the book until cancelled.

    news: further events to set whenever an order changed.
    """
    keeper = _Keeper(context, till, news)
    async with asyncio.TaskGroup() as group:
        group.create_task(keeper.hear_changes())
        group.create_task(keeper.say_events())
        group.create_task(keeper.keep_time())
        group.create_task(keeper.hear_factory())


class _Keeper:
    def __init__(self, context: Context, till: Till, news: Sequence[asyncio.Event]) -> None:
        self._context = context
        self._till = till
        self._book = till.book
        self._config = context.config(OrdersConfig)
        self._to_say = asyncio.Event()
        self._to_look = asyncio.Event()
        self._news = (self._to_say, self._to_look, *news)

    async def hear_changes(self) -> None:
        """Whoever changed an order says so; then there is something to say, and to look for."""
        async with self._context.bus.listen(topics.ORDER_CHANGED) as subscription:
            while True:
                if await subscription.next(LISTEN_S) is not None:
                    self._wake()

    async def say_events(self) -> None:
        """The outbox, the oldest first."""
        while True:
            self._to_say.clear()
            try:
                while await empty_outbox(self._context.bus, self._book):
                    pass
            except AWAY as error:
                await self._wait_after(error)
                continue
            await self._first(self._to_say, self._config.look_s_max)

    async def keep_time(self) -> None:
        """Orders that expire, payments that nobody decided, money that is due to go back."""
        while True:
            self._to_look.clear()
            try:
                wait_s = await self._look()
            except AWAY as error:
                await self._wait_after(error)
                continue
            await self._first(self._to_look, wait_s)

    async def hear_factory(self) -> None:
        """What the factory says of its builds: on record first, acknowledged second."""
        while True:
            try:
                await self._hear_factory()
            except AWAY as error:
                await self._wait_after(error)

    async def _hear_factory(self) -> None:
        config = self._config
        consumer = await self._context.bus.consumer(topics.BUILD_EVENTS, "orders")
        while True:
            found = await consumer.fetch(config.builds_batch_messages, config.builds_wait_s)
            if found:
                try:
                    changed = await take_builds(self._book, found)
                except AWAY:
                    await consumer.give_back(found)
                    raise
                await consumer.acknowledge(found)
                await self._tell(changed)

    async def _look(self) -> float:
        """Deal with what is due; says how long nothing will be."""
        expired = [(row.order_id, row.state) for row in await self._book.expire()]
        await self._tell(expired)
        await self._till.look()

        def next_due(connection: Connection) -> list[int | None]:
            return [rows.next_expiry_us(connection), payments.next_look_us(connection)]

        due_us = [at_us for at_us in await self._book.records.transact(next_due) if at_us]
        if not due_us:
            return self._config.look_s_max
        wait_s = (min(due_us) - self._context.clock.now_us()) / SECOND_US
        return min(self._config.look_s_max, max(wait_s, self._config.retry_s))

    async def _tell(self, changed: Sequence[tuple[str, str]]) -> None:
        if not changed:
            return
        self._wake()
        context = self._context
        with contextlib.suppress(UnavailableError, LimitError):
            # Nobody listens without a bus; a page that comes back begins with the records.
            await tell_changed(context.bus, changed, context.clock, context.random)

    def _wake(self) -> None:
        for event in self._news:
            event.set()

    async def _wait_after(self, error: MonocoqueError) -> None:
        self._context.count_error(error, "the book of orders waits")
        await asyncio.sleep(self._config.retry_s)

    async def _first(self, event: asyncio.Event, wait_s: float) -> None:
        """Return a moment after the event is set, or after that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await event.wait()
            await asyncio.sleep(self._config.gather_s)

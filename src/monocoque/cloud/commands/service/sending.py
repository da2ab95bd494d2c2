"""Sends what waits: when a car says hello, and when time asks for it; closes what is over.

Rules:

* noted as sent first, said second; each look is bounded, and the longest due goes first;
* it waits for the next time that a row names, or until commands changed, and no longer than
  ``look_s``: whoever changed one may have been killed before saying so.

Left out on purpose: the first send of a command whose car is there; whoever takes it in does that.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.cloud.commands import logic
from monocoque.cloud.commands import records as rows
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.service.keeping import (
    SECOND_US,
    Book,
    columns_of,
    named,
    pace_of,
    standing_of,
)
from monocoque.cloud.commands.service.saying import say_command, tell_changed
from monocoque.contracts import topics
from monocoque.contracts.errors import MonocoqueError
from monocoque.plumbing.insisting import AWAY, say_each
from monocoque.plumbing.service import Context

Steps = Iterable[tuple[Row[Any], logic.Step]]
"""Commands, each with what is to be done about it."""
LISTEN_S = 3_600.0
"""How long one wait for hellos lasts; then another begins."""


class Sending:
    """The sending half of the mailbox."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(MailboxConfig)
        self._pace = pace_of(self._config)
        self._heard: set[str] = set()
        """Cars that said hello and were not looked at since."""
        self._has_heard = asyncio.Event()
        self._has_changed = asyncio.Event()

    async def hear_hellos(self) -> None:
        """Note who is there."""
        async with self._context.bus.listen(topics.CAR_HELLO) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is not None and len(self._heard) < self._config.hello_cars_max:
                    self._heard.add(delivery.identifiers["car_id"])
                    self._has_heard.set()

    async def send_to_who_is_there(self) -> None:
        """What waits for a car that said hello is sent to it."""
        while True:
            await self._has_heard.wait()
            await asyncio.sleep(self._config.hello_flush_s)
            self._has_heard.clear()
            heard, self._heard = self._heard, set()
            try:
                await self._look(partial(self._at_hello, heard))
            except AWAY as error:
                await self._wait_after(error)

    async def hear_changes(self) -> None:
        """A command that was handed in, or answered, changes what is due next."""
        async with self._context.bus.listen(topics.COMMAND_CHANGED) as subscription:
            while True:
                if await subscription.next(LISTEN_S) is not None:
                    self._has_changed.set()

    async def keep_time(self) -> None:
        """What was not answered is sent again, and what is over is closed."""
        while True:
            self._has_changed.clear()
            try:
                next_us = await self._look(self._by_time)
            except AWAY as error:
                await self._wait_after(error)
                continue
            await self._until_due(next_us)

    async def _until_due(self, next_us: int | None) -> None:
        """Wait until then, or until commands changed, but no longer than ``look_s``."""
        wait_s = self._config.look_s
        if next_us is not None:
            until_s = (next_us - self._context.clock.now_us()) / SECOND_US
            wait_s = min(wait_s, max(until_s, self._config.look_s_min))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._has_changed.wait()
                await asyncio.sleep(self._config.look_s_min)

    async def _look(self, choose: Callable[[Connection, int], Steps]) -> int | None:
        """One transaction over what ``choose`` names, then say what came of it.

        Returns when time asks for something next, None for never.
        """
        context, now_us = self._context, self._context.clock.now_us()

        def work(connection: Connection) -> tuple[list[Row[Any]], list[Row[Any]], int | None]:
            send, changed = [], []
            books: dict[str, Book] = {}
            for row, step in choose(connection, now_us):
                before = standing_of(row)
                if step is logic.Step.SEND:
                    after = logic.sent(before, now_us)
                    send.append(row)
                elif step is logic.Step.REST:
                    after = before
                else:
                    after = logic.closed_by_time(before, step)
                rows.save_command(connection, row.command_id, columns_of(after, self._pace))
                if after.state is not before.state:
                    changed.append(row)
                    book = books.get(row.car_id) or Book(connection, row.car_id, now_us)
                    books[row.car_id] = book
                    book.write(str(after.state), reason=after.reason, **named(row))
            for book in books.values():
                book.close()
            return send, changed, rows.next_due_us(connection)

        send, changed, next_us = await context.records.transact(work)
        await self._say(send, changed)
        return next_us

    async def _say(self, send: Sequence[Row[Any]], changed: Sequence[Row[Any]]) -> None:
        """Send these to their cars, and tell the pages what changed; raises what the bus raises.

        A car that is sent more than may be waits for its next turn alone.
        """
        context = self._context
        sent = await say_each(
            send,
            lambda row: str(row.car_id),
            lambda row: say_command(context.bus, row, context.clock, context.random),
        )
        for car_id, refusal in sent.items():
            context.count_error(refusal, "a car is sent no more for now", car_id=car_id)
        told = await say_each(
            changed,
            lambda row: str(row.car_id),
            lambda row: tell_changed(
                context.bus, row.car_id, [row.command_id], context.clock, context.random
            ),
        )
        for car_id, refusal in told.items():  # a page begins with the records
            context.count_error(refusal, "changed commands not told", car_id=car_id)

    def _at_hello(self, heard: set[str], connection: Connection, now_us: int) -> Steps:
        there = heard & rows.cars_with(connection, logic.OPEN)
        if not there:
            return []
        found = rows.commands_to_send(
            connection,
            sorted(there),
            logic.OPEN,
            now_us,
            now_us - self._pace.pause_us,
            self._config.look_commands_max,
        )
        return [(row, logic.step_at_hello(standing_of(row), now_us, self._pace)) for row in found]

    def _by_time(self, connection: Connection, now_us: int) -> Steps:
        found = rows.due_commands(connection, now_us, self._config.look_commands_max)
        return [(row, logic.step_by_time(standing_of(row), now_us, self._pace)) for row in found]

    async def _wait_after(self, error: MonocoqueError) -> None:
        self._context.count_error(error, "mailbox waits")
        await asyncio.sleep(self._config.retry_s)

"""Takes what cars ask and says it to their homes; closes what is over.

Rules: see the package. The words of cars that wait together share a transaction; nothing is waited
for between a car's word and what is said because of it.
"""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.cloud.homes import logic
from monocoque.cloud.homes import records as rows
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.logic import Asked, Standing, State
from monocoque.cloud.homes.service.keeping import (
    LISTEN_S,
    SECOND_US,
    say_request,
    tell_changed,
)
from monocoque.contracts import topics
from monocoque.contracts.errors import (
    LimitError,
    MonocoqueError,
    QueueFull,
    SceneRequestRefused,
    TooManyRequests,
)
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.port import Delivery, Subscription
from monocoque.plumbing.insisting import AWAY, say_each
from monocoque.plumbing.service import Context, trace_of

MINUTE_US = 60 * SECOND_US


@dataclass(frozen=True)
class _Word:
    """What a car said of its scenes."""

    car_id: str
    said: bytes
    asked: Sequence[Asked]
    trace_id: str | None


@dataclass
class _News:
    """What a transaction found; made anew whenever it runs."""

    say: list[Row[Any]] = field(default_factory=list)
    left: list[MonocoqueError] = field(default_factory=list)
    """Why requests were left in their car for now."""


class Asking:
    """The asking half of the desk."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(HomesConfig)
        self._grace_us = round(self._config.answer_grace_s * SECOND_US)
        self._window_us = round(self._config.online_window_s * SECOND_US)
        self._has_changed = asyncio.Event()

    async def hear_scenes(self) -> None:
        """Every car's last word of its scenes, then every further one."""
        async with self._context.bus.watch(topics.CAR_SCENES) as subscription:
            while True:
                first = await subscription.next(LISTEN_S)
                if first is None:
                    continue
                words = await self._words(first, subscription)
                while words:
                    try:
                        await self._take(words)
                        break
                    except AWAY as error:
                        self._context.count_error(error, "scenes wait")
                        await asyncio.sleep(self._config.retry_s)

    async def say_again(self, home_ids: Collection[str]) -> None:
        """Say what waits for these homes, which are there; raises what bus and records raise.

        A home that was told as much as may be waits for its next hello, and holds up no other; for
        it LimitError is raised after the others were told.
        """
        count_max, left = self._config.waiting_batch_requests, set(home_ids)
        held: dict[str, LimitError] = {}
        waited: set[str] = set()
        after = rows.BEFORE_THE_FIRST
        while left:
            found = await self._context.records.transact(
                partial(self._note_said, home_ids=left, after=after)
            )
            now_us = self._context.clock.now_us()
            refused = await say_each(
                (row for row in found if row.expires_us > now_us),
                lambda row: str(row.home_id),
                partial(say_request, self._context),
            )
            held |= refused
            left -= refused.keys()
            waited |= {row.car_id for row in found if row.state == State.WAITING}
            if len(found) < count_max:
                break
            after = rows.place_of(found[-1])
        if waited:
            self._has_changed.set()
            await self._tell(waited)
        if held:
            raise next(iter(held.values()))

    def _note_said(
        self, connection: Connection, home_ids: Collection[str], after: rows.Place
    ) -> Sequence[Row[Any]]:
        """The next open requests of these homes, as they were before they are noted as said."""
        count_max = self._config.waiting_batch_requests
        found = rows.open_requests(connection, home_ids, logic.OPEN, after, count_max)
        for row in found:
            if row.state == State.WAITING:
                values = self._columns(Standing(State.SAID), row.expires_us)
                rows.save_request(connection, row.car_id, row.request_id, values)
        return found

    async def keep_time(self) -> None:
        """Close each request whose time is over."""
        while True:
            self._has_changed.clear()
            wait_s = self._config.look_s_max
            try:
                next_us = await self._close_what_is_over()
                if next_us is not None:
                    until_s = (next_us - self._context.clock.now_us()) / SECOND_US
                    wait_s = max(0.0, min(wait_s, until_s))
            except AWAY as error:
                self._context.count_error(error, "requests stay open")
                wait_s = self._config.retry_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._has_changed.wait()

    async def _words(
        self, first: Delivery[home_pb2.CarScenes], heard: Subscription[home_pb2.CarScenes]
    ) -> list[_Word]:
        """What is there to be taken now; what is refused is counted and left out."""
        words: list[_Word] = []
        delivery: Delivery[home_pb2.CarScenes] | None = first
        while delivery is not None:
            with contextlib.suppress(SceneRequestRefused):
                words.append(self._word(delivery))
            if len(words) >= self._config.scenes_batch_messages:
                break
            delivery = await heard.next(0.0)
        return words

    def _word(self, delivery: Delivery[home_pb2.CarScenes]) -> _Word:
        car_id, message = delivery.identifiers["car_id"], delivery.message
        try:
            asked = logic.read_requests(
                car_id,
                message,
                self._config.requests_per_message_max,
                self._context.clock.now_us(),
            )
        except SceneRequestRefused as error:
            self._context.count_error(error, error.what, car_id=car_id)
            raise
        return _Word(car_id, message.SerializeToString(), asked, trace_of(delivery))

    async def _take(self, words: Sequence[_Word]) -> None:
        """Put the words on record, then say what is new in them."""
        now_us = self._context.clock.now_us()

        def work(connection: Connection) -> _News:
            news = _News()
            for word in words:
                rows.save_scenes(connection, word.car_id, word.said, now_us)
                self._take_word(connection, word, now_us, news)
            return news

        news = await self._context.records.transact(work)
        for row in news.say:
            try:
                await say_request(self._context, row)
            except AWAY as error:
                self._context.count_error(error, "a request waits for its home's hello")
        for why in news.left:
            self._context.count_error(why, why.what)
        self._has_changed.set()
        await self._tell({word.car_id for word in words})

    def _take_word(self, connection: Connection, word: _Word, now_us: int, news: _News) -> None:
        new = [
            a for a in word.asked if not rows.find_request(connection, word.car_id, a.request_id)
        ]
        if not new:
            return
        limits, car_id = self._config, word.car_id
        before_us = now_us - round(limits.kept_s * SECOND_US)
        rows.forget_requests(connection, car_id, before_us, limits.forget_batch_requests)
        recent = rows.count_recent(connection, car_id, now_us - MINUTE_US)
        waiting = rows.count_open(connection, car_id)
        tie = rows.find_tie(connection, car_id)
        home = None if tie is None else rows.find_home(connection, tie.home_id)
        for asked in {a.request_id: a for a in new}.values():
            if recent >= limits.requests_per_minute_max:
                news.left.append(TooManyRequests("A car asks for more in a minute than it may."))
                return
            if waiting >= limits.waiting_per_car_max:
                news.left.append(QueueFull("As many requests of a car are open as may be."))
                return
            standing = logic.standing_at_first(
                asked,
                now_us,
                has_home=home is not None,
                is_home_there=home is not None
                and logic.is_there(home.hello_us, now_us, self._window_us),
            )
            self._add(connection, word, asked, None if home is None else home.home_id, standing)
            recent += 1
            waiting += standing.state in logic.OPEN
            if standing.state is State.SAID:
                row = rows.find_request(connection, car_id, asked.request_id)
                assert row is not None
                news.say.append(row)

    def _add(
        self,
        connection: Connection,
        word: _Word,
        asked: Asked,
        home_id: str | None,
        standing: Standing,
    ) -> None:
        values = {
            "car_id": word.car_id,
            "request_id": asked.request_id,
            "home_id": home_id,
            "scene_id": asked.scene_id,
            "action": asked.action,
            "trace_id": word.trace_id,
            "occurred_us": asked.occurred_us,
            "expires_us": asked.expires_us,
            "taken_us": self._context.clock.now_us(),
            "is_answered": False,
        }
        rows.add_request(connection, values | self._columns(standing, asked.expires_us))

    async def _close_what_is_over(self) -> int | None:
        """Returns when the time of the next one is over, None for never."""
        now_us, count_max = self._context.clock.now_us(), self._config.waiting_batch_requests

        def work(connection: Connection) -> tuple[set[str], int | None]:
            found = rows.due_requests(connection, now_us, count_max)
            for row in found:
                standing = logic.standing_by_time(State(row.state))
                values = self._columns(standing, row.expires_us) | {"decided_us": now_us}
                rows.save_request(connection, row.car_id, row.request_id, values)
            return {row.car_id for row in found}, rows.next_due_us(connection)

        closed, next_us = await self._context.records.transact(work)
        await self._tell(closed)
        return next_us

    def _columns(self, standing: Standing, expires_us: int) -> dict[str, Any]:
        """The columns that say how a request stands."""
        return {
            "state": str(standing.state),
            "reason": "" if standing.reason is None else str(standing.reason),
            "due_us": logic.due_us(standing, expires_us, self._grace_us),
        }

    async def _tell(self, car_ids: Collection[str]) -> None:
        context = self._context
        tell = partial(tell_changed, context.bus, context.clock, context.random)
        try:
            await tell(sorted(car_ids))
        except AWAY:
            context.log.warning("changed scenes not told")  # a page begins with the records

"""Watching last values on NATS: what they are, and then every change.

Rules: nothing is lost for a slow reader but values that a newer one has replaced, since it asks for
more only when it has room; after a reconnection the last values come again.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from monocoque.contracts.errors import BusUnavailable, MonocoqueError
from monocoque.contracts.topics import Topic
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.door import Door
from monocoque.plumbing.bus.live import LiveQueue
from monocoque.plumbing.bus.nats_link import NatsLink, end_task
from monocoque.plumbing.bus.nats_pull import Pull
from monocoque.plumbing.bus.nats_questions import Questions

_NANOSECONDS: Final = 1_000_000_000
_NAME_BYTES: Final = 8


class Watch:
    """One watcher; its place on the server is forgotten soon after it is gone."""

    def __init__(
        self, link: NatsLink, questions: Questions, door: Door, config: BusConfig, inbox: str
    ) -> None:
        self._questions = questions
        self._door = door
        self._config = config
        self._pull = Pull(link, inbox, config)

    @asynccontextmanager
    async def into(
        self, queue: LiveQueue[Any], topic: Topic[Any], pattern: str
    ) -> AsyncIterator[None]:
        """Fill the queue for as long as the context is open."""
        await self._pull.open()
        task = asyncio.create_task(self._fill_for_ever(queue, topic, pattern))
        try:
            yield
        finally:
            await end_task(task)
            await self._pull.close()

    async def _fill_for_ever(self, queue: LiveQueue[Any], topic: Topic[Any], pattern: str) -> None:
        while True:
            try:
                await self._fill(queue, topic, pattern)
            except BusUnavailable:
                await asyncio.sleep(self._config.reconnect_wait_s_min)
            except MonocoqueError as error:
                queue.end(error)
                return

    async def _fill(self, queue: LiveQueue[Any], topic: Topic[Any], pattern: str) -> None:
        name = await self._make(topic, pattern)
        wait_s = self._config.watch_forgotten_after_s / 2
        while True:
            await queue.room()
            count_max = self._config.watch_batch_messages
            for heard in await self._pull.pull(topic.stream_name, name, count_max, wait_s):
                delivery = self._door.deliver(topic, heard.subject, heard.data)
                if delivery is not None:
                    queue.put_kept(delivery)

    async def _make(self, topic: Topic[Any], pattern: str) -> str:
        name = f"watch_{secrets.token_hex(_NAME_BYTES)}"
        configuration = {
            "name": name,
            "ack_policy": "none",
            "deliver_policy": "last_per_subject",
            "filter_subject": pattern,
            "inactive_threshold": round(self._config.watch_forgotten_after_s * _NANOSECONDS),
            "mem_storage": True,
        }
        await self._questions.ask_json(
            f"$JS.API.CONSUMER.CREATE.{topic.stream_name}.{name}.{pattern}",
            {"stream_name": topic.stream_name, "config": configuration},
        )
        return name

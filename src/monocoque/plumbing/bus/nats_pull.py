"""Pulling messages of a JetStream consumer: a request, its messages, and how it ended.

Rules: a request is bounded in messages and in time; messages that come after their request was
given up belong to the next one; whatever was not taken when the connection went is forgotten,
since the server will give it again.
"""

import asyncio
import json
from collections import deque
from typing import Any, Final

from nats.aio.msg import Msg

from monocoque.contracts.errors import BusUnavailable
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.nats_link import NatsLink

_NANOSECONDS: Final = 1_000_000_000
_ENDED_QUIETLY: Final = frozenset({"404", "408"})
"""JetStream: no messages, and request timeout."""


class Pull:
    """The inbox of one consumer."""

    def __init__(self, link: NatsLink, inbox: str, config: BusConfig) -> None:
        self._link = link
        self._inbox = inbox
        self._config = config
        self._arrived: deque[Msg] = deque()
        self._changed = asyncio.Event()
        self._end_status: str | None = None
        self._number = 0

    async def open(self) -> None:
        """Begin to hear."""
        self._stop = await self._link.subscribe(f"{self._inbox}.*", self._hear)
        self._link.on_lost.append(self._lose)

    async def close(self) -> None:
        """Stop hearing."""
        self._link.on_lost.remove(self._lose)
        await self._stop()

    async def pull(self, stream: str, consumer: str, count_max: int, wait_s: float) -> list[Msg]:
        """What is there now, or else the first that comes within the wait.

        Raises BusUnavailable; the consumer may then have to be made again.
        """
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        there = await self._request(subject, count_max, {"no_wait": True}, 0.0)
        if there or wait_s <= 0:
            return there
        return await self._request(subject, 1, {"expires": round(wait_s * _NANOSECONDS)}, wait_s)

    async def _request(
        self, subject: str, count_max: int, terms: dict[str, Any], wait_s: float
    ) -> list[Msg]:
        self._number += 1
        self._end_status = None
        question = json.dumps({"batch": count_max, **terms}).encode()
        await self._link.send(subject, question, f"{self._inbox}.{self._number}")
        try:
            async with asyncio.timeout(wait_s + self._config.request_timeout_s):
                while len(self._arrived) < count_max and self._end_status is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            if not self._arrived:
                raise BusUnavailable("The bus server did not answer in time.") from error
        taken = [self._arrived.popleft() for _ in range(min(count_max, len(self._arrived)))]
        if not taken and self._end_status not in _ENDED_QUIETLY:
            raise BusUnavailable(f"The consumer ended with status {self._end_status}.")
        return taken

    async def _hear(self, heard: Msg) -> None:
        if heard.headers and "Status" in heard.headers:
            if heard.subject.endswith(f".{self._number}"):
                self._end_status = heard.headers["Status"]
                self._changed.set()
        else:
            self._arrived.append(heard)
            self._changed.set()

    def _lose(self) -> None:
        self._arrived.clear()
        self._end_status = "connection lost"
        self._changed.set()

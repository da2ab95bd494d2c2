"""The queue of a live reader: bounded, and honest about what it lost.

Rules: when it is full the oldest goes and is counted in ``missed``; what was lost while the bus
was away cannot be counted by anybody, so each such gap counts as one.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from google.protobuf.message import Message

from monocoque.contracts.errors import MonocoqueError
from monocoque.plumbing.bus.port import Delivery

MessageType = TypeVar("MessageType", bound=Message)


class LiveQueue(Generic[MessageType]):
    """Implements ``Subscription``; an adapter puts in what it hears."""

    def __init__(self, messages_max: int) -> None:
        self._messages_max = messages_max
        self._waiting: deque[Delivery[MessageType]] = deque()
        self._arrived = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._end: MonocoqueError | None = None
        self._missed = 0

    @property
    def missed(self) -> int:
        """See Subscription."""
        return self._missed

    def put(self, delivery: Delivery[MessageType]) -> None:
        """Add a message; the oldest goes when there is no room."""
        if len(self._waiting) >= self._messages_max:
            self._waiting.popleft()
            self._missed += 1
        self.put_kept(delivery)

    def put_kept(self, delivery: Delivery[MessageType]) -> None:
        """Add a message that must not push another out; wait for ``room`` before it."""
        self._waiting.append(delivery)
        self._arrived.set()
        if len(self._waiting) >= self._messages_max:
            self._has_room.clear()

    async def room(self) -> None:
        """Return when the reader has caught up enough to take another message."""
        await self._has_room.wait()

    def mark_gap(self) -> None:
        """The bus was away: something may be missing."""
        self._missed += 1

    def end(self, error: MonocoqueError) -> None:
        """Nothing will come any more; whoever waits is told why."""
        self._end = error
        self._arrived.set()

    async def next(self, timeout_s: float) -> Delivery[MessageType] | None:
        """See Subscription; raises what ``end`` was given once everything was read."""
        if self._waiting or (timeout_s <= 0 and self._end is not None):
            return await self._next()
        if timeout_s <= 0:
            return None
        if timeout_s == math.inf:
            return await self._next()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._next()
        except TimeoutError:
            return None

    async def __aiter__(self) -> AsyncIterator[Delivery[MessageType]]:
        """See Subscription."""
        while True:
            yield await self._next()

    async def _next(self) -> Delivery[MessageType]:
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._arrived.clear()
            await self._arrived.wait()
        delivery = self._waiting.popleft()
        self._has_room.set()
        return delivery

"""What waits for one reader: bounded, and never older than it must be.

Rules: a reader that is too slow gets the newest value of each signal and is told how many it
missed. A reader that wants to hear at most so often gets the same, and has missed nothing.

Left out on purpose: which signals these are (hub.py).
"""

import asyncio
import contextlib
import math
from collections import deque
from typing import Final

from monocoque.car.signals.logic.readings import Batch, conflate
from monocoque.contracts.errors import MonocoqueError

GATHERED_VALUES: Final = 500
"""A reader that gathers waits for no more than this."""


class Queue:
    """One reader's batches."""

    def __init__(self, batches_max: int, interval_s_min: float) -> None:
        """batches_max: so many wait before they are joined. interval_s_min: 0 for every batch."""
        self._batches_max = batches_max
        self._interval_s_min = interval_s_min
        self._waiting: deque[Batch] = deque()
        self._has_news = asyncio.Event()
        self._error: MonocoqueError | None = None
        self._next_s = 0.0
        self._taken_s = -math.inf  # a machine may count from its start, and have begun just now
        self._missing = 0
        """Of what the reader waits for, so many values have not come."""

    def put(self, batch: Batch) -> None:
        """Something was said."""
        waiting = self._waiting
        if len(waiting) >= self._batches_max:
            joined = conflate(waiting)
            waiting.clear()
            waiting.append(joined)
        waiting.append(batch)
        self._missing -= len(batch.numbers)
        if self._missing <= 0:
            self._has_news.set()

    def end(self, error: MonocoqueError) -> None:
        """Nothing more comes, for this reason; what waits is not given any more."""
        self._error = error
        self._has_news.set()

    async def next(self) -> Batch:
        """The next batch, waiting for it; raises what the queue was ended with."""
        while True:
            if self._error is not None:
                raise self._error
            if not self._waiting:
                self._has_news.clear()
                await self._has_news.wait()
            elif self._interval_s_min == 0:
                return self._waiting.popleft()
            elif (wait_s := self._next_s - asyncio.get_running_loop().time()) > 0:
                await self._pause(wait_s)
            else:
                self._next_s = asyncio.get_running_loop().time() + self._interval_s_min
                return self._take_newest()

    async def next_apart(self, values_max: int, gather_s: float) -> list[Batch]:
        """The next batch, and those that wait behind it as long as no signal comes twice.

        values_max: of all of them, unless the first alone has more. gather_s: one that comes sooner
        than this after what was taken before waits for more, until then.
        """
        first = await self.next()
        if self._interval_s_min > 0:
            return [first]
        loop = asyncio.get_running_loop()
        wait_s = self._taken_s + gather_s - loop.time()
        if wait_s > 0 and self._can_join(first.number_set, values_max - len(first.numbers)):
            await self._gather(first, wait_s)
        taken, seen = [first], first.number_set
        room = values_max - len(first.numbers)
        while self._waiting and self._can_join(seen, room):
            batch = self._waiting.popleft()
            room -= len(batch.numbers)
            taken.append(batch)
            seen = seen | batch.number_set
        self._taken_s = loop.time()
        return taken

    async def _gather(self, first: Batch, wait_s: float) -> None:
        """Wait until enough has come, so long at most; raises what the queue was ended with."""
        self._missing = GATHERED_VALUES - sum(len(b.numbers) for b in (first, *self._waiting))
        if self._missing > 0:
            self._has_news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._has_news.wait()
            self._missing = 0
        if self._error is not None:
            raise self._error

    def _can_join(self, seen: frozenset[int], room: int) -> bool:
        """Whether what waits, or may come, has its place behind these."""
        if not self._waiting:
            return room > 0
        batch = self._waiting[0]
        return len(batch.numbers) <= room and seen.isdisjoint(batch.number_set)

    async def _pause(self, wait_s: float) -> None:
        """So long, or until the end."""
        try:
            async with asyncio.timeout(wait_s):
                while self._error is None:
                    self._has_news.clear()
                    await self._has_news.wait()
        except TimeoutError:
            self._has_news.set()

    def _take_newest(self) -> Batch:
        """Everything that waits, as one."""
        missed = sum(batch.lost for batch in self._waiting)
        newest = conflate(self._waiting)
        newest.lost = missed
        self._waiting.clear()
        return newest

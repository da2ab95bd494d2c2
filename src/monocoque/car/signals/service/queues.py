"""What waits for one reader: bounded, and never older than it must be.

Rules: a reader that is too slow gets the newest value of each signal and is told how many it
missed. A reader that wants to hear at most so often gets the same, and has missed nothing.

Left out on purpose: which signals these are (hub.py).
"""

import asyncio
from collections import deque

from monocoque.car.signals.logic.readings import Batch, conflate
from monocoque.contracts.errors import MonocoqueError


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

    def put(self, batch: Batch) -> None:
        """Something was said."""
        waiting = self._waiting
        if len(waiting) >= self._batches_max:
            joined = conflate(waiting)
            waiting.clear()
            waiting.append(joined)
        waiting.append(batch)
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

    async def next_apart(self, values_max: int) -> list[Batch]:
        """The next batch, and those that wait behind it as long as no signal comes twice.

        values_max: of all of them, unless the first alone has more.
        """
        first = await self.next()
        taken = [first]
        waiting = self._waiting
        if waiting and self._interval_s_min == 0:
            seen = first.number_set
            count = len(first.numbers)
            while waiting and seen.isdisjoint(waiting[0].number_set):
                count += len(waiting[0].numbers)
                if count > values_max:
                    break
                batch = waiting.popleft()
                taken.append(batch)
                seen = seen | batch.number_set
        return taken

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

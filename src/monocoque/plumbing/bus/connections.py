"""The connections of one participant: how many there were, and waiting for the next.

Rules: the count grows by one with every connection and never falls, so a reader that remembers it
misses none, however short the connection was away.

Left out on purpose: what was lost in between; readers count that (live.py).
"""

import asyncio

from monocoque.contracts.errors import BusUnavailable


class Connections:
    """An adapter tells it what happens; ``count`` and ``after`` are the port's."""

    def __init__(self) -> None:
        self.count = 0
        self._is_there = False
        self._is_over = False
        self._changed = asyncio.Event()

    def begin(self) -> None:
        """It is connected, again or for the first time."""
        self.count += 1
        self._is_there = True
        self._tell()

    def lose(self) -> None:
        """The connection is gone."""
        self._is_there = False

    def end(self) -> None:
        """It was closed for good."""
        self._is_over = True
        self._tell()

    async def after(self, count: int) -> int:
        """See ``Bus.connected_after``."""
        while not self._is_over:
            if self._is_there and self.count > count:
                return self.count
            await self._changed.wait()
        raise BusUnavailable("The bus was closed.")

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

"""What waits for one who takes it piece by piece, until both end.

Rules: what was ended is not given any more; of too much, the oldest goes.

Left out on purpose: batches of values, which are joined when there are too many (queues.py).
"""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from monocoque.contracts.errors import MonocoqueError

Piece = TypeVar("Piece")


class Inbox(Generic[Piece]):
    """What waits."""

    def __init__(self, waiting_max: int) -> None:
        """Nothing yet."""
        self.error: MonocoqueError | None = None
        """What it was ended with."""
        self._waiting: deque[Piece] = deque(maxlen=waiting_max)
        self._has_news = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether the next that comes takes the place of another."""
        return len(self._waiting) == self._waiting.maxlen

    async def next(self) -> Piece:
        """What came next, waiting for it. Raises what it was ended with."""
        while not self._waiting and self.error is None:
            self._has_news.clear()
            await self._has_news.wait()
        if self.error is not None:
            raise self.error
        return self._waiting.popleft()

    def put(self, piece: Piece) -> None:
        """This came."""
        self._waiting.append(piece)
        self._has_news.set()

    def end(self, error: MonocoqueError) -> None:
        """Nothing more comes, for this reason."""
        self.error = error
        self._has_news.set()

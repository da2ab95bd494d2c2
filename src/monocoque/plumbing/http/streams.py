"""All live streams of one application: counted, bounded, and ended together.

Rules: streams are counted per process and per session, and both are bounded.

Left out on purpose: what a stream sends; that is events.py.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from monocoque.contracts.errors import QueueFull, TooManyRequests
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.counters import HttpCounters
from monocoque.plumbing.http.refusals import RefusalLog


class Streams:
    """All live streams of one application, and how they end together."""

    def __init__(
        self,
        config: HttpConfig,
        counters: HttpCounters,
        log: structlog.stdlib.BoundLogger,
        refusals: RefusalLog,
    ) -> None:
        """Build it once per application."""
        self.config = config
        self.log = log
        self.refusals = refusals
        self.stopping = asyncio.Event()
        """Set once, when the server stops; ends every stream."""
        self._counters = counters
        self._open: Counter[str] = Counter()

    @property
    def open_count(self) -> int:
        """How many streams are open."""
        return self._open.total()

    @contextmanager
    def seat(self, owner: str) -> Iterator[None]:
        """Count one stream while it lasts; raises QueueFull, TooManyRequests.

        owner: the session that it belongs to; empty for streams without one.
        """
        if self.open_count >= self.config.streams_max:
            raise QueueFull("As many live pages are open as this process takes.")
        if self._open[owner] >= self.config.streams_per_session_max:
            raise TooManyRequests("This session has as many live pages open as it may.")
        self._open[owner] += 1
        self._counters.streams_open.inc()
        try:
            yield
        finally:
            self._open[owner] -= 1
            self._counters.streams_open.dec()
            if not self._open[owner]:
                del self._open[owner]

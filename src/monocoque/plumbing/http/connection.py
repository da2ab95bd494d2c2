"""One connection of the server, which does not wait for ever for the head of a request.

Rules: a connection that has begun no request within ``HEAD_S_MAX`` is closed, whether it said
nothing or a part; so those who only hold connections open give them back to everybody else.

Left out on purpose: a limit per network address. Whoever is reached by strangers stands behind a
proxy, which has one; and bodies and idle connections after an answer, which have limits elsewhere
(guard.py, ``keep_alive_s``).
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S_MAX: Final = 10.0
"""How long request line and headers may take to arrive."""


class Connection(H11Protocol):
    """uvicorn's connection, with that limit."""

    _head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin, and wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take some bytes; once a whole head is there, nothing is due."""
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        elif self._head_due is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        # Before the first request there is no cycle at all.
        return not getattr(self.cycle, "response_complete", True)

    def _wait_for_head(self) -> None:
        self._head_due = self.loop.call_later(HEAD_S_MAX, self._give_up)

    def _stop_waiting(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _give_up(self) -> None:
        self._head_due = None
        if not self._is_answering():
            self.transport.close()

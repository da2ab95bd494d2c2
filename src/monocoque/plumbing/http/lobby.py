"""Connections that the application serves just now, told from those that it does not.

Rules:

* a connection that has not asked yet, was answered, or is being ended waits in the lobby. So many
  may, each so long, and the one that waited longest makes room for the newest: whoever asks at once
  is served, however many others only wait;
* who asks again over HTTP without having taken the answer before is cut off, so that no request
  waits for its reader;
* a WebSocket whose application has ended, or whose client answers no ping, is cut off after the
  same time, whether the client reads or not.

Left out on purpose: how many connections the application serves, which it bounds itself.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request


class Lobby:
    """Who waits."""

    def __init__(self, connections_max: int, wait_s_max: float) -> None:
        """Nobody yet."""
        self._connections_max = connections_max
        self._wait_s_max = wait_s_max
        self._waiting: dict[asyncio.Transport, asyncio.TimerHandle] = {}

    def enter(self, connection: asyncio.Transport) -> None:
        """It waits from now on; one that waits already goes on waiting."""
        if connection in self._waiting:
            return
        if len(self._waiting) >= self._connections_max:
            oldest = next(iter(self._waiting))
            self.leave(oldest)
            oldest.abort()
        loop = asyncio.get_running_loop()
        self._waiting[connection] = loop.call_later(self._wait_s_max, connection.abort)

    def leave(self, connection: asyncio.Transport) -> None:
        """It is served now, or gone."""
        timer = self._waiting.pop(connection, None)
        if timer is not None:
            timer.cancel()


class HttpProtocol(H11Protocol):
    """HTTP, with a lobby."""

    def __init__(self, lobby: Lobby, **arguments: Any) -> None:
        """arguments: the server's."""
        super().__init__(**arguments)
        self._lobby = lobby

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody came."""
        super().connection_made(transport)
        self._lobby.enter(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody went."""
        self._lobby.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Perhaps a whole request."""
        if self.flow.write_paused:
            self.transport.abort()
            return
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        """It was answered; perhaps the next request is here already."""
        super().on_response_complete()
        self._note()

    def _note(self) -> None:
        if self.transport.get_protocol() is not self:
            return  # it is a WebSocket now
        cycle: Any = self.cycle  # None before the first request
        if cycle is None or cycle.response_complete:
            self._lobby.enter(self.transport)
        else:
            self._lobby.leave(self.transport)


class SocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket, with a lobby."""

    def __init__(self, lobby: Lobby, **arguments: Any) -> None:
        """arguments: the server's."""
        super().__init__(**arguments)
        self._lobby = lobby

    def handle_connect(self, event: Request) -> None:
        """A handshake, which the application answers if it is one."""
        super().handle_connect(event)
        if not self.close_sent:
            self._lobby.leave(self.transport)

    async def run_asgi(self) -> None:
        """Serve it; what is left to do then is not waited for longer than the lobby lasts."""
        try:
            await super().run_asgi()
        finally:
            if not self.disconnected:
                self._lobby.enter(self.transport)

    def keepalive_timeout(self) -> None:
        """Nobody answers; what is still to be written need not be taken."""
        super().keepalive_timeout()
        self._lobby.enter(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody went."""
        self._lobby.leave(self.transport)
        super().connection_lost(exc)

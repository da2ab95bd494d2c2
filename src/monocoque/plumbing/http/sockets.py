"""Runs an application with WebSockets on a port of its own, beside the sites.

Rules: as in server.py: our own sockets, no signals, a bounded end; messages are bounded before they
reach the application, and so are connections that it does not serve (lobby.py).

Left out on purpose: everything that the sites have (guard, sessions, problem bodies), and how many
clients are served at once; whoever uses this has rules of its own, and answers in words of its own.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import uvicorn

from monocoque.plumbing.http.listening import Listener
from monocoque.plumbing.http.lobby import HttpProtocol, Lobby, SocketProtocol

PING_S = 20.0
"""So often a silent client is asked whether it is there, and so long it may take to answer."""
HEADER_BYTES_MAX = 32_768
CLIENTS_WAITING_MAX = 64


ENDING_S_MAX = 5.0
"""Time beside what requests get, for the server itself to end."""


class Server(uvicorn.Server):
    """The server without its signal handlers; it tells when it has started."""

    def __init__(self, settings: uvicorn.Config, started: asyncio.Event) -> None:
        super().__init__(settings)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_sockets(
    application: Any,
    listener: Listener,
    started: asyncio.Event,
    *,
    waiting_max: int,
    wait_s_max: float,
    message_bytes_max: int,
    end_s_max: float,
) -> None:
    """Answer until cancelled, then end in a bounded time. started: set when it answers.

    waiting_max: connections that are not being served; wait_s_max: so long each of them may last.
    """
    lobby = Lobby(waiting_max, wait_s_max)
    settings = uvicorn.Config(
        application,
        http=cast(Any, partial(HttpProtocol, lobby=lobby)),
        ws=cast(Any, partial(SocketProtocol, lobby=lobby)),
        ws_max_size=message_bytes_max,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=CLIENTS_WAITING_MAX,
        timeout_graceful_shutdown=max(1, round(end_s_max)),
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
    )
    server = Server(settings, started)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve(sockets=list(listener.sockets)))
        try:
            await asyncio.shield(running)
        finally:
            server.should_exit = True
            async with asyncio.timeout(end_s_max + ENDING_S_MAX):
                await asyncio.shield(running)

"""Runs an application on real sockets inside our own event loop.

Rules:

* the sockets are bound by us first, so a port that is taken is our own error, and a free port
  (0) is known before anything starts;
* loopback only, unless told otherwise; both its addresses where the machine has both;
* signals are not touched: the supervisor owns them and ends this by cancelling;
* ending is bounded: live streams end at once, requests under way get ``shutdown_s_max``, and then
  they are cut off;
* the server logs no requests; edge.py does. ``X-Forwarded-*`` is believed from nobody.

Left out on purpose: TLS. On a network a proxy in front has it; see docs/protocol/http.md.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import uvicorn

from monocoque.contracts.errors import PortInUse, SettingInvalid
from monocoque.plumbing.http.application import Application
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.connection import Connection

LOOPBACK = ("127.0.0.1", "::1")
ENDING_S_MAX = 5.0
"""Time beside ``shutdown_s_max`` for the server itself to end."""


@dataclass(frozen=True)
class Listener:
    """Sockets that are bound to one port and do not yet answer; to be used with ``with``."""

    port: int
    sockets: tuple[socket.socket, ...]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the port back; harmless when the server has done so."""
        for each in self.sockets:
            each.close()


def listen(port: int, addresses: Sequence[str] = LOOPBACK) -> Listener:
    """Bind the port on every address that the machine has.

    port: 0 for any free one. Raises PortInUse, or SettingInvalid when an address is not ours or the
    port may not be bound.
    """
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            one = _bind(address, bound[0].getsockname()[1] if bound else port)
            if one is not None:
                bound.append(one)
    except OSError as error:
        for one in bound:
            one.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {port} is taken by another program.") from error
        raise SettingInvalid(f"Port {port} cannot be bound: {error.strerror}.") from error
    if not bound:
        raise SettingInvalid("The machine has none of the addresses to listen on.")
    return Listener(bound[0].getsockname()[1], tuple(bound))


def _bind(address: str, port: int) -> socket.socket | None:
    """A bound socket, or None on a machine without IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        # With the protocol named, asyncio sets TCP_NODELAY on what is accepted; without it, an
        # answer whose head and body are written apart waits 40 ms for an acknowledgement.
        one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError:
        if family is socket.AF_INET6:
            return None
        raise
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen()
        one.setblocking(False)
    except OSError as error:
        one.close()
        if family is socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return one


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


async def serve(
    application: Application,
    listener: Listener,
    config: HttpConfig,
    *,
    started: asyncio.Event | None = None,
) -> None:
    """Answer requests until cancelled, then end in a bounded time.

    started: set when requests are answered.
    """
    server = Server(_settings(application, config), started or asyncio.Event())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve(sockets=list(listener.sockets)))
        try:
            await asyncio.shield(running)
        finally:
            application.streams.stopping.set()
            server.should_exit = True
            async with asyncio.timeout(config.shutdown_s_max + ENDING_S_MAX):
                await asyncio.shield(running)


def _settings(application: Application, config: HttpConfig) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=config.connections_max,
        timeout_keep_alive=config.keep_alive_s,
        timeout_graceful_shutdown=config.shutdown_s_max,
        h11_max_incomplete_event_size=config.header_bytes_max,
    )

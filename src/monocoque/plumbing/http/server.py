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

import uvicorn

from monocoque.plumbing.http.application import Application
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.connection import Connection
from monocoque.plumbing.http.listening import Listener
from monocoque.plumbing.http.sockets import ENDING_S_MAX, Server


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

"""A server with a live route, which the tests of the server and of streams share."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import APIRouter, Request
from pydantic import BaseModel

from monocoque.contracts.rights import READ_FLEET, READ_HEALTH, SIGN_IN, PersonRole, Site
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.rules import needs
from tests.fixtures.http import WAIT_S_MAX, EdgeUnderTest, MakeEdge, serving

SECRET = "the combination is 4711"


class Number(BaseModel):
    value: int


@dataclass
class LiveSource:
    """Where the live route takes its events from."""

    events: asyncio.Queue[Event | Exception] = field(default_factory=asyncio.Queue)
    opened: int = 0
    closed: int = 0

    async def live(self) -> AsyncGenerator[Event, None]:
        self.opened += 1
        try:
            yield Event("number", Number(value=0))
            while True:
                event = await self.events.get()
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed += 1


def live_routes(source: LiveSource) -> APIRouter:
    router = APIRouter()

    @router.get("/api/live", status_code=200, response_class=EventStream)
    @needs(READ_FLEET)
    async def live(request: Request) -> EventStream:
        return EventStream(request, source.live())

    @router.get("/api/flood", status_code=200, response_class=EventStream)
    @needs(READ_FLEET)
    async def flood(request: Request) -> EventStream:
        async def events() -> AsyncGenerator[Event, None]:
            source.opened += 1
            try:
                while True:
                    yield Event("number", Number(value=10**4_000))
            finally:
                source.closed += 1

        return EventStream(request, events())

    @router.get("/api/open")
    @needs(READ_HEALTH)
    async def read_open() -> dict[str, str]:
        return {"is": "open"}

    @router.post("/api/number")
    @needs(SIGN_IN)
    async def post_number(number: Number) -> Number:
        return number

    @router.get("/api/waits")
    @needs(READ_HEALTH)
    async def waits() -> None:
        source.opened += 1
        try:
            await asyncio.Event().wait()
        finally:
            source.closed += 1

    return router


@dataclass
class Running:
    """A server, its edge and a client on its port."""

    edge: EdgeUnderTest
    source: LiveSource
    port: int
    client: httpx.AsyncClient

    def headers(self) -> dict[str, str]:
        return self.edge.headers(Site.CONSOLE, PersonRole.FLEET)

    @contextlib.asynccontextmanager
    async def live(self) -> AsyncIterator[AsyncGenerator[tuple[str, Any], None]]:
        """A live page: name and data of each event."""
        async with (
            asyncio.timeout(WAIT_S_MAX),
            self.client.stream("GET", "/api/live", headers=self.headers()) as response,
            contextlib.aclosing(events_of(response)) as events,
        ):
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            yield events


@contextlib.asynccontextmanager
async def running(
    make_edge: MakeEdge, config: HttpConfig | None = None, wanted_port: int = 0
) -> AsyncIterator[Running]:
    source = LiveSource()
    edge = make_edge(live_routes(source), config=config or HttpConfig())
    async with (
        serving(edge.application, edge.config, wanted_port) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_S_MAX) as client,
    ):
        yield Running(edge, source, port, client)


async def events_of(response: httpx.Response) -> AsyncGenerator[tuple[str, Any], None]:
    """Name and data of each event; comments have the name ``:``."""
    name = ""
    async for line in response.aiter_lines():
        kind, _, value = line.partition(": ")
        if kind == "event":
            name = value
        elif kind == "data":
            yield name, json.loads(value)
        elif line.startswith(":"):
            yield ":", line

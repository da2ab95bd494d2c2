"""The server on real sockets: ports, broken requests, live streams and a clean end."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import BaseModel

from monocoque.contracts.errors import BusUnavailable, PortInUse, SettingInvalid
from monocoque.contracts.rights import READ_FLEET, READ_HEALTH, SIGN_IN, PersonRole, Site
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.http.server import listen, serve
from tests.fixtures.http import WAIT_S_MAX, EdgeUnderTest, MakeEdge, serving, until

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
async def running(make_edge: MakeEdge, config: HttpConfig | None = None) -> AsyncIterator[Running]:
    source = LiveSource()
    edge = make_edge(live_routes(source), config=config or HttpConfig())
    async with (
        serving(edge.application, edge.config) as port,
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


async def exchange(port: int, request: bytes) -> bytes:
    """Send bytes and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            writer.write(request)
            writer.write_eof()
            return await reader.read()
    except ConnectionResetError:
        return b""  # the server closed before it had read everything
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


# --- ports -----------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_an_error_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)):
            listen(port)


def test_a_failed_listen_leaves_no_socket_behind() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse):
            listen(port)
        with listen(port, ("127.0.0.1",)):
            pass


def test_an_address_of_another_machine_is_an_error_of_its_own() -> None:
    with pytest.raises(SettingInvalid):
        listen(0, ("192.0.2.1",))


def test_the_same_port_is_bound_on_both_loopback_addresses() -> None:
    with listen(0) as listener:
        names = {each.getsockname()[0] for each in listener.sockets}
        ports = {each.getsockname()[1] for each in listener.sockets}

    assert "127.0.0.1" in names
    assert names <= {"127.0.0.1", "::1"}
    assert ports == {listener.port}


# --- broken and hostile requests -------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_lines", "statuses"),
    [
        pytest.param(
            "GET /api/open HTTP/1.1|Host: localhost|Host: evil.example", {400}, id="two hosts"
        ),
        pytest.param("GET /api/open HTTP/1.1", {400}, id="no host"),
        pytest.param("GET /api/open HTTP/1.0", {421}, id="no host, an old protocol"),
        pytest.param(
            "POST /api/number HTTP/1.1|Host: phone.localhost|Content-Length: 1|Content-Length: 2",
            {400},
            id="two lengths",
        ),
        pytest.param(
            "POST /api/number HTTP/1.1|Host: phone.localhost|Content-Length: -1",
            {400},
            id="a length below nothing",
        ),
        pytest.param(
            "POST /api/number HTTP/1.1|Host: phone.localhost|Transfer-Encoding: xchunked",
            {400, 501},
            id="an encoding of nobody",
        ),
        pytest.param(
            "GET /api/open HTTP/1.1|Host: localhost|X-A : b", {400}, id="a blank before the colon"
        ),
        pytest.param(
            "GET /api/open HTTP/1.1|Host: localhost|X-A: b\x00c", {400}, id="a zero in a header"
        ),
        pytest.param("GET http://evil.example/api/open HTTP/1.1|Host: localhost", {404}, id="URL"),
        pytest.param("GET /api/open HTTP/1.1|Host: evil.example", {421}, id="a stranger's host"),
        pytest.param(
            "GET /api/open HTTP/1.1|Host: localhost|X-Forwarded-Host: evil.example",
            {200},
            id="a forwarded host is not believed",
        ),
        pytest.param("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1|Host: localhost", {404}, id="dots"),
        pytest.param("nonsense", {400}, id="nonsense"),
    ],
)
async def test_a_broken_request_is_refused_and_disturbs_nobody(
    make_edge: MakeEdge, request_lines: str, statuses: set[int]
) -> None:
    async with running(make_edge) as here:
        raw = (request_lines.replace("|", "\r\n") + "\r\n\r\n").encode("latin-1")
        answer = await exchange(here.port, raw)

        assert int(answer.split(b" ", 2)[1]) in statuses
        assert (await here.client.get("/api/open")).status_code == 200


async def test_a_second_request_cannot_hide_in_a_body(make_edge: MakeEdge) -> None:
    hidden = b"GET /api/open HTTP/1.1\r\nHost: localhost\r\n\r\n"
    smuggler = (
        b"POST /api/number HTTP/1.1\r\nHost: phone.localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n" + hidden
    )
    async with running(make_edge) as here:
        answer = await exchange(here.port, smuggler)

    # Either the request is refused as a whole, or its chunks count and the rest is a request of
    # its own; never is the length believed and the chunk's end read as a request.
    assert answer.count(b"HTTP/1.1 ") <= 2
    assert b"HTTP/1.1 400" in answer or b"HTTP/1.1 422" in answer


async def test_headers_beyond_the_limit_end_the_connection(make_edge: MakeEdge) -> None:
    async with running(make_edge, HttpConfig(header_bytes_max=4_096)) as here:
        raw = b"GET /api/open HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 200_000
        answer = await exchange(here.port, raw)

        assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0]
        assert (await here.client.get("/api/open")).status_code == 200


async def test_a_large_upload_without_a_length_is_cut_off(make_edge: MakeEdge) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 65_536
            yield b"x" * 65_536

    async with running(make_edge, HttpConfig(body_bytes_max=100_000)) as here:
        status = 0
        with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
            response = await here.client.post(
                "/api/number", content=body(), headers={"host": "phone.localhost"}
            )
            status = response.status_code

        assert status in {0, 413}  # 0: the connection was closed while we were still sending
        assert sent < 1_000 * 65_536
        assert (await here.client.get("/api/open")).status_code == 200


async def test_a_body_that_never_comes_is_not_waited_for(make_edge: MakeEdge) -> None:
    async with running(make_edge, HttpConfig(body_s_max=0.05)) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(
            b"POST /api/number HTTP/1.1\r\nHost: phone.localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
        )
        async with asyncio.timeout(WAIT_S_MAX):
            answer = await reader.readuntil(b"\r\n")
        writer.close()
        await writer.wait_closed()

    assert b" 422 " in answer


async def test_no_bytes_bring_the_server_down(make_edge: MakeEdge) -> None:
    chance = Random(20_261_123)
    async with running(make_edge) as here:
        for size_bytes in range(1, 60):
            junk = chance.randbytes(size_bytes)
            await exchange(here.port, junk)
            await exchange(here.port, b"GET /" + junk + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")

        assert (await here.client.get("/api/open")).status_code == 200


# --- live streams ----------------------------------------------------------------------------


async def test_a_live_page_gets_the_present_state_and_then_each_change(make_edge: MakeEdge) -> None:
    async with running(make_edge) as here:
        for value in (1, 2):
            here.source.events.put_nowait(Event("number", Number(value=value)))
        async with here.live() as events:
            assert [await anext(events) for _ in range(3)] == [
                ("number", {"value": 0}),
                ("number", {"value": 1}),
                ("number", {"value": 2}),
            ]


async def test_a_live_page_without_the_right_gets_no_stream(make_edge: MakeEdge) -> None:
    async with running(make_edge) as here:
        headers = here.edge.headers(Site.CONSOLE)
        response = await here.client.get("/api/live", headers=headers)

    assert response.status_code == 403
    assert here.source.opened == 0


async def test_the_source_is_closed_when_the_page_leaves(make_edge: MakeEdge) -> None:
    async with running(make_edge) as here:
        async with here.live() as events:
            await anext(events)
            assert here.edge.application.streams.open_count == 1
        await until(lambda: here.source.closed == 1)
        await until(lambda: here.edge.application.streams.open_count == 0)


async def test_the_server_stops_with_live_pages_open(make_edge: MakeEdge) -> None:
    async with contextlib.AsyncExitStack() as pages:
        async with running(make_edge, HttpConfig(shutdown_s_max=4)) as here:
            client = await pages.enter_async_context(httpx.AsyncClient(timeout=WAIT_S_MAX))
            open_pages = []
            for _ in range(3):
                response = await pages.enter_async_context(
                    client.stream(
                        "GET", f"http://127.0.0.1:{here.port}/api/live", headers=here.headers()
                    )
                )
                events = events_of(response)
                await anext(events)
                open_pages.append(events)
        for events in open_pages:
            # Whole: a stream that was cut off at shutdown_s_max would raise here.
            assert [event async for event in events] == []
        assert here.source.closed == 3


async def test_a_request_that_never_ends_does_not_keep_the_server(make_edge: MakeEdge) -> None:
    async with (
        asyncio.timeout(WAIT_S_MAX),
        asyncio.TaskGroup() as group,
        httpx.AsyncClient(timeout=WAIT_S_MAX) as client,
    ):
        async with running(make_edge, HttpConfig(shutdown_s_max=1)) as here:

            async def ask() -> None:
                with contextlib.suppress(httpx.HTTPError):
                    await client.get(
                        f"http://127.0.0.1:{here.port}/api/waits", headers={"host": "localhost"}
                    )

            group.create_task(ask())
            await until(lambda: here.source.opened == 1)
        await until(lambda: here.source.closed == 1)


async def test_a_stream_ends_soon_after_its_session(make_edge: MakeEdge) -> None:
    config = HttpConfig(stream_check_s=0.02)
    async with running(make_edge, config) as here, here.live() as events:
        assert await anext(events) == ("number", {"value": 0})
        here.edge.sessions.by_token.clear()  # signed out

        assert [event async for event in events] == []


async def test_a_stream_ends_soon_after_its_right(make_edge: MakeEdge) -> None:
    config = HttpConfig(stream_check_s=0.02)
    async with running(make_edge, config) as here, here.live() as events:
        assert await anext(events) == ("number", {"value": 0})
        sessions = here.edge.sessions.by_token
        for token, session in list(sessions.items()):
            sessions[token] = replace(session, roles=frozenset({PersonRole.OWNER}))

        assert [event async for event in events] == []


async def test_a_silent_stream_says_that_it_is_still_there(make_edge: MakeEdge) -> None:
    config = HttpConfig(stream_heartbeat_s=0.02)
    async with running(make_edge, config) as here, here.live() as events:
        assert [(await anext(events))[0] for _ in range(3)] == ["number", ":", ":"]


async def test_a_stream_outlasts_the_time_that_a_route_has_for_its_answer(
    make_edge: MakeEdge,
) -> None:
    config = HttpConfig(answer_s_max=0.05, stream_heartbeat_s=0.04)
    async with running(make_edge, config) as here, here.live() as events:
        assert [(await anext(events))[0] for _ in range(4)] == ["number", ":", ":", ":"]


async def test_a_stream_ends_when_its_time_is_over(make_edge: MakeEdge) -> None:
    config = HttpConfig(stream_s_max=0.1)
    async with running(make_edge, config) as here, here.live() as events:
        assert [event async for event in events] == [("number", {"value": 0})]
    assert here.source.closed == 1


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        pytest.param(BusUnavailable("The bus is away."), "bus_unavailable", id="one of the tree"),
        pytest.param(RuntimeError(SECRET), "defect", id="a mistake of ours"),
    ],
)
async def test_a_stream_that_fails_says_so_and_ends(
    make_edge: MakeEdge, failure: Exception, code: str
) -> None:
    async with running(make_edge) as here:
        here.source.events.put_nowait(failure)
        async with here.live() as events:
            told = [event async for event in events]

    name, problem = told[-1]
    assert (name, problem["code"]) == ("error", code)
    assert SECRET not in str(told)


async def test_streams_are_bounded_in_a_session_and_in_all(make_edge: MakeEdge) -> None:
    config = HttpConfig(streams_per_session_max=1, streams_max=2)
    async with running(make_edge, config) as here, contextlib.AsyncExitStack() as pages:
        first, second = here.headers(), here.headers()
        held: list[AsyncIterator[tuple[str, Any]]] = []
        for headers in (first, second):
            response = await pages.enter_async_context(
                here.client.stream("GET", "/api/live", headers=headers)
            )
            held.append(events_of(response))  # a forgotten generator would close its page
            await anext(held[-1])
            if headers is first:
                again = await here.client.get("/api/live", headers=first)
                assert (again.status_code, again.json()["code"]) == (429, "too_many_requests")
        full = await here.client.get("/api/live", headers=here.headers())

    assert (full.status_code, full.json()["code"]) == (503, "queue_full")


async def test_a_page_that_takes_nothing_is_let_go(make_edge: MakeEdge) -> None:
    async with running(make_edge, HttpConfig(send_s_max=0.05)) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port, limit=1_024)
        lines = "".join(f"{name}: {value}\r\n" for name, value in here.headers().items())
        writer.write(f"GET /api/flood HTTP/1.1\r\n{lines}\r\n".encode())
        await until(lambda: here.source.opened == 1)
        await until(lambda: here.source.closed == 1)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        assert reader is not None


async def test_the_port_is_free_again_after_the_end(make_edge: MakeEdge) -> None:
    async with running(make_edge) as here:
        port = here.port
    with listen(port, ("127.0.0.1",)) as listener:
        assert listener.port == port


@pytest.mark.parametrize("turns", range(6))
async def test_a_server_that_is_cancelled_before_it_starts_ends_too(
    make_edge: MakeEdge, turns: int
) -> None:
    edge = make_edge(live_routes(LiveSource()))
    with listen(0, ("127.0.0.1",)) as listener:
        async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
            task = group.create_task(serve(edge.application, listener, edge.config))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
    with listen(listener.port, ("127.0.0.1",)) as again:
        assert again.port == listener.port

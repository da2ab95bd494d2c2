"""Live streams on real sockets: what they send, when they end, how many there may be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from monocoque.contracts.errors import BusUnavailable
from monocoque.contracts.rights import PersonRole, Site
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.events import Event
from tests.fixtures.http import WAIT_S_MAX, MakeEdge, until
from tests.plumbing.http_live import SECRET, Number, events_of, running


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

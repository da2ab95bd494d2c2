"""The server on real sockets: ports, broken requests and a clean end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from random import Random

import httpx
import pytest

from monocoque.contracts.errors import PortInUse, SettingInvalid
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.listening import listen
from monocoque.plumbing.http.server import serve
from tests.fixtures.http import WAIT_S_MAX, MakeEdge
from tests.fixtures.ports import reserved_port
from tests.plumbing.http_live import LiveSource, live_routes, running


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
    port = reserved_port()
    with socket.create_server(("::1", port), family=socket.AF_INET6):
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


async def test_the_port_is_free_again_after_the_end(make_edge: MakeEdge) -> None:
    port = reserved_port()
    async with running(make_edge, wanted_port=port) as here:
        assert here.port == port
    with listen(port, ("127.0.0.1",)) as listener:
        assert listener.port == port


@pytest.mark.parametrize("turns", range(6))
async def test_a_server_that_is_cancelled_before_it_starts_ends_too(
    make_edge: MakeEdge, turns: int
) -> None:
    edge = make_edge(live_routes(LiveSource()))
    port = reserved_port()
    with listen(port, ("127.0.0.1",)) as listener:
        async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
            task = group.create_task(serve(edge.application, listener, edge.config))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
    with listen(port, ("127.0.0.1",)) as again:
        assert again.port == port

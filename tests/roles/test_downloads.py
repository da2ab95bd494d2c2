"""The downloads of a car over HTTP: from a byte on, from whatever server there is."""

import asyncio

import httpx
import pytest

from monocoque.contracts.errors import CellUnreachable, NotFound
from monocoque.plumbing.files import write_atomically
from monocoque.roles.downloads import HttpDownloads, address_of
from monocoque.roles.layout import Layout

CONTENT = bytes(range(256)) * 1_000


def read(answer, offset=0) -> bytes:
    """What arrives when the server answers so."""
    downloads = HttpDownloads(lambda: "http://cell", httpx.MockTransport(answer))

    async def main() -> bytes:
        async with downloads.read("targets/2/x.img", offset) as chunks:
            return b"".join([chunk async for chunk in chunks])

    return asyncio.run(main())


def whole(_request) -> httpx.Response:
    return httpx.Response(200, content=CONTENT)


def part(request) -> httpx.Response:
    begin = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
    if begin >= len(CONTENT):
        return httpx.Response(416)
    says = {"content-range": f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}"}
    return httpx.Response(206, headers=says, content=CONTENT[begin:])


def test_a_file_is_asked_for_where_the_repository_has_it_and_as_it_is() -> None:
    asked: list[httpx.Request] = []

    def answer(request) -> httpx.Response:
        asked.append(request)
        return whole(request)

    assert read(answer) == CONTENT
    assert asked[0].url == "http://cell/updates/image/targets/2/x.img"
    assert asked[0].headers["accept-encoding"] == "identity"
    assert "range" not in asked[0].headers


@pytest.mark.parametrize("offset", [1, 65_536, 100_000, len(CONTENT) - 1, len(CONTENT)])
@pytest.mark.parametrize("server", [whole, part])
def test_a_file_comes_from_the_byte_on_whether_the_server_knows_ranges_or_not(
    server, offset
) -> None:
    assert read(server, offset) == CONTENT[offset:]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404), NotFound),
        (httpx.Response(503), CellUnreachable),
        (httpx.Response(416), CellUnreachable),
        (httpx.Response(302, headers={"location": "http://elsewhere/"}), CellUnreachable),
        (httpx.Response(206, content=b"x"), CellUnreachable),
        (httpx.Response(200, headers={"content-encoding": "identity"}), CellUnreachable),
        (httpx.Response(206, headers={"content-range": "bytes 7-9/10"}), CellUnreachable),
    ],
)
def test_anything_but_the_file_is_no_file(answer, error) -> None:
    with pytest.raises(error):
        read(lambda _request: answer)


def test_a_cell_that_does_not_answer_is_unreachable() -> None:
    def refuse(_request):
        raise httpx.ConnectError("nobody listens")

    class Breaking(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield b"some"
            raise httpx.ReadError("it broke off")

    with pytest.raises(CellUnreachable):
        read(refuse)
    with pytest.raises(CellUnreachable):
        read(lambda _request: httpx.Response(200, stream=Breaking()))


def test_a_data_directory_without_a_cell_has_no_address(tmp_path) -> None:
    layout = Layout(tmp_path)
    with pytest.raises(CellUnreachable):
        address_of(layout)
    layout.run.mkdir()
    write_atomically(layout.door, b"{}")
    with pytest.raises(CellUnreachable):
        address_of(layout)

"""The downloads of a car over HTTP: files of the image repository, from a byte on (RFC 9110).

Rules:

* a server that does not know ranges sends the whole file; what is there already is passed over;
* nothing is decompressed and no other address is followed, so bytes are counted as they come;
* whatever the server answers but the file is a cell that cannot be reached, or a file that is not
  there.

Left out on purpose: trust. What comes is verified by whoever asked for it (car/updates).
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import httpx

from monocoque.contracts.errors import CellUnreachable, NotFound
from monocoque.contracts.updates import IMAGE_FOLDER
from monocoque.plumbing.process_file import read_process_file
from monocoque.roles.layout import Layout

SILENCE_S_MAX: Final = 60.0
"""How long a server may say nothing; a slow line is the car's to judge, and sooner."""
CHUNK_BYTES: Final = 65_536
"""How much is passed on at once."""
WHOLE, PART, BEYOND = 200, 206, 416


class HttpDownloads:
    """The image repository behind one address; implements car/updates' ``Downloads``."""

    def __init__(
        self, find_address: Callable[[], str], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """find_address: where the cell is now; may raise CellUnreachable. transport: for worlds."""
        self._find_address = find_address
        self._transport = transport

    @contextlib.asynccontextmanager
    async def read(self, path: str, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """See Downloads.read."""
        headers = {"accept-encoding": "identity"}
        if offset:
            headers["range"] = f"bytes={offset}-"
        transport = self._transport or httpx.AsyncHTTPTransport()
        async with contextlib.AsyncExitStack() as stack:
            with _in_our_words():
                client = await stack.enter_async_context(
                    httpx.AsyncClient(
                        base_url=self._find_address(), transport=transport, timeout=SILENCE_S_MAX
                    )
                )
                answer = await stack.enter_async_context(
                    client.stream("GET", f"/{IMAGE_FOLDER}/{path}", headers=headers)
                )
            yield _chunks(answer, *_place(answer, offset))


def address_of(layout: Layout) -> str:
    """Where the cell of this data directory answers; raises CellUnreachable."""
    cell = read_process_file(layout.door)
    if cell is None:
        raise CellUnreachable("No cell has run on this data directory.")
    return f"http://localhost:{cell.ports['http']}"


def _place(answer: httpx.Response, offset: int) -> tuple[int, bool]:
    """How many bytes are to be passed over, and whether there are any at all."""
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotFound("The repository has no such file.")
    if answer.status_code == BEYOND and offset:
        return 0, False
    if "content-encoding" in answer.headers:
        raise CellUnreachable("The repository compressed a file, which nobody asked for.")
    if answer.status_code == WHOLE:
        return offset, True
    begins = answer.headers.get("content-range", "").startswith(f"bytes {offset}-")
    if answer.status_code != PART or not begins:
        raise CellUnreachable(f"The repository answered {answer.status_code} for a file.")
    return 0, True


async def _chunks(answer: httpx.Response, skipped: int, has_any: bool) -> AsyncIterator[bytes]:
    if not has_any:
        return
    with _in_our_words():
        async for chunk in answer.aiter_bytes(CHUNK_BYTES):
            left = chunk[skipped:]
            skipped = max(0, skipped - len(chunk))
            if left:
                yield left


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise CellUnreachable("The image repository did not answer.") from error

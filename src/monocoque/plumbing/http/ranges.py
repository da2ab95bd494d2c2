"""Sends a file of known size and hash, whole or in part, without threads.

Rules:

* one byte range is honoured (RFC 9110, section 14); several are answered with the whole file, and
  so is a range of a file that has another ETag by now (If-Range);
* who has the file already, by its ETag, gets 304 (RFC 9110, section 8.8.3);
* a large file is read piece by piece, inline; a reader that takes nothing for too long is gone.

Left out on purpose: compression and dates; a hash says more than a date.
"""

import asyncio
import re
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from monocoque.contracts.errors import DeadlinePassed
from monocoque.plumbing.http.config import HttpConfig

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


class RangedFile(Protocol):
    """What can be sent in parts."""

    @property
    def size_bytes(self) -> int:
        """All of it."""

    @property
    def etag(self) -> str:
        """Its name by content, in quotation marks."""

    @property
    def media_type(self) -> str:
        """What it is."""

    @property
    def cache_control(self) -> str:
        """How long others may keep it."""

    def part(self, start: int, length: int) -> bytes:
        """Bytes of it."""


class RangedResponse(Response):
    """The answer of a route with a file: ``return RangedResponse(file, config)``."""

    def __init__(self, file: RangedFile, config: HttpConfig) -> None:
        super().__init__()
        self._file = file
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what was asked for."""
        await send_file(self._file, self._config, scope, receive, send)


async def send_file(
    file: RangedFile, config: HttpConfig, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer a GET or HEAD with this file; raises DeadlinePassed."""
    asked = Headers(scope=scope)
    headers = {
        "etag": file.etag,
        "cache-control": file.cache_control,
        "accept-ranges": "bytes",
    }
    known = {tag.strip().removeprefix("W/") for tag in asked.get("if-none-match", "").split(",")}
    if file.etag in known or "*" in known:
        await Response(status_code=304, headers=headers)(scope, receive, send)
        return
    start, stop, status = 0, file.size_bytes, 200
    if asked.get("if-range", file.etag) == file.etag:
        start, stop, status = _range(asked.get("range", ""), file.size_bytes)
    if status == 416:
        headers["content-range"] = f"bytes */{file.size_bytes}"
        await Response(status_code=416, headers=headers)(scope, receive, send)
        return
    if status == 206:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{file.size_bytes}"
    headers |= {"content-type": file.media_type, "content-length": str(stop - start)}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await _send_body(file, config, start, 0 if scope["method"] == "HEAD" else stop - start, send)


async def _send_body(
    file: RangedFile, config: HttpConfig, start: int, length: int, send: Send
) -> None:
    while length > config.file_chunk_bytes:
        await _write(file.part(start, config.file_chunk_bytes), config, send, more=True)
        start += config.file_chunk_bytes
        length -= config.file_chunk_bytes
    await _write(file.part(start, length), config, send, more=False)


async def _write(data: bytes, config: HttpConfig, send: Send, *, more: bool) -> None:
    try:
        async with asyncio.timeout(config.send_s_max):
            await send({"type": "http.response.body", "body": data, "more_body": more})
    except TimeoutError as error:
        raise DeadlinePassed("The reader took nothing for too long.") from error


def _range(asked: str, size_bytes: int) -> tuple[int, int, int]:
    """Start, stop and status of a Range header; what is not one range of bytes asks for all."""
    match = _RANGE.match(asked)
    first, last = match.groups() if match else ("", "")
    if not first and not last:
        return 0, size_bytes, 200
    if first:
        start = int(first)
        stop = min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return 0, size_bytes, 200
    else:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    return (start, stop, 206) if start < stop else (0, 0, 416)

"""Serves the built pages of every site, without threads.

Rules:

* the files are listed once at start; a request is a look-up in that list, so no path leads out of
  it; links that point out of the folder are not listed;
* small files are held in memory; a large one is read when it is asked for, in parts (ranges.py);
* what lies in ``assets/`` has a hash in its name and never changes: browsers keep it for a year.
  Everything else is asked for again, and answered by its ETag (RFC 9110, section 8.8.3);
* an address without a dot that is no file opens ``index.html``: the page finds its own way.

Left out on purpose: files that change while it runs; whoever has such says so by a route.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from monocoque.contracts.errors import NotFound, PagesMissing, SettingInvalid
from monocoque.contracts.rights import READ_PAGES, Site
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.exchange import exchange_in
from monocoque.plumbing.http.ranges import send_file
from monocoque.plumbing.http.rules import needs

INDEX: Final = "index.html"
ASSETS: Final = "assets/"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class PageFile:
    """One file as it was at start."""

    path: Path
    size_bytes: int
    etag: str
    media_type: str
    cache_control: str
    content: bytes | None
    """None when it is read from the disk."""

    def part(self, start: int, length: int) -> bytes:
        """Bytes of the file."""
        if self.content is not None:
            return self.content[start : start + length]
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(length)


def list_pages(directory: Path, config: HttpConfig) -> dict[Site, dict[str, PageFile]]:
    """Every file of every site, by its path below ``directory/SITE``.

    Raises SettingInvalid when there are more files than ``files_max``.
    """
    memory_left = config.files_memory_bytes_max
    pages: dict[Site, dict[str, PageFile]] = {site: {} for site in Site}
    for site, files in pages.items():
        root = (directory / site.value).resolve()
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if not path.is_file() or not path.resolve().is_relative_to(root):
                continue
            name = path.relative_to(root).as_posix()
            file = _read(path, name, min(config.file_memory_bytes_max, memory_left))
            memory_left -= len(file.content or b"")
            files[name] = file
    if sum(map(len, pages.values())) > config.files_max:
        raise SettingInvalid("The folder of the pages holds more files than the limit.")
    return pages


def _read(path: Path, name: str, memory_bytes_max: int) -> PageFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size_bytes = path.stat().st_size
    suffix = PurePosixPath(name).suffix
    guessed = _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0]
    return PageFile(
        path=path,
        size_bytes=size_bytes,
        etag=f'"{digest[:32]}"',
        media_type=guessed or "application/octet-stream",
        cache_control=IMMUTABLE if name.startswith(ASSETS) else ASK_AGAIN,
        content=path.read_bytes() if size_bytes <= memory_bytes_max else None,
    )


@needs(READ_PAGES)
class Pages:
    """The last route: whatever is not an API."""

    def __init__(self, pages: Mapping[Site, Mapping[str, PageFile]], config: HttpConfig) -> None:
        """Serve these files; see list_pages."""
        self._pages = pages
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file; raises NotFound."""
        place = exchange_in(scope).place
        files = self._pages[place.site] if place else {}
        name = scope["path"].lstrip("/") or INDEX
        if name == "api" or name.startswith("api/"):
            raise NotFound("There is nothing at this address.")
        if INDEX not in files:
            await _missing()(scope, receive, send)
            return
        file = files.get(name)
        if file is None and "." not in name.rpartition("/")[2]:
            file = files[INDEX]
        if file is None:
            raise NotFound("There is no such file.")
        await send_file(file, self._config, scope, receive, send)


def _missing() -> Response:
    error = PagesMissing("The web pages were not built into this installation.")
    text = f"{error.what}\n{error.hint}\n"
    return PlainTextResponse(text, status_code=error.http_status)

"""Fetches files of the image repository, and bears with whatever comes instead.

Rules:

* nothing is read without a bound: of bytes by what was signed, of time by ``bytes_per_s_min``;
* an image is kept as far as it came, synced every ``sync_bytes``, and goes on from there; only what
  is on record as synced is believed to be there;
* the whole image is hashed before it counts; one that is not what was signed is thrown away.

Left out on purpose: what is in a file; the caller verifies metadata.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.service.downloads import Downloads
from monocoque.contracts.errors import (
    UnavailableError,
    UpdateAltered,
    UpdateTooLarge,
    UpdateUnfit,
)
from monocoque.plumbing.disk.port import Disk
from monocoque.trust.updates.reasons import UpdateReason, unfit
from monocoque.trust.updates.verification import Wanted

Progress = Callable[[int], Awaitable[bool]]
"""Told how many bytes of the image are on disk for good; says whether to go on."""


async def fetch_small(
    downloads: Downloads, path: str, bytes_max: int, config: UpdatesConfig
) -> bytes:
    """A whole file; raises UpdateTooLarge, UpdateUnfit, NotFound, CellUnreachable."""
    content, pace = bytearray(), _Pace(config)
    async with downloads.read(path, 0) as chunks:
        while (chunk := await pace.next(chunks)) is not None:
            content += chunk
            if len(content) > bytes_max:
                raise UpdateTooLarge(f"{path} is larger than {bytes_max} bytes.")
    return bytes(content)


async def fetch_image(
    downloads: Downloads,
    store: Disk,
    image: Wanted,
    synced: int,
    progress: Progress,
    config: UpdatesConfig,
) -> None:
    """Bring an image into the store, from where it is, as far as progress lets it.

    synced: how much of it is on disk for good. Raises as ``fetch_small``, UpdateAltered, and what
    the disk raises; what came before a line broke off is on disk then.
    """
    coming = _Coming(store, image, progress, config)
    await coming.begin(synced)
    pace, goes_on = _Pace(config), True
    try:
        async with downloads.read(image.file, coming.offset) as chunks:
            while goes_on and (chunk := await pace.next(chunks)) is not None:
                await coming.take(chunk)
                if coming.unsynced >= config.sync_bytes and coming.offset < image.length:
                    goes_on = await coming.sync()
    except (UnavailableError, UpdateUnfit):
        if not coming.is_whole:
            await coming.sync()
            raise
    if goes_on:
        await coming.end()


class _Coming:
    """An image on its way into the store."""

    def __init__(
        self, store: Disk, image: Wanted, progress: Progress, config: UpdatesConfig
    ) -> None:
        self._store = store
        self._image = image
        self._progress = progress
        self._config = config
        self._name = file_name(image.sha256)
        self._hashed = hashlib.sha256()
        self.offset = 0
        self.unsynced = 0

    @property
    def is_whole(self) -> bool:
        """Whether so much has come as was signed; what it is, only ``end`` says."""
        return self.offset == self._image.length

    async def begin(self, synced: int) -> None:
        """Go on from what is there, or begin."""
        self.offset = min(synced, await self._store.size(self._name) or 0)
        if self.offset == 0:
            await self._store.delete(self._name)
            await self._store.write(self._name, 0, b"")
            await self._store.sync_folder()
        self._hashed = await hash_of(self._store, self._name, self.offset, self._config)

    async def take(self, chunk: bytes) -> None:
        """What came; raises UpdateTooLarge when that is too much."""
        if self.offset + len(chunk) > self._image.length:
            await self._throw_away()
            raise UpdateTooLarge("An image goes on after its signed length.")
        await self._store.write(self._name, self.offset, chunk)
        self._hashed.update(chunk)
        self.offset, self.unsynced = self.offset + len(chunk), self.unsynced + len(chunk)

    async def sync(self) -> bool:
        """What came is on disk for good; whether to go on."""
        if self.unsynced == 0:
            return True
        await self._store.sync(self._name)
        self.unsynced = 0
        return await self._progress(self.offset)

    async def end(self) -> None:
        """Everything came that will; raises UpdateUnfit, UpdateAltered."""
        if self.offset < self._image.length:
            await self.sync()
            raise unfit(UpdateReason.CUT_SHORT, "An image ended before its signed length.")
        if self._hashed.hexdigest() != self._image.sha256:
            await self._throw_away()
            raise UpdateAltered("An image is not the one that was signed.")
        await self._store.sync(self._name)
        await self._progress(self.offset)

    async def _throw_away(self) -> None:
        await self._store.delete(self._name)
        await self._progress(0)


async def hash_of(disk: Disk, name: str, length: int, config: UpdatesConfig) -> "hashlib._Hash":
    """SHA-256 over the beginning of a file, read piece by piece: an image may not fit in memory."""
    hashed = hashlib.sha256()
    for offset in range(0, length, config.copy_bytes):
        count = min(config.copy_bytes, length - offset)
        hashed.update(await disk.read(name, offset, count) or b"")
    return hashed


def file_name(sha256: str) -> str:
    """Its name in the store."""
    return f"{sha256}.img"


class _Pace:
    """Waits for chunks, and never for long without enough of them."""

    def __init__(self, config: UpdatesConfig) -> None:
        self._config = config
        self._enough = round(config.bytes_per_s_min * config.rate_window_s)
        self._began_s = asyncio.get_running_loop().time()
        self._bytes = 0

    async def next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        """The next chunk, or None at the end; raises UpdateUnfit when the line is too slow."""
        loop = asyncio.get_running_loop()
        if self._bytes >= self._enough:
            self._began_s, self._bytes = loop.time(), 0
        try:
            async with asyncio.timeout_at(self._began_s + self._config.rate_window_s):
                chunk = await anext(chunks, None)
        except TimeoutError:
            raise unfit(UpdateReason.SLOW_RETRIEVAL, "The line is too slow.") from None
        self._bytes += len(chunk or b"")
        return chunk

"""A download that goes on: what is there counts, and is read in pieces."""

import contextlib
import hashlib
from collections.abc import AsyncIterator

from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.service.fetching import fetch_image, file_name
from monocoque.plumbing.disk.memory import MemoryDisk
from monocoque.trust.updates.verification import Wanted

CONFIG = UpdatesConfig(copy_bytes=100)
CONTENT = bytes(range(250)) * 4
IMAGE = Wanted("unit", "hardware", "an.img", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


class WatchedDisk(MemoryDisk):
    """Remembers how much was read at once."""

    def __init__(self) -> None:
        super().__init__()
        self.read_bytes: list[int] = []

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """See Disk.read."""
        content = await super().read(name, offset, count)
        self.read_bytes.append(len(content or b""))
        return content


class Rest:
    """Sends a file from where it is asked to."""

    @contextlib.asynccontextmanager
    async def read(self, _path: str, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """See Downloads.read."""

        async def chunks() -> AsyncIterator[bytes]:
            yield CONTENT[offset:]

        yield chunks()


async def test_a_download_that_goes_on_never_reads_more_than_a_piece_of_what_is_there() -> None:
    disk, synced, told = WatchedDisk(), 750, []
    await disk.write(file_name(IMAGE.sha256), 0, CONTENT[:synced] + b"never synced")

    async def progress(offset: int) -> bool:
        told.append(offset)
        return True

    await fetch_image(Rest(), disk, IMAGE, synced, progress, CONFIG)
    assert told == [len(CONTENT)]
    assert disk.read_bytes == [100] * 7 + [50]

"""A disk in a real folder.

Rules: the calls wait in a thread, one after another, so that nobody else's work waits for a disk;
a folder is private, like everything that belongs to one machine.

Left out on purpose: closing. Nothing is held open between two calls, and the thread ends with its
process.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from monocoque.plumbing.disk.port import Disk, checked_name
from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    PRIVATE_FILE_MODE,
    make_directory,
    storage_errors,
    sync_directory,
)

Result = TypeVar("Result")


class FolderDisk:
    """The disk in one folder; see Disk."""

    def __init__(self, path: Path, line: ThreadPoolExecutor | None = None) -> None:
        """path: made when it is missing. line: of the disk that this is a folder of."""
        self._path = path
        self._line = line or ThreadPoolExecutor(1, thread_name_prefix="disk")

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """See Disk.read."""

        def work(path: Path) -> bytes | None:
            try:
                with path.open("rb") as file:
                    file.seek(offset)
                    return file.read(-1 if count is None else count)
            except FileNotFoundError:
                return None

        return await self._do(name, work)

    async def size(self, name: str) -> int | None:
        """See Disk.size."""

        def work(path: Path) -> int | None:
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

        return await self._do(name, work)

    async def write(self, name: str, offset: int, content: bytes) -> None:
        """See Disk.write."""

        def work(path: Path) -> None:
            make_directory(self._path, PRIVATE_DIRECTORY_MODE)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE_MODE)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                file.seek(offset)
                left = memoryview(content)
                while left:
                    left = left[file.write(left) :]

        await self._do(name, work)

    async def sync(self, name: str) -> None:
        """See Disk.sync."""

        def work(path: Path) -> None:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

        await self._do(name, work)

    async def rename(self, name: str, new_name: str) -> None:
        """See Disk.rename."""
        beside = self._path / checked_name(new_name)
        await self._do(name, lambda path: path.replace(beside))

    async def delete(self, name: str) -> None:
        """See Disk.delete."""
        await self._do(name, lambda path: path.unlink(missing_ok=True))

    async def sync_folder(self) -> None:
        """See Disk.sync_folder."""

        def work() -> None:
            make_directory(self._path, PRIVATE_DIRECTORY_MODE)
            sync_directory(self._path)

        await self._in_line(work)

    async def names(self) -> list[str]:
        """See Disk.names."""

        def work() -> list[str]:
            try:
                return sorted(path.name for path in self._path.iterdir() if path.is_file())
            except FileNotFoundError:
                return []

        return await self._in_line(work)

    async def folder(self, name: str) -> Disk:
        """See Disk.folder."""
        path = self._path / checked_name(name)

        def work() -> None:
            if not path.is_dir():
                make_directory(path, PRIVATE_DIRECTORY_MODE)
                sync_directory(self._path)

        await self._in_line(work)
        return FolderDisk(path, self._line)

    async def _do(self, name: str, work: Callable[[Path], Result]) -> Result:
        path = self._path / checked_name(name)
        return await self._in_line(lambda: work(path))

    async def _in_line(self, work: Callable[[], Result]) -> Result:
        def guarded() -> Result:
            with storage_errors(self._path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._line, guarded)

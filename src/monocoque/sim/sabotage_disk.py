"""Disks of cars that are bad on purpose (sabotage.py): they tell their car what it wants to hear.

Left out on purpose: disks that lose power. Those are honest (plumbing/disk/memory.py).
"""

from collections.abc import Mapping
from typing import Final

from monocoque.contracts.updates import HARDWARE
from monocoque.plumbing.disk.port import Disk

SECOND_SLOT: Final = "slot_b.img"
"""What is written to first in an update of a new car."""


class _Passing:
    """Passes everything on; see Disk."""

    def __init__(self, inner: Disk) -> None:
        self._inner = inner

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """See Disk.read."""
        return await self._inner.read(name, offset, count)

    async def size(self, name: str) -> int | None:
        """See Disk.size."""
        return await self._inner.size(name)

    async def write(self, name: str, offset: int, content: bytes) -> None:
        """See Disk.write."""
        await self._inner.write(name, offset, content)

    async def sync(self, name: str) -> None:
        """See Disk.sync."""
        await self._inner.sync(name)

    async def rename(self, name: str, new_name: str) -> None:
        """See Disk.rename."""
        await self._inner.rename(name, new_name)

    async def delete(self, name: str) -> None:
        """See Disk.delete."""
        await self._inner.delete(name)

    async def sync_folder(self) -> None:
        """See Disk.sync_folder."""
        await self._inner.sync_folder()

    async def names(self) -> list[str]:
        """See Disk.names."""
        return await self._inner.names()

    async def folder(self, name: str) -> Disk:
        """See Disk.folder."""
        return await self._inner.folder(name)


class Scribbling(_Passing):
    """Writes other bytes to the second slot of each control unit, and reads back the right ones."""

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """See Disk.read."""
        found = await self._inner.read(name, offset, count)
        return _scribbled(found) if name == SECOND_SLOT and found else found

    async def write(self, name: str, offset: int, content: bytes) -> None:
        """See Disk.write."""
        written = _scribbled(content) if name == SECOND_SLOT else content
        await self._inner.write(name, offset, written)

    async def folder(self, name: str) -> Disk:
        """See Disk.folder."""
        return Scribbling(await self._inner.folder(name))


class Pretending(_Passing):
    """The last control unit keeps what it had, and says that it took what it was given."""

    async def folder(self, name: str) -> Disk:
        """See Disk.folder."""
        inner = await self._inner.folder(name)
        return _Forgetting(inner) if name == list(HARDWARE)[-1] else inner


class _Forgetting(_Passing):
    """A folder in which nothing is kept any more from the first write to the second slot on."""

    def __init__(self, inner: Disk) -> None:
        super().__init__(inner)
        self._pretended: dict[str, bytes] | None = None

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """See Disk.read."""
        if self._pretended is None:
            return await self._inner.read(name, offset, count)
        found = self._pretended.get(name)
        return None if found is None else found[offset:][:count]

    async def size(self, name: str) -> int | None:
        """See Disk.size."""
        found = await self.read(name)
        return None if found is None else len(found)

    async def write(self, name: str, offset: int, content: bytes) -> None:
        """See Disk.write."""
        if name == SECOND_SLOT and self._pretended is None:
            self._pretended = dict(await self._all())
        if self._pretended is None:
            await self._inner.write(name, offset, content)
        else:
            before = self._pretended.get(name, b"")[:offset]
            self._pretended[name] = before.ljust(offset, b"\0") + content

    async def sync(self, name: str) -> None:
        """See Disk.sync."""
        if self._pretended is None:
            await self._inner.sync(name)

    async def rename(self, name: str, new_name: str) -> None:
        """See Disk.rename."""
        if self._pretended is None:
            await self._inner.rename(name, new_name)
        else:
            self._pretended[new_name] = self._pretended.pop(name)

    async def delete(self, name: str) -> None:
        """See Disk.delete."""
        if self._pretended is None:
            await self._inner.delete(name)
        else:
            self._pretended.pop(name, None)

    async def _all(self) -> Mapping[str, bytes]:
        return {name: await self._inner.read(name) or b"" for name in await self._inner.names()}


def _scribbled(content: bytes) -> bytes:
    return bytes(byte ^ 1 for byte in content)

"""A life's way to the disk of its machine, which ends with the life (power.py).

Left out on purpose: what a loss of power leaves on the disk, which the disk itself knows.
"""

from monocoque.plumbing.disk.port import Disk
from monocoque.sim.power import Life


class FencedDisk:
    """See Disk."""

    def __init__(self, inner: Disk, life: Life) -> None:
        self._inner = inner
        self._life = life

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """See Disk.read."""
        self._life.check()
        return await self._inner.read(name, offset, count)

    async def size(self, name: str) -> int | None:
        """See Disk.size."""
        self._life.check()
        return await self._inner.size(name)

    async def write(self, name: str, offset: int, content: bytes) -> None:
        """See Disk.write."""
        self._life.check()
        await self._inner.write(name, offset, content)

    async def sync(self, name: str) -> None:
        """See Disk.sync."""
        self._life.check()
        await self._inner.sync(name)

    async def rename(self, name: str, new_name: str) -> None:
        """See Disk.rename."""
        self._life.check()
        await self._inner.rename(name, new_name)

    async def delete(self, name: str) -> None:
        """See Disk.delete."""
        self._life.check()
        await self._inner.delete(name)

    async def sync_folder(self) -> None:
        """See Disk.sync_folder."""
        self._life.check()
        await self._inner.sync_folder()

    async def names(self) -> list[str]:
        """See Disk.names."""
        self._life.check()
        return await self._inner.names()

    async def folder(self, name: str) -> Disk:
        """See Disk.folder."""
        self._life.check()
        return FencedDisk(await self._inner.folder(name), self._life)

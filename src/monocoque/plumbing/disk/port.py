"""The port of a disk: a folder of files, with the promises of a file system and no others.

Rules, held by tests/conformance/ on both adapters:

* what ``write`` put into a file is there for whoever reads it, and outlives a loss of power only
  once ``sync`` of that file has returned; before that, any part of it may be lost, or torn;
* ``rename`` puts one file in place of another at once: whoever looks sees the old or the new one.
  It, a new file's name and ``delete`` outlive a loss of power once ``sync_folder`` has returned;
* a name is short and plain, so it cannot leave the folder;
* one operation after another: one that was cancelled has happened, or not, before the next begins.

Left out on purpose: locks, links, permissions, and knowing how much room is left.
"""

import re
from typing import Final, Protocol

from monocoque.contracts.errors import SettingInvalid

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}\Z")


class Disk(Protocol):
    """One folder. Each method raises DiskFull, NotWritable and StorageError."""

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """So many bytes from there, fewer at the end; None when there is no such file."""

    async def size(self, name: str) -> int | None:
        """Its length in bytes; None when there is no such file."""

    async def write(self, name: str, offset: int, content: bytes) -> None:
        """Put these bytes there, and make the file when it is missing.

        What lies between its end and the offset becomes zero.
        """

    async def sync(self, name: str) -> None:
        """What was written to this file outlives a loss of power when this returns."""

    async def rename(self, name: str, new_name: str) -> None:
        """Give a file another name; a file that had it is gone."""

    async def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no trouble."""

    async def sync_folder(self) -> None:
        """What was named, renamed and deleted here stays so when this returns."""

    async def names(self) -> list[str]:
        """The files, sorted."""

    async def folder(self, name: str) -> "Disk":
        """A folder in this one; made when it is missing, and then it outlives a loss of power."""


def checked_name(name: str) -> str:
    """The name; raises SettingInvalid when no file can have it."""
    if NAME.match(name) is None:
        raise SettingInvalid("The name of a file is not one.")
    return name


async def write_whole(disk: Disk, name: str, content: bytes) -> None:
    """Put this in place of the whole file; after a loss of power it is the old one or this one."""
    beside = f"{name}.new"
    await disk.delete(beside)
    await disk.write(beside, 0, content)
    await disk.sync(beside)
    await disk.rename(beside, name)
    await disk.sync_folder()

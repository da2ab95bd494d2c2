"""The port of the cell's documents: named files, each wholly old or wholly new.

Rules:

* a name is a path of a few plain words (rules.py); it cannot lead out of the place;
* when ``write`` returns, the file is on disk; whoever is killed in it leaves the old one or none;
* who writes several files that belong together writes the one that names the others last, and holds
  ``alone`` meanwhile, since two processes may want to;
* nothing is renamed or removed: what was read from one file can be found in another afterwards.

Left out on purpose: lists of what is there. A document that names others is such a list, and is
signed.
"""

from contextlib import AbstractContextManager
from typing import Protocol


class Documents(Protocol):
    """Named files. Every name that is none raises SettingInvalid."""

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """The whole file; None when there is none. Raises DocumentTooLarge, StorageError."""

    def size_bytes(self, name: str) -> int | None:
        """How large the file is; None when there is none."""

    def part(self, name: str, start: int, length: int) -> bytes:
        """Bytes of the file, fewer where it ends. Raises NotFound, StorageError."""

    def write(self, name: str, content: bytes) -> None:
        """Put the content in place of the old one. Raises DiskFull, NotWritable."""

    def alone(self) -> AbstractContextManager[None]:
        """A block in which no other process is in such a block; raises DataDirectoryInUse."""

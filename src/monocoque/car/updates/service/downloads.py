"""The port of the downloads: files of the image repository, from a byte on.

Rules: a file that is there is given from the offset to its end; whether that is all of it, the
reader judges, since whoever sends may lie. Who reads closes by leaving the block.

Left out on purpose: names of hosts, and trust in any of them.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Downloads(Protocol):
    """The image repository, as far as a car can reach it."""

    def read(self, path: str, offset: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes of this file from there on.

        path: below the repository, such as ``metadata/timestamp.json``. Raises NotFound, and
        CellUnreachable, then or while it is read.
        """

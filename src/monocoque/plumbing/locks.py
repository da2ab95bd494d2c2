"""One process at a time on a directory.

Rules: the lock is the kernel's (flock(2)) and held by an open descriptor, so it ends with its
process however that ends, kill -9 included; no file is written for it, and programs that the
process starts do not inherit it.

Left out on purpose: waiting for it, and file systems between machines, where flock may mean
nothing; a data directory is one machine's.
"""

import fcntl
import os
from pathlib import Path

from monocoque.contracts.errors import DataDirectoryInUse
from monocoque.plumbing.files import storage_errors


class DirectoryLock:
    """A directory that this process alone works on, until ``release`` or its end."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises DataDirectoryInUse, and what ``storage_errors`` raises."""
        with storage_errors(path):
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise DataDirectoryInUse(f"Another process works on {path}.") from error

    def release(self) -> None:
        """Let others work on it."""
        os.close(self._descriptor)

"""Documents as files in one folder, readable by their owner alone.

Rules: see port.py; a file is written beside its place, synced and renamed (plumbing/files.py).

Left out on purpose: threads. A piece of a file is read inline, as the pages' are.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from monocoque.contracts.errors import DataDirectoryInUse, DocumentTooLarge, NotFound
from monocoque.plumbing.documents.rules import checked_name
from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    make_directory,
    storage_errors,
    sync_directory,
    write_atomically,
)
from monocoque.plumbing.locks import DirectoryLock

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class FileDocuments:
    """The documents in one folder; see Documents."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """See Documents.read."""
        path = self._directory / checked_name(name)
        with storage_errors(path):
            try:
                with path.open("rb") as file:
                    content = file.read(bytes_max + 1)
            except _ABSENT:
                return None
        if len(content) > bytes_max:
            raise DocumentTooLarge(f"The document {name} has more than {bytes_max} bytes.")
        return content

    def size_bytes(self, name: str) -> int | None:
        """See Documents.size_bytes."""
        path = self._directory / checked_name(name)
        with storage_errors(path):
            try:
                return path.stat().st_size if path.is_file() else None
            except _ABSENT:
                return None

    def part(self, name: str, start: int, length: int) -> bytes:
        """See Documents.part."""
        path = self._directory / checked_name(name)
        with storage_errors(path):
            try:
                with path.open("rb") as file:
                    file.seek(start)
                    return file.read(length)
            except _ABSENT:
                raise NotFound("There is no such document.") from None

    def write(self, name: str, content: bytes) -> None:
        """See Documents.write."""
        path = self._directory / checked_name(name)
        new = [folder for folder in path.parents if not folder.exists()]
        make_directory(self._directory, PRIVATE_DIRECTORY_MODE)
        make_directory(path.parent, PRIVATE_DIRECTORY_MODE)
        with storage_errors(path):
            for folder in new:  # or a loss of power could take the folder with the file in it
                sync_directory(folder.parent)
        write_atomically(path, content)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """See Documents.alone."""
        make_directory(self._directory, PRIVATE_DIRECTORY_MODE)
        try:
            lock = DirectoryLock(self._directory)
        except DataDirectoryInUse as error:
            raise DataDirectoryInUse(
                error.what, hint="Try again when it has ended; it needs a moment only."
            ) from error
        try:
            yield
        finally:
            lock.release()

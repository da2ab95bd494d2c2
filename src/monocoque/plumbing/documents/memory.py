"""Documents in memory, for worlds and tests: a disk that outlives its machine's power.

Rules: see port.py; the block ``alone`` has nobody to fear, since a world is one process and nothing
in the block waits.
"""

import contextlib
from collections.abc import Iterator

from monocoque.contracts.errors import DocumentTooLarge, NotFound
from monocoque.plumbing.documents.rules import checked_name


class MemoryDocuments:
    """Documents without a disk; see Documents."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        """What is there, by name."""

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """See Documents.read."""
        content = self.files.get(checked_name(name))
        if content is not None and len(content) > bytes_max:
            raise DocumentTooLarge(f"The document {name} has more than {bytes_max} bytes.")
        return content

    def size_bytes(self, name: str) -> int | None:
        """See Documents.size_bytes."""
        content = self.files.get(checked_name(name))
        return None if content is None else len(content)

    def part(self, name: str, start: int, length: int) -> bytes:
        """See Documents.part."""
        content = self.files.get(checked_name(name))
        if content is None:
            raise NotFound("There is no such document.")
        return content[start : start + length]

    def write(self, name: str, content: bytes) -> None:
        """See Documents.write."""
        self.files[checked_name(name)] = content

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """See Documents.alone."""
        yield

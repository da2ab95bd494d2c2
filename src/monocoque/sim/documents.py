"""A life's way to the documents of its machine, which ends with the life (power.py).

Left out on purpose: a loss of power in the middle of a file. A write is wholly there or not at all,
on files too; what happens between two writes is tried by a test of its own.
"""

from contextlib import AbstractContextManager

from monocoque.plumbing.documents.port import Documents
from monocoque.sim.power import Life


class FencedDocuments:
    """See Documents."""

    def __init__(self, inner: Documents, life: Life) -> None:
        self._inner = inner
        self._life = life

    def read(self, name: str, bytes_max: int) -> bytes | None:
        """See Documents.read."""
        self._life.check()
        return self._inner.read(name, bytes_max)

    def size_bytes(self, name: str) -> int | None:
        """See Documents.size_bytes."""
        self._life.check()
        return self._inner.size_bytes(name)

    def part(self, name: str, start: int, length: int) -> bytes:
        """See Documents.part."""
        self._life.check()
        return self._inner.part(name, start, length)

    def write(self, name: str, content: bytes) -> None:
        """See Documents.write."""
        self._life.check()
        self._inner.write(name, content)

    def alone(self) -> AbstractContextManager[None]:
        """See Documents.alone."""
        self._life.check()
        return self._inner.alone()

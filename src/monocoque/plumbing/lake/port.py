"""The port of the lake: tables that only grow, written batch by batch.

Rules, held by tests/conformance/test_lake.py on every adapter:

* a batch is wholly there or wholly not; when ``append`` returns, it is on disk;
* a writer numbers its batches, each higher than the one before. A batch whose number is not higher
  than the table's last of this writer is there already, and appending it changes nothing;
* who was killed during ``append``, or was told an error, asks ``last_batch`` whether it is there;
* rows stay in the order in which they were given, within each part of the table;
* one process appends to a table under one writer's name at a time.

Left out on purpose: reading. Whoever analyses opens the tables with an engine of its own.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:  # a process that only hands a lake on loads nothing of numpy
    import numpy as np
    from numpy.typing import NDArray


class Kind(enum.Enum):
    """What a column holds."""

    WHOLE = "whole"
    """Whole numbers of 64 bits."""
    FRACTION = "fraction"
    """Floating point of 64 bits."""
    TIME = "time"
    """Microseconds since 1970-01-01 UTC."""
    TEXT = "text"


@dataclass(frozen=True)
class LakeTable:
    """One table: its name, its columns in order, and by which of them its files are divided."""

    name: str
    columns: Mapping[str, Kind]
    divided_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Texts:
    """A column of text: places in a short list, so that no row is touched one by one."""

    words: tuple[str | None, ...]
    places: "NDArray[np.int64]"


Column: TypeAlias = "NDArray[Any] | Texts"


@dataclass(frozen=True)
class Batch:
    """Rows that are written together: one column for each of the table's, all of one length."""

    number: int
    columns: Mapping[str, Column]


class Lake(Protocol):
    """One place with tables."""

    async def last_batch(self, table: LakeTable, writer: str) -> int:
        """The number of this writer's last batch in the table; 0 before its first.

        Raises what ``append`` raises.
        """

    async def append(self, table: LakeTable, writer: str, batch: Batch) -> None:
        """Write the batch, unless it is there.

        Raises DiskFull, NotWritable, StorageError, LakeUnavailable; whether the batch is there,
        ``last_batch`` knows then.
        """

    async def close(self) -> None:
        """Leave; what was written stays."""

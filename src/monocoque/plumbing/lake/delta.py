"""The lake as Delta tables, one folder each: what Spark, Trino, DuckDB and others read in place.

Rules:

* a batch is one commit, with the writer and the batch's number in it as Delta's own application
  transaction, so that the table itself knows what is in it;
* Delta does not sync its files: after each commit, its data files, its line of the log and their
  folders are synced before ``append`` returns, and so is the newest commit when a table is opened;
* calls that block run on one thread of their own, one after the other;
* the library is loaded with the first batch, so that a cell without frames does not pay for it.

Left out on purpose: compacting, vacuum and reading; and ``z_order``, which costs more than it gives
(sorting before the append does the same for nothing).
"""

import asyncio
import functools
import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote

from monocoque.contracts.errors import DatabaseCorrupted, DiskFull, LakeUnavailable
from monocoque.plumbing.files import PRIVATE_DIRECTORY_MODE, make_directory, storage_errors
from monocoque.plumbing.files import sync_directory as sync
from monocoque.plumbing.lake.port import Batch, Column, Kind, LakeTable, Texts

if TYPE_CHECKING:
    from deltalake import DeltaTable

Result = TypeVar("Result")
ROOM_BYTES_MIN: Final = 8 * 1024**2
"""With less free room than this nothing is begun: Delta does not say why a write failed."""


class DeltaLake:
    """Delta tables in one folder; implements ``Lake``."""

    def __init__(self, path: Path) -> None:
        """path: the folder, made when it is needed."""
        self._path = path
        self._tables: dict[str, DeltaTable] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lake")

    async def last_batch(self, table: LakeTable, writer: str) -> int:
        """See Lake."""
        return await self._blocking(functools.partial(self._last_batch, table, writer))

    async def append(self, table: LakeTable, writer: str, batch: Batch) -> None:
        """See Lake."""
        await self._blocking(functools.partial(self._append, table, writer, batch))

    async def close(self) -> None:
        """See Lake."""
        self._thread.shutdown(wait=False)

    async def _blocking(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _last_batch(self, table: LakeTable, writer: str) -> int:
        opened = self._opened(table)
        return 0 if opened is None else opened.transaction_version(writer) or 0

    def _append(self, table: LakeTable, writer: str, batch: Batch) -> None:
        from deltalake import CommitProperties, Transaction, WriterProperties, write_deltalake
        from deltalake.exceptions import DeltaError

        folder = self._path / table.name
        make_directory(folder, PRIVATE_DIRECTORY_MODE)
        with storage_errors(folder):
            if shutil.disk_usage(folder).free < ROOM_BYTES_MIN:
                raise DiskFull(f"{folder}: there is too little room.")
        try:
            if batch.number <= self._last_batch(table, writer):
                return
            write_deltalake(
                self._tables.get(table.name, folder),
                _arrow(table, batch.columns),
                mode="append",
                partition_by=list(table.divided_by) or None,
                writer_properties=WriterProperties(compression="ZSTD"),
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(writer, batch.number)]
                ),
            )
            opened = self._opened(table)
            assert opened is not None
            opened.update_incremental()
            self._sync(folder, opened.version())
        except (DeltaError, OSError) as error:
            self._tables.pop(table.name, None)  # opened anew, it says what became of it
            with storage_errors(folder):
                if isinstance(error, OSError):
                    raise
            raise LakeUnavailable(f"{folder}: {type(error).__name__}.") from error

    def _opened(self, table: LakeTable) -> "DeltaTable | None":
        """The table, or None before its first batch."""
        folder = self._path / table.name
        if table.name in self._tables or not (folder / "_delta_log").exists():
            return self._tables.get(table.name)
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        try:
            opened = DeltaTable(folder)
        except TableNotFoundError:
            return None  # killed between the folder and the first commit
        except DeltaError as error:
            raise DatabaseCorrupted(
                f"{folder} is no table that can be read.",
                hint="Put the folder back from a copy, or move it away; the cell begins a new one.",
            ) from error
        self._sync(folder, opened.version())
        self._tables[table.name] = opened
        return opened

    @staticmethod
    def _sync(folder: Path, version: int) -> None:
        """Make the commit durable: its data first, then its line of the log."""
        log = folder / "_delta_log" / f"{version:020}.json"
        with storage_errors(log):
            if not log.exists():
                return  # a checkpoint took its place long ago
            lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            files = [folder / unquote(line["add"]["path"]) for line in lines if "add" in line]
            for file in [*files, log]:
                descriptor = os.open(file, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            above = {parent for file in files for parent in file.relative_to(folder).parents}
            for parent in sorted({folder / name for name in above} | {folder, log.parent}):
                sync(parent)
            sync(folder.parent)


def _arrow(table: LakeTable, columns: Mapping[str, Column]) -> Any:
    """The columns as an Arrow table."""
    from arro3.core import Table

    arrays = [_array(columns[name], kind) for name, kind in table.columns.items()]
    return Table.from_arrays(arrays, names=list(table.columns))


def _array(column: Column, kind: Kind) -> Any:
    import numpy as np
    from arro3.core import Array, DataType

    if isinstance(column, Texts):
        words = Array(list(column.words), DataType.string())
        return words.take(Array.from_numpy(np.ascontiguousarray(column.places, np.int64)))
    dtype = np.float64 if kind is Kind.FRACTION else np.int64
    array = Array.from_numpy(np.ascontiguousarray(column, dtype))
    return array.cast(DataType.timestamp("us", tz="UTC")) if kind is Kind.TIME else array

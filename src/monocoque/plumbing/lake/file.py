"""The lake in one file per table, or in memory: for worlds, where neither threads nor Delta can be.

Rules:

* a batch is one record, appended and synced before ``append`` returns: length, check sum, a line of
  JSON, then the columns as plain bytes. A record that was cut off by a kill is not there, and the
  next append takes its place;
* everything runs inline, on the event loop's own thread, and takes no virtual time;
* equal batches in equal order make equal bytes.

Left out on purpose: dividing by columns, since nothing reads a part of such a table.
"""

import json
import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from monocoque.contracts.errors import DatabaseCorrupted, SettingInvalid
from monocoque.plumbing.files import make_directory, storage_errors, sync_directory
from monocoque.plumbing.lake.port import Batch, Column, Kind, LakeTable, Texts

_HEAD: Final = struct.Struct("<QI")
"""Length of the record behind it, and its check sum."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


class FileLake:
    """Tables as files in a folder, or in memory; implements ``Lake``."""

    def __init__(self, path: Path | None) -> None:
        """path: the folder, made when it is needed, or None for memory."""
        self._path = path
        self._whole: dict[str, bytearray] = {}
        """The records of each table that was looked at, as they are on disk."""
        self._last: dict[tuple[str, str], int] = {}

    async def last_batch(self, table: LakeTable, writer: str) -> int:
        """See Lake."""
        self._open(table)
        return self._last.get((table.name, writer), 0)

    async def append(self, table: LakeTable, writer: str, batch: Batch) -> None:
        """See Lake."""
        if batch.number <= await self.last_batch(table, writer):
            return
        record = _record(table, writer, batch)
        whole = self._whole[table.name]
        if self._path is not None:
            self._write(table, record, len(whole))
        whole += record
        self._last[table.name, writer] = batch.number

    async def close(self) -> None:
        """See Lake."""

    def batches(self, table: LakeTable) -> list[tuple[str, Batch]]:
        """Every batch in order, with its writer; beside the port, for who checks a world."""
        return [read for read, _ in _records(bytes(self._open(table)))]

    def _open(self, table: LakeTable) -> bytearray:
        if table.name not in self._whole:
            data = self._read(table)
            whole = 0
            for (writer, batch), end in _records(data):
                key = (table.name, writer)
                self._last[key] = max(batch.number, self._last.get(key, 0))
                whole = end
            self._whole[table.name] = bytearray(data[:whole])
        return self._whole[table.name]

    def _read(self, table: LakeTable) -> bytes:
        file = self._file(table)
        if file is None:
            return b""
        with storage_errors(file):
            try:
                return file.read_bytes()
            except FileNotFoundError:
                return b""

    def _write(self, table: LakeTable, record: bytes, at: int) -> None:
        file = self._file(table)
        assert file is not None
        make_directory(file.parent, 0o700)
        with storage_errors(file):
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+b") as opened:
                opened.truncate(at)  # what a kill left half
                opened.seek(at)
                opened.write(record)
                opened.flush()
                os.fsync(descriptor)
            sync_directory(file.parent)

    def _file(self, table: LakeTable) -> Path | None:
        if not _NAME.match(table.name):
            raise SettingInvalid("A table's name is lowercase letters, digits and underscores.")
        return None if self._path is None else self._path / f"{table.name}.batches"


def _record(table: LakeTable, writer: str, batch: Batch) -> bytes:
    parts: list[bytes] = []
    columns: list[list[object]] = []
    for name in table.columns:
        column = batch.columns[name]
        words = list(column.words) if isinstance(column, Texts) else None
        parts.append(_plain(column, table.columns[name]))
        columns.append([name, table.columns[name].value, words, len(parts[-1])])
    said = {"columns": columns, "number": batch.number, "writer": writer}
    line = json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    body = line + b"".join(parts)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _plain(column: Column, kind: Kind) -> bytes:
    if isinstance(column, Texts):
        return column.places.astype("<i8").tobytes()
    return column.astype("<f8" if kind is Kind.FRACTION else "<i8").tobytes()


def _records(data: bytes) -> Iterator[tuple[tuple[str, Batch], int]]:
    """Every whole record, and where it ends."""
    at = 0
    while len(data) - at >= _HEAD.size:
        length, check_sum = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + length
        body = data[at + _HEAD.size : end]
        if len(body) < length:
            return
        if zlib.crc32(body) != check_sum:
            if end == len(data):
                return  # the last one, cut off by a loss of power
            raise DatabaseCorrupted("A record in the middle of a file of the lake is damaged.")
        yield _batch(body), end
        at = end


def _batch(body: bytes) -> tuple[str, Batch]:
    line, _, rest = body.partition(b"\n")
    said = json.loads(line)
    columns: dict[str, Column] = {}
    at = 0
    for name, kind, words, size_bytes in said["columns"]:
        part = rest[at : at + size_bytes]
        at += size_bytes
        if words is None:
            columns[name] = np.frombuffer(part, "<f8" if kind == Kind.FRACTION.value else "<i8")
        else:
            columns[name] = Texts(tuple(words), np.frombuffer(part, "<i8"))
    return str(said["writer"]), Batch(int(said["number"]), columns)

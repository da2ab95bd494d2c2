"""The digest of a world: everything that was said, and what is on record at the end.

Rules:

* SHA-256 over every message that a bus accepted (machine, subject, bytes, in order) and then over
  the rows of every database (by machine, table and primary key, as canonical JSON), so equal
  digests mean equal worlds, whatever store kept the records;
* a primary key that the store itself counts is taken by its order alone: after a rollback SQLite
  and PostgreSQL go on counting differently.

Left out on purpose: logs, metrics and wall time.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, Integer, Table

from monocoque.sim.tables import all_rows, tables_of

_HISTORY_TABLE: Final = "alembic_version"
_LENGTH_BYTES: Final = 8


class Digest:
    """A running digest."""

    def __init__(self) -> None:
        self.messages = 0
        self._hash = hashlib.sha256()

    def observer(self, machine_id: str) -> Callable[[str, bytes], None]:
        """What that machine's bus calls for every message that it accepts."""

        def observe(subject: str, data: bytes) -> None:
            self.messages += 1
            self.add(machine_id.encode(), subject.encode(), data)

        return observe

    def add(self, *parts: bytes) -> None:
        """Add one entry; lengths keep its parts apart."""
        for part in parts:
            self._hash.update(len(part).to_bytes(_LENGTH_BYTES) + part)

    def hexadecimal(self) -> str:
        """The digest of all that was added so far."""
        return self._hash.hexdigest()


def rows_of(connection: Connection) -> list[str]:
    """Every row of the database as canonical JSON, by table and primary key."""
    metadata = tables_of(connection)
    lines: list[str] = []
    for name in sorted(metadata.tables):
        if name != _HISTORY_TABLE:
            lines.extend(_rows_of_table(connection, metadata.tables[name]))
    return lines


def _rows_of_table(connection: Connection, table: Table) -> list[str]:
    keys = [column.name for column in table.primary_key.columns]
    rows = [dict(row._mapping) for row in connection.execute(all_rows(table))]
    if len(keys) == 1 and _is_numbered_by_the_store(table.c[keys[0]]):
        rows.sort(key=lambda row: row[keys[0]])
        for number, row in enumerate(rows):
            row[keys[0]] = number
    else:
        rows.sort(key=lambda row: canonical_json([row[key] for key in keys]))
    return [canonical_json([table.name, row]) for row in rows]


def _is_numbered_by_the_store(column: Column[Any]) -> bool:
    """Whether the store gives out these numbers; after a rollback PostgreSQL leaves gaps.

    Numbers of ours are wide integers in every table.
    """
    return isinstance(column.type, Integer) and not isinstance(column.type, BigInteger)


def canonical_json(value: Any) -> str:
    """JSON with sorted names, without spaces; bytes in hexadecimal."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_bytes_as_text
    )


def _bytes_as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    raise TypeError(f"A record holds a {type(value).__name__}, which has no canonical form.")

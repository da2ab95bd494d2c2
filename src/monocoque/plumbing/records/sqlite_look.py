"""Looks at an SQLite file without changing anything, not even beside it.

Rules: the file is read as if nobody could write it, so nobody may; what still lies in its log
(``-wal``, after a kill) counts, and is looked at in a copy.

Left out on purpose: opening it for work; that is sqlite.py.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path
from urllib.parse import quote

from monocoque.contracts.errors import DatabaseCorrupted
from monocoque.plumbing.files import storage_errors


def refuse_damaged(path: Path) -> None:
    """Read it through; raises DatabaseCorrupted, and what ``storage_errors`` raises.

    Nobody may work on the database meanwhile.
    """
    log = path.with_name(f"{path.name}-wal")
    with storage_errors(path):
        if not log.exists() or log.stat().st_size == 0:
            _read_through(path, path)
            return
        with tempfile.TemporaryDirectory(prefix="monocoque-") as folder:
            for each in (path, log):
                shutil.copyfile(each, Path(folder) / each.name)
            with contextlib.closing(sqlite3.connect(Path(folder) / path.name)) as copy:
                _execute(copy, path, "PRAGMA wal_checkpoint(TRUNCATE)")
            _read_through(Path(folder) / path.name, path)


def _read_through(file: Path, path: Path) -> None:
    with file.open("rb"):  # what may not be read is a trouble of the disk, not of the database
        pass
    address = f"file:{quote(str(file))}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        found = _execute(connection, path, "PRAGMA quick_check(1)")
    if found != "ok":
        raise DatabaseCorrupted(f"{path}: {found}.")


def _execute(connection: sqlite3.Connection, path: Path, statement: str) -> object:
    try:
        return connection.execute(statement).fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise DatabaseCorrupted(f"{path}: {error}.") from error

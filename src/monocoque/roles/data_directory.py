"""The data directory of one installation: opened by one process, checked, and carried forward.

Rules:

* opening takes the directory's lock; a second process gets DataDirectoryInUse;
* what must be refused (a newer or too old version, somebody else's folder, a clock that went back,
  a damaged database of the cell or the factory) is refused before anything is changed;
* a car whose database is damaged or cannot be written is named and left as it is; it waits by
  itself (cars.py), and neither the cell nor another car does. Only an upgrade is refused then;
* an upgrade is: snapshot, note it in VERSION, migrate every database, write VERSION. Each step may
  be cut off by a loss of power, and the next start goes on from there;
* ``last_time`` is the latest time that is known to be on record. A clock that is earlier by more
  than ``CLOCK_DIFFERENCE_S_MAX`` would put new rows before old ones, and is refused at the start.

Left out on purpose: databases on a server; ``migrate`` carries those forward when they are opened,
and their operator keeps the backups.
"""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeVar

from sqlalchemy import Connection

from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import ClockWentBack, DatabaseCorrupted, NotWritable
from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    make_directory,
    write_atomically,
)
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles import snapshots, stamp
from monocoque.roles.clock import read_last_time
from monocoque.roles.layout import Layout
from monocoque.roles.locks import DirectoryLock
from monocoque.roles.migrations import is_current, migrate_connection
from monocoque.roles.stamp import FORMAT, Stamp

NOTE_TIME_PACE_S = 60
"""How often ``last_time`` is written at most."""
QUICK_CHECK_BYTES_MAX = 256 * 1024 * 1024
"""A larger database is not read through at every start; docs/decisions/0022 gives the cost."""
OPENING_WAIT = RecordsConfig(lock_wait_ms_max=2_000)
"""A part of the cell or a car in another process may be at work while this one starts."""

_US_PER_S = 1_000_000

Result = TypeVar("Result")
Progress = Callable[[str], None]
"""Is told each step of an opening before it begins, in a few words for a person."""


class DataDirectory:
    """An open data directory; ``open_data_directory`` makes one."""

    def __init__(self, layout: Layout, lock: DirectoryLock, product: str) -> None:
        self.layout = layout
        """Where everything lies."""
        self._lock = lock
        self._product = product
        self._noted_us = 0

    def note_time(self, now_us: int) -> None:
        """Remember that times up to now are on record; call it as often as you like.

        now_us: UTC, microseconds. Written at most every ``NOTE_TIME_PACE_S``. Raises DiskFull,
        NotWritable.
        """
        if now_us - self._noted_us >= NOTE_TIME_PACE_S * _US_PER_S:
            self.note_time_now(now_us)

    def note_time_now(self, now_us: int) -> None:
        """Remember it at once, since the clock of a process that starts next may be behind it.

        now_us: UTC, microseconds. Raises DiskFull, NotWritable.
        """
        write_atomically(self.layout.last_time, f"{now_us}\n".encode())
        self._noted_us = now_us

    def snapshot(self, now_us: int) -> Path:
        """Copy everything that going back would need, while others go on writing.

        now_us: UTC, microseconds. Raises DiskFull, NotWritable, DatabaseCorrupted.
        """
        name = snapshots.take_snapshot(self.layout, self._product, now_us)
        return self.layout.snapshots / name

    def close(self) -> None:
        """Let another process work on it."""
        self._lock.release()


def _tell_nobody(step: str) -> None:
    """The progress of an opening that nobody watches."""


def open_data_directory(
    path: Path, product: str, now_us: int, progress: Progress = _tell_nobody
) -> DataDirectory:
    """Open the directory, make it when it is not there, and carry it forward when it is older.

    product: the version of Monocoque that runs, such as 0.1.0. now_us: UTC, microseconds.
    progress: is told each step before it begins.

    Raises DataDirectoryInUse, DataDirectoryNewer, DataDirectoryOlder, SettingInvalid (not a
    folder, or somebody else's), NotWritable, DiskFull, DatabaseCorrupted, ClockWentBack, and
    RecordsContended when another process holds one of its databases for longer.
    """
    layout = Layout(path)
    if not path.exists():
        make_directory(path, PRIVATE_DIRECTORY_MODE)
    lock = DirectoryLock(path)
    try:
        last_us = _prepare(layout, product, now_us, progress)
        directory = DataDirectory(layout, lock, product)
        directory.note_time(max(now_us, last_us))
    except BaseException:
        lock.release()
        raise
    return directory


def _prepare(layout: Layout, product: str, now_us: int, progress: Progress) -> int:
    """Refuse or make ready; returns the latest time on record."""
    found = stamp.read_stamp(layout)
    if found is None:
        stamp.refuse_foreign(layout)
    else:
        stamp.refuse(layout, found, product)
    last_us = refuse_earlier_clock(layout, now_us)
    progress("check the databases")
    behind = [database for database in layout.databases() if _is_behind(layout, database, progress)]
    layout.make()
    if found is None:
        stamp.write_stamp(layout, Stamp(FORMAT, product))
    elif behind or found.snapshot or stamp.is_older(found, product):
        _carry_forward(layout, found, product, now_us, behind, progress)
    return last_us


def _carry_forward(
    layout: Layout,
    found: Stamp,
    product: str,
    now_us: int,
    behind: list[Path],
    progress: Progress,
) -> None:
    """Each step may be cut off; the next opening finds what is left to do and does it."""
    if found.snapshot is None or not (layout.snapshots / found.snapshot).is_dir():
        progress("take a snapshot")
        name = snapshots.take_snapshot(layout, found.product, now_us)
        progress("note the snapshot")
        stamp.write_stamp(layout, Stamp(found.format, found.product, name))
    for database in behind:
        progress(f"migrate {database.relative_to(layout.path)}")
        _with_database(layout, database, migrate_connection)
    progress("write VERSION")
    stamp.write_stamp(layout, Stamp(FORMAT, product))


def check_database(layout: Layout, database: Path) -> None:
    """Raise DatabaseCorrupted when it is damaged, NotWritable when it may not be written."""
    # SQLite would open it for reading alone, and each write would fail later.
    if not os.access(database, os.W_OK):
        raise NotWritable(f"{database}: it may not be written.")
    if database.stat().st_size <= QUICK_CHECK_BYTES_MAX:
        _with_database(layout, database, _refuse_damage)


def _is_behind(layout: Layout, database: Path, progress: Progress) -> bool:
    """Whether it is to be migrated. Raises DataDirectoryNewer, and what check_database raises."""
    try:
        check_database(layout, database)
        return not _with_database(layout, database, is_current)
    except (DatabaseCorrupted, NotWritable) as error:
        if database in (layout.cell.records, layout.factory.records):
            raise
        progress(f"leave out a car or home: {error.what}")
        return False


def _refuse_damage(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise DatabaseCorrupted(f"The database is damaged: {found}.")


def _with_database(layout: Layout, database: Path, work: Callable[[Connection], Result]) -> Result:
    """Run one work on a database; a transaction of another process is waited for."""
    records = SqliteRecords(database, Random(0), OPENING_WAIT)  # noqa: S311 - waits inside SQLite
    try:
        with snapshots.pointing_to_newest(layout, database):
            return records.transact_once(work)
    finally:
        records.close_now()


def refuse_earlier_clock(layout: Layout, now_us: int) -> int:
    """Return the latest time on record; raises ClockWentBack when the clock is well before it."""
    last_us = read_last_time(layout)
    behind_s = (last_us - now_us) // _US_PER_S
    if behind_s > CLOCK_DIFFERENCE_S_MAX:
        raise ClockWentBack(
            f"The clock is {behind_s} s before times that are on record.",
            hint="Set the clock by a time source. Should the clock be right and have been wrong "
            f"before, remove {layout.last_time}; what was recorded then keeps its later time.",
        )
    return last_us

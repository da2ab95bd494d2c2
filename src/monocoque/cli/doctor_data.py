"""What the doctor looks at inside a data directory: databases, the clock, and secrets.

Rules: looks only, and changes nothing; a machine that is at work is left alone.
"""

import os
from pathlib import Path

from monocoque.contracts.errors import DataDirectoryInUse, NotWritable, SetupError
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.locks import DirectoryLock
from monocoque.plumbing.records.sqlite_look import refuse_damaged
from monocoque.roles.data_directory import refuse_earlier_clock
from monocoque.roles.factory import FACTORY
from monocoque.roles.layout import Layout
from monocoque.roles.snapshots import pointing_to_newest

OPEN_TO_OTHERS = 0o077


def look_at_databases(layout: Layout) -> str:
    """Read every database through that nobody works on; raises DatabaseCorrupted and its like."""
    looked_at = at_work = 0
    for database in layout.databases():
        try:
            lock = DirectoryLock(_locked_by_its_owner(layout, database))
        except DataDirectoryInUse:
            at_work += 1
            continue
        try:
            with pointing_to_newest(layout, database):
                refuse_damaged(database)
        finally:
            lock.release()
        looked_at += 1
    return f"{looked_at} are whole, {at_work} are at work and were left alone"


def _locked_by_its_owner(layout: Layout, database: Path) -> Path:
    if database.is_relative_to(layout.cars):
        return database.parent.parent
    factory = layout.part(FACTORY)
    return factory if database == layout.factory.records and factory.exists() else layout.path


def look_at_clock(layout: Layout, now_us: int) -> str:
    """Compare with the latest time on record; raises ClockWentBack."""
    return "not before what is on record" if refuse_earlier_clock(layout, now_us) else "no record"


def look_at_secrets(layout: Layout) -> str:
    """Whether each secret can be read by us and by nobody else; raises SetupError, NotWritable."""
    count = 0
    for folder in layout.secret_folders():
        with storage_errors(folder):
            if folder.exists():
                files = sorted(path for path in folder.iterdir() if path.is_file())
                for path in (folder, *files):
                    _refuse_open(path)
                count += len(files)
    return f"{count}, open to their owner alone"


def _refuse_open(path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise NotWritable(
            f"{path} cannot be read.", hint=f"Give it to the user who runs this: chown USER {path}"
        )
    if path.stat().st_mode & OPEN_TO_OTHERS:
        raise SetupError(
            f"{path} is a secret and is open to others.", hint=f"Run: chmod go-rwx {path}"
        )

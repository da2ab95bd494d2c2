"""Snapshots: what an installation would need to go back, copied before an upgrade.

A snapshot holds VERSION, the settings, every secret, and every database as of one commit each. It
is a folder in snapshots/ with the same paths inside; going back is copying them over the data
directory of the stopped installation (docs/decisions/0022).

Rules: a snapshot has its name only when it is complete and on disk; one that was cut off is
removed by the next; nothing but that is ever removed here, since only its owner knows when a
copy has become worthless.

Left out on purpose: documents, which never change; the lake; and the bus's files, which an
upgrade of ours does not touch.
"""

import contextlib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from monocoque.contracts.errors import DatabaseCorrupted
from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    make_directory,
    storage_errors,
    sync_directory,
    write_atomically,
)
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.layout import Layout

_PART = ".part-"


def take_snapshot(layout: Layout, product: str, now_us: int) -> str:
    """Copy everything and return the name of the new folder.

    product: the version that wrote what is copied. now_us: UTC, microseconds; the name holds it to
    the second. Raises DiskFull, NotWritable, DatabaseCorrupted; nothing is left behind then.
    """
    moment = datetime.fromtimestamp(now_us / 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = _free_name(layout, f"{product}-{moment}")
    part = layout.snapshots / f"{_PART}{name}"
    with storage_errors(layout.snapshots):
        for left in layout.snapshots.glob(f"{_PART}*"):
            shutil.rmtree(left)
        make_directory(part, PRIVATE_DIRECTORY_MODE)
        try:
            _copy_everything(layout, part)
            for folder in [part, *part.rglob("*/")]:
                sync_directory(folder)
            part.replace(layout.snapshots / name)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_directory(layout.snapshots)
    return name


def newest_snapshot(layout: Layout) -> Path | None:
    """The folder that was made last; None when there is none."""
    with storage_errors(layout.snapshots):
        folders = [path for path in layout.snapshots.glob("[!.]*") if path.is_dir()]
        return max(folders, key=lambda path: path.stat().st_mtime_ns, default=None)


@contextlib.contextmanager
def pointing_to_newest(layout: Layout, database: Path) -> Iterator[None]:
    """Let a DatabaseCorrupted of the block say which snapshot to put back."""
    try:
        yield
    except DatabaseCorrupted as error:
        snapshot = newest_snapshot(layout)
        place = database.relative_to(layout.path)
        if snapshot is None or not (snapshot / place).exists():
            hint = f"There is no snapshot of it; move {place} away to begin with an empty one."
        else:
            hint = (
                f"Stop everything, copy {snapshot / place} to {database}, and remove the files "
                f"beside it that end in -wal and -shm."
            )
        raise DatabaseCorrupted(error.what, hint=hint) from error


def _copy_everything(layout: Layout, target: Path) -> None:
    for database in layout.databases():
        copy = _place(layout, database, target)
        records = SqliteRecords(database, Random(0))  # noqa: S311 - a copy waits for nobody
        try:
            with pointing_to_newest(layout, database):
                records.copy_to(copy)
        finally:
            records.close_now()
        copy.chmod(0o600)
    files = [
        path
        for folder in layout.secret_folders()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    for file in [layout.version, layout.settings, *files]:
        if file.exists():
            write_atomically(_place(layout, file, target), file.read_bytes())


def _place(layout: Layout, path: Path, target: Path) -> Path:
    """Where a file lies inside the snapshot; its folder is made."""
    place = target / path.relative_to(layout.path)
    make_directory(place.parent, PRIVATE_DIRECTORY_MODE)
    return place


def _free_name(layout: Layout, name: str) -> str:
    """The name, with a number when two snapshots fall into one second."""
    taken = {path.name for path in layout.snapshots.glob("*")}
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free

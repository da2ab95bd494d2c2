"""Files that are wholly old or wholly new, and disk troubles in the words of the error tree.

Rules:

* ``write_atomically`` writes beside the file, syncs, renames and syncs the folder; so after a loss
  of power the file has its old bytes or its new ones, never a part, and when it returned, the new;
* every OSError that a full, read-only or misused disk gives leaves as DiskFull, NotWritable or
  SettingInvalid.

Left out on purpose: large files and appending; records, lake and documents are for those.
"""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from monocoque.contracts.errors import DiskFull, NotWritable, SettingInvalid, StorageError

PRIVATE_FILE_MODE = 0o600
"""Readable and writable by its owner alone."""
PRIVATE_DIRECTORY_MODE = 0o700
"""Open to its owner alone."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_MISPLACED = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG})


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the OSErrors of a block that works on ``path`` into the error tree.

    Raises DiskFull, NotWritable, SettingInvalid (a file where a directory should be, or the other
    way round), and StorageError for what the disk alone knows, such as an input/output error.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        what = f"{path}: {reason}."
        if error.errno in _FULL:
            raise DiskFull(what) from error
        if error.errno in _FORBIDDEN:
            raise NotWritable(what) from error
        if error.errno in _MISPLACED:
            raise SettingInvalid(
                what, hint="Move away what stands in the way, or choose another path."
            ) from error
        raise StorageError(what) from error


def make_directory(path: Path, mode: int = 0o755) -> None:
    """Make the directory and its missing parents with this mode; one that exists gets the mode.

    Raises what ``storage_errors`` raises.
    """
    with storage_errors(path):
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(path))


def write_atomically(path: Path, content: bytes, mode: int = PRIVATE_FILE_MODE) -> None:
    """Put the content in place of the file's old one; it is on disk when this returns.

    mode: permission bits of the new file. One writer at a time per path; two leave one of both,
    whole. Raises what ``storage_errors`` raises; the old file is then still there.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    with storage_errors(path):
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in this directory durable; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

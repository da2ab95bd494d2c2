"""The disk, or the data on it, is at fault.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: a database that does not answer, which is unavailable.
"""

from monocoque.contracts.errors.tree import MonocoqueError


class StorageError(MonocoqueError):
    """The disk, or the data on it, is at fault."""

    code = "storage_error"


class DiskFull(StorageError):
    """There is no room to write; nothing was acknowledged."""

    code = "disk_full"
    http_status = 507
    temporary = True
    default_hint = "Free space on the disk that holds the data directory."


class NotWritable(StorageError):
    """The data directory, or a file in it, cannot be written."""

    code = "not_writable"
    default_hint = "Give this user the right to write there, or choose another --data."


class DatabaseCorrupted(StorageError):
    """The database file is damaged; it is left as it is."""

    code = "database_corrupted"
    default_hint = "Put back the newest snapshot from the data directory's snapshots folder."


class DataDirectoryNewer(StorageError):
    """The data directory was written by a newer version."""

    code = "data_directory_newer"
    default_hint = "Install that version, or choose another --data; nothing was changed."


class DataDirectoryOlder(StorageError):
    """The data directory is too old to be carried forward by this version."""

    code = "data_directory_older"
    default_hint = "Start it once with a version between, then with this one."


class DataDirectoryInUse(StorageError):
    """Another process works on this data directory."""

    code = "data_directory_in_use"
    default_hint = "Stop the other process, or choose another --data."

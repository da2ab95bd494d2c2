"""A keystore of files: one private file per secret, in a private folder.

Rules: a name is lowercase letters, digits, hyphens and underscores, so it cannot leave the folder;
a secret is wholly old or wholly new after a loss of power (plumbing/files.py writes it so).

Left out on purpose: encryption at rest. Whoever can read the files of this user can read its
memory; an HSM is another adapter.
"""

from pathlib import Path

from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    make_directory,
    storage_errors,
    write_atomically,
)
from monocoque.plumbing.keystore.rules import (
    SECRET_BYTES_MAX,
    checked_name,
    checked_secret,
    is_name,
)


class FileKeyStore:
    """The keystore in one folder; see KeyStore."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, name: str) -> bytes | None:
        """See KeyStore.read."""
        path = self._directory / checked_name(name)
        with storage_errors(path):
            try:
                with path.open("rb") as file:
                    secret = file.read(SECRET_BYTES_MAX + 1)
            except FileNotFoundError:
                return None
        return checked_secret(name, secret)

    def write(self, name: str, secret: bytes) -> None:
        """See KeyStore.write."""
        path = self._directory / checked_name(name)
        checked_secret(name, secret)
        make_directory(self._directory, PRIVATE_DIRECTORY_MODE)
        write_atomically(path, secret)

    def names(self) -> list[str]:
        """See KeyStore.names."""
        with storage_errors(self._directory):
            try:
                return sorted(p.name for p in self._directory.iterdir() if is_name(p.name))
            except FileNotFoundError:
                return []

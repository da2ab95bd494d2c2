"""A keystore of files: one private file per secret, in a private folder.

Rules: a name is lowercase letters, digits, hyphens and underscores, so it cannot leave the folder;
a secret is
wholly old or wholly new after a loss of power (plumbing/files.py writes it so).

Left out on purpose: encryption at rest. Whoever can read the files of this user can read its
memory; an HSM is another adapter.
"""

import re
from pathlib import Path

from monocoque.contracts.errors import CredentialsRefused, SettingInvalid
from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    make_directory,
    storage_errors,
    write_atomically,
)

SECRET_BYTES_MAX = 64 * 1024
"""A larger file in the folder is not one of ours."""

_NAME = re.compile(r"[a-z0-9_-]{1,64}\Z")


class FileKeyStore:
    """The keystore in one folder; see KeyStore."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, name: str) -> bytes | None:
        """See KeyStore.read."""
        path = self._path(name)
        with storage_errors(path):
            try:
                secret = path.read_bytes()
            except FileNotFoundError:
                return None
        if not 0 < len(secret) <= SECRET_BYTES_MAX:
            raise CredentialsRefused(f"The secret {name} is damaged.")
        return secret

    def write(self, name: str, secret: bytes) -> None:
        """See KeyStore.write."""
        if not 0 < len(secret) <= SECRET_BYTES_MAX:
            raise CredentialsRefused(f"The secret {name} is empty or too large.")
        path = self._path(name)
        make_directory(self._directory, PRIVATE_DIRECTORY_MODE)
        write_atomically(path, secret)

    def names(self) -> list[str]:
        """See KeyStore.names."""
        if not self._directory.is_dir():
            return []
        return sorted(p.name for p in self._directory.iterdir() if _NAME.match(p.name))

    def _path(self, name: str) -> Path:
        if not _NAME.match(name):
            raise SettingInvalid("The name of a secret is not one.")
        return self._directory / name

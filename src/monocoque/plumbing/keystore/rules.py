"""What every keystore takes: the form of a name and the size of a secret.

Rules: files and virtual disks ask here, so that a world refuses what a real machine would.

Left out on purpose: what a secret means; trust and the bus read their own.
"""

import re
from typing import Final

from monocoque.contracts.errors import CredentialsRefused, SettingInvalid

SECRET_BYTES_MAX: Final = 64 * 1024
"""Nothing larger is one of our secrets."""

DAMAGED_HINT: Final = (
    "Put the file of this name back from a copy of its secrets folder, such as the newest snapshot."
)
"""What a person can do about a damaged secret of a cell or car."""

_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}\Z")


def is_name(name: str) -> bool:
    """Whether a secret can have this name: lowercase letters, digits, hyphens, underscores."""
    return _NAME.match(name) is not None


def checked_name(name: str) -> str:
    """The name; raises SettingInvalid when no secret can have it."""
    if not is_name(name):
        raise SettingInvalid("The name of a secret is not one.")
    return name


def checked_secret(name: str, secret: bytes) -> bytes:
    """The secret; raises CredentialsRefused when it is empty or too large."""
    if not 0 < len(secret) <= SECRET_BYTES_MAX:
        raise CredentialsRefused(f"The secret {name} is empty or too large.", hint=DAMAGED_HINT)
    return secret

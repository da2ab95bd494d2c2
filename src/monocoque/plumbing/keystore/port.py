"""The port of the keystore: named secrets of one machine.

Rules: a secret is on disk before ``write`` returns, readable by its owner alone, and wholly old or
wholly new after a loss of power; no secret is ever logged or put into an error.

Left out on purpose: keys that never leave hardware. An HSM will implement ``trust``'s Signer
itself and hand that out in place of bytes.
"""

from typing import Protocol


class KeyStore(Protocol):
    """Named secrets."""

    def read(self, name: str) -> bytes | None:
        """The secret, or None when there is none.

        Raises CredentialsRefused when it is damaged, SettingInvalid when the name is none.
        """

    def write(self, name: str, secret: bytes) -> None:
        """Keep the secret, in place of an older one.

        Raises DiskFull and NotWritable; the older one is then still there. Raises SettingInvalid
        for a name, and CredentialsRefused for a size, that rules.py does not take.
        """

    def names(self) -> list[str]:
        """Which secrets there are, sorted."""

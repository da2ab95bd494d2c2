"""What the rest of the product asks of keys: to sign, and to be made.

Rules: whoever signs holds a ``Signer`` and never sees private bytes; only a keystore asks for
``export``. Chance is an argument, so keys are made by a ``KeyMaker`` that was handed in.

Left out on purpose: an HSM. It will be a ``Signer`` that has no ``export``.
"""

from collections.abc import Mapping
from typing import Protocol


class Signer(Protocol):
    """Something that signs by one key."""

    @property
    def key_id(self) -> str:
        """The key's name: its RFC 7638 thumbprint by SHA-256, base64url."""

    @property
    def algorithm(self) -> str:
        """The JWS ``alg`` that it signs by: ``ES256`` (RFC 7518) or ``EdDSA`` (RFC 8037)."""

    @property
    def public_jwk(self) -> Mapping[str, str]:
        """The public key as a JWK (RFC 7517), with the members of its thumbprint alone."""

    def sign(self, message: bytes) -> bytes:
        """The signature in JWS form: 64 bytes, for ES256 R and S one after the other."""


class ExportableSigner(Signer, Protocol):
    """A signer whose private key can be put into a keystore."""

    def export(self) -> bytes:
        """The private key as JWK JSON (RFC 7517), for ``keys.load_key``. It is a secret."""


class KeyMaker(Protocol):
    """Makes new keys."""

    def make(self, algorithm: str) -> ExportableSigner:
        """A new private key for ``ES256`` or ``EdDSA``; raises AlgorithmRefused for another."""

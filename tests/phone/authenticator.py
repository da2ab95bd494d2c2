"""A passkey device for tests: it makes P-256 keys and answers as WebAuthn Level 3 says.

Rules: it lies only where a test tells it to, by a field that a caller changes beforehand.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from monocoque.trust import base64url

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One key, on one device, for one host."""

    host: str = "phone.localhost"
    origin: str = "http://phone.localhost:8000"
    credential_id: bytes = b"credential-1"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    user_handle: str = ""

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to navigator.credentials.create, as the page sends it."""
        self.user_handle = options["user"]["id"]
        client_data = self._client_data("webauthn.create", options["challenge"])
        numbers = self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, **point})
        length = len(self.credential_id).to_bytes(2, "big")
        attested = bytes(16) + length + self.credential_id + cose
        data = self._data(self.flags | HAS_KEY) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "credential_id": base64url.encode(self.credential_id),
            "client_data": base64url.encode(client_data),
            "attestation": base64url.encode(attestation),
        }

    def use(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to navigator.credentials.get, as the page sends it."""
        self.count += 1
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._data(self.flags)
        signed = data + hashlib.sha256(client_data).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return {
            "credential_id": base64url.encode(self.credential_id),
            "client_data": base64url.encode(client_data),
            "authenticator_data": base64url.encode(data),
            "signature": base64url.encode(signature),
            "user_handle": self.user_handle,
        }

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + bytes([flags]) + self.count.to_bytes(4, "big")

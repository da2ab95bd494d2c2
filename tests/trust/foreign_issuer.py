"""Somebody else who makes tokens: keys of every kind that is taken, and compact JWS by hand."""

import base64
import json
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

KEYS: Final[dict[str, tuple[Any, tuple[str, ...]]]] = {
    "RSA": (rsa.generate_private_key(65_537, 2_048), ("RS256", "RS384", "RS512")),
    "P-256": (ec.generate_private_key(ec.SECP256R1()), ("ES256",)),
    "P-384": (ec.generate_private_key(ec.SECP384R1()), ("ES384",)),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate(), ("EdDSA",)),
}
"""By kind: a private key, and the algorithms by which it signs."""
_HASHES: Final = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def pem_of(private: Any) -> bytes:
    """The public key as PEM."""
    made: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return made


def jwk_of(private: Any) -> dict[str, Any]:
    """The public key as another library writes it."""
    kinds = {rsa.RSAPrivateKey: RSAKey, ed25519.Ed25519PrivateKey: OKPKey}
    kind: Any = next((k for t, k in kinds.items() if isinstance(private, t)), ECKey)
    made: dict[str, Any] = kind.import_key(pem_of(private)).as_dict(private=False)
    return made


def part(value: Any) -> str:
    """JSON in base64url."""
    return encode(json.dumps(value).encode())


def encode(data: bytes) -> str:
    """Base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(private: Any, header: dict[str, Any], claims: Any) -> str:
    """Signed by the key, whatever the header says; by SHA-256 unless it names another hash."""
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{encode(_sign(private, header, text.encode()))}"


def _sign(private: Any, header: dict[str, Any], data: bytes) -> bytes:
    how = _HASHES.get(str(header.get("alg"))[-3:], hashes.SHA256())
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign(data)
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(data, padding.PKCS1v15(), how)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    length = (private.key_size + 7) // 8
    r, s = decode_dss_signature(private.sign(data, ec.ECDSA(how)))
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")

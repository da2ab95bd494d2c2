"""Keys: made, kept as JWK, named by their thumbprint, and used to sign and to check.

Rules:

* two kinds only: P-256 for ``ES256`` (RFC 7518) and Ed25519 for ``EdDSA`` (RFC 8032, 8037);
* every ECDSA signature is deterministic (RFC 6979), so a bad source of chance cannot leak a key
  and a world repeats to the last byte;
* a key's name is its thumbprint (RFC 7638), so a name cannot be given to another key;
* a public key is checked to be a point of its curve before it is used.

Left out on purpose: RSA and P-384, which no document type asks for; certificates.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from monocoque.contracts.errors import (
    AlgorithmRefused,
    CredentialsRefused,
    DocumentMalformed,
    SignatureInvalid,
)
from monocoque.trust import base64url

COORDINATE_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the curve P-256 has (SEC 2, section 2.4.2)."""
KEYS_REMEMBERED_MAX: Final = 10_000
"""So many public keys need not be read again."""
P256_SEED_BYTES: Final = 40
"""64 bits more than the order, so that the rest of the division is even (FIPS 186-5, A.2.1)."""

_CURVES: Final = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}

_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class PrivateKey:
    """A private key in memory; see ports.ExportableSigner."""

    def __init__(self, key: _Private) -> None:
        self._key = key
        self._public_jwk = _to_jwk(key.public_key())
        self._key_id = thumbprint(self._public_jwk)

    def __repr__(self) -> str:
        return f"PrivateKey({self.algorithm}, {self._key_id})"

    @property
    def key_id(self) -> str:
        """See ports.Signer.key_id."""
        return self._key_id

    @property
    def algorithm(self) -> str:
        """See ports.Signer.algorithm."""
        return "ES256" if isinstance(self._key, ec.EllipticCurvePrivateKey) else "EdDSA"

    @property
    def public_jwk(self) -> Mapping[str, str]:
        """See ports.Signer.public_jwk."""
        return dict(self._public_jwk)

    def sign(self, message: bytes) -> bytes:
        """See ports.Signer.sign; R and S as RFC 7518 section 3.4 says."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        how = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(self._key.sign(message, how))
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")

    def agreement_key(self) -> ec.EllipticCurvePrivateKey:
        """The P-256 key itself, for sealing.py alone; raises AlgorithmRefused for Ed25519."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            raise AlgorithmRefused("Only a key of P-256 opens what is sealed.")
        return self._key

    def export(self) -> bytes:
        """See ports.ExportableSigner.export."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            secret = self._key.private_bytes_raw()
        else:
            number = self._key.private_numbers().private_value
            secret = number.to_bytes(COORDINATE_BYTES, "big")
        return json.dumps(self._public_jwk | {"d": base64url.encode(secret)}).encode()


class SystemKeyMaker:
    """Makes keys by the operating system's chance."""

    def make(self, algorithm: str) -> PrivateKey:
        """See ports.KeyMaker.make."""
        if algorithm == "ES256":
            return PrivateKey(ec.generate_private_key(ec.SECP256R1()))
        if algorithm == "EdDSA":
            return PrivateKey(ed25519.Ed25519PrivateKey.generate())
        raise AlgorithmRefused("There are keys for ES256 and EdDSA only.")


class SeededKeyMaker:
    """Makes keys of given bytes: the same bytes, the same keys. For worlds and vectors."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        """random_bytes: gives so many random bytes, such as ``random.Random.randbytes``."""
        self._random_bytes = random_bytes

    def make(self, algorithm: str) -> PrivateKey:
        """See ports.KeyMaker.make."""
        if algorithm == "ES256":
            return PrivateKey(p256_of_seed(self._random_bytes(P256_SEED_BYTES)))
        if algorithm == "EdDSA":
            seed = self._random_bytes(COORDINATE_BYTES)
            return PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        raise AlgorithmRefused("There are keys for ES256 and EdDSA only.")


def p256_of_seed(seed: bytes) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of ``P256_SEED_BYTES`` random bytes (FIPS 186-5, A.2.1)."""
    number = int.from_bytes(seed, "big") % (P256_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def load_key(secret: bytes) -> PrivateKey:
    """The key that ``export`` gave. Raises CredentialsRefused when the bytes are damaged."""
    try:
        jwk = json.loads(secret)
        number = base64url.decode(jwk["d"])
        if len(number) != COORDINATE_BYTES:
            raise ValueError("length")
        if jwk["kty"] == "OKP":
            key = PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(number))
        else:
            scalar = int.from_bytes(number, "big")
            key = PrivateKey(ec.derive_private_key(scalar, ec.SECP256R1()))
        expected = public_members(jwk)
    except (ValueError, KeyError, TypeError, RecursionError, DocumentMalformed):
        raise CredentialsRefused("The private key is damaged.") from None
    if key.public_jwk != expected:
        raise CredentialsRefused("The private key does not fit the public one beside it.")
    return key


def public_members(jwk: object) -> dict[str, str]:
    """The members of a JWK that make up the public key, checked; other members are dropped.

    Raises DocumentMalformed when it is not a public key of a kind that we take.
    """
    if not isinstance(jwk, Mapping):
        raise DocumentMalformed("A key is not a JWK.")
    kind = jwk.get("kty")
    names = _MEMBERS.get(kind, ()) if isinstance(kind, str) else ()
    members = {name: jwk.get(name) for name in names}
    found = {name: value for name, value in members.items() if isinstance(value, str)}
    if not found or len(found) != len(names):
        raise DocumentMalformed("A key is of an unknown kind or lacks a member.")
    to_public_key(found)
    return found


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The name of a public key: SHA-256 over its members in order, base64url (RFC 7638)."""
    return _thumbprint(*((name, jwk[name]) for name in _MEMBERS[jwk["kty"]]))


@functools.lru_cache(maxsize=KEYS_REMEMBERED_MAX)
def _thumbprint(*members: tuple[str, str]) -> str:
    text = json.dumps(dict(members), separators=(",", ":"), sort_keys=True)
    return base64url.encode(hashlib.sha256(text.encode()).digest())


def check_signature(
    jwk: Mapping[str, str], algorithm: str, message: bytes, signature: bytes
) -> None:
    """Return when the signature is right.

    Raises AlgorithmRefused when the algorithm is not that of the key, SignatureInvalid when the
    signature does not fit, DocumentMalformed when the key is none.
    """
    if _CURVES.get(algorithm) != (jwk.get("kty"), jwk.get("crv")):
        raise AlgorithmRefused("The algorithm is not the one of the key.")
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureInvalid("The signature has not the length of its algorithm.")
    key = to_public_key(jwk)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            r, s = (int.from_bytes(signature[i : i + COORDINATE_BYTES], "big") for i in (0, 32))
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise SignatureInvalid("The signature does not fit the bytes and the key.") from None


def to_public_key(jwk: Mapping[str, str]) -> _Public:
    """The public key of a JWK; raises DocumentMalformed when it is not a point of its curve."""
    curve = (jwk.get("kty"), jwk.get("crv"))
    if curve not in _CURVES.values():
        raise DocumentMalformed("A key is on a curve that we do not take.")
    return _public_key(curve == _CURVES["EdDSA"], *(jwk[n] for n in ("x", "y") if n in jwk))


@functools.lru_cache(maxsize=KEYS_REMEMBERED_MAX)
def _public_key(is_ed25519: bool, *encoded: str) -> _Public:
    """The public key at these coordinates; the same few check document after document."""
    coordinates = [base64url.decode(coordinate) for coordinate in encoded]
    if {len(coordinate) for coordinate in coordinates} != {COORDINATE_BYTES}:
        raise DocumentMalformed("A key has coordinates of the wrong length.")
    try:
        if is_ed25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(coordinates[0])
        x, y = (int.from_bytes(coordinate, "big") for coordinate in coordinates)
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise DocumentMalformed("A key is not a point of its curve.") from None


def _to_jwk(key: _Public) -> dict[str, str]:
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(key.public_bytes_raw())}
    numbers = key.public_numbers()
    x, y = (
        base64url.encode(number.to_bytes(COORDINATE_BYTES, "big"))
        for number in (numbers.x, numbers.y)
    )
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

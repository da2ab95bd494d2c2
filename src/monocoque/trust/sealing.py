"""Seal bytes for one reader: HPKE in base mode (RFC 9180).

Rules:

* one suite: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM (0x0010, 0x0001, 0x0002);
* ``purpose`` is HPKE's ``info``: what was sealed for one use opens for no other; the additional
  data is always empty;
* sealed bytes are the encapsulated key (65 bytes), then the ciphertext with its tag.

The library seals and opens. It takes no seed, so ``SeededEncrypter``, for worlds and vectors, has
the sender's key schedule written out; what it seals, the library opens.

Left out on purpose: who sealed it (sign a document for that), the other modes, and streams.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from monocoque.contracts.errors import AlgorithmRefused, DecryptionFailed
from monocoque.trust.keys import P256_SEED_BYTES, PrivateKey, p256_of_seed, to_public_key

_SUITE: Final = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_KEM_ID: Final = b"KEM\x00\x10"
_HPKE_ID: Final = b"HPKE\x00\x10\x00\x01\x00\x02"
_HASH_BYTES: Final = 32
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MODE_BASE: Final = b"\x00"


class Encrypter(Protocol):
    """Seals bytes."""

    def seal(self, public_jwk: Mapping[str, str], plaintext: bytes, purpose: bytes) -> bytes:
        """The bytes, for the holder of this P-256 key alone and for this purpose alone.

        Raises DocumentMalformed when the key is none, AlgorithmRefused when it is not P-256.
        """


class SystemEncrypter:
    """Seals by the operating system's chance."""

    def seal(self, public_jwk: Mapping[str, str], plaintext: bytes, purpose: bytes) -> bytes:
        """See Encrypter.seal."""
        return _SUITE.encrypt(plaintext, _reader(public_jwk), info=purpose)


class SeededEncrypter:
    """Seals by given bytes: the same bytes, the same sealed message. For worlds and vectors."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        """random_bytes: gives so many random bytes, never the same twice in one world."""
        self._random_bytes = random_bytes

    def seal(self, public_jwk: Mapping[str, str], plaintext: bytes, purpose: bytes) -> bytes:
        """See Encrypter.seal; RFC 9180 sections 4.1 and 5.1."""
        reader = _reader(public_jwk)
        own = p256_of_seed(self._random_bytes(P256_SEED_BYTES))
        encapsulated = _point(own.public_key())
        pair = encapsulated + _point(reader)
        agreed = _extract(_KEM_ID, b"", b"eae_prk", own.exchange(ec.ECDH(), reader))
        shared = _expand(_KEM_ID, agreed, b"shared_secret", pair, _HASH_BYTES)
        context = (
            _MODE_BASE
            + _extract(_HPKE_ID, b"", b"psk_id_hash", b"")
            + _extract(_HPKE_ID, b"", b"info_hash", purpose)
        )
        secret = _extract(_HPKE_ID, shared, b"secret", b"")
        key = _expand(_HPKE_ID, secret, b"key", context, _KEY_BYTES)
        nonce = _expand(_HPKE_ID, secret, b"base_nonce", context, _NONCE_BYTES)
        return encapsulated + AESGCM(key).encrypt(nonce, plaintext, b"")


def open_sealed(key: PrivateKey, sealed: bytes, purpose: bytes) -> bytes:
    """What was sealed for this key and purpose.

    Raises DecryptionFailed when it was sealed for another or altered, AlgorithmRefused when the
    key is not P-256.
    """
    private = key.agreement_key()
    try:
        return _SUITE.decrypt(sealed, private, info=purpose)
    except (InvalidTag, ValueError):
        raise DecryptionFailed("The sealed bytes do not open with this key.") from None


def _reader(public_jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    key = to_public_key(public_jwk)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise AlgorithmRefused("Bytes are sealed for keys of P-256 only.")
    return key


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _extract(suite_id: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    """LabeledExtract of RFC 9180 section 4."""
    return hmac.digest(salt, b"HPKE-v1" + suite_id + label + secret, hashlib.sha256)


def _expand(suite_id: bytes, secret: bytes, label: bytes, info: bytes, length_bytes: int) -> bytes:
    """LabeledExpand of RFC 9180 section 4; one block of HKDF is enough for us."""
    labelled = length_bytes.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + info
    return hmac.digest(secret, labelled + b"\x01", hashlib.sha256)[:length_bytes]

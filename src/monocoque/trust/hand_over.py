"""The hand-over: an owner's new key asks the maker for a car, and proves that it knows the code.

Rules:

* the code (128 bits) goes with the car, on paper, and never through the cell;
* the proof binds code, car and key: HMAC-SHA256 by the code. The cell carries the request, but it
  can neither read the code out of it nor put a key of its own in;
* proofs are compared in constant time;
* the request is signed by the key that it shows, so whoever asks holds the key.

Left out on purpose: who had the car before and how many wrong tries there were: the factory's
records know. A proof alone is no leave.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.documents import HAND_OVER
from monocoque.contracts.errors import DocumentMalformed, HandOverProofWrong
from monocoque.trust import base64url
from monocoque.trust.documents import sign, unverified_bound_key, verify
from monocoque.trust.keys import thumbprint
from monocoque.trust.ports import Signer

FACTORY: Final = "factory"
"""Whom a hand-over asks."""
CODE_BYTES: Final = 16
LIFETIME_S: Final = 600
_PURPOSE: Final = "monocoque-hand-over.v1"


@dataclass(frozen=True, slots=True)
class HandOver:
    """A request that is right: its key is held, and the code of the car is known."""

    request_id: str
    car_id: str
    key_id: str
    jwk: Mapping[str, str]


def make_code(random_bytes: bytes) -> str:
    """The code of ``CODE_BYTES`` random bytes: 22 characters of base64url."""
    if len(random_bytes) != CODE_BYTES:
        raise ValueError(f"A hand-over code is made of {CODE_BYTES} bytes.")
    return base64url.encode(random_bytes)


def hand_over_proof(code: str, car_id: str, key_id: str) -> str:
    """The proof that whoever made it knows the code: bound to this car and this key.

    Raises DocumentMalformed when the code is none.
    """
    secret = base64url.decode(code)
    if len(secret) != CODE_BYTES:
        raise DocumentMalformed(f"A hand-over code is {CODE_BYTES} bytes.")
    message = f"{_PURPOSE}\n{car_id}\n{key_id}".encode()
    return base64url.encode(hmac.digest(secret, message, hashlib.sha256))


def sign_hand_over(owner: Signer, car_id: str, code: str, request_id: str, now_s: int) -> bytes:
    """The request of an owner's key for a car; raises DocumentMalformed when the code is none."""
    claims = {
        "iss": owner.key_id,
        "aud": FACTORY,
        "sub": car_id,
        "jti": request_id,
        "iat": now_s,
        "exp": now_s + LIFETIME_S,
        "cnf": {"jwk": dict(owner.public_jwk)},
        "proof": hand_over_proof(code, car_id, owner.key_id),
    }
    return sign(HAND_OVER, claims, owner)


def verify_hand_over(document: bytes, car_id: str, code: str, now_us: int) -> HandOver:
    """The request, when everything about it is right.

    car_id: which car is asked for; code: the code of that very car. Raises what
    ``documents.verify`` raises, DocumentMalformed, and HandOverProofWrong.
    """
    jwk = unverified_bound_key(document)
    key_id = thumbprint(jwk)
    verified = verify(HAND_OVER, document, {key_id: jwk}.get, now_us, audience=FACTORY)
    if verified.text("iss") != key_id or verified.text("sub") != car_id:
        raise DocumentMalformed("The request speaks of another key or another car.")
    expected = hand_over_proof(code, car_id, key_id)
    if not hmac.compare_digest(expected.encode(), verified.text("proof").encode()):
        raise HandOverProofWrong("The proof was not made with the code of this car.")
    request_id = verified.text("jti")
    return HandOver(request_id=request_id, car_id=car_id, key_id=key_id, jwk=jwk)

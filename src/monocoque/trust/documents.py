"""Sign and verify documents: compact JWS (RFC 7515) by the rows of contracts/documents.py.

Rules:

* the reader decides what it takes: exact ``typ``, an algorithm of the row, a key that it found
  itself by name; nothing in the document can widen that (RFC 8725);
* the signature is checked before any claim is believed;
* no member of a header or of the claims may be there twice, since readers differ in which counts;
* any ``crit`` is refused: there is no extension that we know; so is ``b64`` (RFC 7797), by which
  some readers would take other bytes for the claims;
* what two readers could read differently (fractions, large numbers, deep nesting, half letters)
  is refused, known claim or not;
* an audience in a document must be the reader's own (RFC 7519 section 4.1.3);
* claims that a reader does not know are kept and ignored.

Left out on purpose: replay (the reader keeps the ``jti`` in its records) and revocation (the
reader's ``find_key`` does not find a revoked key).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.documents import (
    CLOCK_DIFFERENCE_S_MAX,
    DOCUMENT_BYTES_MAX,
    DocumentType,
)
from monocoque.contracts.errors import (
    AlgorithmRefused,
    CriticalClaimUnknown,
    DocumentAudienceWrong,
    DocumentExpired,
    DocumentMalformed,
    DocumentNotYetValid,
    DocumentTooLarge,
    DocumentTypeUnknown,
    KeyUnknown,
)
from monocoque.contracts.strict_json import strict_object
from monocoque.trust import base64url
from monocoque.trust.keys import check_signature, public_members, thumbprint
from monocoque.trust.ports import Signer

SECOND_US: Final = 1_000_000

_TEXT_CLAIMS: Final = ("iss", "sub", "jti")
_TIME_CLAIMS: Final = ("iat", "exp", "nbf")


@dataclass(frozen=True, slots=True)
class Verified:
    """A document that was found right at one moment."""

    claims: Mapping[str, Any]
    key_id: str
    """Whose key signed it."""
    document: bytes
    """The very bytes that were signed; store these."""

    def text(self, name: str) -> str:
        """The claim of that name; raises DocumentMalformed when it is not a text."""
        return _text(self.claims, name)


def sign(document_type: DocumentType, claims: Mapping[str, Any], signer: Signer) -> bytes:
    """A document of that type with these claims, as compact JWS.

    claims: times are whole seconds since 1970 (RFC 7519 NumericDate). Raises AlgorithmRefused
    when the type does not allow the signer's algorithm, DocumentMalformed when no reader would
    take the claims, DocumentTooLarge.
    """
    if signer.algorithm not in document_type.algorithms:
        raise AlgorithmRefused(f"{document_type.typ} is not signed with {signer.algorithm}.")
    claims_text = _pack(claims)
    _check_claims(document_type, _unpack(claims_text))
    header = {"alg": signer.algorithm, "kid": signer.key_id, "typ": document_type.typ}
    signing_input = f"{_pack(header)}.{claims_text}".encode("ascii")
    signature = base64url.encode(signer.sign(signing_input)).encode("ascii")
    document = signing_input + b"." + signature
    if len(document) > DOCUMENT_BYTES_MAX:
        raise DocumentTooLarge(f"A document has at most {DOCUMENT_BYTES_MAX} bytes.")
    return document


def verify(
    document_type: DocumentType,
    document: bytes,
    find_key: Callable[[str], Mapping[str, str] | None],
    now_us: int,
    audience: str | None = None,
) -> Verified:
    """The claims of a document, when everything about it is right.

    find_key: gives the trusted public key (JWK) of a key id, or None; it is asked once. now_us:
    microseconds since 1970 by the reader's clock. audience: who the reader is.

    Raises DocumentTooLarge, DocumentMalformed, DocumentTypeUnknown, CriticalClaimUnknown,
    AlgorithmRefused, KeyUnknown, SignatureInvalid, DocumentNotYetValid, DocumentExpired or
    DocumentAudienceWrong, in this order.
    """
    verified = _signed(document_type, document, find_key)
    _check_times(verified.claims, now_us)
    _check_audience(verified.claims, audience)
    return verified


def authenticate(
    document_type: DocumentType,
    document: bytes,
    find_key: Callable[[str], Mapping[str, str] | None],
    audience: str | None = None,
) -> Verified:
    """The claims of a document that is genuine, whatever the time: it may be over.

    For a reader that must answer an old document too, or that checks times by rules of its own.
    Arguments and errors are those of ``verify``, without DocumentNotYetValid and DocumentExpired.
    """
    verified = _signed(document_type, document, find_key)
    _check_audience(verified.claims, audience)
    return verified


def signing_digest(document: bytes) -> str:
    """SHA-256 over what was signed, header and claims, as base64url.

    The signature is left out: it has two right forms (decision 0011), and so would the digest.
    Raises DocumentTooLarge, DocumentMalformed.
    """
    header_text, claims_text, _ = _parts(document)
    signing_input = f"{header_text}.{claims_text}".encode("ascii")
    return base64url.encode(hashlib.sha256(signing_input).digest())


def bound_key(claims: Mapping[str, Any]) -> dict[str, str]:
    """The public key in ``cnf.jwk`` (RFC 7800 section 3.2), checked.

    Give it claims that were verified. Raises DocumentMalformed, also when the private part is
    there: a key that was shown is no proof of anything.
    """
    confirmation = claims.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, Mapping) else None
    if isinstance(jwk, Mapping) and "d" in jwk:
        raise DocumentMalformed("A document shows a private key.")
    return public_members(jwk)


def unverified_bound_key(document: bytes) -> dict[str, str]:
    """The key in ``cnf.jwk`` of a document whose signature is NOT checked yet.

    A hand-over is signed by the very key that it shows, so the key is read first. It says nothing
    but that somebody holds this key. Raises DocumentTooLarge, DocumentMalformed.
    """
    _, claims_text, _ = _parts(document)
    return bound_key(_unpack(claims_text))


def unverified_claim(document: bytes, name: str) -> str:
    """A claim of a document whose signature is NOT checked: only for finding the key.

    An enrolment carries its birth document, and the birth document the key that signed the
    enrolment; so the birth is read first, verified, and then the enrolment is verified by the key
    in it. Believe nothing that comes from here. Raises DocumentTooLarge, DocumentMalformed.
    """
    _, claims_text, _ = _parts(document)
    return _text(_unpack(claims_text), name)


def _signed(
    document_type: DocumentType,
    document: bytes,
    find_key: Callable[[str], Mapping[str, str] | None],
) -> Verified:
    """The claims, when form and signature are right; time and audience are not looked at."""
    header_text, claims_text, signature_text = _parts(document)
    header = _unpack(header_text)
    algorithm, key_id = _read_header(document_type, header)
    key = find_key(key_id)
    if key is None or thumbprint(public_members(key)) != key_id:
        raise KeyUnknown("The document names a key that is not trusted here.")
    signing_input = f"{header_text}.{claims_text}".encode("ascii")
    check_signature(key, algorithm, signing_input, base64url.decode(signature_text))
    claims = _unpack(claims_text)
    _check_claims(document_type, claims)
    return Verified(claims=claims, key_id=key_id, document=document)


def _parts(document: bytes) -> tuple[str, str, str]:
    if len(document) > DOCUMENT_BYTES_MAX:
        raise DocumentTooLarge(f"A document has at most {DOCUMENT_BYTES_MAX} bytes.")
    try:
        parts = document.decode("ascii").split(".")
    except UnicodeDecodeError:
        raise DocumentMalformed("A document is ASCII.") from None
    if len(parts) != 3:
        raise DocumentMalformed("A document has three parts.")
    return parts[0], parts[1], parts[2]


def _read_header(document_type: DocumentType, header: Mapping[str, Any]) -> tuple[str, str]:
    """The algorithm and the key id."""
    if header.get("typ") != document_type.typ:
        raise DocumentTypeUnknown(f"Wanted is {document_type.typ}.")
    if "crit" in header or "b64" in header:
        raise CriticalClaimUnknown("The document has a header that must be understood.")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in document_type.algorithms:
        raise AlgorithmRefused(f"{document_type.typ} is not signed with this algorithm.")
    return algorithm, _text(header, "kid")


def _check_claims(document_type: DocumentType, claims: Mapping[str, Any]) -> None:
    """Whether the claims of the row are there, in their form, and end in time."""
    missing = sorted(name for name in document_type.claims if claims.get(name) is None)
    if missing:
        raise DocumentMalformed(f"{document_type.typ} lacks {', '.join(missing)}.")
    for name in _TEXT_CLAIMS:
        if name in claims:
            _text(claims, name)
    for name in _TIME_CLAIMS:
        if name in claims and type(claims[name]) is not int:
            raise DocumentMalformed(f"{name} is not whole seconds.")
    if not document_type.expires:
        return
    if not 0 < claims["exp"] - claims["iat"] <= document_type.lifetime_s_max:
        raise DocumentMalformed(f"{document_type.typ} lives too long, or not at all.")


def _check_times(claims: Mapping[str, Any], now_us: int) -> None:
    begin_s = max((claims[name] for name in ("iat", "nbf") if name in claims), default=0)
    if now_us < (begin_s - CLOCK_DIFFERENCE_S_MAX) * SECOND_US:
        raise DocumentNotYetValid("The document's time has not begun.")
    if "exp" in claims and now_us >= (claims["exp"] + CLOCK_DIFFERENCE_S_MAX) * SECOND_US:
        raise DocumentExpired("The document's time is over.")


def _check_audience(claims: Mapping[str, Any], audience: str | None) -> None:
    """RFC 7519 section 4.1.3: one name or a list; a reader that is not named refuses."""
    named = claims.get("aud")
    names = named if isinstance(named, list) else [] if named is None else [named]
    if names != [] and (audience is None or audience not in names):
        raise DocumentAudienceWrong("The document is meant for somebody else.")
    if names == [] and (audience is not None or named is not None):
        raise DocumentAudienceWrong("The document does not say whom it is meant for.")


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise DocumentMalformed(f"{name} is not a text.")
    return value


def _pack(members: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(
            dict(members),
            separators=(",", ":"),
            sort_keys=True,
            allow_nan=False,
            ensure_ascii=False,
        )
        return base64url.encode(text.encode())
    except (TypeError, ValueError, RecursionError):  # UnicodeEncodeError is a ValueError
        raise DocumentMalformed("The claims cannot be written as JSON.") from None


def _unpack(text: str) -> dict[str, Any]:
    return strict_object(base64url.decode(text))

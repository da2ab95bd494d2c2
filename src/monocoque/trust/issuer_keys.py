"""Public keys of those who make tokens, as they give them out, and what they signed.

Rules:

* a key is RSA of 2,048 to 8,192 bits, P-256, P-384 or Ed25519; it signs by the algorithms of its
  kind and no other (RFC 7518, RFC 8037), and by one alone where its file says so (``alg``);
* a file holds one public key as PEM (SPKI or PKCS 1), one JWK, or a set of them (RFC 7517); what a
  set has beside keys for signatures is left out; a private key is refused;
* which keys may have signed is the reader's to say. Of a header, ``alg`` and ``kid`` choose among
  these and can add none; whatever else it names (``jwk``, ``jku``, ``x5c``) is not looked at, and
  ``crit`` refuses the whole.

Left out on purpose: certificates, whose own end nobody here would watch; asking an issuer's server
for its keys; and secrets shared with it (HS256), with which we could make its tokens ourselves.
"""

import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from monocoque.contracts.errors import DocumentMalformed, SignatureInvalid
from monocoque.contracts.strict_json import strict_object
from monocoque.trust import base64url

FILE_BYTES_MAX: Final = 65_536
KEYS_MAX: Final = 8
"""Of one issuer."""
RSA_BITS: Final = range(2_048, 8_193)
RSA_EXPONENTS: Final = range(3, 2**32, 2)
_CURVES: Final[Mapping[str, tuple[ec.EllipticCurve, int]]] = {
    "P-256": (ec.SECP256R1(), 32),
    "P-384": (ec.SECP384R1(), 48),
}
"""The curves, and the bytes of a coordinate."""
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
    "ES256": hashes.SHA256(),
    "ES384": hashes.SHA384(),
}
_ALGORITHMS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("RSA", ""): ("RS256", "RS384", "RS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_PEM_BEGIN: Final = b"-----BEGIN"
_PUBLIC_KEY_HINT: Final = "Give a public key as PEM, JWK or JWKS: RSA, P-256, P-384 or Ed25519."

Jwk = Mapping[str, str]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def read_keys(data: bytes) -> tuple[Jwk, ...]:
    """The public keys in a file, as JWKs of known members. Raises DocumentMalformed."""
    if len(data) > FILE_BYTES_MAX:
        raise DocumentMalformed(f"A file of keys has at most {FILE_BYTES_MAX} bytes.")
    if _PEM_BEGIN in data:
        return (_read_pem(data),)
    held = strict_object(data)
    if "keys" not in held:
        return (_members_of(held),)
    listed = held["keys"]
    if not isinstance(listed, list):
        raise DocumentMalformed("A set of keys is no list.", hint=_PUBLIC_KEY_HINT)
    keys = tuple(_members_of(each) for each in listed if _is_for_us(each))
    if not 0 < len(keys) <= KEYS_MAX:
        raise DocumentMalformed(
            f"A set has {len(keys)} keys that can be used.",
            hint=f"Give at least one, and at most {KEYS_MAX}.",
        )
    return keys


def verified_claims(text: str, keys: Sequence[Jwk]) -> dict[str, Any]:
    """What a compact JWS says that one of these keys signed.

    Raises DocumentMalformed, and SignatureInvalid when none of them did.
    """
    header_text, claims_text, signature_text = _parts(text)
    header = _object(header_text)
    signature = base64url.decode(signature_text)
    if "crit" in header:
        raise DocumentMalformed("A header demands what is not understood here.")
    algorithm, key_id = header.get("alg"), header.get("kid")
    signed = f"{header_text}.{claims_text}".encode("ascii")
    named = [each for each in keys if "kid" in each and each["kid"] == key_id]
    for key in named or keys:
        if algorithm in algorithms_of(key) and _fits(key, str(algorithm), signed, signature):
            return _object(claims_text)
    raise SignatureInvalid("No key that is trusted here made the signature.")


def unverified_claims(text: str) -> dict[str, Any]:
    """What a compact JWS says whose signature is NOT checked: only for finding the keys.

    Raises DocumentMalformed.
    """
    return _object(_parts(text)[1])


def algorithms_of(key: Jwk) -> tuple[str, ...]:
    """By which algorithms this key signs."""
    of_its_kind = _ALGORITHMS[key["kty"], key.get("crv", "")]
    return (key["alg"],) if "alg" in key else of_its_kind


def _parts(text: str) -> tuple[str, str, str]:
    parts = text.split(".")
    if len(parts) != 3 or not text.isascii():
        raise DocumentMalformed("A token has three parts.")
    return parts[0], parts[1], parts[2]


def _object(part: str) -> dict[str, Any]:
    return strict_object(base64url.decode(part))


def _fits(key: Jwk, algorithm: str, signed: bytes, signature: bytes) -> bool:
    public = _to_public(key)
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, signed, padding.PKCS1v15(), _HASHES[algorithm])
        elif isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(signature, signed)
        else:
            half = _CURVES[key["crv"]][1]
            if len(signature) != 2 * half:
                return False
            r, s = (int.from_bytes(each, "big") for each in (signature[:half], signature[half:]))
            public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(_HASHES[algorithm]))
    except InvalidSignature:
        return False
    return True


def _is_for_us(listed: object) -> bool:
    """Whether an entry of a set is a key for signatures, of a kind that we know."""
    if not isinstance(listed, Mapping):
        return False
    kind = (listed.get("kty"), listed.get("crv", ""))
    return kind in tuple(_ALGORITHMS) and listed.get("use", "sig") == "sig"


def _members_of(jwk: Mapping[str, object]) -> Jwk:
    """The public members of a JWK, checked. Raises DocumentMalformed."""
    if "d" in jwk or "k" in jwk:
        raise DocumentMalformed(
            "The file holds a private key, or a secret.",
            hint="Give its public half alone, and keep the rest where it is.",
        )
    if not _is_for_us(jwk):
        raise DocumentMalformed("A key is of no kind that is taken.", hint=_PUBLIC_KEY_HINT)
    names = ("kty", *_MEMBERS[str(jwk["kty"])])
    members = {name: jwk[name] for name in (*names, "alg", "kid") if name in jwk}
    found = {name: value for name, value in members.items() if isinstance(value, str)}
    if found != members or not found.keys() >= set(names):
        raise DocumentMalformed("A key lacks a member, or has one that is no text.")
    of_its_kind = _ALGORITHMS[found["kty"], found.get("crv", "")]
    if found.get("alg", of_its_kind[0]) not in of_its_kind:
        raise DocumentMalformed("A key names an algorithm that is not of its kind.")
    _to_public(found)
    return found


def _read_pem(data: bytes) -> Jwk:
    if b"PRIVATE KEY" in data:
        return _members_of({"d": ""})
    if data.count(_PEM_BEGIN) > 1:
        raise DocumentMalformed(
            "The PEM holds several keys.",
            hint="Give one key in a file, or all of them as a JWKS.",
        )
    try:
        # KUKSA's guide writes this label, which no standard has, for a usual public key.
        key = load_pem_public_key(data.replace(b"EC PUBLIC KEY", b"PUBLIC KEY"))
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error):
        raise DocumentMalformed("The PEM is no public key.", hint=_PUBLIC_KEY_HINT) from None
    return _members_of(_to_jwk(key))


def _to_jwk(key: object) -> dict[str, object]:
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _whole(numbers.n), "e": _whole(numbers.e)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(key.public_bytes_raw())}
    if isinstance(key, ec.EllipticCurvePublicKey):
        for name, (curve, length) in _CURVES.items():
            if key.curve.name == curve.name:
                at = key.public_numbers()
                x, y = (base64url.encode(each.to_bytes(length, "big")) for each in (at.x, at.y))
                return {"kty": "EC", "crv": name, "x": x, "y": y}
    return {}


def _whole(number: int) -> str:
    return base64url.encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _to_public(key: Jwk) -> PublicKey:
    """Raises DocumentMalformed."""
    parts = {name: base64url.decode(key[name]) for name in ("n", "e", "x", "y") if name in key}
    whole = {name: int.from_bytes(part, "big") for name, part in parts.items()}
    try:
        if key["kty"] == "RSA":
            if whole["n"].bit_length() not in RSA_BITS or whole["e"] not in RSA_EXPONENTS:
                raise ValueError("size")
            return rsa.RSAPublicNumbers(whole["e"], whole["n"]).public_key()
        if key["kty"] == "OKP":
            return ed25519.Ed25519PublicKey.from_public_bytes(parts["x"])
        curve = _CURVES[key["crv"]][0]
        return ec.EllipticCurvePublicNumbers(whole["x"], whole["y"], curve).public_key()
    except ValueError:
        raise DocumentMalformed(
            "A key has a size that is not taken, or is no point of its curve.",
            hint=_PUBLIC_KEY_HINT,
        ) from None

"""Make the vectors: documents and sealed messages, right and wrong, and what a reader says of them.

Run ``python -m tests.vectors.generate`` after a change of the rules. Keys and chance come from a
seed, so a file changes only when a rule does. Python and the pages both read them.
"""

import json
import random
from pathlib import Path
from typing import Any

from monocoque.contracts.documents import CAR_BIRTH, CAR_ENROLMENT, DOCUMENT_TYPES, PHONE_RELEASE
from monocoque.trust import base64url
from monocoque.trust.keys import PrivateKey, SeededKeyMaker, thumbprint
from monocoque.trust.sealing import SeededEncrypter
from tests.vectors import commands
from tests.vectors.parts import made, text_of

DOCUMENTS = Path(__file__).with_name("documents.json")
SEALED = Path(__file__).with_name("sealed.json")
COMMANDS = Path(__file__).with_name("commands.json")
NOW_S = 1_800_000_000
_MAKER = SeededKeyMaker(random.Random("documents").randbytes)
FACTORY = _MAKER.make("ES256")
CAR = _MAKER.make("ES256")
BUILD = _MAKER.make("EdDSA")
STRANGER = _MAKER.make("ES256")
NO_POINT = dict(FACTORY.public_jwk) | {"y": FACTORY.public_jwk["x"]}
"""A key that somebody took on trust without looking whether it is one."""
BIRTH = {
    "iss": "factory",
    "sub": "car_0123456789abcdefghjkmnpqrs",
    "iat": NOW_S,
    "exp": NOW_S + 600,
    "jti": "1",
    "cnf": {"jwk": dict(CAR.public_jwk)},
}
ENROLMENT = {
    "iss": "car_0123456789abcdefghjkmnpqrs",
    "aud": "cell",
    "iat": NOW_S,
    "exp": NOW_S + 300,
    "jti": "2",
    "bus_key": "UBUS",
}
RELEASE = {
    "iss": "build",
    "iat": NOW_S,
    "version": "1.2.3",
    "bundle_sha256": "ab" * 32,
    "previous_sha256": "cd" * 32,
}

HEAD = {"alg": "ES256", "kid": FACTORY.key_id, "typ": CAR_BIRTH.typ}


def _header_cases() -> list[tuple[str, str, str | None]]:
    """What is decided before the signature is looked at, in the order of the checks."""
    right = made(HEAD, BIRTH, FACTORY)
    first, second, signature = right.split(".")
    alg_twice = json.dumps(HEAD)[:-1] + ', "alg": "ES256"}'
    brought = HEAD | {"kid": STRANGER.key_id, "jwk": dict(STRANGER.public_jwk)}
    return [
        ("not ASCII", f"é{right[1:]}", "document_malformed"),
        ("two parts", f"{first}.{second}", "document_malformed"),
        ("four parts", f"{right}.", "document_malformed"),
        ("padding", right + "=", "document_malformed"),
        ("line end", right + "\n", "document_malformed"),
        ("space", f"{first} .{second}.{signature}", "document_malformed"),
        ("other alphabet", f"{first}.{second}.+/{signature[2:]}", "document_malformed"),
        ("unused bits", f"{first}.{second}.{signature[:-1]}_", "document_malformed"),
        ("header member twice", made(alg_twice, BIRTH, FACTORY), "document_malformed"),
        ("header is no JSON", made("\ufeff{}", BIRTH, FACTORY), "document_malformed"),
        ("another type", made(HEAD | {"typ": "x"}, BIRTH, FACTORY), "document_type_unknown"),
        ("type in capitals", _with_typ(CAR_BIRTH.typ.upper()), "document_type_unknown"),
        ("type of another row", _with_typ(CAR_ENROLMENT.typ), "document_type_unknown"),
        ("crit", made(HEAD | {"crit": ["x"]}, BIRTH, FACTORY), "critical_claim_unknown"),
        ("b64", made(HEAD | {"b64": False}, BIRTH, FACTORY), "critical_claim_unknown"),
        ("none", _unsigned("none"), "algorithm_refused"),
        ("none in disguise", _unsigned("nOnE"), "algorithm_refused"),
        ("HS256", made(HEAD | {"alg": "HS256"}, BIRTH, FACTORY), "algorithm_refused"),
        ("small letters", made(HEAD | {"alg": "es256"}, BIRTH, FACTORY), "algorithm_refused"),
        ("not of the row", made(HEAD | {"alg": "EdDSA"}, BIRTH, FACTORY), "algorithm_refused"),
        ("other kind", made(HEAD | {"kid": BUILD.key_id}, BIRTH, BUILD), "algorithm_refused"),
        ("no key id", made(HEAD | {"kid": 7}, BIRTH, FACTORY), "document_malformed"),
        ("unknown key", made(HEAD | {"kid": "x"}, BIRTH, STRANGER), "key_unknown"),
        ("inherited name", made(HEAD | {"kid": "toString"}, BIRTH, FACTORY), "key_unknown"),
        ("key that it brings", made(brought, BIRTH, STRANGER), "key_unknown"),
        ("key by a nickname", made(HEAD | {"kid": "factory"}, BIRTH, FACTORY), "key_unknown"),
        ("no point", _by(thumbprint(NO_POINT)), "document_malformed"),
    ]


def _claim_cases() -> list[tuple[str, str, str | None]]:
    """What is decided by the signature and after it, in the order of the checks."""
    right = made(HEAD, BIRTH, FACTORY)
    first, second, signature = right.split(".")
    other = made(HEAD, BIRTH | {"sub": "car_y"}, FACTORY).split(".")[1]
    late = BIRTH | {"iat": NOW_S - 600, "exp": NOW_S - 120}
    return [
        ("signed by another", made(HEAD, BIRTH, STRANGER), "signature_invalid"),
        ("no signature", f"{first}.{second}.", "signature_invalid"),
        ("cut signature", f"{first}.{second}.{signature[:-2]}", "signature_invalid"),
        ("signature of zeros", f"{first}.{second}.{'A' * 86}", "signature_invalid"),
        ("other claims", f"{first}.{other}.{signature}", "signature_invalid"),
        ("claim twice", _with_text('"s\\u0075b":"car_y"'), "document_malformed"),
        ("inner claim twice", _with_text('"x":[{"a":1,"a":1}]'), "document_malformed"),
        ("half a letter", _with_text('"x":["\\ud800"]'), "document_malformed"),
        ("fraction", _with_text('"x":1.0'), "document_malformed"),
        ("exponent", _with_text('"x":[1E3]'), "document_malformed"),
        ("large number", _with_text('"x":9007199254740992'), "document_malformed"),
        ("nested too deeply", _with_text(f'"x":{"[" * 16}{"]" * 16}'), "document_malformed"),
        ("claims are a list", made(HEAD, "[]", FACTORY), "document_malformed"),
        ("claims are no JSON", made(HEAD, "{", FACTORY), "document_malformed"),
        ("claim missing", _with({"cnf": None}), "document_malformed"),
        ("name is a number", _with({"sub": 7}), "document_malformed"),
        ("end is a text", _with({"exp": "1"}), "document_malformed"),
        ("lives too long", _with({"exp": NOW_S + 3_601}), "document_malformed"),
        ("never lived", _with({"exp": NOW_S}), "document_malformed"),
        ("begins later", _with({"nbf": NOW_S + 121}), "document_not_yet_valid"),
        ("made tomorrow", _with({"iat": NOW_S + 121}), "document_not_yet_valid"),
        ("over", made(HEAD, late, FACTORY), "document_expired"),
        ("for somebody", _with({"aud": "cell"}), "document_audience_wrong"),
        ("right", right, None),
        ("unknown claims are kept", _with({"new": ["é", {"a": None}], "__proto__": 1}), None),
        ("brackets and quotes in text", _with({"x": '{"x":1,"x\\'}), None),
        ("largest number", _with({"x": [2**53 - 1, 1 - 2**53]}), None),
        ("nested as deeply as allowed", _with_text(f'"x":{"[" * 15}{"]" * 15}'), None),
        ("clocks differ a little", _with({"iat": NOW_S + 120}), None),
        ("almost over", _with({"iat": NOW_S - 600, "exp": NOW_S - 119}), None),
    ]


def _with(claims: dict[str, Any]) -> str:
    return made(HEAD, BIRTH | claims, FACTORY)


def _with_text(member: str) -> str:
    return made(HEAD, json.dumps(BIRTH)[:-1] + "," + member + "}", FACTORY)


def _with_typ(typ: str) -> str:
    return made(HEAD | {"typ": typ}, BIRTH, FACTORY)


def _by(key_id: str) -> str:
    return made(HEAD | {"kid": key_id}, BIRTH, FACTORY)


def _unsigned(alg: str) -> str:
    return made(HEAD | {"alg": alg}, BIRTH, FACTORY).rpartition(".")[0] + "."


def _case(name: str, typ: str, document: str, audience: str | None, code: str | None) -> Any:
    case = {"name": name, "typ": typ, "audience": audience, "code": code, "document": document}
    if code is None:
        case["claims"] = json.loads(base64url.decode(document.split(".")[1]))
    return case


def _repeated(name: str, text: str, times: int) -> Any:
    """A large document that the file need not hold whole."""
    return _case(name, CAR_BIRTH.typ, text, None, "document_too_large") | {"times": times}


def documents() -> str:
    """The text of documents.json."""
    enrolment_head = {"alg": "ES256", "kid": CAR.key_id, "typ": CAR_ENROLMENT.typ}
    shown = ENROLMENT | {"birth": made(HEAD, BIRTH, FACTORY)}
    enrolment = made(enrolment_head, shown, CAR)
    several = made(enrolment_head, shown | {"aud": ["other", "cell"]}, CAR)
    release_head = {"alg": "EdDSA", "kid": BUILD.key_id, "typ": PHONE_RELEASE.typ}
    release = made(release_head, RELEASE, BUILD)
    forged = made(release_head, RELEASE, SeededKeyMaker(random.Random("f").randbytes).make("EdDSA"))
    births = _header_cases() + _claim_cases()
    cases = [
        _repeated("too large", "a", 65_537),
        _repeated("too large in bytes", "é", 32_769),
        *(_case(name, CAR_BIRTH.typ, text, None, code) for name, text, code in births),
        _case("no audience", CAR_BIRTH.typ, _with({}), "cell", "document_audience_wrong"),
        _case("for another", CAR_ENROLMENT.typ, enrolment, "x", "document_audience_wrong"),
        _case("for no reader", CAR_ENROLMENT.typ, enrolment, None, "document_audience_wrong"),
        _case("for the reader", CAR_ENROLMENT.typ, enrolment, "cell", None),
        _case("for the reader too", CAR_ENROLMENT.typ, several, "cell", None),
        _case("for ever", PHONE_RELEASE.typ, release, None, None),
        _case("release by another", PHONE_RELEASE.typ, forged, None, "signature_invalid"),
    ]
    types = [
        {
            "typ": row.typ,
            "algorithms": sorted(row.algorithms),
            "claims": sorted(row.claims),
            "lifetime_s_max": row.lifetime_s_max,
        }
        for row in DOCUMENT_TYPES
    ]
    keys = {key.key_id: dict(key.public_jwk) for key in (FACTORY, CAR, BUILD)}
    keys |= {thumbprint(NO_POINT): NO_POINT, "factory": dict(FACTORY.public_jwk)}
    return text_of({"now_s": NOW_S, "keys": keys, "types": types, "cases": cases})


def sealed() -> str:
    """The text of sealed.json; every value of bytes is base64url."""
    encrypter = SeededEncrypter(random.Random("sealed").randbytes)
    door, other = b"monocoque example \xc3\xa9", b"monocoque other"
    message = encrypter.seal(CAR.public_jwk, b"unlock", door)
    elsewhere = (FACTORY.public_jwk["x"], FACTORY.public_jwk["x"])
    no_point = b"\x04" + b"".join(base64url.decode(part) for part in elsewhere)
    cases: list[tuple[str, PrivateKey, bytes, bytes, bytes | None]] = [
        ("right", CAR, door, message, b"unlock"),
        ("nothing", CAR, b"", encrypter.seal(CAR.public_jwk, b"", b""), b""),
        ("much", CAR, door, encrypter.seal(CAR.public_jwk, bytes(5_000), door), bytes(5_000)),
        ("another reader", STRANGER, door, message, None),
        ("another purpose", CAR, other, message, None),
        ("another sender's key", CAR, door, _point(STRANGER) + message[65:], None),
        ("no point", CAR, door, no_point + message[65:], None),
        ("compressed point", CAR, door, b"\x02" + message[1:33] + message[65:], None),
        ("altered text", CAR, door, message[:65] + b"\x00" + message[66:], None),
        ("altered tag", CAR, door, message[:-1] + bytes([message[-1] ^ 1]), None),
        ("cut", CAR, door, message[:-1], None),
        ("key alone", CAR, door, message[:65], None),
        ("empty", CAR, door, b"", None),
    ]
    rows = [
        {
            "name": name,
            "key": json.loads(key.export()),
            "purpose": base64url.encode(purpose),
            "sealed": base64url.encode(content),
            "plaintext": None if plaintext is None else base64url.encode(plaintext),
            "code": "decryption_failed" if plaintext is None else None,
        }
        for name, key, purpose, content, plaintext in cases
    ]
    return text_of({"cases": rows})


def _point(key: PrivateKey) -> bytes:
    return b"\x04" + b"".join(base64url.decode(key.public_jwk[name]) for name in ("x", "y"))


if __name__ == "__main__":
    DOCUMENTS.write_text(documents(), encoding="utf-8")
    SEALED.write_text(sealed(), encoding="utf-8")
    COMMANDS.write_text(commands.commands(), encoding="utf-8")

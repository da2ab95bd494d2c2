"""Make documents.json: documents, right and wrong, and what every reader must say of them.

Run ``python -m tests.vectors.generate`` after a change of the rules. Keys come from a seed, so
the file changes only when a rule does. Python and the pages both read it.
"""

import json
import random
from pathlib import Path
from typing import Any

from monocoque.contracts.documents import CAR_BIRTH, CAR_ENROLMENT, DOCUMENT_TYPES, PHONE_RELEASE
from monocoque.trust import base64url
from monocoque.trust.keys import PrivateKey, SeededKeyMaker

FILE = Path(__file__).with_name("documents.json")
NOW_S = 1_800_000_000
_MAKER = SeededKeyMaker(random.Random("documents").randbytes)
FACTORY = _MAKER.make("ES256")
CAR = _MAKER.make("ES256")
BUILD = _MAKER.make("EdDSA")
STRANGER = _MAKER.make("ES256")
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
    "birth": "a.b.c",
    "bus_key": "U",
}
RELEASE = {
    "iss": "build",
    "iat": NOW_S,
    "version": "1.2.3",
    "bundle_sha256": "ab" * 32,
    "previous_sha256": "cd" * 32,
}


def header(typ: str, key: PrivateKey) -> dict[str, Any]:
    """The header of a right document."""
    return {"alg": key.algorithm, "kid": key.key_id, "typ": typ}


def made(head: object, claims: object, key: PrivateKey) -> str:
    """A document of these parts, whatever they are; a text is taken as it is."""
    parts = [p if isinstance(p, str) else json.dumps(p, sort_keys=True) for p in (head, claims)]
    signing_input = ".".join(base64url.encode(part.encode()) for part in parts)
    return f"{signing_input}.{base64url.encode(key.sign(signing_input.encode()))}"


def cases() -> list[dict[str, Any]]:
    """Every case, in the order of the checks."""
    head = header(CAR_BIRTH.typ, FACTORY)
    enrol = header(CAR_ENROLMENT.typ, CAR)
    right = made(head, BIRTH, FACTORY)
    first, second, signature = right.split(".")
    other = made(head, BIRTH | {"sub": "car_y"}, FACTORY).split(".")[1]
    late = BIRTH | {"iat": NOW_S - 600, "exp": NOW_S - 120}
    twice = json.dumps(BIRTH)[:-1] + ', "s\\u0075b": "car_y"}'
    strange = head | {"kid": STRANGER.key_id}
    birth: list[tuple[str, str, str | None]] = [
        ("right", right, None),
        ("unknown claims are kept", made(head, BIRTH | {"new": ["é", {"a": None}]}, FACTORY), None),
        ("brackets and quotes in text", made(head, BIRTH | {"x": '{"x":1,"x'}, FACTORY), None),
        ("clocks differ a little", made(head, BIRTH | {"iat": NOW_S + 120}, FACTORY), None),
        ("too large", "a" * 65_537, "document_too_large"),
        ("two parts", f"{first}.{second}", "document_malformed"),
        ("padding", right + "=", "document_malformed"),
        ("line end", right + "\n", "document_malformed"),
        ("unused bits", f"{first}.{second}.{signature[:-1]}_", "document_malformed"),
        ("claim twice", made(head, twice, FACTORY), "document_malformed"),
        ("half a letter", made(head, BIRTH | {"x": ["\ud800"]}, FACTORY), "document_malformed"),
        ("claims are a list", made(head, "[]", FACTORY), "document_malformed"),
        ("claims are no JSON", made(head, "{", FACTORY), "document_malformed"),
        ("another type", made(head | {"typ": "x"}, BIRTH, FACTORY), "document_type_unknown"),
        ("crit", made(head | {"crit": ["x"]}, BIRTH, FACTORY), "critical_claim_unknown"),
        ("none", made(head | {"alg": "none"}, BIRTH, FACTORY), "algorithm_refused"),
        ("HS256", made(head | {"alg": "HS256"}, BIRTH, FACTORY), "algorithm_refused"),
        (
            "key of another kind",
            made(head | {"kid": BUILD.key_id}, BIRTH, BUILD),
            "algorithm_refused",
        ),
        ("unknown key", made(strange, BIRTH, STRANGER), "key_unknown"),
        ("signed by another", made(head, BIRTH, STRANGER), "signature_invalid"),
        ("no signature", f"{first}.{second}.", "signature_invalid"),
        ("other claims", f"{first}.{other}.{signature}", "signature_invalid"),
        ("claim missing", made(head, BIRTH | {"cnf": None}, FACTORY), "document_malformed"),
        ("name is a number", made(head, BIRTH | {"sub": 7}, FACTORY), "document_malformed"),
        (
            "lives too long",
            made(head, BIRTH | {"exp": NOW_S + 3_601}, FACTORY),
            "document_malformed",
        ),
        (
            "made tomorrow",
            made(head, BIRTH | {"nbf": NOW_S + 121}, FACTORY),
            "document_not_yet_valid",
        ),
        ("over", made(head, late, FACTORY), "document_expired"),
        ("for somebody", made(head, BIRTH | {"aud": "cell"}, FACTORY), "document_audience_wrong"),
    ]
    found = [_case(name, CAR_BIRTH.typ, text, None, code) for name, text, code in birth]
    enrolment = made(enrol, ENROLMENT, CAR)
    release = made(header(PHONE_RELEASE.typ, BUILD), RELEASE, BUILD)
    several = made(enrol, ENROLMENT | {"aud": ["other", "cell"]}, CAR)
    return [
        *found,
        _case("for the reader", CAR_ENROLMENT.typ, enrolment, "cell", None),
        _case("for the reader too", CAR_ENROLMENT.typ, several, "cell", None),
        _case("for another", CAR_ENROLMENT.typ, enrolment, "x", "document_audience_wrong"),
        _case("for ever", PHONE_RELEASE.typ, release, None, None),
    ]


def _case(name: str, typ: str, document: str, audience: str | None, code: str | None) -> Any:
    return {"name": name, "typ": typ, "audience": audience, "code": code, "document": document}


def vectors() -> str:
    """The text of documents.json."""
    types = [
        {
            "typ": row.typ,
            "algorithms": sorted(row.algorithms),
            "claims": sorted(row.claims),
            "lifetime_s_max": row.lifetime_s_max,
        }
        for row in DOCUMENT_TYPES
    ]
    trusted = {key.key_id: dict(key.public_jwk) for key in (FACTORY, CAR, BUILD)}
    content = {"now_s": NOW_S, "keys": trusted, "types": types, "cases": cases()}
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(vectors(), encoding="utf-8")

"""Keys of other issuers of tokens: which files are taken, and what such a key has signed."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import DocumentMalformed, SignatureInvalid
from monocoque.trust.issuer_keys import (
    FILE_BYTES_MAX,
    KEYS_MAX,
    algorithms_of,
    read_keys,
    unverified_claims,
    verified_claims,
)
from tests.trust.foreign_issuer import KEYS, compact, jwk_of, part, pem_of

SAID = {"iss": "somebody", "n": 5}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_read_alike_from_pem_and_jwk_and_signs_by_the_algorithms_of_its_kind(kind) -> None:
    private, algorithms = KEYS[kind]
    (key,) = read_keys(pem_of(private))
    assert (key,) == read_keys(json.dumps(dict(key) | {"use": "sig", "x5t": "left out"}).encode())
    assert algorithms_of(key) == algorithms
    for algorithm in algorithms:
        text = compact(private, {"alg": algorithm}, SAID)
        assert verified_claims(text, [key]) == SAID
        assert verified_claims(text, [{**key, "alg": algorithm}]) == SAID
        others = [read_keys(pem_of(other))[0] for name, (other, _) in KEYS.items() if name != kind]
        with pytest.raises(SignatureInvalid):
            verified_claims(text, others)
        with pytest.raises(SignatureInvalid):
            verified_claims(text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB"), [key])


def test_keys_are_read_from_the_labels_that_others_write() -> None:
    private = KEYS["P-256"][0]
    labelled = pem_of(private).replace(b"PUBLIC KEY", b"EC PUBLIC KEY")
    assert read_keys(labelled) == read_keys(pem_of(private))
    private = KEYS["RSA"][0]
    pkcs1 = private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    assert read_keys(pkcs1) == read_keys(pem_of(private))


def test_of_a_set_the_keys_for_signatures_are_taken_and_a_name_chooses_among_them() -> None:
    first, second = (jwk_of(KEYS[kind][0]) for kind in ("P-256", "P-384"))
    other = jwk_of(ec.generate_private_key(ec.SECP256R1()))
    listed = [
        first | {"kid": "a"},
        second | {"kid": "b", "alg": "ES384"},
        first | {"use": "enc"},
        {"kty": "oct", "k": "c2VjcmV0"},
        "no key",
        other | {"kid": "c"},
    ]
    keys = read_keys(json.dumps({"keys": listed}).encode())
    assert [key["kid"] for key in keys] == ["a", "b", "c"]
    signer = KEYS["P-256"][0]
    for header in ({}, {"kid": "a"}, {"kid": "nobody knows"}, {"kid": 5}):
        assert verified_claims(compact(signer, {"alg": "ES256"} | header, SAID), keys) == SAID
    with pytest.raises(SignatureInvalid):
        verified_claims(compact(signer, {"alg": "ES256", "kid": "c"}, SAID), keys)


def test_a_key_that_names_its_algorithm_signs_by_no_other() -> None:
    private = KEYS["RSA"][0]
    key = read_keys(json.dumps(jwk_of(private) | {"alg": "RS384"}).encode())
    assert verified_claims(compact(private, {"alg": "RS384"}, SAID), key) == SAID
    with pytest.raises(SignatureInvalid):
        verified_claims(compact(private, {"alg": "RS256"}, SAID), key)


def _pem(key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _long(length: int) -> str:
    return base64.urlsafe_b64encode(b"\xff" * length).rstrip(b"=").decode()


P256 = jwk_of(KEYS["P-256"][0])
RSA = jwk_of(KEYS["RSA"][0])
PRIVATE = KEYS["P-256"][0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b" " * (FILE_BYTES_MAX + 1),
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        PRIVATE,
        _pem(ed448.Ed448PrivateKey.generate()),
        _pem(ec.generate_private_key(ec.SECP521R1())),
        _pem(dsa.generate_private_key(2_048)),
        _pem(rsa.generate_private_key(65_537, 1_024)),
        P256 | {"d": "AAAA"},
        {"kty": "oct", "k": "c2VjcmV0"},
        P256 | {"x": 5},
        P256 | {"kid": 5},
        {name: value for name, value in P256.items() if name != "y"},
        P256 | {"y": P256["x"]},
        P256 | {"x": "not base64url!"},
        P256 | {"alg": "ES384"},
        P256 | {"alg": "HS256"},
        P256 | {"alg": ""},
        {"keys": [P256 | {"alg": ""}]},
        P256 | {"crv": "P-521"},
        P256 | {"crv": ["P-256"]},
        P256 | {"use": "enc"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        RSA | {"n": _long(100)},
        RSA | {"n": _long(1_100)},
        RSA | {"e": "AQ"},
        RSA | {"e": "Ag"},
        RSA | {"e": _long(9)},
        {"keys": "P-256"},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [P256] * (KEYS_MAX + 1)},
        {"keys": [P256 | {"d": "AAAA"}]},
    ],
)
def test_a_file_without_a_usable_public_key_is_refused(data) -> None:
    with pytest.raises(DocumentMalformed):
        read_keys(data if isinstance(data, bytes) else json.dumps(data).encode())


@pytest.mark.parametrize("second", [pem_of(KEYS["P-256"][0]), PRIVATE, b"-----BEGIN PUBLIC KEY"])
def test_of_several_keys_in_one_pem_none_is_left_out_silently(second) -> None:
    with pytest.raises(DocumentMalformed, match=r"several keys|private key") as refused:
        read_keys(pem_of(KEYS["RSA"][0]) + second)
    assert refused.value.hint


@given(st.binary(max_size=200))
def test_whatever_is_no_key_is_refused(data) -> None:
    for file in (data, b"-----BEGIN PUBLIC KEY-----\n" + data):
        with pytest.raises(DocumentMalformed):
            read_keys(file)


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"alg": "HS256"}, {"alg": ""}, {"alg": None}, {}, {"alg": ["ES256"]}],
)
def test_no_header_brings_another_algorithm(kind, header) -> None:
    private, _ = KEYS[kind]
    with pytest.raises(SignatureInvalid):
        verified_claims(compact(private, header, SAID), read_keys(pem_of(private)))


def test_what_a_header_brings_along_is_not_used() -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    keys = read_keys(pem_of(KEYS["P-256"][0]))
    for more in ({"jwk": jwk_of(stranger)}, {"jku": "https://keys.example"}, {"x5c": ["AAAA"]}):
        with pytest.raises(SignatureInvalid):
            verified_claims(compact(stranger, {"alg": "ES256"} | more, SAID), keys)
    good = compact(KEYS["P-256"][0], {"alg": "ES256", "crit": ["exp"], "exp": 1}, SAID)
    with pytest.raises(DocumentMalformed):
        verified_claims(good, keys)


def test_a_signature_of_another_length_is_none() -> None:
    keys = read_keys(pem_of(KEYS["P-256"][0]))
    text = compact(KEYS["P-256"][0], {"alg": "ES256"}, SAID)
    head = text.rpartition(".")[0]
    for signature in ("", _long(63), _long(65), _long(96)):
        with pytest.raises(SignatureInvalid):
            verified_claims(f"{head}.{signature}", keys)


@pytest.mark.parametrize(
    "text",
    ["", "a.b", "a.b.c.d", "..", "é.b.c", f"{part({})}.{part([])}.AAAA", f"{part({})}.!.AAAA"],
)
def test_what_is_no_compact_jws_says_nothing(text) -> None:
    with pytest.raises(DocumentMalformed):
        unverified_claims(text)


def test_what_is_said_can_be_read_before_it_is_checked() -> None:
    assert unverified_claims(f"{part({})}.{part(SAID)}.") == SAID


def test_ed25519_is_signed_over_the_text_itself() -> None:
    private = KEYS["Ed25519"][0]
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    head, _, signature = compact(private, {"alg": "EdDSA"}, SAID).rpartition(".")
    padded = base64.urlsafe_b64decode(signature + "==")
    private.public_key().verify(padded, head.encode())

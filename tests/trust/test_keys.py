"""Keys against the worked examples of their standards, and against damage."""

import json
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from monocoque.contracts.errors import (
    AlgorithmRefused,
    CredentialsRefused,
    DocumentMalformed,
    SignatureInvalid,
)
from monocoque.trust import base64url
from monocoque.trust.keys import (
    PrivateKey,
    SeededKeyMaker,
    SystemKeyMaker,
    check_signature,
    load_key,
    public_members,
    thumbprint,
)

ALGORITHMS = ("ES256", "EdDSA")

RFC8037_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
RFC7515_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def seeded(seed=1):
    return SeededKeyMaker(random.Random(seed).randbytes)


def test_an_ed25519_key_has_the_name_and_the_signature_of_rfc_8037():
    key = load_key(json.dumps(RFC8037_KEY).encode())
    assert key.key_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert base64url.encode(
        key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
    ) == ("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")


def test_a_p256_signature_is_the_one_of_rfc_6979():
    number = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = PrivateKey(ec.derive_private_key(number, ec.SECP256R1()))
    assert key.sign(b"sample").hex().upper() == (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    )


def test_the_worked_signature_of_rfc_7515_is_taken():
    message = (
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
        b"Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    signature = base64url.decode(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    check_signature(RFC7515_KEY, "ES256", message, signature)
    with pytest.raises(SignatureInvalid):
        check_signature(RFC7515_KEY, "ES256", message + b"x", signature)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("maker", [SystemKeyMaker(), seeded()], ids=["system", "seeded"])
def test_a_key_that_was_kept_signs_as_before(algorithm, maker):
    key = maker.make(algorithm)
    kept = load_key(key.export())
    assert (kept.key_id, kept.algorithm, kept.public_jwk) == (
        key.key_id,
        algorithm,
        key.public_jwk,
    )
    assert kept.sign(b"message") == key.sign(b"message")
    check_signature(key.public_jwk, algorithm, b"message", kept.sign(b"message"))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_seed_makes_one_key_and_another_another(algorithm):
    assert seeded(1).make(algorithm).export() == seeded(1).make(algorithm).export()
    assert seeded(1).make(algorithm).key_id != seeded(2).make(algorithm).key_id
    maker = seeded(1)
    assert maker.make(algorithm).key_id != maker.make(algorithm).key_id


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_system_never_makes_a_key_twice(algorithm):
    assert len({SystemKeyMaker().make(algorithm).key_id for _ in range(20)}) == 20


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "es256", ""])
@pytest.mark.parametrize("maker", [SystemKeyMaker(), seeded()], ids=["system", "seeded"])
def test_no_key_is_made_for_another_algorithm(algorithm, maker):
    with pytest.raises(AlgorithmRefused):
        maker.make(algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_printed_key_shows_nothing_secret(algorithm):
    key = seeded().make(algorithm)
    assert json.loads(key.export())["d"] not in repr(key)
    assert "d" not in key.public_jwk


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="not JSON"),
        pytest.param(b"[]", id="not an object"),
        pytest.param(b"\xff\xfe\xff", id="not text"),
        pytest.param(b"[" * 60_000, id="too deep"),
        pytest.param(json.dumps(RFC7515_KEY).encode(), id="public part only"),
        pytest.param(json.dumps(RFC8037_KEY | {"d": "AAAA"}).encode(), id="too short"),
        pytest.param(json.dumps(RFC8037_KEY | {"d": 7}).encode(), id="not text inside"),
        pytest.param(
            json.dumps(RFC8037_KEY | {"d": base64url.encode(bytes(32))}).encode(),
            id="another key's private part",
        ),
        pytest.param(
            json.dumps(RFC7515_KEY | {"d": base64url.encode(bytes(32))}).encode(),
            id="zero is no key",
        ),
    ],
)
def test_a_damaged_private_key_is_refused(secret):
    with pytest.raises(CredentialsRefused):
        load_key(secret)


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(None, id="nothing"),
        pytest.param("key", id="text"),
        pytest.param({}, id="empty"),
        pytest.param(RFC7515_KEY | {"kty": "oct"}, id="symmetric"),
        pytest.param(RFC7515_KEY | {"kty": ["EC"]}, id="kind is a list"),
        pytest.param(RFC7515_KEY | {"crv": "P-384"}, id="another curve"),
        pytest.param(RFC7515_KEY | {"crv": "Ed25519"}, id="curve of another kind"),
        pytest.param(RFC7515_KEY | {"x": RFC7515_KEY["y"]}, id="not on the curve"),
        pytest.param(RFC7515_KEY | {"x": "AAAA"}, id="short coordinate"),
        pytest.param(RFC7515_KEY | {"x": RFC7515_KEY["x"] + "="}, id="padded"),
        pytest.param({k: v for k, v in RFC7515_KEY.items() if k != "y"}, id="half a point"),
        pytest.param(RFC8037_KEY | {"x": 7}, id="a number"),
    ],
)
def test_what_is_no_public_key_is_refused(jwk):
    with pytest.raises(DocumentMalformed):
        public_members(jwk)


def test_a_key_keeps_its_name_whatever_else_stands_beside_it():
    dressed = RFC7515_KEY | {"kid": "other", "use": "sig", "d": "secret"}
    assert public_members(dressed) == RFC7515_KEY
    assert thumbprint(public_members(dressed)) == thumbprint(RFC7515_KEY)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("length", [0, 63, 65, 70])
def test_a_signature_of_another_length_is_refused(algorithm, length):
    with pytest.raises(SignatureInvalid):
        check_signature(seeded().make(algorithm).public_jwk, algorithm, b"", bytes(length))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signature_of_zeros_is_refused(algorithm):
    with pytest.raises(SignatureInvalid):
        check_signature(seeded().make(algorithm).public_jwk, algorithm, b"m", bytes(64))


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "AA\n", "A+/A", "AA A", "é"])
def test_base64url_has_one_spelling(text):
    with pytest.raises(DocumentMalformed):
        base64url.decode(text)

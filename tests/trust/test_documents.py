"""Documents: the right ones are taken, and every wrong one is refused by its own error."""

import hmac
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from monocoque.contracts.documents import (
    CAR_BIRTH,
    CAR_ENROLMENT,
    CLOCK_DIFFERENCE_S_MAX,
    DOCUMENT_BYTES_MAX,
    DOCUMENT_TYPES,
    PHONE_RELEASE,
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
    SignatureInvalid,
)
from monocoque.trust import base64url
from monocoque.trust.documents import SECOND_US, bound_key, sign, unverified_claim, verify
from monocoque.trust.keys import P256_ORDER, SeededKeyMaker

NOW_S = 1_800_000_000
NOW_US = NOW_S * SECOND_US
_MAKER = SeededKeyMaker(random.Random(7).randbytes)
FACTORY = _MAKER.make("ES256")
CAR = _MAKER.make("ES256")
BUILD = _MAKER.make("EdDSA")
STRANGER = _MAKER.make("ES256")
BIRTH = {
    "iss": "factory",
    "sub": "car_x",
    "iat": NOW_S,
    "exp": NOW_S + 600,
    "jti": "1",
    "cnf": {"jwk": dict(CAR.public_jwk)},
}
HEADER = {"alg": "ES256", "kid": FACTORY.key_id, "typ": CAR_BIRTH.typ}


def find_key(key_id):
    return {key.key_id: key.public_jwk for key in (FACTORY, BUILD)}.get(key_id)


def forged(header=HEADER, claims=BIRTH, signer=FACTORY):
    """A document that nobody but a liar, or a wrong program, would make."""
    parts = [p if isinstance(p, str) else json.dumps(p) for p in (header, claims)]
    signing_input = ".".join(base64url.encode(part.encode()) for part in parts).encode()
    return signing_input + b"." + base64url.encode(signer.sign(signing_input)).encode()


def with_number(digits):
    return forged(claims=json.dumps(BIRTH)[:-1] + f',"a":{digits}}}')


def nested(depth):
    """Claims of that depth; they themselves are the first."""
    lists = depth - 1
    return forged(claims=json.dumps(BIRTH)[:-1] + ',"a":' + "[" * lists + "]" * lists + "}")


class ByPublicBytes:
    """Signs by HMAC with what everybody knows: the public key."""

    def sign(self, message):
        return hmac.digest(json.dumps(dict(FACTORY.public_jwk)).encode(), message, "sha256")


def without(members, name):
    return {key: value for key, value in members.items() if key != name}


def enrolment(birth, signer=CAR, **claims):
    own = {"iss": "car_x", "aud": "cell", "iat": NOW_S, "exp": NOW_S + 300, "jti": "2"}
    return sign(CAR_ENROLMENT, own | {"birth": birth.decode(), "bus_key": "U"} | claims, signer)


RIGHT = forged()
HEAD, BODY, SIGNATURE = RIGHT.split(b".")
ODD = SIGNATURE[:-1] + (b"R" if SIGNATURE[-1:] == b"Q" else b"Z")


@pytest.mark.parametrize(
    ("document", "error"),
    [
        pytest.param(b"a" * (DOCUMENT_BYTES_MAX + 1), DocumentTooLarge, id="too large"),
        pytest.param(b"", DocumentMalformed, id="empty"),
        pytest.param("é..".encode(), DocumentMalformed, id="not ASCII"),
        pytest.param(HEAD + b"." + BODY, DocumentMalformed, id="two parts"),
        pytest.param(RIGHT + b".", DocumentMalformed, id="four parts"),
        pytest.param(RIGHT + b"=", DocumentMalformed, id="padding"),
        pytest.param(RIGHT + b"\n", DocumentMalformed, id="a line end"),
        pytest.param(HEAD + b"." + BODY + b"." + ODD, DocumentMalformed, id="unused bits"),
        pytest.param(forged("{"), DocumentMalformed, id="header is no JSON"),
        pytest.param(forged("[]"), DocumentMalformed, id="header is a list"),
        pytest.param(forged("[" * 20_000), DocumentMalformed, id="header is deep"),
        pytest.param(
            forged(json.dumps(HEADER)[:-1] + ',"alg":"ES256"}'),
            DocumentMalformed,
            id="header member twice",
        ),
        pytest.param(
            forged(claims=json.dumps(BIRTH)[:-1] + ',"sub":"car_y"}'),
            DocumentMalformed,
            id="claim twice",
        ),
        pytest.param(
            forged(claims=json.dumps(BIRTH)[:-1] + ',"a":{"b":1,"b":2}}'),
            DocumentMalformed,
            id="inner claim twice",
        ),
        pytest.param(forged(claims=BIRTH | {"a": float("nan")}), DocumentMalformed, id="NaN"),
        pytest.param(
            forged(claims=BIRTH | {"a": ["\ud800"]}), DocumentMalformed, id="half a letter"
        ),
        pytest.param(forged(claims="[]"), DocumentMalformed, id="claims are a list"),
        pytest.param(forged(claims=BIRTH | {"a": 1.0}), DocumentMalformed, id="a fraction"),
        pytest.param(with_number("1e3"), DocumentMalformed, id="an exponent"),
        pytest.param(with_number("1e999"), DocumentMalformed, id="an infinite exponent"),
        pytest.param(with_number(str(2**53)), DocumentMalformed, id="a large number"),
        pytest.param(with_number(str(-(2**53))), DocumentMalformed, id="a large debt"),
        pytest.param(with_number("9" * 5_000), DocumentMalformed, id="an endless number"),
        pytest.param(nested(17), DocumentMalformed, id="nested once too often"),
        pytest.param(nested(20_000), DocumentMalformed, id="nested without end"),
        pytest.param(forged(without(HEADER, "typ")), DocumentTypeUnknown, id="no typ"),
        pytest.param(
            forged(HEADER | {"typ": CAR_ENROLMENT.typ}), DocumentTypeUnknown, id="another type"
        ),
        pytest.param(
            forged(HEADER | {"typ": CAR_BIRTH.typ.upper()}), DocumentTypeUnknown, id="capitals"
        ),
        pytest.param(forged(HEADER | {"crit": ["b64"]}), CriticalClaimUnknown, id="crit"),
        pytest.param(forged(HEADER | {"crit": []}), CriticalClaimUnknown, id="empty crit"),
        pytest.param(forged(HEADER | {"b64": False}), CriticalClaimUnknown, id="plain claims"),
        pytest.param(forged(without(HEADER, "alg")), AlgorithmRefused, id="no algorithm"),
        pytest.param(forged(HEADER | {"alg": "none"}), AlgorithmRefused, id="none"),
        pytest.param(
            base64url.encode(json.dumps(HEADER | {"alg": "none"}).encode()).encode()
            + b"."
            + BODY
            + b".",
            AlgorithmRefused,
            id="none without signature",
        ),
        pytest.param(forged(HEADER | {"alg": "NoNe"}), AlgorithmRefused, id="none in disguise"),
        pytest.param(forged(HEADER | {"alg": "es256"}), AlgorithmRefused, id="small letters"),
        pytest.param(forged(HEADER | {"alg": "HS256"}), AlgorithmRefused, id="HS256"),
        pytest.param(
            forged(HEADER | {"alg": "HS256"}, signer=ByPublicBytes()),
            AlgorithmRefused,
            id="HS256 by the public key's bytes",
        ),
        pytest.param(forged(HEADER | {"alg": "EdDSA"}), AlgorithmRefused, id="not of the row"),
        pytest.param(forged(HEADER | {"alg": ["ES256"]}), AlgorithmRefused, id="a list of them"),
        pytest.param(
            forged(HEADER | {"kid": BUILD.key_id}, signer=BUILD),
            AlgorithmRefused,
            id="key of another kind",
        ),
        pytest.param(forged(without(HEADER, "kid")), DocumentMalformed, id="no key id"),
        pytest.param(
            forged(HEADER | {"kid": STRANGER.key_id}, signer=STRANGER), KeyUnknown, id="a stranger"
        ),
        pytest.param(
            forged(
                HEADER | {"kid": STRANGER.key_id, "jwk": dict(STRANGER.public_jwk)},
                signer=STRANGER,
            ),
            KeyUnknown,
            id="a key that the document brings",
        ),
        pytest.param(forged(signer=STRANGER), SignatureInvalid, id="signed by another"),
        pytest.param(HEAD + b"." + BODY + b".", SignatureInvalid, id="no signature"),
        pytest.param(
            HEAD + b"." + forged(claims=BIRTH | {"sub": "car_y"}).split(b".")[1] + b"." + SIGNATURE,
            SignatureInvalid,
            id="other claims",
        ),
        pytest.param(
            forged(HEADER | {"x": 1}).split(b".")[0] + b"." + BODY + b"." + SIGNATURE,
            SignatureInvalid,
            id="another header",
        ),
        *(
            pytest.param(forged(claims=without(BIRTH, name)), DocumentMalformed, id=f"no {name}")
            for name in sorted(CAR_BIRTH.claims)
        ),
        pytest.param(forged(claims=BIRTH | {"sub": 7}), DocumentMalformed, id="sub a number"),
        pytest.param(forged(claims=BIRTH | {"exp": "1"}), DocumentMalformed, id="exp a text"),
        pytest.param(forged(claims=BIRTH | {"nbf": True}), DocumentMalformed, id="nbf a truth"),
        pytest.param(forged(claims=BIRTH | {"nbf": 1.5}), DocumentMalformed, id="nbf a fraction"),
        pytest.param(
            forged(claims=BIRTH | {"exp": NOW_S + 3_601}), DocumentMalformed, id="lives too long"
        ),
        pytest.param(forged(claims=BIRTH | {"exp": NOW_S}), DocumentMalformed, id="never lived"),
        pytest.param(
            forged(claims=BIRTH | {"nbf": NOW_S + 121}), DocumentNotYetValid, id="nbf to come"
        ),
        pytest.param(
            forged(claims=BIRTH | {"iat": NOW_S + 121}), DocumentNotYetValid, id="made tomorrow"
        ),
        pytest.param(
            forged(claims=BIRTH | {"iat": NOW_S - 600, "exp": NOW_S - 120}),
            DocumentExpired,
            id="over",
        ),
        pytest.param(
            forged(claims=BIRTH | {"aud": "cell"}), DocumentAudienceWrong, id="for somebody"
        ),
        pytest.param(
            forged(claims=BIRTH | {"aud": [None]}), DocumentAudienceWrong, id="for nobody"
        ),
    ],
)
def test_a_wrong_document_is_refused(document, error):
    with pytest.raises(error) as caught:
        verify(CAR_BIRTH, document, find_key, NOW_US)
    assert type(caught.value) is error


def test_a_right_document_is_taken_and_its_bytes_are_kept():
    document = sign(CAR_BIRTH, BIRTH, FACTORY)
    verified = verify(CAR_BIRTH, document, find_key, NOW_US)
    assert verified.claims == BIRTH
    assert verified.key_id == FACTORY.key_id
    assert verified.document == document
    assert verified.text("sub") == "car_x"
    with pytest.raises(DocumentMalformed):
        verified.text("iat")


def test_a_document_made_elsewhere_with_other_spacing_is_taken():
    assert verify(CAR_BIRTH, RIGHT, find_key, NOW_US).claims == BIRTH


@pytest.mark.parametrize(
    "difference_s",
    [-CLOCK_DIFFERENCE_S_MAX, 0, 600 + CLOCK_DIFFERENCE_S_MAX - 1],
    ids=["slow clock", "same clock", "fast clock"],
)
def test_clocks_may_differ_a_little(difference_s):
    assert verify(CAR_BIRTH, RIGHT, find_key, NOW_US + difference_s * SECOND_US)


def test_a_record_for_ever_is_taken_years_later():
    claims = dict.fromkeys(PHONE_RELEASE.claims, "x") | {"iat": NOW_S}
    document = sign(PHONE_RELEASE, claims, BUILD)
    assert verify(PHONE_RELEASE, document, find_key, NOW_US * 2).claims == claims


def test_a_car_proves_the_key_of_its_birth():
    document = enrolment(sign(CAR_BIRTH, BIRTH, FACTORY))
    birth = verify(CAR_BIRTH, unverified_claim(document, "birth").encode(), find_key, NOW_US)
    key = bound_key(birth.claims)
    assert verify(CAR_ENROLMENT, document, lambda _: key, NOW_US, "cell").text("bus_key") == "U"
    stolen = enrolment(birth.document, signer=STRANGER)
    with pytest.raises(KeyUnknown):
        verify(CAR_ENROLMENT, stolen, lambda _: key, NOW_US, "cell")


@pytest.mark.parametrize("audience", [None, "other", ""])
def test_a_document_for_somebody_else_is_refused(audience):
    document = enrolment(RIGHT)
    with pytest.raises(DocumentAudienceWrong):
        verify(CAR_ENROLMENT, document, lambda _: CAR.public_jwk, NOW_US, audience)


def test_one_of_several_audiences_is_enough():
    document = enrolment(RIGHT, aud=["other", "cell"])
    assert verify(CAR_ENROLMENT, document, lambda _: CAR.public_jwk, NOW_US, "cell")


def test_a_document_without_audience_is_refused_where_one_is_wanted():
    with pytest.raises(DocumentAudienceWrong):
        verify(CAR_BIRTH, RIGHT, find_key, NOW_US, "cell")


@pytest.mark.parametrize(
    "cnf",
    [
        pytest.param(None, id="none"),
        pytest.param("x", id="text"),
        pytest.param({}, id="empty"),
        pytest.param({"kid": "x"}, id="a name only"),
        pytest.param({"jwk": {"kty": "oct", "k": "AA"}}, id="symmetric"),
        pytest.param({"jwk": json.loads(CAR.export())}, id="with its private part"),
    ],
)
def test_a_bound_key_must_be_a_public_key(cnf):
    with pytest.raises(DocumentMalformed):
        bound_key({"cnf": cnf})


def test_an_unverified_claim_can_always_be_written():
    with pytest.raises(DocumentMalformed):
        unverified_claim(forged(claims={"birth": "\ud800"}), "birth")


@pytest.mark.parametrize("name", ["missing", "iat", "cnf"])
def test_an_unverified_claim_is_a_text(name):
    with pytest.raises(DocumentMalformed):
        unverified_claim(RIGHT, name)


@pytest.mark.parametrize(
    ("claims", "signer", "error"),
    [
        pytest.param(BIRTH, BUILD, AlgorithmRefused, id="wrong algorithm"),
        pytest.param(without(BIRTH, "cnf"), FACTORY, DocumentMalformed, id="claim missing"),
        pytest.param(BIRTH | {"a": {1, 2}}, FACTORY, DocumentMalformed, id="not JSON"),
        pytest.param(BIRTH | {"a": float("inf")}, FACTORY, DocumentMalformed, id="infinite"),
        pytest.param(BIRTH | {"a": "\ud800"}, FACTORY, DocumentMalformed, id="half a letter"),
        pytest.param(BIRTH | {"a": 0.5}, FACTORY, DocumentMalformed, id="a fraction"),
        pytest.param(BIRTH | {"a": {1: 1, "1": 2}}, FACTORY, DocumentMalformed, id="twice"),
        pytest.param(BIRTH | {"a": "x" * 65_536}, FACTORY, DocumentTooLarge, id="too large"),
    ],
)
def test_what_no_reader_would_take_is_not_signed(claims, signer, error):
    with pytest.raises(error):
        sign(CAR_BIRTH, claims, signer)


@pytest.mark.parametrize("row", DOCUMENT_TYPES, ids=lambda row: row.typ)
def test_every_row_says_when_it_was_made_and_ends_or_is_for_ever(row):
    assert "iat" in row.claims
    assert row.expires == ("exp" in row.claims)


def test_what_every_reader_reads_alike_is_taken():
    document = nested(16)
    assert verify(CAR_BIRTH, document, find_key, NOW_US)
    for number in (2**53 - 1, 1 - 2**53):
        assert verify(CAR_BIRTH, with_number(str(number)), find_key, NOW_US).claims["a"] == number


def test_a_key_that_was_found_under_another_name_is_not_used():
    with pytest.raises(KeyUnknown):
        verify(CAR_BIRTH, RIGHT, lambda _: STRANGER.public_jwk, NOW_US)
    misnamed = forged(HEADER | {"kid": "factory"})
    with pytest.raises(KeyUnknown):
        verify(CAR_BIRTH, misnamed, lambda _: FACTORY.public_jwk, NOW_US)


def test_both_halves_of_the_curve_are_taken_so_bytes_are_no_name_of_a_document():
    raw = base64url.decode(SIGNATURE.decode())
    other_s = P256_ORDER - int.from_bytes(raw[32:], "big")
    mirrored = base64url.encode(raw[:32] + other_s.to_bytes(32, "big")).encode()
    document = HEAD + b"." + BODY + b"." + mirrored
    assert document != RIGHT
    assert verify(CAR_BIRTH, document, find_key, NOW_US).claims == BIRTH


def test_a_library_of_others_reads_our_documents_and_names_our_keys():
    key = ECKey.import_key(dict(FACTORY.public_jwk))
    assert key.thumbprint() == FACTORY.key_id
    found = jws.deserialize_compact(sign(CAR_BIRTH, BIRTH, FACTORY), key, algorithms=["ES256"])
    assert json.loads(found.payload) == BIRTH
    assert found.protected == HEADER


def test_we_read_the_documents_of_a_library_of_others():
    key = ECKey.import_key(json.loads(FACTORY.export()))
    document = jws.serialize_compact(HEADER, json.dumps(BIRTH), key, algorithms=["ES256"])
    assert verify(CAR_BIRTH, document.encode(), find_key, NOW_US).claims == BIRTH


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
NEW_CLAIMS = st.dictionaries(st.text(max_size=8).map(lambda name: "x_" + name), JSON, max_size=4)


@given(more=NEW_CLAIMS)
def test_claims_that_nobody_knows_yet_survive(more):
    document = sign(CAR_BIRTH, BIRTH | more, FACTORY)
    assert verify(CAR_BIRTH, document, find_key, NOW_US).claims == BIRTH | more


@given(place=st.integers(0, len(RIGHT) - 1), byte=st.integers(0, 255))
def test_no_byte_can_be_changed(place, byte):
    changed = RIGHT[:place] + bytes([byte]) + RIGHT[place + 1 :]
    if changed == RIGHT:
        return
    with pytest.raises(
        (DocumentMalformed, DocumentTypeUnknown, AlgorithmRefused, KeyUnknown, SignatureInvalid)
    ):
        verify(CAR_BIRTH, changed, find_key, NOW_US)

"""Tokens of signal clients: what is taken, and every wrong kind of them."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from monocoque.contracts.errors import SignalTokenExpired, SignalTokenRefused
from monocoque.trust import base64url
from monocoque.trust.issuer_keys import read_keys
from monocoque.trust.signal_tokens import (
    LIFETIME_S_MAX,
    SCOPES_MAX,
    Issuer,
    Scope,
    SignalToken,
    read_foreign_token,
    read_scopes,
    read_token,
    said_issuer,
    scope_text,
    sign_token,
)
from tests.trust.foreign_issuer import KEYS, compact, pem_of
from tests.vectors import people

KEY = people.CAR_SIGN
CAR_ID = people.CAR_ID
NOW_US = people.NOW_S * 1_000_000
TOKEN = SignalToken(
    "token_1",
    "trip log",
    (Scope("read", "Vehicle.Speed"), Scope("actuate", ""), Scope("read", "Vehicle.A", True)),
    NOW_US,
    NOW_US + 3_600_000_000,
)


def claims(**changes):
    """The claims of a good token, changed; None leaves one out."""
    good = {
        "iss": CAR_ID,
        "sub": "trip log",
        "aud": [CAR_ID],
        "iat": people.NOW_S,
        "exp": people.NOW_S + 60,
        "jti": "token_1",
        "scope": "read",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(header=None, key=None, **changes):
    """A token made by hand."""
    own = ECKey.import_key(json.loads(KEY.export()))
    header = header or {"alg": "ES256"}
    return jwt.encode(header, claims(**changes), key or own, algorithms=[header["alg"]])


def read(text, now_us=NOW_US):
    return read_token(text, KEY.public_jwk, CAR_ID, now_us)


def test_a_token_says_what_was_signed() -> None:
    assert read(sign_token(KEY, CAR_ID, TOKEN)) == TOKEN


def test_an_audience_may_be_a_text() -> None:
    assert read(signed(aud=CAR_ID)).token_id == "token_1"


def test_a_token_ends_at_its_end() -> None:
    text = sign_token(KEY, CAR_ID, TOKEN)
    assert read(text, TOKEN.expires_us - 1) == TOKEN
    with pytest.raises(SignalTokenExpired):
        read(text, TOKEN.expires_us)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["car_of_somebody"]},
        {"aud": None},
        {"jti": None},
        {"jti": ""},
        {"sub": 5},
        {"sub": "x" * 129},
        {"scope": None},
        {"scope": "fly:Vehicle"},
        {"exp": None},
        {"exp": 1.5},
        {"exp": True},
        {"exp": -1},
        {"exp": 2**40},
        {"iat": None},
        {"iat": people.NOW_S + 61},
        {"nbf": people.NOW_S + 61},
        {"nbf": "soon"},
        {"nbf": 1.5},
        {"iss": None},
        {"iss": "somebody"},
        {"iss": [CAR_ID]},
        {"exp": people.NOW_S + LIFETIME_S_MAX + 1},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(changes) -> None:
    with pytest.raises(SignalTokenRefused) as refused:
        read(signed(**changes))
    assert type(refused.value) is SignalTokenRefused


def _part(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _by_hand(header) -> str:
    """What no library would write, with a signature that fits."""
    text = f"{_part(header)}.{_part(claims())}"
    return f"{text}.{base64url.encode(KEY.sign(text.encode()))}"


def test_a_token_by_hand_is_read_like_any_other() -> None:
    assert read(_by_hand({"alg": "ES256"})).token_id == "token_1"


def test_a_token_of_another_algorithm_or_key_is_refused() -> None:
    other = ECKey.import_key(json.loads(people.OWNER.export()))
    for text in (
        f"{_part({'alg': 'none'})}.{_part(claims())}.",
        signed(key=other),
        signed({"alg": "HS256"}, key=OctKey.import_key(json.dumps(dict(KEY.public_jwk)))),
        _by_hand({"alg": "ES256", "crit": ["exp"], "exp": 1}),
        sign_token(KEY, CAR_ID, TOKEN)[:-4] + "AAAA",
        "",
        "a.b",
        "x" * 20_000,
    ):
        with pytest.raises(SignalTokenRefused):
            read(text)


@given(st.text(max_size=200))
def test_whatever_is_no_token_is_refused(text) -> None:
    with pytest.raises(SignalTokenRefused):
        read(text)


def test_scopes_are_those_of_kuksa_and_denials() -> None:
    assert read_scopes("read provide:Vehicle.* deny:actuate:Vehicle.Cabin") == (
        Scope("read", ""),
        Scope("provide", "Vehicle.*"),
        Scope("actuate", "Vehicle.Cabin", is_denial=True),
    )


@pytest.mark.parametrize(
    "scope",
    ["", "read ", "Read", "read:", "read:a b.", "read:Vehicle..Speed", "deny", "read:../x",
     " ".join(["read"] * (SCOPES_MAX + 1))],
)  # fmt: skip
def test_a_scope_with_a_wrong_word_is_refused(scope) -> None:
    with pytest.raises(SignalTokenRefused):
        read_scopes(scope)


def test_a_token_of_today_is_refused_by_another_car() -> None:
    text = sign_token(KEY, CAR_ID, replace(TOKEN, name="x"))
    with pytest.raises(SignalTokenRefused, match="another car"):
        read_token(text, KEY.public_jwk, "car_other", NOW_US)


MAKER = "https://tokens.maker.example"
ISSUER = Issuer(
    "issuer_1",
    MAKER,
    "kuksa.val",
    (Scope("read", ""),),
    tuple(key for private, _ in KEYS.values() for key in read_keys(pem_of(private))),
)
"""Whose keys are of every kind."""


def foreign(kind="P-256", header=None, **changes):
    """A token as KUKSA's guide has it, without a name, changed."""
    private, algorithms = KEYS[kind]
    said = claims(iss=MAKER, aud=["kuksa.val"], jti=None)
    said = {name: value for name, value in (said | changes).items() if value is not None}
    return compact(private, header or {"alg": algorithms[-1], "typ": "JWT"}, said)


@pytest.mark.parametrize("kind", KEYS)
def test_a_token_of_an_issuer_that_is_trusted_says_what_was_signed(kind) -> None:
    token = read_foreign_token(foreign(kind, scope="read  actuate:Vehicle.Cabin "), ISSUER, NOW_US)
    assert token.name == "trip log"
    assert token.scopes == (Scope("read", ""), Scope("actuate", "Vehicle.Cabin"))
    assert token.expires_us == NOW_US + 60_000_000


def test_a_token_of_another_issuer_never_has_the_name_of_one_of_the_car() -> None:
    named = read_foreign_token(foreign(jti="token_1"), ISSUER, NOW_US)
    assert named.token_id == "issuer_1/token_1"
    first, again = (read_foreign_token(foreign(), ISSUER, NOW_US).token_id for _ in range(2))
    assert first == again != read_foreign_token(foreign(sub="x"), ISSUER, NOW_US).token_id
    assert first.startswith("issuer_1/")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": CAR_ID},
        {"iss": None},
        {"aud": [CAR_ID]},
        {"aud": None},
        {"aud": {"kuksa.val": 1}},
        {"sub": None},
        {"scope": None},
        {"scope": 5},
        {"scope": "  "},
        {"scope": "fly"},
        {"jti": 5},
        {"jti": ""},
        {"exp": None},
        {"iat": None},
        {"nbf": people.NOW_S + 61},
        {"exp": people.NOW_S + LIFETIME_S_MAX + 1},
    ],
)
def test_a_token_of_another_issuer_with_a_wrong_claim_is_refused(changes) -> None:
    with pytest.raises(SignalTokenRefused) as refused:
        read_foreign_token(foreign(**changes), ISSUER, NOW_US)
    assert type(refused.value) is SignalTokenRefused


def test_a_token_of_another_issuer_ends_and_begins_by_the_clock() -> None:
    assert read_foreign_token(foreign(nbf=people.NOW_S + 60), ISSUER, NOW_US)
    with pytest.raises(SignalTokenExpired):
        read_foreign_token(foreign(), ISSUER, NOW_US + 60_000_000)


def test_an_issuer_signs_nothing_in_the_name_of_the_car() -> None:
    with pytest.raises(SignalTokenRefused):
        read(foreign(iss=CAR_ID, aud=[CAR_ID], jti="token_1"))
    with pytest.raises(SignalTokenRefused):
        read_foreign_token(sign_token(KEY, CAR_ID, TOKEN), ISSUER, NOW_US)


def test_who_a_token_says_that_it_is_of_can_be_read_first() -> None:
    assert said_issuer(foreign()) == MAKER
    for nobody in (foreign(iss=None), foreign(iss=[MAKER])):
        assert said_issuer(nobody) == ""
    for wrong in ("", "a.b", "x" * 20_000, "é.é.é"):
        with pytest.raises(SignalTokenRefused):
            said_issuer(wrong)


def test_scopes_are_written_as_they_are_read() -> None:
    text = "read provide:Vehicle.* deny:actuate:Vehicle.Cabin"
    assert scope_text(read_scopes(text)) == text

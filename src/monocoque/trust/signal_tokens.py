"""Tokens of those who come in by a car's signal doors: JWT (RFC 7519) with KUKSA's scopes.

Rules:

* a token is for one car (``aud``), has an end (``exp``) and a name (``jti``), by which it can be
  revoked; the car signs with a key of its own (ES256), and of itself takes no other algorithm;
* it is not taken before it begins (``nbf``, ``iat``), but for what clocks differ;
* ``scope`` is words with spaces between them: ``ACTION`` or ``ACTION:PATH`` with the actions
  ``read``, ``actuate``, ``provide`` and ``create``, as KUKSA has them; a path is a signal, a branch
  or holds ``*`` for one level; ``deny:ACTION`` and ``deny:ACTION:PATH`` take away what others give;
* a token with one wrong word is refused whole.
* a token is of one issuer (``iss``), whose keys alone can have signed it: the car, or one that the
  car was told to trust, which then gives at most what the car was told.

Left out on purpose: which signals a scope names, since that takes a catalogue (car/tokens).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.errors import (
    DocumentMalformed,
    SignalTokenExpired,
    SignalTokenRefused,
    SignatureInvalid,
)
from monocoque.trust import base64url
from monocoque.trust.issuer_keys import unverified_claims, verified_claims
from monocoque.trust.keys import PrivateKey

ALGORITHM: Final = "ES256"
TOKEN_CHARACTERS_MAX: Final = 16_384
SCOPES_MAX: Final = 256
NAME_CHARACTERS_MAX: Final = 128
ISSUER_CHARACTERS_MAX: Final = 256
"""Of an issuer's name, and of an audience."""
LIFETIME_S_MAX: Final = 366 * 86_400
CLOCK_DIFFERENCE_S_MAX: Final = 60
"""So much earlier than its ``iat`` and its ``nbf`` a token is taken."""
MICROSECONDS: Final = 1_000_000
ACTIONS: Final = ("read", "actuate", "provide", "create")
_SCOPE: Final = re.compile(
    r"(?P<deny>deny:)?(?P<action>read|actuate|provide|create)"
    r"(?::(?P<path>[A-Za-z0-9_*]+(?:\.[A-Za-z0-9_*]+){0,31}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """One word of a scope."""

    action: str
    path: str
    """A signal, a branch or a pattern; empty for every signal."""
    is_denial: bool = False


@dataclass(frozen=True, slots=True)
class SignalToken:
    """What a token says, once it was found to be genuine and alive."""

    token_id: str
    name: str
    """Whose it is, as whoever made it wrote it."""
    scopes: tuple[Scope, ...]
    issued_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens a car takes beside its own."""

    issuer_id: str
    """By which the car knows it; another when it was trusted anew."""
    name: str
    """As its tokens say it (``iss``)."""
    audience: str
    """What its tokens say that they are for (``aud``): the car, unless a person said otherwise."""
    scopes: tuple[Scope, ...]
    """None of its tokens gives more than these."""
    keys: tuple[Mapping[str, str], ...]
    """Public JWKs, see issuer_keys.py."""


def read_scopes(text: str) -> tuple[Scope, ...]:
    """The words of a scope. Raises SignalTokenRefused."""
    words = text.split(" ")
    if len(words) > SCOPES_MAX:
        raise SignalTokenRefused(f"A token has at most {SCOPES_MAX} scopes.")
    scopes = []
    for word in words:
        match = _SCOPE.match(word)
        if match is None:
            raise SignalTokenRefused(
                f"{word[:80]!r} is no scope.",
                hint="Write ACTION:PATH, with the action read, actuate, provide or create.",
            )
        scopes.append(Scope(match["action"], match["path"] or "", match["deny"] is not None))
    return tuple(scopes)


def scope_text(scopes: Sequence[Scope]) -> str:
    """These words as a token says them."""
    return " ".join(
        ("deny:" if each.is_denial else "") + each.action + (f":{each.path}" if each.path else "")
        for each in scopes
    )


def sign_token(key: PrivateKey, car_id: str, token: SignalToken) -> str:
    """The token as its bearer shows it."""
    # Imported here: a car that starts gives no token out, and need not wait for it.
    from joserfc import jwt
    from joserfc.jwk import ECKey

    claims = {
        "iss": car_id,
        "sub": token.name,
        "aud": [car_id],
        "iat": token.issued_us // MICROSECONDS,
        "exp": token.expires_us // MICROSECONDS,
        "jti": token.token_id,
        "scope": scope_text(token.scopes),
    }
    return jwt.encode(
        {"alg": ALGORITHM, "typ": "JWT"}, claims, ECKey.import_key(json.loads(key.export()))
    )


def read_token(text: str, key: Mapping[str, str], car_id: str, now_us: int) -> SignalToken:
    """What a token says that the car itself gave out.

    key: the public JWK of the car's token key. Raises SignalTokenRefused, and SignalTokenExpired
    when nothing is wrong with it but its time.
    """
    claims = _verified(text, [key])
    return _read(claims, car_id, car_id, _text(claims, "jti"), now_us)


def read_foreign_token(text: str, issuer: Issuer, now_us: int) -> SignalToken:
    """What a token of this issuer says; raises as ``read_token`` does.

    Its name begins with the issuer's identifier, so that it is never the name of another's token.
    One without a name (``jti``), such as KUKSA's, is named by what was signed.
    """
    claims = dict(_verified(text, issuer.keys))
    if isinstance(claims.get("scope"), str):
        claims["scope"] = " ".join(claims["scope"].split())  # as KUKSA reads it
    name = _text(claims, "jti") if "jti" in claims else _digest(text)
    return _read(claims, issuer.name, issuer.audience, f"{issuer.issuer_id}/{name}", now_us)


def said_issuer(text: str) -> str:
    """Who a token says that it is of, before anybody has checked that; empty for nobody.

    Raises SignalTokenRefused.
    """
    _check_length(text)
    try:
        said = unverified_claims(text).get("iss")
    except DocumentMalformed:
        raise SignalTokenRefused("The token is malformed.") from None
    return said if isinstance(said, str) else ""


def _check_length(text: str) -> None:
    if not 0 < len(text) <= TOKEN_CHARACTERS_MAX:
        raise SignalTokenRefused("There is no token, or one that is too long.")


def _verified(text: str, keys: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
    _check_length(text)
    try:
        return verified_claims(text, keys)
    except (DocumentMalformed, SignatureInvalid):
        raise SignalTokenRefused(
            "The token is malformed, or nobody whom this car trusts signed it."
        ) from None


def _digest(text: str) -> str:
    """A signature has two right forms (decision 0011), so it is left out."""
    signed = text.rpartition(".")[0].encode()
    return base64url.encode(hashlib.sha256(signed).digest())


def _read(
    claims: Mapping[str, Any], issuer: str, audience: str, token_id: str, now_us: int
) -> SignalToken:
    said = claims.get("aud")
    if audience not in (said if isinstance(said, list) else [said]):
        raise SignalTokenRefused("The token is for another car.")
    if claims.get("iss") != issuer:
        raise SignalTokenRefused("The token is of another issuer than its signature.")
    name, scope = (_text(claims, member) for member in ("sub", "scope"))
    issued_us, expires_us = (_time_us(claims, member) for member in ("iat", "exp"))
    begins_us = max(issued_us, _time_us(claims, "nbf") if "nbf" in claims else 0)
    if begins_us > now_us + CLOCK_DIFFERENCE_S_MAX * MICROSECONDS:
        raise SignalTokenRefused("The token is not yet valid.")
    if expires_us - issued_us > LIFETIME_S_MAX * MICROSECONDS:
        raise SignalTokenRefused("The token lives longer than any may.")
    token = SignalToken(token_id, name, read_scopes(scope), issued_us, expires_us)
    if expires_us <= now_us:
        raise SignalTokenExpired("The token's time is over.")
    return token


def _text(claims: Mapping[str, Any], member: str) -> str:
    value = claims.get(member)
    limit = TOKEN_CHARACTERS_MAX if member == "scope" else NAME_CHARACTERS_MAX
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise SignalTokenRefused(f"The token has no {member} that can be taken.")
    return value


def _time_us(claims: Mapping[str, Any], member: str) -> int:
    value = claims.get(member)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**40:
        raise SignalTokenRefused(f"The token has no {member} that can be taken.")
    return value * MICROSECONDS

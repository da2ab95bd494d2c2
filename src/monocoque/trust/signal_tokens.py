"""Tokens of those who come in by a car's signal doors: JWT (RFC 7519) with KUKSA's scopes.

Rules:

* a token is for one car (``aud``), has an end (``exp``) and a name (``jti``), by which it can be
  revoked; the car signs with a key of its own (ES256), and takes no other algorithm;
* ``scope`` is words with spaces between them: ``ACTION`` or ``ACTION:PATH`` with the actions
  ``read``, ``actuate``, ``provide`` and ``create``, as KUKSA has them; a path is a signal, a branch
  or holds ``*`` for one level; ``deny:ACTION`` and ``deny:ACTION:PATH`` take away what others give;
* a token with one wrong word is refused whole.

Left out on purpose: which signals a scope names, since that takes a catalogue (car/tokens); and
RSA, which KUKSA takes too.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from monocoque.contracts.errors import SignalTokenExpired, SignalTokenRefused
from monocoque.trust.keys import PrivateKey

ALGORITHM: Final = "ES256"
TOKEN_CHARACTERS_MAX: Final = 16_384
SCOPES_MAX: Final = 256
NAME_CHARACTERS_MAX: Final = 128
LIFETIME_S_MAX: Final = 366 * 86_400
CLOCK_DIFFERENCE_S_MAX: Final = 60
"""So much earlier than its ``iat`` a token is taken."""
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


def sign_token(key: PrivateKey, car_id: str, token: SignalToken) -> str:
    """The token as its bearer shows it."""
    scope = " ".join(
        ("deny:" if each.is_denial else "") + each.action + (f":{each.path}" if each.path else "")
        for each in token.scopes
    )
    claims = {
        "iss": car_id,
        "sub": token.name,
        "aud": [car_id],
        "iat": token.issued_us // MICROSECONDS,
        "exp": token.expires_us // MICROSECONDS,
        "jti": token.token_id,
        "scope": scope,
    }
    return jwt.encode(
        {"alg": ALGORITHM, "typ": "JWT"}, claims, ECKey.import_key(json.loads(key.export()))
    )


def read_token(text: str, key: Mapping[str, str], car_id: str, now_us: int) -> SignalToken:
    """What a token says.

    key: the public JWK of the car's token key. Raises SignalTokenRefused, and SignalTokenExpired
    when nothing is wrong with it but its time.
    """
    if not 0 < len(text) <= TOKEN_CHARACTERS_MAX:
        raise SignalTokenRefused("There is no token, or one that is too long.")
    try:
        decoded = jwt.decode(text, ECKey.import_key(dict(key)), algorithms=[ALGORITHM])
        claims: Mapping[str, Any] = decoded.claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise SignalTokenRefused("The token is malformed, or this car did not sign it.") from None
    audience = claims.get("aud")
    if car_id not in (audience if isinstance(audience, list) else [audience]):
        raise SignalTokenRefused("The token is for another car.")
    token_id, name, scope = (_text(claims, member) for member in ("jti", "sub", "scope"))
    issued_us, expires_us = (_time_us(claims, member) for member in ("iat", "exp"))
    if issued_us > now_us + CLOCK_DIFFERENCE_S_MAX * MICROSECONDS:
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

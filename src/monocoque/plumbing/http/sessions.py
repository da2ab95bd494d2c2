"""The port of sessions: who a request comes from.

Rules: a session belongs to one site and is found by a random token that only its browser holds;
the cookie that carries it has no domain, so the browser sends it to that host alone.

Left out on purpose: how people sign in; that is phone/accounts.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from monocoque.contracts.identifiers import PersonId, SessionId
from monocoque.contracts.rights import PersonRole, Site
from monocoque.plumbing.http.sites import Place

COOKIE_NAME: Final = "monocoque_session"
TOKEN_BYTES: Final = 32

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    session_id: SessionId
    person_id: PersonId
    site: Site
    roles: frozenset[PersonRole]
    """The person's roles that count on this site."""


class Sessions(Protocol):
    """Where sessions are looked up."""

    async def find(self, token: str, site: Site) -> Session | None:
        """The living session of that token on that site, or None.

        Raises RecordsUnavailable and its like.
        """


def cookie_name(place: Place) -> str:
    """The session cookie's name; behind TLS with the prefix that browsers enforce (RFC 6265bis)."""
    return f"__Host-{COOKIE_NAME}" if place.is_public else COOKIE_NAME


def set_cookie(place: Place, token: str, lifetime_s: int) -> str:
    """The Set-Cookie header that gives a browser its session; 0 seconds takes it away."""
    secure = "; Secure" if place.is_public else ""
    return (
        f"{cookie_name(place)}={token}; Path=/; Max-Age={lifetime_s}; "
        f"HttpOnly; SameSite=Strict{secure}"
    )


def token_in(place: Place, cookies: Sequence[bytes]) -> str | None:
    """The session token among the Cookie headers of a request, or None.

    Two different ones are none: nobody can say which of them the page meant.
    """
    wanted = cookie_name(place)
    found = set()
    for header in cookies:
        for pair in header.decode("latin-1").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted and _TOKEN.match(value):
                found.add(value)
    return found.pop() if len(found) == 1 else None


def csrf_token(session_token: str) -> str:
    """The token that a page of this session must send with every change.

    HMAC-SHA-256 (RFC 2104) keyed by the session's token: bound to it, and it does not give it away.
    """
    return hmac.new(session_token.encode(), b"monocoque csrf", hashlib.sha256).hexdigest()

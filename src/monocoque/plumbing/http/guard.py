"""Stands before every route and lets in who may.

In this order: the body's size, the session, its rate, the right on this site, the origin of a
change. Only then does the route run, with a time limit until its answer begins.

Rules: it works on the bare protocol (ASGI), before a byte of the body is read; it decides by the
route's rules and contracts/rights.py alone.
"""

import asyncio
import hmac
from dataclasses import dataclass
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monocoque.contracts.errors import (
    DeadlinePassed,
    NotAllowed,
    NotSignedIn,
    RequestMalformed,
    RequestTooLarge,
    SiteUnknown,
)
from monocoque.contracts.rights import Right, allows
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.cross_site import SAFE_METHODS, check_origin, check_token
from monocoque.plumbing.http.exchange import Exchange, exchange_in
from monocoque.plumbing.http.rates import Rates
from monocoque.plumbing.http.rules import Rules
from monocoque.plumbing.http.sessions import Session, Sessions, token_in
from monocoque.plumbing.http.sites import Place
from monocoque.plumbing.keystore.port import KeyStore


@dataclass(frozen=True)
class Gate:
    """What all guards of one application share."""

    config: HttpConfig
    sessions: Sessions
    session_rates: Rates
    keystore: KeyStore


class Guard:
    """One route with its rules."""

    def __init__(self, app: ASGIApp, gate: Gate, rules: Rules, route: str) -> None:
        """Guard the app of one route.

        route: its path as a template, for logs and metrics.
        """
        self._app = app
        self._gate = gate
        self._rules = rules
        self._route = route
        self._body_bytes_max = (
            gate.config.body_bytes_max if rules.body_bytes_max is None else rules.body_bytes_max
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or raise the error that says why not."""
        exchange = exchange_in(scope)
        exchange.route = self._route
        place = exchange.place
        if place is None:
            raise SiteUnknown("The request is for no site.")
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        self._check_declared_size(headers)
        if not self._has_bearer(headers):
            await self._admit(scope, exchange, place, headers)
        answer_s_max = self._rules.answer_s_max or self._gate.config.answer_s_max
        bounded = _BoundedBody(receive, self._body_bytes_max, self._gate.config.body_s_max)
        limit = asyncio.timeout(answer_s_max)
        try:
            async with limit:

                async def send_and_stop_the_clock(message: Message) -> None:
                    limit.reschedule(None)  # what has begun may last: a live stream, a large file
                    await send(message)

                await self._app(scope, bounded.receive, send_and_stop_the_clock)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DeadlinePassed("The route took longer than it may.") from error

    def _check_declared_size(self, headers: dict[str, str]) -> None:
        declared = headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdigit()):
            raise RequestMalformed("The length of the body is not a number.")
        if int(declared[:20]) > self._body_bytes_max:
            raise RequestTooLarge(f"This route takes {self._body_bytes_max} bytes at most.")

    def _has_bearer(self, headers: dict[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if self._rules.bearer_secret is None or scheme.lower() != "bearer":
            return False
        secret = self._gate.keystore.read(self._rules.bearer_secret)
        return secret is not None and hmac.compare_digest(given.strip().encode("latin-1"), secret)

    async def _admit(
        self, scope: Scope, exchange: Exchange, place: Place, headers: dict[str, str]
    ) -> None:
        right = self._rules.right
        if place.site not in right.sites:
            raise SiteUnknown(f"This route is not on the site {place.site.value}.")
        is_change = scope["method"] not in SAFE_METHODS
        if not right.is_for_anyone:
            cookies = [value for name, value in scope["headers"] if name == b"cookie"]
            token = token_in(place, cookies) or ""
            session = await self._find(token, place)
            if session is None:
                raise NotSignedIn("The request carries no session of this site that is alive.")
            self._gate.session_rates.take(session.session_id)
            _check_right(right, session, place)
            if is_change:
                check_token(token, headers)
            exchange.session = session
            exchange.session_token = token
            exchange.still_allowed = partial(self._still_allowed, token, place)
        if is_change:
            check_origin(place, headers)

    async def _find(self, token: str, place: Place) -> Session | None:
        return await self._gate.sessions.find(token, place.site) if token else None

    async def _still_allowed(self, token: str, place: Place) -> bool:
        session = await self._find(token, place)
        return session is not None and allows(self._rules.right, session.roles, place.site)


def _check_right(right: Right, session: Session, place: Place) -> None:
    if not allows(right, session.roles, place.site):
        raise NotAllowed(f"This needs the right {right.name}.")


class _BoundedBody:
    """Counts a body while it arrives, whatever length was declared, and does not wait for ever."""

    def __init__(self, receive: Receive, bytes_max: int, s_max: float) -> None:
        self._receive = receive
        self._bytes_max = bytes_max
        self._s_max = s_max
        self._bytes = 0
        self._deadline_s: float | None = None
        self._is_complete = False

    async def receive(self) -> Message:
        """The next part of the body; after it, the news that the client left."""
        if self._is_complete:
            return await self._receive()
        if self._deadline_s is None:
            self._deadline_s = asyncio.get_running_loop().time() + self._s_max
        try:
            async with asyncio.timeout_at(self._deadline_s):
                message = await self._receive()
        except TimeoutError as error:
            raise RequestMalformed("The body of the request did not arrive in time.") from error
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._bytes_max:
            raise RequestTooLarge(f"This route takes {self._bytes_max} bytes at most.")
        self._is_complete = not message.get("more_body", False)
        return message

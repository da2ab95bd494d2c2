"""One request and its answer: what the layers of the edge tell each other about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Final, cast

from fastapi import Depends, Request
from starlette.types import Scope

from monocoque.contracts.errors import DefectError, NotSignedIn
from monocoque.plumbing.http.sessions import Session
from monocoque.plumbing.http.sites import Place
from monocoque.plumbing.http.streams import Streams

_KEY: Final = "monocoque"


@dataclass
class Exchange:
    """Filled from the outside in: by the edge, then by the guard of the route."""

    trace_id: str
    started_us: int
    streams: Streams
    place: Place | None = None
    route: str = "none"
    """The template of the path, never the path itself."""
    session: Session | None = None
    session_token: str = field(default="", repr=False)
    still_allowed: Callable[[], Awaitable[bool]] | None = None
    """Asks again whether the session lives and has the right; for answers that last."""


def open_exchange(scope: Scope, exchange: Exchange) -> None:
    """Attach the exchange to its request."""
    scope[_KEY] = exchange


def exchange_in(scope: Scope) -> Exchange:
    """The exchange of a request's scope."""
    return cast(Exchange, scope[_KEY])


async def _place(request: Request) -> Place:
    place = exchange_in(request.scope).place
    if place is None:
        raise DefectError("A route ran for a request of no site.")
    return place


async def _session(request: Request) -> Session:
    session = exchange_in(request.scope).session
    if session is None:
        raise NotSignedIn("There is no session.")
    return session


async def _session_token(request: Request) -> str:
    return exchange_in(request.scope).session_token


CurrentPlace = Annotated[Place, Depends(_place)]
"""For an endpoint: the site and host it was called on."""

CurrentSession = Annotated[Session, Depends(_session)]
"""For an endpoint: who called it."""

CurrentSessionToken = Annotated[str, Depends(_session_token)]
"""For the few endpoints that need the session's own token."""

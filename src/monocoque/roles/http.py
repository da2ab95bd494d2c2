"""Mounts every room's routes on one application: one door, one OpenAPI document.

Rules: a route that belongs to no room (health, metrics, the document itself) is here; every other
is in its feature's ``web.py``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from monocoque.contracts.errors import RecordsUnavailable
from monocoque.contracts.rights import READ_HEALTH, READ_METRICS, READ_PAGES
from monocoque.phone.accounts import web as accounts_web
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.service import Accounts
from monocoque.phone.passkeys import web as passkeys_web
from monocoque.phone.passkeys.service import Passkeys
from monocoque.plumbing.http.application import Application, build_application
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.files import Pages, list_pages
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.service import Context

PAGES_DIRECTORY: Final = Path(__file__).parent / "pages"
"""Where the build of web/ puts the pages."""

HEALTH_S_MAX: Final = 5.0
"""Records that take longer to answer count as down."""

METRICS_ENTRY: Final = "metrics_token"
"""The keystore's name of the bearer token for machines that read the metrics."""


class Health(BaseModel):
    """The cell answers, and so do its records."""

    status: Literal["ok"]
    cars_online: int = Field(description="cars whose authenticated hello came within 30 s")


class _PlainText(Response):
    media_type = "text/plain"


def build_app(
    context: Context,
    *,
    cars_online: Callable[[], Awaitable[int]],
    metrics_text: Callable[[], bytes] | None = None,
    routers: Sequence[APIRouter] = (),
    pages_directory: Path | None = PAGES_DIRECTORY,
) -> Application:
    """The whole edge of a cell.

    context: needs HttpConfig and AccountsConfig among its configs. cars_online: counts from the
    records. metrics_text: of every process; this one's own when None. routers: those of the other
    rooms. pages_directory: one folder per site; None for no pages at all, as in worlds. Raises
    DefectError when a route breaks the law of the edge.
    """
    limits = context.config(AccountsConfig)
    accounts = Accounts(context.records, context.clock, context.random, limits)
    passkeys = Passkeys(context.records, context.clock, context.random, limits, accounts)
    config = context.config(HttpConfig)
    pages = None if pages_directory is None else Pages(list_pages(pages_directory, config), config)
    return build_application(
        context,
        routers=[
            _own_routes(context, cars_online, metrics_text or context.metrics.text),
            accounts_web.routes(accounts),
            passkeys_web.routes(passkeys, accounts),
            *routers,
        ],
        sessions=accounts,
        pages=pages,
    )


def _own_routes(
    context: Context,
    cars_online: Callable[[], Awaitable[int]],
    metrics_text: Callable[[], bytes],
) -> APIRouter:
    router = APIRouter(tags=["machine"])

    @router.get("/api/health")
    @needs(READ_HEALTH)
    async def read_health() -> Health:
        """Whether the cell and its records answer, and how many cars are there."""
        try:
            async with asyncio.timeout(HEALTH_S_MAX):
                return Health(status="ok", cars_online=await cars_online())
        except TimeoutError as error:
            raise RecordsUnavailable("The records did not answer in time.") from error

    @router.get("/api/metrics", response_class=_PlainText)
    @needs(READ_METRICS, bearer_secret=METRICS_ENTRY)
    async def read_metrics() -> Response:
        """What each process counts, in Prometheus' text form; a session, or the bearer token."""
        return Response(metrics_text(), media_type="text/plain; version=0.0.4")

    @router.get("/api/openapi.json", include_in_schema=False)
    @needs(READ_PAGES)
    async def read_openapi(request: Request) -> dict[str, object]:
        """This document."""
        document: dict[str, object] = request.app.openapi()
        return document

    return router

"""Puts the edge together: one FastAPI application out of every room's routes.

Rules, checked before the first request, each a DefectError:

* every route declares its right (rules.py);
* every endpoint and every dependency of one is asynchronous: a synchronous one would run in a
  thread, which worlds do not have;
* nothing else is mounted: only routes of the routers, and the pages.

The layers, from the outside in: Edge (trace, site, peer's rate, errors), the router, Guard (size,
session, rate, right, origin), the endpoint.
"""

import inspect
from collections.abc import Sequence
from typing import Any, NoReturn

from fastapi import APIRouter, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from monocoque.contracts.errors import DefectError
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.counters import HttpCounters
from monocoque.plumbing.http.edge import Edge
from monocoque.plumbing.http.files import Pages
from monocoque.plumbing.http.guard import Gate, Guard
from monocoque.plumbing.http.openapi import describe
from monocoque.plumbing.http.problems import translated
from monocoque.plumbing.http.rates import Rates
from monocoque.plumbing.http.refusals import RefusalLog
from monocoque.plumbing.http.rules import Rules, rules_of
from monocoque.plumbing.http.sessions import Sessions
from monocoque.plumbing.http.streams import Streams
from monocoque.plumbing.service import Context

TITLE = "Monocoque"


class Application(FastAPI):
    """The edge of one machine."""

    streams: Streams
    """Its live streams; the server ends them before it stops."""

    rules: dict[str, Rules]
    """What each route declared, by method and path template, such as ``GET /api/me``."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document (version 3.1), with rights, sites and limits of every route."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(super().openapi(), self.rules, self.streams.config)
        return self.openapi_schema


def build_application(
    context: Context,
    *,
    routers: Sequence[APIRouter],
    sessions: Sessions,
    pages: Pages | None = None,
) -> Application:
    """The application; ``context.config(HttpConfig)`` holds its limits.

    routers: their paths are whole; a prefix is given to the router itself. pages: served for every
    other address; without them there are none. Raises DefectError; see the rules above.
    """
    config = context.config(HttpConfig)
    counters = HttpCounters(context.metrics)
    application = Application(
        title=TITLE,
        version=context.software_version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        exception_handlers={HTTPException: _translate, RequestValidationError: _translate},
    )
    refusals = RefusalLog(config, context.clock, context.log)
    application.streams = Streams(config, counters, context.log, refusals)
    application.rules = {}
    gate = Gate(
        config=config,
        sessions=sessions,
        session_rates=Rates(
            context.clock,
            per_s=config.session_requests_per_s,
            burst_requests=config.session_burst_requests,
            keys_max=config.rate_keys_max,
        ),
        keystore=context.keystore,
    )
    routes: list[BaseRoute] = [route for router in routers for route in router.routes]
    if pages is not None:
        routes.append(Route("/{path:path}", endpoint=pages, methods=["GET"], name="pages"))
    for route in routes:
        _add(application, route, gate)
    application.add_middleware(
        Edge,
        config=config,
        clock=context.clock,
        random=context.random,
        log=context.log,
        counters=counters,
        streams=application.streams,
        refusals=refusals,
    )
    return application


def _add(application: Application, route: BaseRoute, gate: Gate) -> None:
    if not isinstance(route, Route):
        raise DefectError(f"{route!r} is not a plain route; only routes can be mounted.")
    names = [f"{method} {route.path_format}" for method in sorted(route.methods or ())]
    rules = rules_of(route.endpoint)
    if rules is None:
        raise DefectError(f"{names} names no right of contracts/rights.py.")
    if isinstance(route, APIRoute):
        # The router was built elsewhere: names for the generated client, one per operation.
        route.unique_id = route.operation_id or route.name
        _check_asynchronous(route.dependant, names)
    for name in names:
        if name in application.rules:
            raise DefectError(f"{name} is mounted twice.")
        application.rules[name] = rules
    route.app = Guard(route.app, gate, rules, route.path_format)
    application.router.routes.append(route)


def _check_asynchronous(dependant: Dependant, names: list[str]) -> None:
    call: Any = dependant.call
    if not inspect.iscoroutinefunction(call) and not inspect.isasyncgenfunction(call):
        raise DefectError(f"{names} has a part that is not asynchronous: {call!r}.")
    for inner in dependant.dependencies:
        _check_asynchronous(inner, names)


async def _translate(_request: Request, error: Exception) -> NoReturn:
    raise translated(error) from error

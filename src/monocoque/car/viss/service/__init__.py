"""The server of the door for VISS clients: WebSocket and HTTP on one port of loopback.

Rules:

* a WebSocket speaks the sub-protocol ``VISSv3``. A page of another site may not open one: a browser
  says where a page is from, and only a page of this very address is let in;
* over HTTP, ``GET /Vehicle/Speed`` reads, with ``?filter=`` for filters, and ``POST`` sets with a
  body ``{"value": "..."}``; nobody can subscribe there;
* bodies, messages and clients are bounded before anything is read into memory; requests over HTTP
  are counted by their token, and those without a good one together.

Left out on purpose: TLS, as at the door for KUKSA's clients; MQTT and gRPC as transports.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.signals.service.port import DoorPlate, History
from monocoque.car.tokens.service import tokens_of
from monocoque.car.viss.config import VissConfig
from monocoque.car.viss.logic.answers import error_of, time_text
from monocoque.car.viss.logic.requests import parse, parse_filter
from monocoque.car.viss.service.asking import Desk
from monocoque.car.viss.service.sessions import Rate, Session
from monocoque.contracts.errors import (
    DefectError,
    MethodNotAllowed,
    MonocoqueError,
    RequestMalformed,
    RequestTooLarge,
)
from monocoque.plumbing.http.listening import listen
from monocoque.plumbing.service import Context

NAME: Final = "viss"
PROTOCOL: Final = "VISSv3"
POLICY_VIOLATION: Final = 1008
"""The WebSocket's code for one who may not come in (RFC 6455, section 7.4.1)."""

Scope = Mapping[str, Any]


async def run(context: Context) -> None:
    """Serve until cancelled. Raises PortInUse."""
    # Imported here: a car starts without what serves its door.
    from monocoque.plumbing.http.sockets import serve_sockets

    config = context.config(VissConfig)
    desk = Desk(context, context.port(SignalHub), tokens_of(context), context.port(History), config)
    with listen(config.port, (config.host,)) as listener:
        started = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(
                serve_sockets(
                    _Application(desk),
                    listener,
                    started,
                    clients_max=config.clients_max,
                    message_bytes_max=config.message_bytes_max,
                    end_s_max=config.end_s_max,
                )
            )
            await started.wait()
            context.port(DoorPlate).show(NAME, f"{config.host}:{listener.port}")


class _Application:
    """The ASGI application."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._own = frozenset({desk.config.host, "localhost", "127.0.0.1", "::1"})
        self._rates: dict[str, Rate] = {}
        """By token; all requests without a good one share one."""

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request, or talk on one socket."""
        if scope["type"] == "websocket":
            await self._talk(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _talk(self, scope: Scope, receive: Any, send: Any) -> None:
        await receive()
        headers = _headers(scope)
        protocols = scope.get("subprotocols", [])
        if not _is_same_site(headers, self._own) or (protocols and PROTOCOL not in protocols):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        chosen = PROTOCOL if protocols else None
        await send({"type": "websocket.accept", "subprotocol": chosen})

        async def say(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        async with asyncio.TaskGroup() as group:
            session = Session(self._desk, say, headers.get("authorization", ""), group)
            while (message := await receive())["type"] == "websocket.receive":
                text = message.get("text")
                await session.take(message.get("bytes", b"") if text is None else text)
            session.end()

    async def _answer(self, scope: Scope, receive: Any, send: Any) -> None:
        status = 200
        try:
            members = await self._ask(scope, receive)
        except MonocoqueError as error:
            members = {"error": error_of(error)}
            status = members["error"]["number"]
        except Exception:  # a defect in one request disturbs no other
            self._desk.context.log.exception("a request failed")
            members = {"error": error_of(DefectError("The car could not answer."))}
            status = members["error"]["number"]
        members["ts"] = time_text(self._desk.hub.clock.now_us())
        body = json.dumps(members, separators=(",", ":")).encode()
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _ask(self, scope: Scope, receive: Any) -> dict[str, Any]:
        headers = _headers(scope)
        if not _is_same_site(headers, self._own):
            raise RequestMalformed("A page of another site may not ask.")
        token_id = self._desk.token_id(headers.get("authorization", ""))
        rate = self._rates.setdefault(token_id, Rate(self._desk.config.requests_per_second_max))
        rate.count(asyncio.get_running_loop().time())
        path = scope["path"].strip("/")
        asked: dict[str, Any] = {"path": path, "authorization": headers.get("authorization", "")}
        if scope["method"] == "GET":
            found = parse_qs(scope["query_string"].decode("latin-1")).get("filter")
            if found:
                asked["filter"] = parse_filter(found[0])
            return await self._desk.get(parse(asked | {"action": "get"}))
        if scope["method"] == "POST":
            body = await self._body(receive)
            try:
                asked["value"] = json.loads(body)["value"]
            except (ValueError, RecursionError, KeyError, TypeError):
                raise RequestMalformed('The body is not {"value": "..."}.') from None
            return await self._desk.set(parse(asked | {"action": "set"}))
        raise MethodNotAllowed("Signals are read with GET and set with POST.")

    async def _body(self, receive: Any) -> bytes:
        body = b""
        while True:
            message = await receive()
            body += bytes(message.get("body", b""))
            if len(body) > self._desk.config.message_bytes_max:
                raise RequestTooLarge("The body is too large.")
            if not message.get("more_body", False):
                return body


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}


def _is_same_site(headers: Mapping[str, str], own: frozenset[str]) -> bool:
    """Whether no page of another site is behind it; who is no browser says no origin.

    own: names of this door. An origin that merely equals the header ``host`` proves nothing: the
    name of another site may have been made to point here.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).hostname in own and urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False

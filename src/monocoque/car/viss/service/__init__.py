"""The server of the door for VISS clients: WebSocket and HTTP on one port of loopback.

Rules:

* a WebSocket speaks the sub-protocol ``VISSv3``. A page of another site may not open one: a browser
  says where a page is from, and only a page of this very address is let in;
* over HTTP, ``GET /Vehicle/Speed`` reads, with ``?filter=`` for filters, and ``POST`` sets with a
  body ``{"value": "..."}``; nobody can subscribe there;
* bodies and messages are bounded before anything is read into memory, and each client has a share
  of the door (clients.py). A socket that shows a good token in its handshake and is refused is
  answered with VISS's error instead of the handshake; so are requests, before their body is read;
* connections that have not asked anything are bounded too (plumbing/http/lobby.py), so that neither
  they nor sockets take the room of requests.

Left out on purpose: TLS, as at the door for KUKSA's clients; MQTT and gRPC as transports.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from monocoque.car.signals.logic.access import Access
from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.signals.service.port import DoorPlate, History
from monocoque.car.tokens.service import tokens_of
from monocoque.car.viss.config import VissConfig
from monocoque.car.viss.logic.answers import error_of, time_text
from monocoque.car.viss.logic.requests import parse, parse_filter
from monocoque.car.viss.service.asking import Desk
from monocoque.car.viss.service.clients import Clients, Seat
from monocoque.car.viss.service.sessions import Session
from monocoque.contracts.errors import (
    DefectError,
    MethodNotAllowed,
    MonocoqueError,
    RequestMalformed,
    RequestTooLarge,
    RightsError,
    SignalTokenRefused,
)
from monocoque.plumbing.http.listening import listen
from monocoque.plumbing.service import Context

NAME: Final = "viss"
PROTOCOL: Final = "VISSv3"
POLICY_VIOLATION: Final = 1008
"""The WebSocket's code for one who may not come in (RFC 6455, section 7.4.1)."""
TRY_AGAIN_LATER: Final = 1013
"""The code for one who may come back (IANA's registry of WebSocket close codes)."""
GOODBYE_S_MAX: Final = 1.0
"""So long the last words to a client may take that does not read."""
CLOSED_AFTER: Final = (401, 429, 503)
"""After these, the connection ends: who is refused keeps none of the door's room."""
HTTP: Final = "http"
SOCKET: Final = "websocket.http"
"""How the server calls an answer to a request, and to a handshake."""

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
                    waiting_max=config.strangers_max,
                    wait_s_max=config.stranger_s_max,
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
        self._clients = Clients(desk.config)

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
        shown = headers.get("authorization", "")
        try:
            seat = self._clients.sit(self._access(shown), shown)
        except MonocoqueError as error:
            await self._respond(send, error_of(error)["number"], {"error": error_of(error)}, SOCKET)
            return
        try:
            chosen = PROTOCOL if protocols else None
            await send({"type": "websocket.accept", "subprotocol": chosen})
            await self._serve(seat, shown, receive, send)
        except* OSError:
            pass  # so the server says that the client has gone
        finally:
            self._clients.leave(seat)

    async def _serve(self, seat: Seat, shown: str, receive: Any, send: Any) -> None:
        """Talk until the client goes, or has to."""

        async def say(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        async with asyncio.TaskGroup() as group:
            session = Session(self._desk, self._clients, seat, say, shown, group)
            reading = group.create_task(_read(session, receive))
            reading.add_done_callback(lambda _: seat.end(None))
            looking = group.create_task(self._look_for_ever(seat))
            reason = await seat.over()
            if reason is not None:
                code = TRY_AGAIN_LATER if reason.temporary else POLICY_VIOLATION
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GOODBYE_S_MAX):
                        await session.say_end(reason)
                        await send({"type": "websocket.close", "code": code})
            for task in (reading, looking):
                task.cancel()
            session.end()

    async def _look_for_ever(self, seat: Seat) -> None:
        """Make who has no good token any more a stranger, and end who was one for so long."""
        while True:
            await asyncio.sleep(self._desk.config.stranger_s_max)
            if seat.client is None:
                seat.end(SignalTokenRefused("No good token was shown in time."))
            elif self._access(seat.shown) is None:
                self._clients.forget(seat)

    def _access(self, shown: str) -> Access | None:
        try:
            return self._desk.access(shown)
        except RightsError:
            return None

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
        await self._respond(send, status, members, HTTP)

    async def _respond(self, send: Any, status: int, members: dict[str, Any], kind: str) -> None:
        members["ts"] = time_text(self._desk.hub.clock.now_us())
        body = json.dumps(members, separators=(",", ":")).encode()
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        if status in CLOSED_AFTER:
            headers.append((b"connection", b"close"))
        await send({"type": f"{kind}.response.start", "status": status, "headers": headers})
        await send({"type": f"{kind}.response.body", "body": body})

    async def _ask(self, scope: Scope, receive: Any) -> dict[str, Any]:
        headers = _headers(scope)
        if not _is_same_site(headers, self._own):
            raise RequestMalformed("A page of another site may not ask.")
        try:
            access = self._desk.access(headers.get("authorization", ""))
        except RightsError:
            self._clients.strangers.count(asyncio.get_running_loop().time())
            raise
        with self._clients.asking(access):
            return await self._do(scope, headers, receive)

    async def _do(self, scope: Scope, headers: Mapping[str, str], receive: Any) -> dict[str, Any]:
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


async def _read(session: Session, receive: Any) -> None:
    """Answer message after message, until the client goes."""
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        await session.take(message.get("bytes", b"") if text is None else text)


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

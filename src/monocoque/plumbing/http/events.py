"""Server-sent events: live data to a page (the WHATWG HTML standard, section 9.2).

Rules:

* a stream is a thin loop over an async generator that the route brings; the generator is closed
  in the task that ran it, whatever ends the stream;
* it ends when the generator ends, the client leaves or takes nothing, the server stops, the
  session ends or loses its right, or its time is over; the page then opens a new one by itself;
* streams are counted and bounded (streams.py);
* a failure is told as an ``error`` event with a problem body, since the status is long sent.

Left out on purpose: ``Last-Event-ID``. A stream begins with the present state, so nothing that
was missed is needed. Worlds read the subscription beneath: HTTP in process cannot stream.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from monocoque.contracts.errors import DeadlinePassed
from monocoque.plumbing.http.exchange import exchange_in
from monocoque.plumbing.http.problems import problem_of, translated

MEDIA_TYPE: Final = "text/event-stream"


@dataclass(frozen=True)
class Event:
    """One event of a stream."""

    name: str
    """A word of ours, such as ``car``."""
    data: BaseModel


class EventStream(Response):
    """The answer of a live route: ``return EventStream(request, events())``.

    The route's decorator says ``status_code=200, response_class=EventStream`` and gives, under
    ``responses``, a model with one field per event name.
    """

    media_type = MEDIA_TYPE

    def __init__(self, request: Request, events: AsyncGenerator[Event, None]) -> None:
        """Stream what the generator yields.

        request: the route's own. events: present state first, then changes; it may wait for ever.
        """
        super().__init__()
        self._exchange = exchange_in(request.scope)
        self._streams = self._exchange.streams
        self._config = self._streams.config
        self._events = events
        self._one_writer = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the first reason to end."""
        session = self._exchange.session
        async with aclosing(self._events):
            with self._streams.seat(session.session_id if session else ""):
                await send(
                    {
                        "type": "http.response.start",
                        "status": 200,
                        "headers": [
                            (b"content-type", f"{MEDIA_TYPE}; charset=utf-8".encode()),
                            (b"cache-control", b"no-store"),
                            (b"x-accel-buffering", b"no"),
                        ],
                    }
                )
                await self._run(receive, send)
            await self._write(send, b"", more=False)

    async def _run(self, receive: Receive, send: Send) -> None:
        reasons = (
            self._send_events(send),
            self._send_heartbeats(send),
            self._until_the_client_left(receive),
            self._until_forbidden(),
            self._until_stopping(),
        )
        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(self._told(reason, send)) for reason in reasons]
            await asyncio.wait(
                parts, timeout=self._config.stream_s_max, return_when=asyncio.FIRST_COMPLETED
            )
            for part in parts:
                part.cancel()

    async def _told(self, reason: Coroutine[Any, Any, None], send: Send) -> None:
        """Run one part; its failure becomes an event, and then the stream ends."""
        try:
            await reason
        except Exception as error:
            told = translated(error)
            if told.temporary:
                self._streams.refusals.write("a live page ends", told, route=self._exchange.route)
            else:
                self._streams.log.exception("a live page ends by an error", error_code=told.code)
            problem = problem_of(told, self._exchange.trace_id)
            with suppress(DeadlinePassed):
                await self._write(send, _encoded(Event("error", problem)), more=True)

    async def _send_events(self, send: Send) -> None:
        await self._write(send, f"retry: {self._config.stream_retry_ms}\n\n".encode(), more=True)
        async with aclosing(self._events):
            async for event in self._events:
                await self._write(send, _encoded(event), more=True)

    async def _send_heartbeats(self, send: Send) -> None:
        while True:  # ends with the stream, whose time is bounded
            await asyncio.sleep(self._config.stream_heartbeat_s)
            await self._write(send, b": still here\n\n", more=True)

    async def _until_the_client_left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _until_forbidden(self) -> None:
        while True:  # ends with the stream, whose time is bounded
            ask = self._exchange.still_allowed
            if ask is not None and not await ask():
                return
            await asyncio.sleep(self._config.stream_check_s)

    async def _until_stopping(self) -> None:
        await self._streams.stopping.wait()

    async def _write(self, send: Send, data: bytes, *, more: bool) -> None:
        try:
            async with self._one_writer, asyncio.timeout(self._config.send_s_max):
                await send({"type": "http.response.body", "body": data, "more_body": more})
        except TimeoutError as error:
            raise DeadlinePassed("The page took nothing for too long.") from error


def _encoded(event: Event) -> bytes:
    return f"event: {event.name}\ndata: {event.data.model_dump_json()}\n\n".encode()

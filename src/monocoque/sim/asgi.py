"""Asks an application in process, without a socket.

Rules: the answer is whole, or the application raises; whoever streams for ever is never heard.

Left out on purpose: httpx's own way of asking an application. At each request it looks in vain
whether another kind of event loop is installed, which takes longer than the answer.
"""

import asyncio
from typing import Final

import httpx
from starlette.types import ASGIApp, Message

CLIENT: Final = ("127.0.0.1", 1)
"""Who asks, as far as the application can see."""


class _Exchange:
    """One request, and what is answered."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content
        self._head: Message = {}
        self._parts: list[bytes] = []
        self._is_answered = asyncio.Event()

    async def receive(self) -> Message:
        """The body, and then that whoever asked has gone."""
        if self._content is None:
            await self._is_answered.wait()
            return {"type": "http.disconnect"}
        content, self._content = self._content, None
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(self, message: Message) -> None:
        """The head, and then the parts of the body."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            self._is_answered.set()

    def answer(self) -> httpx.Response:
        """What was answered; raises httpx.ReadError when it is not whole."""
        if not self._is_answered.is_set():
            raise httpx.ReadError("The application ended in the middle of its answer.")
        headers = list(self._head.get("headers", []))
        return httpx.Response(self._head["status"], headers=headers, content=b"".join(self._parts))


async def answer_of(application: ASGIApp, request: httpx.Request) -> httpx.Response:
    """The application's answer; raises what it raises."""
    url, exchange = request.url, _Exchange(await request.aread())
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": CLIENT,
        "root_path": "",
    }
    await application(scope, exchange.receive, exchange.send)
    return exchange.answer()

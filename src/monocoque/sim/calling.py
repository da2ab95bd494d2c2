"""Somebody who asks the cell's door on one site: signs in, and asks until there is an answer.

Rules:

* who gets no answer asks again, with the very same words; an answer that passes by itself (busy,
  away) is asked for again too;
* a session that is gone is opened anew with a new one-time link;
* every pause is drawn from the asker's own chance.

Left out on purpose: pages and live streams. Who waits looks again after growing pauses.
"""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

import httpx

from monocoque.plumbing.http.sessions import COOKIE_NAME

NOT_SIGNED_IN: Final = 401
NOT_FOUND: Final = 404
TRY_AGAIN: Final = frozenset({409, 429, 503, 504})
"""Answers that pass by themselves."""
NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True)
class CallingConfig:
    """How patient an asker is."""

    look_s_min: float = 0.5
    look_s_max: float = 30.0
    """The pause between two looks at what became of something doubles from the first to the
    second of these."""
    retry_s: float = 2.0
    """Pause before the same request is tried again; spread by chance."""
    answer_s_max: float = 40.0
    """A request without an answer for so long is given up, and is in doubt."""


class Caller:
    """One browser on one site."""

    def __init__(
        self,
        address: str,
        transport: httpx.AsyncBaseTransport,
        sign_in_code: Callable[[], Awaitable[str]],
        random: Random,
        config: CallingConfig,
    ) -> None:
        """address: of the site. transport: the way to the cell. sign_in_code: a new one-time code
        for the site, as ``monocoque sign-in`` prints it."""
        self.random = random
        self.config = config
        self._sign_in_code = sign_in_code
        self._session: dict[str, str] = {}
        self._address = address
        self._transport = transport

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] = NO_HEADERS,
        again_at: frozenset[int] = TRY_AGAIN,
    ) -> httpx.Response:
        """The answer of the cell, once it is one that lasts; signs in where that is needed.

        again_at: the statuses of answers after which the same is asked again.
        """
        while True:
            if not self._session:
                await self._sign_in()
            try:
                answer = await self._request(method, path, body, headers)
            except httpx.TransportError:
                await self.pause()
                continue
            if answer.status_code == NOT_SIGNED_IN:
                self._session = {}
            elif answer.status_code not in again_at:
                return answer
            await self.pause()

    def pauses(self, total_s: float = math.inf) -> Iterator[float]:
        """Growing pauses that add up to a total."""
        pause_s, left_s = self.config.look_s_min, total_s
        while left_s > 0.0:
            yield pause_s
            left_s -= pause_s
            pause_s = min(pause_s * 2, self.config.look_s_max)

    async def pause(self) -> None:
        """Wait before the same is tried again."""
        await asyncio.sleep(self.config.retry_s * (0.5 + self.random.random()))

    async def _sign_in(self) -> None:
        """Use new links until one has signed in, and its session is known to be good."""
        while True:
            code = await self._sign_in_code()
            try:
                answer = await self._request("POST", "/api/session", {"link_code": code})
                if answer.is_success:
                    cookie = answer.headers["set-cookie"].partition(";")[0]
                    assert cookie.startswith(COOKIE_NAME)
                    self._session = {"cookie": cookie}
                    me = await self._request("GET", "/api/me", None)
                    if me.is_success:
                        self._session["x-csrf-token"] = me.json()["csrf_token"]
                        return
            except httpx.TransportError:
                pass  # perhaps the link is spent; the next one is not
            self._session = {}
            await self.pause()

    async def _request(
        self, method: str, path: str, body: object, headers: Mapping[str, str] = NO_HEADERS
    ) -> httpx.Response:
        """One try; raises httpx.TransportError."""
        content = None if body is None else json.dumps(body).encode()
        kind = {} if content is None else {"content-type": "application/json"}
        said = {"origin": self._address, **self._session, **kind, **headers}
        # Without a client around it, whose jar of cookies would ask the clock on the wall.
        request = httpx.Request(method, self._address + path, headers=said, content=content)
        try:
            async with asyncio.timeout(self.config.answer_s_max):
                return await self._transport.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("There was no answer.") from error

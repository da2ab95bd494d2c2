"""Questions to the NATS server, and its one answer to each.

Left out on purpose: questions between participants; that is two topics and a deadline.
"""

import asyncio
import json
from typing import Any

from nats.aio.msg import Msg

from monocoque.contracts.errors import BusUnavailable
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.nats_link import NatsLink


class Questions:
    """The open questions of one connection."""

    def __init__(self, link: NatsLink, inbox: str, config: BusConfig) -> None:
        self._link = link
        self._inbox = inbox
        self._config = config
        self._open: dict[str, asyncio.Future[Msg]] = {}
        self._next_number = 0
        link.on_lost.append(self._lose)

    async def open(self) -> None:
        """Begin to hear answers."""
        await self._link.subscribe(f"{self._inbox}.*", self._hear)

    async def ask(self, subject: str, data: bytes) -> Msg:
        """The answer; raises BusUnavailable when none comes in time."""
        self._next_number += 1
        reply = f"{self._inbox}.{self._next_number}"
        answer: asyncio.Future[Msg] = asyncio.get_running_loop().create_future()
        self._open[reply] = answer
        try:
            await self._link.send(subject, data, reply)
            async with asyncio.timeout(self._config.request_timeout_s):
                return await answer
        except TimeoutError as error:
            raise BusUnavailable("The bus server did not answer in time.") from error
        finally:
            del self._open[reply]

    async def ask_json(self, subject: str, question: dict[str, Any]) -> dict[str, Any]:
        """A question of JetStream's own; raises BusUnavailable when it answers with an error."""
        answer = await self.ask(subject, json.dumps(question).encode())
        try:
            fields: dict[str, Any] = json.loads(answer.data or b'{"error": {}}')
        except ValueError as error:
            raise BusUnavailable("The bus server's answer makes no sense.") from error
        if "error" in fields:
            text = str(fields["error"].get("description", "no such stream"))[:200]
            raise BusUnavailable(f"The bus server refused: {text}.")
        return fields

    async def _hear(self, heard: Msg) -> None:
        answer = self._open.get(heard.subject)
        if answer is not None and not answer.done():
            answer.set_result(heard)

    def _lose(self) -> None:
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(BusUnavailable("The bus went away before it answered."))

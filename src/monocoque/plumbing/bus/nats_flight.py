"""Messages on their way: who waits for which acknowledgement.

Rules: every message that is acknowledged has a number of its own in the reply subject; a flight is
the messages of one call; when the connection is lost, every open flight's outcome is unknown.
"""

import asyncio
import json
from typing import Final

from monocoque.contracts.errors import (
    BusOutcomeUnknown,
    BusUnavailable,
    DiskFull,
    MonocoqueError,
)

_STORAGE_CODES: Final = frozenset({10023, 10047, 10077})
"""JetStream: insufficient resources, storage resources exceeded, stream store failed."""
_TAKEN: Final = b'{"stream":'


class Flight:
    """The messages of one ``publish`` or ``publish_batch``."""

    def __init__(self) -> None:
        self.outstanding = 0
        self.failure: MonocoqueError | None = None
        self._below = 0
        self._waiter: asyncio.Future[None] | None = None

    def settle(self, failure: MonocoqueError | None) -> None:
        """One message was taken, or not."""
        self.outstanding -= 1
        if failure is not None and self.failure is None:
            self.failure = failure
        is_decided = self.outstanding < self._below or self.failure is not None
        if is_decided and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait_below(self, count: int, timeout_s: float) -> None:
        """Return when fewer than so many are out; raises their failure, or BusOutcomeUnknown."""
        if self.outstanding >= count and self.failure is None:
            self._below = count
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._waiter
            except TimeoutError as error:
                raise BusOutcomeUnknown("The bus did not acknowledge in time.") from error
            finally:
                self._waiter = None
        if self.failure is not None:
            raise self.failure


class Flights:
    """Every message of one connection that waits for its acknowledgement."""

    def __init__(self) -> None:
        self._open: dict[int, Flight] = {}
        self._next_number = 0

    def add(self, flight: Flight) -> int:
        """One more message of this flight; returns its number."""
        self._next_number += 1
        self._open[self._next_number] = flight
        flight.outstanding += 1
        return self._next_number

    def land(self, number: int, answer: bytes, status: str | None) -> None:
        """The acknowledgement of a message; a number that nobody waits for is left out."""
        flight = self._open.pop(number, None)
        if flight is not None:
            flight.settle(_failure(answer, status))

    def drop(self, flight: Flight) -> None:
        """Nobody waits for this flight any more."""
        if flight.outstanding:
            for number in [n for n, open_flight in self._open.items() if open_flight is flight]:
                del self._open[number]

    def lose(self) -> None:
        """The connection is gone."""
        lost, self._open = self._open, {}
        for flight in lost.values():
            flight.settle(BusOutcomeUnknown("The bus went away before it acknowledged."))


def _failure(answer: bytes, status: str | None) -> MonocoqueError | None:
    if answer.startswith(_TAKEN) and b'"error"' not in answer:
        return None
    if status is not None:
        return BusUnavailable("No stream of the bus takes this topic now.")
    try:
        error = json.loads(answer)["error"]
        code, text = error.get("err_code"), str(error.get("description"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return BusOutcomeUnknown("The bus gave an acknowledgement that makes no sense.")
    if code in _STORAGE_CODES or "no space" in text:
        return DiskFull("The bus has no room to keep the message.")
    return BusUnavailable(f"The bus did not take the message: {text[:200]}.")

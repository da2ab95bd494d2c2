"""What is done for one request, whichever way it came.

Rules: a request without a good token is refused; what the token may not read is refused by name,
and left out of what a branch or a pattern names; a set is answered when it has ended.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from monocoque.car.signals.logic.access import Access
from monocoque.car.signals.logic.acts import Act, ActState
from monocoque.car.signals.logic.readings import Freshness
from monocoque.car.signals.logic.texts import elements_of, value_of
from monocoque.car.signals.service.hub import HubConnection, SignalHub
from monocoque.car.signals.service.port import History
from monocoque.car.tokens.service import Tokens
from monocoque.car.viss.config import VissConfig
from monocoque.car.viss.logic.answers import data_of, datapoint, metadata_of
from monocoque.car.viss.logic.requests import Request
from monocoque.contracts.errors import (
    CarRefuses,
    DeadlinePassed,
    RequestMalformed,
    RequestTooLarge,
    SignalDenied,
    SignalUnknown,
)
from monocoque.contracts.signals import Signal
from monocoque.plumbing.service import Context

NOT_AVAILABLE: Final = "viss-inline:Data-not-available"
MICROSECONDS: Final = 1_000_000


@dataclass
class Desk:
    """What requests are answered from."""

    context: Context
    hub: SignalHub
    tokens: Tokens
    history: History
    config: VissConfig

    def connect(self, authorization: str) -> HubConnection:
        """The connection of one who shows this. Raises SignalTokenRefused, SignalTokenExpired."""
        access = self.access(authorization)
        return self.hub.connect(f"{access.holder}/viss", access)

    def access(self, authorization: str) -> Access:
        """What one who shows this may do. Raises SignalTokenRefused, SignalTokenExpired."""
        shown = authorization
        if shown and not shown.lower().startswith("bearer "):
            shown = f"Bearer {shown}"
        return self.tokens.access_of(shown, self.hub.catalogue)

    def signals(self, request: Request, connection: HubConnection) -> list[Signal]:
        """What the request names and its token may read.

        Raises SignalUnknown, SignalDenied, RequestTooLarge.
        """
        patterns = [f"{request.path}.{path}" for path in request.paths] or [request.path]
        found: dict[str, Signal] = {}
        for pattern in patterns:
            these = self.hub.catalogue.matching(pattern)
            if not these:
                raise SignalUnknown(f"Nothing is called {pattern[:80]!r}.")
            found |= {signal.path: signal for signal in these}
        readable = [each for each in found.values() if each.number in connection.access.reads]
        if not readable:
            raise SignalDenied("The token does not let its bearer read this.")
        if len(readable) > self.config.signals_per_request_max:
            raise RequestTooLarge(
                f"One request names at most {self.config.signals_per_request_max} signals."
            )
        return readable

    async def get(self, request: Request) -> dict[str, Any]:
        """Values, the past, or metadata: the members of the answer."""
        connection = self.connect(request.authorization)
        signals = self.signals(request, connection)
        if request.metadata is not None:
            return {"metadata": metadata_of(signals, request.metadata)}
        if request.history_s is not None:
            return {"data": data_of(await self._past(signals, request.history_s))}
        readings = await connection.read([signal.number for signal in signals])
        points = []
        for signal, reading in zip(signals, readings, strict=True):
            if reading.value is None or reading.freshness is Freshness.PROVIDER_GONE:
                time_us = reading.time_us or self.hub.clock.now_us()
                points.append((signal, datapoint(NOT_AVAILABLE, time_us)))
            else:
                points.append((signal, datapoint(reading.value, reading.time_us)))
        if len(points) == 1 and points[0][1]["value"] == NOT_AVAILABLE:
            raise SignalUnknown(f"{signals[0].path} has no value now.", hint="Ask again later.")
        return {"data": data_of(points)}

    async def set(self, request: Request) -> dict[str, Any]:
        """Ask an actuator, and wait for the end. Raises CarRefuses, DeadlinePassed."""
        connection = self.connect(request.authorization)
        signal = self.hub.catalogue.at(request.path)
        said = request.value
        if isinstance(said, tuple) != signal.data_type.is_array:
            raise RequestMalformed("An array is set with a list, anything else with a text.")
        value = (
            elements_of(signal, said) if isinstance(said, tuple) else value_of(signal, str(said))
        )
        wishes = {signal.number: value}
        (act,) = await connection.actuate(wishes, self.config.act_s_max)
        _raise_unless_done(signal, await connection.outcome(act.act_id))
        return {}

    async def _past(self, signals: list[Signal], seconds: int) -> list[tuple[Signal, Any]]:
        until_us = self.hub.clock.now_us()
        since_us = until_us - seconds * MICROSECONDS
        count_max = self.config.values_per_answer_max // len(signals)
        found = await asyncio.gather(
            *(self.history.read(each.number, since_us, until_us, count_max) for each in signals)
        )
        points = [
            (signal, [datapoint(value, time_us) for time_us, value in values])
            for signal, values in zip(signals, found, strict=True)
            if values
        ]
        if not points:
            raise SignalUnknown(
                "Nothing of this time is kept.",
                hint="The setting signals.history_paths says what is.",
            )
        return points


def _raise_unless_done(signal: Signal, act: Act) -> None:
    if act.state is ActState.DONE:
        return
    if act.reason == "deadline":
        raise DeadlinePassed(f"{signal.path} was not done in time.")
    raise CarRefuses(f"{signal.path}: {act.state.value}, {act.reason}.", hint="Mend the reason.")

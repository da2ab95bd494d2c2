"""One WebSocket of a VISS client: requests one after another, and its subscriptions.

Rules:

* requests are answered in their order, subscriptions beside them; a subscription ends with the
  socket, its token, or ``unsubscribe``;
* a client that does not read is not read either, and gets the newest values when it goes on;
* every message is judged by its own token, and counts for whoever the socket belongs to
  (clients.py); one over the limit is answered with 429, and costs nobody else anything;
* values that a subscription missed, since its client read too slowly, are counted in a metric: VISS
  has no word for them.
"""

import asyncio
import json
from asyncio import TaskGroup
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from monocoque.car.signals.logic.readings import Batch
from monocoque.car.signals.service.hub import HubConnection
from monocoque.car.signals.service.port import Subscription
from monocoque.car.viss.logic.answers import data_of, datapoint, error_of, time_text
from monocoque.car.viss.logic.requests import (
    Curvelog,
    Request,
    Timebased,
    parse_text,
    request_id_of,
)
from monocoque.car.viss.logic.watching import Point, is_told, reduced
from monocoque.car.viss.service.asking import Desk
from monocoque.car.viss.service.clients import Client, Clients, Seat
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    DefectError,
    MonocoqueError,
    RequestMalformed,
    SignalUnknown,
    TooManyRequests,
)
from monocoque.contracts.signals import Signal, Value

Send = Callable[[str], Awaitable[None]]
DOOR: Final = "viss"
"""As metrics call it."""


class Session:
    """One client."""

    def __init__(
        self, desk: Desk, clients: Clients, seat: Seat, send: Send, shown: str, group: TaskGroup
    ) -> None:
        """shown: what the handshake said as authorization; a request may say another."""
        self._desk = desk
        self._clients = clients
        self._seat = seat
        self._send = send
        self._shown = shown
        self._group = group
        self._subscriptions: dict[str, asyncio.Task[None]] = {}

    async def take(self, text: str | bytes) -> None:
        """Answer one message."""
        answer: dict[str, Any] = {}
        try:
            if self._seat.client is not None:
                self._seat.client.rate.count(asyncio.get_running_loop().time())
            if isinstance(text, bytes):
                raise RequestMalformed("A message is text, not bytes.")
            request = parse_text(text)
            answer = {"action": request.action}
            client = self._judge(request.authorization or self._shown)
            answer |= await self._do(request, client)
        except MonocoqueError as error:
            answer |= {"error": error_of(self._refusal(error))}
        except Exception:  # a defect in one request disturbs no other
            self._desk.context.log.exception("a request failed")
            answer |= {"error": error_of(DefectError("The car could not answer."))}
        request_id = request_id_of(text)
        if request_id is not None:
            answer["requestId"] = request_id
        await self._say(answer)

    async def say_end(self, error: MonocoqueError) -> None:
        """The last that the client hears."""
        await self._say({"error": error_of(error)})

    def end(self) -> None:
        """The client is gone."""
        for task in self._subscriptions.values():
            task.cancel()

    def _judge(self, authorization: str) -> Client:
        """Whose socket it is, now that this token is shown on it.

        Raises SignalTokenRefused, SignalTokenExpired; TooManyRequests, SignalClientsFull.
        """
        access = self._desk.access(authorization)
        is_news = self._seat.client is None
        self._clients.know(self._seat, access, authorization)
        client = self._seat.client
        assert client is not None
        if is_news:
            client.rate.count(asyncio.get_running_loop().time())
        return client

    def _refusal(self, error: MonocoqueError) -> MonocoqueError:
        """What a message is refused with; strangers who ask too often, all together, with that."""
        if self._seat.client is None:
            try:
                self._clients.strangers.count(asyncio.get_running_loop().time())
            except TooManyRequests as too_many:
                return too_many
        return error

    async def _do(self, request: Request, client: Client) -> dict[str, Any]:
        if not request.authorization:
            request = replace(request, authorization=self._shown)
        match request.action:
            case "get":
                return await self._desk.get(request)
            case "set":
                return await self._desk.set(request)
            case "subscribe":
                return self._subscribe(request, client)
        task = self._subscriptions.pop(request.subscription_id, None)
        if task is None:
            raise SignalUnknown(
                "There is no such subscription.", hint="Say what `subscribe` answered."
            )
        task.cancel()
        return {"subscriptionId": request.subscription_id}

    def _subscribe(self, request: Request, client: Client) -> dict[str, Any]:
        connection = self._desk.connect(request.authorization)
        signals = self._desk.signals(request, connection)
        random = self._desk.context.random
        name = identifiers.make("request", random.getrandbits)
        told = _Told(self._desk, self._say, name, request, signals)
        client.subscribe()
        task = self._group.create_task(self._keep(told, connection))
        task.add_done_callback(lambda _: client.unsubscribe())
        self._subscriptions[name] = task
        return {"subscriptionId": name}

    async def _keep(self, told: "_Told", connection: HubConnection) -> None:
        try:
            await told.tell_for_ever(connection)
        except MonocoqueError as error:
            await self._say(
                {"action": "subscription", "subscriptionId": told.name, "error": error_of(error)}
            )
            self._subscriptions.pop(told.name, None)

    async def _say(self, answer: Mapping[str, Any]) -> None:
        now = time_text(self._desk.hub.clock.now_us())
        await self._send(json.dumps({**answer, "ts": now}, separators=(",", ":")))


class _Told:
    """One subscription."""

    def __init__(
        self,
        desk: Desk,
        say: Callable[[Mapping[str, Any]], Awaitable[None]],
        name: str,
        request: Request,
        signals: list[Signal],
    ) -> None:
        self.name = name
        self._desk = desk
        self._say = say
        self._when = request.when
        self._signals = {signal.number: signal for signal in signals}
        self._told: dict[int, Value] = {}
        self._curves: dict[int, list[Point]] = {}

    async def tell_for_ever(self, connection: HubConnection) -> None:
        """Say what the filter lets through, until cancelled; raises what ends the access."""
        when = self._when
        async with connection.subscribe(list(self._signals)) as heard:
            if isinstance(when, Timebased):
                period_s = max(self._desk.config.period_ms_min, when.period_ms) / 1_000
                await self._tell_by_time(connection, heard, period_s)
            while True:
                batch = await self._next(heard)
                chosen = self._curve(batch) if isinstance(when, Curvelog) else self._chosen(batch)
                if chosen:
                    await self._tell(chosen)

    async def _next(self, heard: Subscription) -> Batch:
        batch = await heard.next()
        if batch.lost:
            metrics = self._desk.context.metrics
            metrics.signal_values_lost.labels(door=DOOR).inc(batch.lost)
        return batch

    async def _tell_by_time(
        self, connection: HubConnection, heard: Subscription, period_s: float
    ) -> None:
        """Say everything each time. heard: is waited on in between, and raises at the end."""
        loop = asyncio.get_running_loop()
        due_s = loop.time() + period_s
        while True:
            try:
                async with asyncio.timeout_at(due_s):
                    while True:
                        await self._next(heard)
            except TimeoutError:
                due_s = max(due_s + period_s, loop.time())
            readings = await connection.read(list(self._signals))
            points = [
                (self._signals[each.number], datapoint(each.value, each.time_us))
                for each in readings
                if each.value is not None
            ]
            if points:
                await self._tell(points)

    def _chosen(self, batch: Batch) -> list[tuple[Signal, Any]]:
        when = self._when
        assert when is not None
        chosen = []
        for number, value, time_us in zip(batch.numbers, batch.values, batch.times_us, strict=True):
            if number in batch.not_fresh or isinstance(when, Timebased | Curvelog):
                continue
            if is_told(when, value, self._told.get(number)):
                self._told[number] = value
                chosen.append((self._signals[number], datapoint(value, time_us)))
        return chosen

    def _curve(self, batch: Batch) -> list[tuple[Signal, Any]]:
        when = self._when
        assert isinstance(when, Curvelog)
        chosen: list[tuple[Signal, Any]] = []
        for number, value, time_us in zip(batch.numbers, batch.values, batch.times_us, strict=True):
            curve = self._curves.setdefault(number, [])
            curve.append((time_us, value))
            if len(curve) >= when.values_max:
                kept = reduced(curve, when.error_max)
                points = [datapoint(each, its_us) for its_us, each in kept]
                chosen.append((self._signals[number], points))
                curve.clear()
        return chosen

    async def _tell(self, points: list[tuple[Signal, Any]]) -> None:
        await self._say(
            {"action": "subscription", "subscriptionId": self.name, "data": data_of(points)}
        )

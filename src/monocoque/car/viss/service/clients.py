"""Who is at the door, and how much of it each client has.

Rules:

* a client is whoever bears one token of the car, or, of another issuer, all tokens of one subject;
* each client has a share of the sockets, of the requests over HTTP that are answered at once, of
  subscriptions, and of requests in a second, whichever way they come. Who wants more is refused
  (429), and nobody else has less for it; only when the door itself is full, a newcomer is (503);
* a socket that has shown no good token is a stranger's. So many may wait, each so long; the one
  that waited longest makes room for the newest, so strangers shut out nobody who shows a token;
* a socket is its first good token's client's, and all that comes by it counts for that one. When
  that client's newest token on it is good no more, it is a stranger's again;
* what comes with no good token counts for all strangers together.

Left out on purpose: whether a token is good (car/tokens); what a client may see (its access).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from monocoque.car.signals.logic.access import Access
from monocoque.car.viss.config import VissConfig
from monocoque.contracts.errors import MonocoqueError, SignalClientsFull, TooManyRequests

SECOND: Final = 1.0
FULL: Final = "The door has as many clients as it takes."


class Rate:
    """How often one client asks."""

    def __init__(self, requests_per_second_max: int) -> None:
        """None yet."""
        self._requests_per_second_max = requests_per_second_max
        self._second_began_s = 0.0
        self._asked = 0

    def count(self, now_s: float) -> None:
        """One more request. Raises TooManyRequests."""
        if self.is_over(now_s):
            self._second_began_s, self._asked = now_s, 0
        self._asked += 1
        if self._asked > self._requests_per_second_max:
            raise TooManyRequests("This client asks more often than it may.")

    def is_over(self, now_s: float) -> bool:
        """Whether nothing that was asked counts any more."""
        return now_s - self._second_began_s >= SECOND


class Client:
    """What one client has of the door."""

    def __init__(self, config: VissConfig) -> None:
        """Nothing yet."""
        self._config = config
        self.rate = Rate(config.requests_per_second_max)
        self.sockets = 0
        self.requests = 0
        self._subscriptions = 0

    def subscribe(self) -> None:
        """One subscription more. Raises TooManyRequests."""
        if self._subscriptions >= self._config.subscriptions_max:
            raise TooManyRequests(
                "This client has as many subscriptions as it may.", hint="End one of the others."
            )
        self._subscriptions += 1

    def unsubscribe(self) -> None:
        """One less."""
        self._subscriptions -= 1

    def is_gone(self, now_s: float) -> bool:
        """Whether it has nothing that must be remembered."""
        has = self.sockets or self.requests or self._subscriptions
        return not has and self.rate.is_over(now_s)


class Seat:
    """The place of one socket."""

    def __init__(self) -> None:
        """Nobody's yet."""
        self.client: Client | None = None
        """Whose it is; None while it is a stranger's."""
        self.key = ""
        self.shown = ""
        """The newest good token of this client that was shown on it."""
        self._is_over = asyncio.Event()
        self._reason: MonocoqueError | None = None

    def end(self, reason: MonocoqueError | None) -> None:
        """The socket is to be closed, or is; reason: what its client is told, None if it went."""
        self._reason = reason
        self._is_over.set()

    async def over(self) -> MonocoqueError | None:
        """Why the socket is to be closed, waiting for that."""
        await self._is_over.wait()
        return self._reason


class Clients:
    """All of them."""

    def __init__(self, config: VissConfig) -> None:
        """Nobody yet."""
        self._config = config
        self._known: dict[str, Client] = {}
        self._waiting: dict[Seat, None] = {}
        """Of strangers, the one that waited longest first."""
        self._sockets = 0
        self._requests = 0
        self.strangers = Rate(config.requests_per_second_max)
        """What comes with no good token."""

    def sit(self, access: Access | None, shown: str) -> Seat:
        """A place for a socket. access: None for a stranger.

        shown: the token. Raises TooManyRequests, SignalClientsFull.
        """
        seat = Seat()
        if access is None:
            self._stand(seat)
        else:
            self._of(access).rate.count(_now_s())
            self.know(seat, access, shown)
        return seat

    def know(self, seat: Seat, access: Access, shown: str) -> None:
        """A good token was shown on it. Raises TooManyRequests, SignalClientsFull."""
        key = access.client
        if seat.client is None:
            client = self._of(access)
            if client.sockets >= self._config.sockets_of_one_max:
                raise TooManyRequests(
                    "This client has as many WebSockets as it may.", hint="Close one of the others."
                )
            if self._sockets >= self._config.sockets_max:
                raise SignalClientsFull(FULL, hint="Ask again later.")
            self._waiting.pop(seat, None)
            seat.client, seat.key = client, key
            client.sockets += 1
            self._sockets += 1
        if seat.key == key:
            seat.shown = shown

    def forget(self, seat: Seat) -> None:
        """Its token has ended: it is a stranger's again."""
        self.leave(seat)
        self._stand(seat)

    def leave(self, seat: Seat) -> None:
        """The socket is gone, or somebody else's."""
        self._waiting.pop(seat, None)
        if seat.client is not None:
            seat.client.sockets -= 1
            self._sockets -= 1
            seat.client = None

    @contextmanager
    def asking(self, access: Access) -> Iterator[None]:
        """One request over HTTP. Raises TooManyRequests, SignalClientsFull."""
        client = self._of(access)
        client.rate.count(_now_s())
        if client.requests >= self._config.requests_of_one_max:
            raise TooManyRequests("This client has as many requests at once as it may.")
        if self._requests >= self._config.requests_max:
            raise SignalClientsFull(FULL, hint="Ask again later.")
        client.requests += 1
        self._requests += 1
        try:
            yield
        finally:
            client.requests -= 1
            self._requests -= 1

    def _of(self, access: Access) -> Client:
        key = access.client
        client = self._known.get(key)
        if client is None:
            now_s = _now_s()
            self._known = {k: each for k, each in self._known.items() if not each.is_gone(now_s)}
            client = self._known[key] = Client(self._config)
        return client

    def _stand(self, seat: Seat) -> None:
        if len(self._waiting) >= self._config.strangers_max:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.end(
                SignalClientsFull(
                    "As many wait without a good token as may.",
                    hint="Show the token in the handshake, or sooner.",
                )
            )
        self._waiting[seat] = None


def _now_s() -> float:
    return asyncio.get_running_loop().time()

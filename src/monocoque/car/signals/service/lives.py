"""Whatever lasts at a broker ends with the token that it stands on.

Rules: what waits is woken and told; a connection does nothing more, whatever begins on it later.

Left out on purpose: services of the car, whose access has no end and no token.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol
from weakref import WeakSet

from monocoque.car.signals.logic.access import Access
from monocoque.contracts.errors import MonocoqueError, SignalTokenExpired, SignalTokenRefused
from monocoque.plumbing.clock import Clock

MICROSECONDS: Final = 1_000_000


class Lasting(Protocol):
    """A connection, a subscription, a provision or a supply."""

    def end(self, error: MonocoqueError) -> None:
        """It is over, for this reason; whoever waits for it is told."""
        ...


class Standing(Lasting, Protocol):
    """A connection, which is there as long as somebody holds it."""

    @property
    def access(self) -> Access:
        """What it stands on."""
        ...


class Lives:
    """What lasts at one broker."""

    def __init__(self, clock: Clock) -> None:
        """None yet."""
        self._clock = clock
        self._live: list[tuple[Access, Lasting]] = []
        self._connections: WeakSet[Standing] = WeakSet()

    def note(self, connection: Standing) -> None:
        """Tell this connection, too, when its token is revoked; it looks at the time itself."""
        if connection.access.token_id:
            self._connections.add(connection)

    def revoke(self, token_id: str) -> None:
        """Whatever stands on this token, or on a token of this issuer, ends now."""
        standing = [(each.access, each) for each in self._connections]
        for access, lasting in (*standing, *self._live):
            if token_id in (access.token_id, access.issuer_id):
                lasting.end(SignalTokenRefused("The token was revoked."))

    @contextmanager
    def lasting(self, access: Access, what: Lasting) -> Iterator[None]:
        """A block that ends, by its next wait, when the token does."""
        if access.expires_us is None:
            timer = None
        else:
            left_s = (access.expires_us - self._clock.now_us()) / MICROSECONDS
            error = SignalTokenExpired("The token's time is over.")
            timer = asyncio.get_running_loop().call_later(max(0.0, left_s), what.end, error)
        entry = (access, what)
        self._live.append(entry)
        try:
            yield
        finally:
            self._live.remove(entry)
            if timer is not None:
                timer.cancel()

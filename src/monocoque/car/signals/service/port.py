"""The port to the signals of a car, whether the broker is in this process or outside.

Rules:

* a connection has a name and an access, and does nothing else for its holder than the access says;
* batches everywhere: of one publication, what cannot be taken is refused by number and the rest
  stands; of one request to read or to actuate, one wrong number refuses the whole;
* a subscription begins with the present readings. A reader that is too slow gets the newest value
  of each signal, and is told how many it missed;
* an act is validated whole before any of it is forwarded, and ends by its deadline;
* a provider may be a supply too: then it hears how often its signals are wanted, and may be asked
  for them. ``read`` asks nobody; only KUKSA's clients of version 2 have their values asked for.

Left out on purpose: paths, which the catalogue turns into numbers, and tokens (car/tokens).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from monocoque.car.signals.logic.acts import Act, ActState
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.readings import Batch, Reading
from monocoque.car.signals.logic.wishes import Question, Wanted
from monocoque.contracts.errors import MonocoqueError
from monocoque.contracts.signals import Value

QUEUE_BATCHES: int = 64
"""So many batches wait for a reader before the oldest are joined into one."""


class Subscription(Protocol):
    """What one reader hears."""

    async def next(self) -> Batch:
        """The next batch, waiting for it. The first is the present readings, fresh or not.

        Raises SignalTokenExpired or SignalTokenRefused when the access has ended, and
        UnavailableError when the broker has gone.
        """
        ...


class Provision(Protocol):
    """What a provider holds while it is there."""

    async def publish(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: int | Sequence[int]
    ) -> Mapping[int, MonocoqueError]:
        """Say values, measured at one time or each at its own; returns the refused, by number."""
        ...

    async def next_acts(self) -> tuple[Act, ...]:
        """What is asked of this provider's actuators, waiting for it: one request at a time."""
        ...

    async def tell(self, act_id: str, state: ActState, reason: str = "") -> None:
        """Say how far an act is; ignored when it has ended already."""
        ...


class Supply(Protocol):
    """What a provider holds that can be asked for values."""

    def cover(self, intervals_ms: Mapping[int, int]) -> None:
        """It supplies these signals too, and has new values so often; 0 when it does not know.

        Raises SignalUnknown, SignalDenied.
        """
        ...

    async def next(self) -> Wanted | Question:
        """What is wanted now, or asked, waiting for it.

        Raises SignalTokenExpired or SignalTokenRefused when the access has ended.
        """
        ...

    def answer(self, question_id: int, numbers: Sequence[int]) -> None:
        """These signals were said; what else the question of this name asked for is not known."""
        ...


class Broker(Protocol):
    """A connection to the signals of one car."""

    @property
    def catalogue(self) -> Catalogue:
        """The signals that there are."""
        ...

    async def read(self, numbers: Sequence[int]) -> list[Reading]:
        """The present readings, in this order. Raises SignalUnknown, SignalDenied."""
        ...

    def subscribe(
        self,
        numbers: Sequence[int],
        *,
        interval_s_min: float = 0.0,
        queue_batches: int = QUEUE_BATCHES,
    ) -> AbstractAsyncContextManager[Subscription]:
        """Hear these signals. Raises SignalUnknown, SignalDenied, SignalClientsFull.

        interval_s_min: batches come at most so often, with the newest value of each signal; 0 for
        all of them.
        """
        ...

    def provide(
        self, numbers: Sequence[int], actuators: Sequence[int] = ()
    ) -> AbstractAsyncContextManager[Provision]:
        """Be the provider of these signals, and the doer of these actuators, until the block ends.

        Raises SignalUnknown, SignalDenied, SignalNotActuator, SignalClaimed. A sensor may be
        published by several; an actuator is claimed by one.
        """
        ...

    async def actuate(self, wishes: Mapping[int, Value], timeout_s: float) -> tuple[Act, ...]:
        """Ask for these; returns the acts, as they are once each was accepted or has ended.

        Raises SignalUnknown, SignalDenied, SignalNotActuator, SignalValueRefused, and
        SignalProviderMissing when nobody has claimed one of them; then none was forwarded.
        """
        ...

    async def outcome(self, act_id: str) -> Act:
        """How an act ended, waiting until its deadline at most. Raises SignalUnknown."""
        ...

    async def targets(self, numbers: Sequence[int]) -> Mapping[int, Value]:
        """What these actuators were asked for and have not met; the others are left out."""
        ...


@dataclass(frozen=True)
class Carried:
    """Signals that the bus of the vehicle brings, so that the virtual body keeps silent of them."""

    numbers: frozenset[int] = frozenset()


class Brokers(Protocol):
    """Connections for the car's own services, which may do everything."""

    def connect(self, name: str) -> Broker:
        """A connection of this name."""
        ...


class History(Protocol):
    """The last hours of chosen signals."""

    async def read(
        self, number: int, since_us: int, until_us: int, count_max: int
    ) -> list[tuple[int, Value]]:
        """The newest values between these times, oldest first: (time, value), so many at most."""
        ...


class DoorPlate(Protocol):
    """Where a car's doors listen, for whoever wants to come in."""

    def show(self, door: str, address: str) -> None:
        """This door (``kuksa``, ``viss``) listens at ``HOST:PORT`` from now on."""
        ...

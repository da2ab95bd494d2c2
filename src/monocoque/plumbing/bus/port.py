"""The port of the bus: what every room may rely on, whatever carries it.

Rules, held by tests/conformance/ on every adapter:

* only topics of contracts/topics travel, and only for those whom the row names; anybody else
  gets TopicRefused, and nothing is sent;
* messages of one publisher on one subject arrive in the order in which they were published;
* a message may arrive twice; its ``header.message_id`` stays the same;
* ``publish`` on a durable topic returns when the bus has it (for ``STREAM_SYNCED`` and
  ``LAST_VALUE``: when it is on disk). BusUnavailable means that it was not sent;
  BusOutcomeUnknown means that nobody knows, and repeating it is harmless;
* a durable consumer is given a message again until it acknowledges it, across its own restarts
  and the server's;
* whatever arrives has passed the door (door.py): wrong shape, size, version or time is counted and
  left out, and disturbs nobody;
* a connection that is lost is sought again for ever; ``connected_after`` tells of each new one,
  when publishing works again and live readers hear again, and no new one passes unnoticed;
* nobody says more on a subject than its topic's ``rate_per_minute_max``, with a minute's worth at
  once: publishing more raises TooManyRequests, and nothing of it was sent. On topics that keep
  nothing, a live reader leaves out what still comes more than twice as often, as the door does;
* every queue is bounded; a live reader that is too slow loses the oldest, and is told how many.

Left out on purpose: request and reply (that is two topics and a deadline), wildcards of one's own,
and any callback: readers take messages at their own pace.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from monocoque.contracts.topics import Role, Topic

MessageType = TypeVar("MessageType", bound=Message)

LIVE_QUEUE_MESSAGES_MAX = 10_000
"""How many messages a live reader may be behind before it loses the oldest."""


@dataclass(frozen=True)
class Identity:
    """Who is connected: a role and, for a machine outside the cell, its own identifiers."""

    role: Role
    identifiers: Mapping[str, str] = field(default_factory=dict)
    """For a car ``{"car_id": ...}``: it touches topics with these values only."""


@dataclass(frozen=True)
class Outgoing(Generic[MessageType]):
    """A message with the identifiers of its subject, for ``publish_batch``."""

    message: MessageType
    identifiers: Mapping[str, str]


@dataclass(frozen=True)
class Delivery(Generic[MessageType]):
    """A message as it arrived."""

    topic: Topic[MessageType]
    identifiers: Mapping[str, str]
    message: MessageType
    attempt: int = 1
    """1 at the first delivery; live topics are always 1."""
    handle: Any = None
    """The adapter's own; a reader hands it back through ``acknowledge``."""


class Subscription(Protocol[MessageType]):
    """A live reader, open as long as its context is."""

    @property
    def missed(self) -> int:
        """How many messages were lost because this reader was too slow, or the bus was away."""

    async def next(self, timeout_s: float) -> Delivery[MessageType] | None:
        """The next message, or None when none came in time; ``math.inf`` waits for ever."""

    def __aiter__(self) -> AsyncIterator[Delivery[MessageType]]:
        """Every message, for ever."""


class Consumer(Protocol[MessageType]):
    """A durable reader of a stream; its place survives restarts under its name."""

    async def fetch(self, count_max: int, wait_s: float) -> list[Delivery[MessageType]]:
        """Up to so many messages; an empty list when none came in time.

        Raises BusUnavailable when the bus cannot be reached.
        """

    async def acknowledge(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """These are dealt with and must not come again; call it after they are on record."""

    async def give_back(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """These could not be dealt with now and shall come again, soon."""


class Bus(Protocol):
    """One participant's connection."""

    @property
    def identity(self) -> Identity:
        """Whose connection this is."""

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent right now."""

    @property
    def connection_count(self) -> int:
        """How often it was connected so far, this time included."""

    async def connected_after(self, count: int) -> int:
        """Return as soon as it is connected for more than that many times; says how many.

        Who passes the count that was returned last is told of every new connection. Raises
        BusUnavailable once the bus was closed.
        """

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """Say one message; see the rules above for what its return promises.

        The message must carry a header (plumbing/bus/header.py stamps one). Raises TopicRefused,
        TopicUnknown, MessageRefused, TooManyRequests, BusUnavailable, BusOutcomeUnknown.
        """

    async def publish_batch(
        self, topic: Topic[MessageType], outgoing: Sequence[Outgoing[MessageType]]
    ) -> None:
        """Say many, with many in flight at once; returns when ``publish`` would have for each.

        When it raises, any part of the batch may have been taken; repeating it is harmless. Only
        TooManyRequests says that nothing was: of more than a minute's worth nothing ever is.
        """

    def listen(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AbstractAsyncContextManager[Subscription[MessageType]]:
        """Hear what is said from now on; identifiers that are not given match every value."""

    def watch(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AbstractAsyncContextManager[Subscription[MessageType]]:
        """The last value of every matching subject first, then what is said from now on.

        Only for ``LAST_VALUE`` topics.
        """

    async def last(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> Delivery[MessageType] | None:
        """The last value of one subject, or None. Only for ``LAST_VALUE`` topics."""

    async def consumer(self, topic: Topic[MessageType], name: str) -> Consumer[MessageType]:
        """The durable reader of that name, made at its first use. Only for streams."""

    async def close(self) -> None:
        """Leave; what was acknowledged stays acknowledged."""

"""A bad network: an adapter of the bus port between a machine and another machine's bus.

Rules:

* it is as bad as ``Faults`` says, by one seeded source per path, and never worse than the port
  allows: what one publisher says on one topic is not overtaken, topics overtake each other;
* a message that is lost raises BusUnavailable; one whose acknowledgement is lost raises
  BusOutcomeUnknown, whether it was taken or not; on a topic that keeps nothing it may vanish
  without a word;
* a cut ends what is under way, in doubt; a live reader hears nothing until the path is mended,
  and then what is said from then on, with last values again where it watches.

Left out on purpose: bandwidth, and bytes that change on the way (the real transports check them).
"""

import asyncio
import enum
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from random import Random
from typing import Any, Final, Generic, TypeVar

from google.protobuf.message import Message

from monocoque.contracts.errors import BusOutcomeUnknown, BusUnavailable
from monocoque.contracts.topics import Kept, Topic
from monocoque.plumbing.bus.connections import Connections
from monocoque.plumbing.bus.port import Bus, Consumer, Delivery, Identity, Outgoing, Subscription
from monocoque.sim.faults import Weather

MessageType = TypeVar("MessageType", bound=Message)
Open = Callable[[], AbstractAsyncContextManager[Subscription[MessageType]]]

FOLLOWING_S: Final = 0.000_001
"""What follows on the same topic arrives this much later, at least."""


class Fate(enum.Enum):
    """What happens to one message, or to one request and its answer."""

    ARRIVES = "arrives"
    ARRIVES_TWICE = "arrives twice"
    LOST = "lost"
    UNKNOWN = "taken, acknowledgement lost"
    UNKNOWN_LOST = "not taken, and nobody says so"


class Path:
    """The way between two machines; outlives the connections that use it."""

    def __init__(self, weather: Weather, random: Random) -> None:
        self.cuts = 0
        """How often it was cut so far."""
        self._weather = weather
        self._random = random
        self._whole = asyncio.Event()
        self._whole.set()
        self._reasons = 0
        self._last_arrival_s: dict[str, float] = {}
        self._readers: list[_Reader[Any]] = []
        self._connections: list[Connections] = []

    @property
    def is_whole(self) -> bool:
        """Whether messages get through at all."""
        return self._whole.is_set()

    def cut(self) -> None:
        """From now on nothing gets through, until as many ``mend`` as there were cuts."""
        self.cuts += 1
        self._reasons += 1
        self._whole.clear()
        for reader in list(self._readers):
            reader.wake()
        for connections in self._connections:
            connections.lose()

    def mend(self) -> None:
        """One reason less why nothing gets through."""
        self._reasons -= 1
        if self._reasons == 0:
            self._whole.set()
            for connections in self._connections:
                connections.begin()

    def connect(self) -> Connections:
        """The connections over this path of one more participant, who is to give them back."""
        connections = Connections()
        if self.is_whole:
            connections.begin()
        self._connections.append(connections)
        return connections

    def disconnect(self, connections: Connections) -> None:
        """This participant is gone."""
        connections.end()
        if connections in self._connections:
            self._connections.remove(connections)

    async def until_whole(self) -> None:
        """Return as soon as messages get through."""
        await self._whole.wait()

    async def travel(self, topic: Topic[Any]) -> None:
        """Take as long as a message of that topic takes, behind those before it."""
        now_s = asyncio.get_running_loop().time()
        earliest_s = self._last_arrival_s.get(topic.name, 0.0) + FOLLOWING_S
        arrival_s = max(now_s + self.delay_s(), earliest_s)
        self._last_arrival_s[topic.name] = arrival_s
        await _pass(arrival_s - now_s)

    def delay_s(self) -> float:
        """How long the next message takes, one way."""
        faults = self._weather.faults
        return self._random.uniform(faults.delay_s_min, faults.delay_s_max)

    def fate(self) -> Fate:
        """What happens to the next message."""
        draw = self._random.random()
        faults = self._weather.faults
        for share, fate in (
            (faults.loss_share, Fate.LOST),
            (faults.unknown_share / 2, Fate.UNKNOWN),
            (faults.unknown_share / 2, Fate.UNKNOWN_LOST),
            (faults.duplicate_share, Fate.ARRIVES_TWICE),
        ):
            if draw < share:
                return fate
            draw -= share
        return Fate.ARRIVES

    def comes_twice(self) -> bool:
        """Whether the next delivery comes twice."""
        return self._random.random() < self._weather.faults.duplicate_share

    def part_of(self, count: int) -> int:
        """How many of so many got through before it broke."""
        return self._random.randrange(count + 1)

    def check(self) -> None:
        """Raises BusUnavailable while the path is cut."""
        if not self.is_whole:
            raise BusUnavailable("The path to the bus is cut.")

    def check_uncut(self, cuts: int) -> None:
        """Raises BusOutcomeUnknown when the path was cut since it had been cut so often."""
        if self.cuts != cuts:
            raise BusOutcomeUnknown("The path to the bus was cut on the way.")


class FaultyBus:
    """One participant's connection over a path; implements ``Bus``."""

    def __init__(self, inner: Bus, path: Path) -> None:
        self._inner = inner
        self._path = path
        self._connections = path.connect()

    @property
    def identity(self) -> Identity:
        """See Bus."""
        return self._inner.identity

    @property
    def is_connected(self) -> bool:
        """See Bus."""
        return self._path.is_whole and self._inner.is_connected

    @property
    def connection_count(self) -> int:
        """See Bus."""
        return self._connections.count

    async def connected_after(self, count: int) -> int:
        """See Bus."""
        return await self._connections.after(count)

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """See Bus."""
        await self.publish_batch(topic, [Outgoing(message, identifiers)])

    async def publish_batch(
        self, topic: Topic[MessageType], outgoing: Sequence[Outgoing[MessageType]]
    ) -> None:
        """See Bus."""
        path = self._path
        path.check()
        cuts, fate = path.cuts, path.fate()
        # As bytes would: what the caller changes from now on is not under way any more.
        under_way = [Outgoing(_copy(one.message), dict(one.identifiers)) for one in outgoing]
        await path.travel(topic)
        if fate is Fate.LOST:
            if topic.kept is Kept.NOTHING:
                return
            raise BusUnavailable("The message was lost on the way to the bus.")
        path.check_uncut(cuts)
        in_doubt = fate in {Fate.UNKNOWN, Fate.UNKNOWN_LOST}
        taken = path.part_of(len(under_way) - 1) if fate is Fate.UNKNOWN_LOST else len(under_way)
        for _ in range(2 if fate is Fate.ARRIVES_TWICE else 1):
            await self._inner.publish_batch(topic, under_way[:taken])
        if topic.kept is Kept.NOTHING:
            return
        await _pass(path.delay_s())
        path.check_uncut(cuts)
        if in_doubt:
            raise BusOutcomeUnknown("The acknowledgement of the bus was lost.")

    @asynccontextmanager
    async def listen(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        async with self._reader(topic, lambda: self._inner.listen(topic, **identifiers)) as reader:
            yield reader

    @asynccontextmanager
    async def watch(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        async with self._reader(topic, lambda: self._inner.watch(topic, **identifiers)) as reader:
            yield reader

    @asynccontextmanager
    async def _reader(
        self, topic: Topic[MessageType], open_inner: Open[MessageType]
    ) -> AsyncIterator["_Reader[MessageType]"]:
        reader = _Reader(self._path, topic, open_inner)
        self._path._readers.append(reader)
        try:
            if self._path.is_whole:
                await reader.open()
            yield reader
        finally:
            self._path._readers.remove(reader)
            await reader.close()

    async def last(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> Delivery[MessageType] | None:
        """See Bus."""
        cuts = self._path.cuts
        self._path.check()
        await _pass(self._path.delay_s())
        delivery = await self._inner.last(topic, **identifiers)
        if self._path.cuts != cuts:
            raise BusUnavailable("The path to the bus was cut before it answered.")
        return delivery

    async def consumer(self, topic: Topic[MessageType], name: str) -> Consumer[MessageType]:
        """See Bus."""
        self._path.check()
        await _pass(self._path.delay_s())
        self._path.check()
        return _FaultyConsumer(await self._inner.consumer(topic, name), self._path)

    async def close(self) -> None:
        """See Bus."""
        self._path.disconnect(self._connections)
        await self._inner.close()


class _Reader(Generic[MessageType]):
    """A live reader over a path; implements ``Subscription``."""

    def __init__(
        self, path: Path, topic: Topic[MessageType], open_inner: Open[MessageType]
    ) -> None:
        self._path = path
        self._topic = topic
        self._open_inner = open_inner
        self._stack = AsyncExitStack()
        self._inner: Subscription[MessageType] | None = None
        self._cuts = path.cuts
        self._missed = 0
        self._under_way: list[Delivery[MessageType]] = []
        self._wait: asyncio.Timeout | None = None

    @property
    def missed(self) -> int:
        """See Subscription; a cut counts as one."""
        return self._missed + (self._inner.missed if self._inner is not None else 0)

    async def open(self) -> None:
        """Begin to hear what is said at the other end."""
        self._cuts = self._path.cuts
        self._inner = await self._stack.enter_async_context(self._open_inner())

    async def close(self) -> None:
        """Hear no more."""
        self._missed, self._inner = self.missed, None
        await self._stack.aclose()

    def wake(self) -> None:
        """The path was cut: end the wait, so that it can begin anew."""
        if self._wait is not None and not self._wait.expired():
            self._wait.reschedule(asyncio.get_running_loop().time())

    async def next(self, timeout_s: float) -> Delivery[MessageType] | None:
        """See Subscription."""
        loop = asyncio.get_running_loop()
        deadline_s = None if timeout_s == math.inf else loop.time() + timeout_s
        while True:
            try:
                async with asyncio.timeout_at(deadline_s) as self._wait:
                    return await self._next()
            except TimeoutError:
                if deadline_s is not None and loop.time() >= deadline_s:
                    return None
            finally:
                self._wait = None

    async def __aiter__(self) -> AsyncIterator[Delivery[MessageType]]:
        """See Subscription."""
        while True:
            delivery = await self.next(math.inf)
            if delivery is not None:
                yield delivery

    async def _next(self) -> Delivery[MessageType]:
        if self._cuts != self._path.cuts or self._inner is None:
            await self._path.until_whole()
            self._under_way.clear()
            await self.close()
            await self.open()
            self._missed += 1
        while not self._under_way:
            if self._inner is not None:
                delivery = await self._inner.next(math.inf)
                if delivery is not None:
                    copies = 2 if self._path.comes_twice() else 1
                    self._under_way.extend([delivery] * copies)
                    await _pass(self._path.delay_s())
        return self._under_way.pop(0)


class _FaultyConsumer(Generic[MessageType]):
    """A durable reader over a path; implements ``Consumer``."""

    def __init__(self, inner: Consumer[MessageType], path: Path) -> None:
        self._inner = inner
        self._path = path

    async def fetch(self, count_max: int, wait_s: float) -> list[Delivery[MessageType]]:
        """See Consumer; what a cut interrupts is given again later."""
        self._path.check()
        cuts = self._path.cuts
        deliveries = await self._inner.fetch(count_max, wait_s)
        await _pass(self._path.delay_s())
        if self._path.cuts != cuts:
            raise BusUnavailable("The path to the bus was cut before the messages arrived.")
        return deliveries

    async def acknowledge(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer."""
        self._path.check()
        cuts = self._path.cuts
        await _pass(self._path.delay_s())
        self._path.check_uncut(cuts)
        await self._inner.acknowledge(deliveries)

    async def give_back(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer."""
        self._path.check()
        await _pass(self._path.delay_s())
        await self._inner.give_back(deliveries)


async def _pass(delay_s: float) -> None:
    """Take so long; on a way that takes no time, no event either."""
    if delay_s > 0.0:
        await asyncio.sleep(delay_s)


def _copy(message: MessageType) -> MessageType:
    copy: MessageType = type(message)()
    copy.CopyFrom(message)
    return copy

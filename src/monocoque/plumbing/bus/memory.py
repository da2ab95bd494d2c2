"""The bus inside one machine: in memory, always through bytes, hostile when asked to be.

Rules:

* ``MemoryHub`` is the bus; it outlives the participants, so a service that is killed finds its
  consumers, streams and last values again. ``connect`` gives a participant its ``Bus``;
* every message is bytes on the way, and passes the door on both sides;
* ``MemoryChance`` makes the bus as bad as a bus may be: duplicates, delays, lost acknowledgements,
  all from one seeded source. The order of each publisher on each subject is kept, since the port
  promises it;
* only the event loop's time is used for waiting, so it runs on a loop of virtual time.

For worlds: ``hub.observers`` is a list of callables ``(subject, data)``; each is called, in order,
once for every message that the bus accepts, before anybody is given it. A digest over those calls
is a digest of everything that was said.
Left out on purpose: anything on disk, and recognising repeated messages: readers must do it.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Generic, TypeVar

import structlog
from google.protobuf.message import Message

from monocoque.contracts.errors import BusUnavailable
from monocoque.contracts.topics import TOPICS, Kept, Topic
from monocoque.plumbing.bus import rights
from monocoque.plumbing.bus.config import BUS_DEFAULTS, BusConfig
from monocoque.plumbing.bus.connections import Connections
from monocoque.plumbing.bus.door import SUBJECTS_REMEMBERED_MAX, Door
from monocoque.plumbing.bus.live import LiveQueue
from monocoque.plumbing.bus.memory_stream import MemoryStream, Place
from monocoque.plumbing.bus.port import Bus, Consumer, Delivery, Identity, Outgoing, Subscription
from monocoque.plumbing.bus.rates import Rates
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.metrics import Metrics

MessageType = TypeVar("MessageType", bound=Message)


@dataclass(frozen=True)
class MemoryChance:
    """How bad the bus is; the default is a perfect one."""

    random: Random | None = None
    """The one source of chance; without it nothing bad happens."""
    duplicate_share: float = 0.0
    """Of messages that arrive twice, 0 to 1."""
    delay_s_max: float = 0.0
    """Each message is late by up to this much."""
    redeliver_share: float = 0.0
    """Of acknowledgements that get lost, 0 to below 1, so that the message comes again."""

    def copies(self) -> int:
        """How often the next message arrives."""
        return 2 if self._happens(self.duplicate_share) else 1

    def delay_s(self) -> float:
        """How late the next message is."""
        return self.random.uniform(0.0, self.delay_s_max) if self.random else 0.0

    def loses_acknowledgement(self) -> bool:
        """Whether the next acknowledgement gets lost."""
        return self._happens(self.redeliver_share)

    def _happens(self, share: float) -> bool:
        return self.random is not None and self.random.random() < share


NO_CHANCE: Final = MemoryChance()
"""A bus that works."""


class MemoryHub:
    """The bus of one machine."""

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        log: structlog.stdlib.BoundLogger,
        chance: MemoryChance = NO_CHANCE,
        config: BusConfig = BUS_DEFAULTS,
    ) -> None:
        self.clock = clock
        self.config = config
        self.chance = chance
        self.door = Door(clock, metrics, log, config)
        self.observers: list[Callable[[str, bytes], None]] = []
        self.readers: list[LiveReader[Any]] = []
        self._readers_of: dict[str, list[LiveReader[Any]]] = defaultdict(list)
        """By pattern without a star, which is a subject, or else by the name of the topic."""
        self.last_values: dict[str, dict[str, bytes]] = {}
        self.streams: dict[str, MemoryStream] = {}
        for topic in TOPICS:
            if topic.kept is Kept.LAST_VALUE:
                self.last_values[topic.name] = {}
            elif topic.is_durable:
                self.streams[topic.name] = MemoryStream(
                    topic.retention_s, config.unacknowledged_messages_max
                )

    def connect(self, identity: Identity) -> Bus:
        """A new participant's connection."""
        return MemoryBus(self, identity)

    def accept(self, topic: Topic[Any], subject: str, data: bytes) -> None:
        """Take one message: observe it, keep it, pass it on."""
        for observer in self.observers:
            observer(subject, data)
        if topic.kept is Kept.LAST_VALUE:
            self.last_values[topic.name][subject] = data
        copies = self.chance.copies()
        for key in (topic.name, subject):
            for reader in tuple(self._readers_of.get(key, ())):
                for _ in range(copies):
                    reader.offer(subject, data, self.chance.delay_s())
        if stream := self.streams.get(topic.name):
            now_s = asyncio.get_running_loop().time()
            for _ in range(copies):
                available_at_s = now_s + self.chance.delay_s()
                stream.append(subject, data, self.clock.now_us(), available_at_s)
            stream.wake()

    def add_reader(self, reader: "LiveReader[Any]") -> None:
        """From now on it hears what it asked for."""
        self.readers.append(reader)
        self._readers_of[reader.key].append(reader)

    def remove_reader(self, reader: "LiveReader[Any]") -> None:
        """It hears nothing more."""
        self.readers.remove(reader)
        self._readers_of[reader.key].remove(reader)
        if not self._readers_of[reader.key]:
            del self._readers_of[reader.key]


class MemoryBus:
    """One participant's connection; implements ``Bus``."""

    def __init__(self, hub: MemoryHub, identity: Identity) -> None:
        self._hub = hub
        self._identity = identity
        self._readers: list[LiveReader[Any]] = []
        self._is_open = True
        self._rates = Rates(hub.clock, hub.config.rate_subjects_max)
        self._subjects: dict[tuple[Any, ...], str] = {}
        """By topic and identifiers, where it was found that this participant may speak."""
        self._connections = Connections()
        self._connections.begin()

    @property
    def identity(self) -> Identity:
        """See Bus."""
        return self._identity

    @property
    def is_connected(self) -> bool:
        """See Bus."""
        return self._is_open

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
        subjects = [self._subject(topic, one.identifiers) for one in outgoing]
        self.check_open()
        counts = Counter(subjects) if len(subjects) > 1 else dict.fromkeys(subjects, 1)
        self._rates.take(topic, counts)
        for subject, one in zip(subjects, outgoing, strict=True):
            self.check_open()
            self._hub.accept(topic, subject, self._hub.door.outgoing(topic, one.message))
            await asyncio.sleep(0)

    def _subject(self, topic: Topic[Any], identifiers: Mapping[str, str]) -> str:
        """Where it may say this; remembered, since the same is said again and again."""
        key = (id(topic), *identifiers.items())  # one of the same name is not in the table
        subject = self._subjects.get(key)
        if subject is None:
            subject = rights.publish_subject(self._identity, topic, dict(identifiers))
            if len(self._subjects) >= SUBJECTS_REMEMBERED_MAX:
                self._subjects.clear()
            self._subjects[key] = subject
        return subject

    @asynccontextmanager
    async def listen(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        with self._reader(topic, identifiers) as reader:
            yield reader.queue

    @asynccontextmanager
    async def watch(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        rights.check_keeps_last_value(topic)
        with self._reader(topic, identifiers) as reader:
            for subject, data in sorted(self._hub.last_values[topic.name].items()):
                reader.hear_kept(subject, data)
            yield reader.queue

    async def last(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> Delivery[MessageType] | None:
        """See Bus."""
        self.check_open()
        subject = rights.read_subject(self._identity, topic, identifiers)
        data = self._hub.last_values[topic.name].get(subject)
        if data is None:
            return None
        return self._hub.door.deliver(topic, subject, data)

    async def consumer(self, topic: Topic[MessageType], name: str) -> Consumer[MessageType]:
        """See Bus."""
        self.check_open()
        rights.check_consumer(self._identity, topic, name)
        stream = self._hub.streams[topic.name]
        place = stream.place(f"{self._identity.role.value}.{name}")
        return MemoryConsumer(self._hub, self, topic, stream, place)

    async def close(self) -> None:
        """See Bus."""
        self._is_open = False
        self._connections.end()
        for reader in self._readers:
            reader.queue.end(BusUnavailable("The bus was closed."))

    @contextmanager
    def _reader(
        self, topic: Topic[MessageType], identifiers: dict[str, str]
    ) -> Iterator["LiveReader[MessageType]"]:
        self.check_open()
        pattern = rights.read_pattern(self._identity, topic, identifiers)
        reader = LiveReader(self._hub, topic, pattern)
        self._hub.add_reader(reader)
        self._readers.append(reader)
        try:
            yield reader
        finally:
            reader.close()
            self._hub.remove_reader(reader)
            self._readers.remove(reader)

    def check_open(self) -> None:
        """Raises BusUnavailable once the connection was closed."""
        if not self._is_open:
            raise BusUnavailable("The bus was closed.")


class LiveReader(Generic[MessageType]):
    """What one live reader hears, each message in its time and in order."""

    def __init__(self, hub: MemoryHub, topic: Topic[MessageType], pattern: str) -> None:
        self.queue = LiveQueue[MessageType](hub.config.live_queue_messages_max)
        self._hub = hub
        self._topic = topic
        self._tokens = pattern.split(".")
        self.key = topic.name if "*" in self._tokens else pattern
        """Under which the hub finds it."""
        self._hears_all = self._tokens == topic.pattern().split(".")
        """Whether no subject of the topic is left out."""
        self._late: deque[tuple[float, str, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._rates = hub.door.rates()

    def hear_kept(self, subject: str, data: bytes) -> None:
        """A last value, when the reader begins."""
        if not self._matches(subject):
            return
        delivery = self._hub.door.deliver(self._topic, subject, data)
        if delivery is not None:
            self.queue.put_kept(delivery)

    def offer(self, subject: str, data: bytes, delay_s: float) -> None:
        """Something was said; it is heard after the delay, and after what was said before it."""
        if not self._hears_all and self.key != subject and not self._matches(subject):
            return
        if not self._late and not delay_s:
            self._hear(subject, data)
            return
        loop = asyncio.get_running_loop()
        earliest_s = self._late[-1][0] if self._late else loop.time()
        self._late.append((max(loop.time() + delay_s, earliest_s), subject, data))
        if self._timer is None:
            self._timer = loop.call_at(self._late[0][0], self._hear_due)

    def close(self) -> None:
        """Nothing that is still on its way will be heard."""
        self._late.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _hear_due(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._late and self._late[0][0] <= loop.time():
            _, subject, data = self._late.popleft()
            self._hear(subject, data)
        if self._late:
            self._timer = loop.call_at(self._late[0][0], self._hear_due)

    def _hear(self, subject: str, data: bytes) -> None:
        delivery = self._hub.door.hear(self._topic, subject, data, self._rates)
        if delivery is not None:
            self.queue.put(delivery)

    def _matches(self, subject: str) -> bool:
        pairs = zip(self._tokens, subject.split("."), strict=True)
        return all(own in {"*", given} for own, given in pairs)


class MemoryConsumer(Generic[MessageType]):
    """A durable reader; its place is the hub's and outlives it."""

    def __init__(
        self,
        hub: MemoryHub,
        bus: MemoryBus,
        topic: Topic[MessageType],
        stream: MemoryStream,
        place: Place,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._topic = topic
        self._stream = stream
        self._place = place

    async def fetch(self, count_max: int, wait_s: float) -> list[Delivery[MessageType]]:
        """See Consumer."""
        loop = asyncio.get_running_loop()
        give_up_at_s = loop.time() + wait_s
        while True:
            self._bus.check_open()
            changed = self._stream.changed
            taken = self._take(count_max, loop.time())
            if taken or loop.time() >= give_up_at_s:
                return taken
            event_at_s = self._stream.next_event_s(self._place)
            look_again_at_s = min(give_up_at_s, event_at_s or give_up_at_s)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_again_at_s):
                    await changed.wait()

    async def acknowledge(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer."""
        self._bus.check_open()
        for delivery in deliveries:
            if not self._hub.chance.loses_acknowledgement():
                self._place.settle(delivery.handle)

    async def give_back(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer."""
        self._bus.check_open()
        due_at_s = asyncio.get_running_loop().time() + self._hub.config.give_back_wait_s
        for delivery in deliveries:
            self._place.owe(delivery.handle, due_at_s)
        self._stream.wake()

    def _take(self, count_max: int, now_s: float) -> list[Delivery[MessageType]]:
        now_us = self._hub.clock.now_us()
        deliveries = []
        for kept, attempt in self._stream.take(self._place, count_max, now_s, now_us):
            delivery = self._hub.door.deliver(
                self._topic, kept.subject, kept.data, attempt, kept.sequence
            )
            if delivery is None:
                self._place.settle(kept.sequence)
            else:
                self._place.owe(kept.sequence, now_s + self._hub.config.acknowledge_wait_s)
                deliveries.append(delivery)
        return deliveries

"""The bus between machines: NATS with JetStream, as one participant sees it.

Rules:

* rights are asked of rights.py first, so that a refusal is known at once; the server enforces the
  same rows itself (nats_rights.py) against whoever does not ask;
* an acknowledgement comes to an inbox whose last part is secret, so that nobody can pretend one;
* a message on a synced stream or of a last value carries its message id as ``Nats-Msg-Id``: said
  twice within the window, it is kept once;
* a live message that bears the marks of a stored one was written by the server on behalf of
  somebody who named this subject for an answer: it is refused;
* nothing is buffered while there is no connection: the caller is told, and keeps its own outbox.

Left out on purpose: a durable consumer for machines outside the cell (rights.check_consumer).
"""

import asyncio
import contextlib
import secrets
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, TypeVar

import structlog
from google.protobuf.message import Message
from nats.aio.msg import Msg

from monocoque.contracts.errors import BusUnavailable, CredentialsRefused, MessageMalformed
from monocoque.contracts.topics import Kept, Topic
from monocoque.plumbing.bus import rights
from monocoque.plumbing.bus.config import BUS_DEFAULTS, BusConfig
from monocoque.plumbing.bus.door import Door
from monocoque.plumbing.bus.header import header_of
from monocoque.plumbing.bus.live import LiveQueue
from monocoque.plumbing.bus.nats_consumer import NatsConsumer
from monocoque.plumbing.bus.nats_credentials import NatsCredentials
from monocoque.plumbing.bus.nats_flight import Flight, Flights
from monocoque.plumbing.bus.nats_link import NatsLink, ServerAddress
from monocoque.plumbing.bus.nats_questions import Questions
from monocoque.plumbing.bus.nats_rights import INBOX, OUTSIDE, last_subject
from monocoque.plumbing.bus.nats_watch import Watch
from monocoque.plumbing.bus.port import Consumer, Delivery, Identity, Outgoing, Subscription
from monocoque.plumbing.bus.rates import Rates
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.metrics import Metrics

MessageType = TypeVar("MessageType", bound=Message)

MESSAGE_ID_HEADER: Final = "Nats-Msg-Id"
STORED_MARK: Final = "Nats-Stream"
"""A header that the server puts on what it reads out of a stream."""
SECRET_BYTES: Final = 16


class NatsBus:
    """One participant's connection; implements ``Bus``. Made by ``connect``."""

    def __init__(
        self,
        identity: Identity,
        inbox: str,
        link: NatsLink,
        door: Door,
        rates: Rates,
        config: BusConfig,
    ) -> None:
        self._identity = identity
        self._inbox = inbox
        self._link = link
        self._door = door
        self._config = config
        self._rates = rates
        self._flights = Flights()
        self._questions = Questions(link, f"{self._inbox}.question", config)
        self._queues: set[LiveQueue[Any]] = set()
        self._consumers: dict[tuple[str, str], NatsConsumer[Any]] = {}
        self._last_number = 0
        link.on_lost.append(self._flights.lose)

    @classmethod
    async def connect(
        cls,
        *,
        identity: Identity,
        credentials: NatsCredentials,
        server_address: ServerAddress,
        clock: Clock,
        random: Random,
        metrics: Metrics,
        log: structlog.stdlib.BoundLogger,
        config: BusConfig = BUS_DEFAULTS,
        tls: ssl.SSLContext | None = None,
    ) -> "NatsBus":
        """Connect, and stay connected until ``close``.

        When the server cannot be reached now, the bus is there all the same, not connected, and
        goes on trying. Raises CredentialsRefused when they are damaged, of another identity, or
        refused by the server; SettingInvalid when the address needs TLS.
        """
        name = credentials.name
        own_name = OUTSIDE.get(identity.role)
        if own_name is not None and identity.identifiers.get(own_name) != name:
            raise CredentialsRefused("The bus credentials belong to another participant.")
        inbox = f"{INBOX}{name}.{secrets.token_hex(SECRET_BYTES)}"
        link = NatsLink(server_address, credentials, inbox, random, log, config, tls)
        door, rates = Door(clock, metrics, log, config), Rates(clock, config.rate_subjects_max)
        bus = cls(identity, inbox, link, door, rates, config)
        await link.subscribe(f"{bus._inbox}.taken.*", bus._hear_taken)
        await bus._questions.open()
        await link.open()
        return bus

    @property
    def identity(self) -> Identity:
        """See Bus."""
        return self._identity

    @property
    def is_connected(self) -> bool:
        """See Bus."""
        return self._link.is_connected

    @property
    def connection_count(self) -> int:
        """See Bus."""
        return self._link.connections.count

    async def connected_after(self, count: int) -> int:
        """See Bus."""
        return await self._link.connections.after(count)

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """See Bus."""
        await self.publish_batch(topic, [Outgoing(message, identifiers)])

    async def publish_batch(
        self, topic: Topic[MessageType], outgoing: Sequence[Outgoing[MessageType]]
    ) -> None:
        """See Bus."""
        flight, config = Flight(), self._config
        subjects = [
            rights.publish_subject(self._identity, topic, dict(one.identifiers)) for one in outgoing
        ]
        self._link.check()
        self._rates.take(topic, Counter(subjects))
        try:
            for subject, one in zip(subjects, outgoing, strict=True):
                if flight.outstanding >= config.in_flight_messages_max:
                    room = config.in_flight_messages_max // 2
                    await flight.wait_below(room, config.publish_timeout_s)
                await self._send(topic, subject, one.message, flight)
            await flight.wait_below(1, config.publish_timeout_s)
            # The client writes in a task of its own: it goes before whatever the caller does next.
            await asyncio.sleep(0)
        finally:
            self._flights.drop(flight)

    @asynccontextmanager
    async def listen(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        pattern, rates = rights.read_pattern(self._identity, topic, identifiers), self._door.rates()
        with self._queue(topic) as queue:

            async def hear(heard: Msg) -> None:
                if heard.headers and STORED_MARK in heard.headers:
                    self._door.refuse(topic, MessageMalformed("A stored message was said again."))
                    return
                delivery = self._door.hear(topic, heard.subject, heard.data, rates)
                if delivery is not None:
                    queue.put(delivery)

            stop = await self._link.subscribe(pattern, hear)
            self._link.on_lost.append(queue.mark_gap)
            try:
                yield queue
            finally:
                self._link.on_lost.remove(queue.mark_gap)
                await stop()

    @asynccontextmanager
    async def watch(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        rights.check_keeps_last_value(topic)
        pattern = rights.read_pattern(self._identity, topic, identifiers)
        with self._queue(topic) as queue:
            inbox = f"{self._inbox}.watch.{self._new_number()}"
            watch = Watch(self._link, self._questions, self._door, self._config, inbox)
            async with watch.into(queue, topic, pattern):
                yield queue

    async def last(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> Delivery[MessageType] | None:
        """See Bus."""
        subject = rights.read_subject(self._identity, topic, identifiers)
        question = f"$JS.API.DIRECT.GET.{topic.stream_name}.{subject}"
        if self._identity.role in OUTSIDE:
            question = last_subject(subject)
        answer = await self._questions.ask(question, b"")
        if answer.headers and "Status" in answer.headers:
            if answer.headers["Status"] == "404":
                return None
            raise BusUnavailable("The stream of the last values does not answer.")
        return self._door.deliver(topic, subject, answer.data)

    async def consumer(self, topic: Topic[MessageType], name: str) -> Consumer[MessageType]:
        """See Bus."""
        rights.check_consumer(self._identity, topic, name)
        known = self._consumers.get((topic.name, name))
        if known is None:
            known = NatsConsumer(
                self._link,
                self._questions,
                self._door,
                self._config,
                topic,
                name=f"{self._identity.role.value}_{name}",
                inbox=f"{self._inbox}.consumer.{self._new_number()}",
            )
            self._consumers[topic.name, name] = known
            await known.open()
        return known

    async def close(self) -> None:
        """See Bus."""
        for queue in self._queues:
            queue.end(BusUnavailable("The bus was closed."))
        await self._link.close()
        self._flights.lose()

    def _new_number(self) -> int:
        self._last_number += 1
        return self._last_number

    async def _send(
        self, topic: Topic[MessageType], subject: str, message: MessageType, flight: Flight
    ) -> None:
        data = self._door.outgoing(topic, message)
        if not topic.is_durable:
            await self._link.send(subject, data)
            return
        headers = None
        if topic.kept is not Kept.STREAM:
            headers = {MESSAGE_ID_HEADER: header_of(message).message_id}
        reply = f"{self._inbox}.taken.{self._flights.add(flight)}"
        await self._link.send(subject, data, reply, headers)

    async def _hear_taken(self, heard: Msg) -> None:
        number = heard.subject.rpartition(".")[2]
        status = heard.headers.get("Status") if heard.headers else None
        self._flights.land(int(number), heard.data, status)

    @contextlib.contextmanager
    def _queue(self, topic: Topic[MessageType]) -> Iterator[LiveQueue[MessageType]]:
        queue = LiveQueue[MessageType](self._config.live_queue_messages_max)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

"""A broker inside one process, for tests and for worlds.

Rules: those of the port. ``drop`` ends every connection as a loss of power would.

Left out on purpose: passwords and rights. What this broker never refuses is tried on the real one.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from monocoque.contracts.errors import BusUnavailable
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.mqtt.port import MqttMessage, matches


class Broker:
    """What is retained, and who is connected."""

    def __init__(self, config: MqttConfig) -> None:
        self.retained: dict[str, bytes] = {}
        self.is_away = False
        self._config = config
        self._sessions: list[MemorySession] = []

    @contextlib.asynccontextmanager
    async def connected(self, will: MqttMessage) -> AsyncIterator["MemorySession"]:
        """A connection until the end of the block; raises BusUnavailable."""
        if self.is_away:
            raise BusUnavailable("The MQTT server is away.")
        session = MemorySession(self, will, self._config.queue_messages_max)
        self._sessions.append(session)
        try:
            yield session
        finally:
            self._leave(session)

    def drop(self) -> None:
        """End every connection."""
        for session in list(self._sessions):
            self._leave(session)

    def say(self, message: MqttMessage) -> None:
        """Bring a message to everybody who listens."""
        if message.is_retained:
            self.retained.pop(message.topic, None)
            if message.payload:
                self.retained[message.topic] = message.payload
        for session in self._sessions:
            session.hear(MqttMessage(message.topic, message.payload))

    def _leave(self, session: "MemorySession") -> None:
        if session in self._sessions:
            self._sessions.remove(session)
            session.end()
            self.say(session.will)


class MemorySession:
    """Offers MqttSession."""

    def __init__(self, broker: Broker, will: MqttMessage, queue_messages_max: int) -> None:
        self.will = will
        self._broker = broker
        self._patterns: list[str] = []
        self._queue: deque[MqttMessage] = deque(maxlen=queue_messages_max)
        self._has_news = asyncio.Event()
        self._has_ended = False

    async def publish(self, message: MqttMessage) -> None:
        """See MqttSession."""
        self._refuse_when_ended()
        self._broker.say(message)

    async def subscribe(self, *patterns: str) -> None:
        """See MqttSession."""
        self._refuse_when_ended()
        self._patterns += patterns
        for topic, payload in self._broker.retained.items():
            if any(matches(pattern, topic) for pattern in patterns):
                self._put(MqttMessage(topic, payload, is_retained=True))

    async def next(self) -> MqttMessage:
        """See MqttSession."""
        while not self._queue:
            self._refuse_when_ended()
            self._has_news.clear()
            await self._has_news.wait()
        return self._queue.popleft()

    def hear(self, message: MqttMessage) -> None:
        """Take it when it was asked for."""
        if any(matches(pattern, message.topic) for pattern in self._patterns):
            self._put(message)

    def end(self) -> None:
        """The connection is gone."""
        self._has_ended = True
        self._has_news.set()

    def _put(self, message: MqttMessage) -> None:
        self._queue.append(message)
        self._has_news.set()

    def _refuse_when_ended(self) -> None:
        if self._has_ended:
            raise BusUnavailable("The MQTT server is away.")

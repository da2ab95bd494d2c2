"""A client of MQTT 3.1.1 over TCP.

Rules: nothing blocks; every wait has an end; a server that says something that is no MQTT, or
nothing at all, is left. One connection is one life: whoever wants another connects again.

Left out on purpose: paho, which is a thread or a loop of its own, and does far more than quality 0.
TLS, since the server of this installation is on loopback.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from monocoque.contracts.errors import (
    BusUnavailable,
    CredentialsRefused,
    MessageRefused,
    TopicRefused,
)
from monocoque.plumbing.mqtt import packets
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.mqtt.port import MqttMessage

READ_BYTES = 65_536
NUMBERS = 65_535
_AWAY = "The MQTT server is away."


@dataclass(frozen=True)
class MqttLogin:
    """Where to connect, and as whom."""

    host: str
    port: int
    name: str
    """The client's; a second connection under the same name ends the first."""
    user: str
    password: str = field(repr=False)


@contextlib.asynccontextmanager
async def mqtt_session(
    login: MqttLogin, will: MqttMessage, config: MqttConfig
) -> AsyncIterator["TcpSession"]:
    """A connection until the end of the block; see MqttSession.

    Raises BusUnavailable, and CredentialsRefused when the server does not take the password.
    """
    session = await _open(login, will, config)
    tasks = [asyncio.create_task(session.read()), asyncio.create_task(session.keep_alive())]
    try:
        yield session
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        session.abandon()


async def _open(login: MqttLogin, will: MqttMessage, config: MqttConfig) -> "TcpSession":
    try:
        async with asyncio.timeout(config.connect_timeout_s):
            reader, writer = await asyncio.open_connection(login.host, login.port)
            session = TcpSession(reader, writer, config)
            try:
                answer = await session.introduce(login, will)
            except BaseException:
                session.abandon()
                raise
    except OSError as error:  # TimeoutError is one
        raise BusUnavailable(_AWAY) from error
    if answer is not packets.Answer.TAKEN:
        session.abandon()
        if answer is packets.Answer.AWAY:
            raise BusUnavailable(_AWAY)
        raise CredentialsRefused("The MQTT server does not take this password.")
    return session


class TcpSession:
    """Offers MqttSession over one TCP connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, config: MqttConfig
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._config = config
        self._parser = packets.Parser(config.packet_bytes_max)
        self._queue: deque[MqttMessage] = deque(maxlen=config.queue_messages_max)
        self._has_news = asyncio.Event()
        self._has_ended = False
        self._number = 0
        self._asked: dict[int, asyncio.Future[bool]] = {}
        self._heard_count = 0

    async def introduce(self, login: MqttLogin, will: MqttMessage) -> packets.Answer:
        """Say who we are; returns what the server says to it."""
        keep_alive_s = max(1, round(self._config.keep_alive_s))
        self._writer.write(
            packets.connect(login.name, login.user, login.password, will, keep_alive_s)
        )
        try:
            while data := await self._reader.read(READ_BYTES):
                for heard in self._parser.feed(data):
                    if isinstance(heard, packets.Connected):
                        return heard.answer
                    raise BusUnavailable("The MQTT server does not answer who connects.")
        except MessageRefused as error:
            raise BusUnavailable("What answers there speaks no MQTT.") from error
        raise BusUnavailable("The MQTT server ended the connection at once.")

    async def publish(self, message: MqttMessage) -> None:
        """See MqttSession."""
        await self._send(packets.publish(message))

    async def subscribe(self, *patterns: str) -> None:
        """See MqttSession."""
        self._number = self._number % NUMBERS + 1
        number = self._number
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                await self._send(packets.subscribe(number, patterns))
                is_granted = await answer
        except TimeoutError as error:
            raise BusUnavailable("The MQTT server does not answer.") from error
        finally:
            del self._asked[number]
        if not is_granted:
            raise TopicRefused("The MQTT server does not let us listen there.")

    async def next(self) -> MqttMessage:
        """See MqttSession."""
        while not self._queue:
            if self._has_ended:
                raise BusUnavailable(_AWAY)
            self._has_news.clear()
            await self._has_news.wait()
        return self._queue.popleft()

    async def read(self) -> None:
        """Take what comes until the connection ends."""
        with contextlib.suppress(OSError, MessageRefused):
            data = b""  # the parser may have more than the answer to who connected
            while True:
                self._take(self._parser.feed(data))
                data = await self._reader.read(READ_BYTES)
                if not data:
                    break
        self._end()

    async def keep_alive(self) -> None:
        """Say a word now and then; a server from which nothing comes between two is away.

        Twice as often as we promised: the server may end the connection at the very second.
        """
        heard_count = -1
        while self._heard_count != heard_count and not self._has_ended:
            heard_count = self._heard_count
            with contextlib.suppress(BusUnavailable):
                await self._send(packets.PING)
            await asyncio.sleep(self._config.keep_alive_s / 2)
        self._end()

    def abandon(self) -> None:
        """Leave without a word, so that the server says the will."""
        self._end()
        self._writer.transport.abort()

    async def _send(self, data: bytes) -> None:
        if self._has_ended:
            raise BusUnavailable(_AWAY)
        self._writer.write(data)
        try:
            async with asyncio.timeout(self._config.answer_timeout_s):
                await self._writer.drain()
        except OSError as error:  # TimeoutError is one
            self._end()
            raise BusUnavailable(_AWAY) from error

    def _take(self, heard: Iterable[packets.Heard]) -> None:
        for one in heard:
            self._heard_count += 1
            if isinstance(one, MqttMessage):
                self._queue.append(one)
                self._has_news.set()
            elif isinstance(one, packets.Subscribed):
                asked = self._asked.get(one.number)
                if asked is not None and not asked.done():
                    asked.set_result(one.is_granted)

    def _end(self) -> None:
        self._has_ended = True
        self._has_news.set()
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(BusUnavailable(_AWAY))

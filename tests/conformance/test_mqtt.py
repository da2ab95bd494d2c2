"""The port of an MQTT connection, held by the broker in memory and by the bus server's own door."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from monocoque.contracts.errors import BusUnavailable
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.mqtt.client import MqttLogin, mqtt_session
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.mqtt.memory import Broker
from monocoque.plumbing.mqtt.port import MqttMessage
from tests.fixtures.bus import make_server

HOME = "home_own"
WILL = MqttMessage("homeassistant/presence", b"offline", is_retained=True)
QUICK = MqttConfig(queue_messages_max=5)
WITHIN_S = 10.0


@dataclass
class Place:
    """Where to connect, on one adapter."""

    broker: Broker | None
    server: NatsServer | None
    count: int = 0

    def session(self, config: MqttConfig = QUICK) -> Any:
        """A new connection."""
        if self.broker is not None:
            return self.broker.connected(WILL)
        self.count += 1
        password = self.server.authority.mqtt_credentials(HOME, HOME)
        login = MqttLogin("127.0.0.1", self.server.mqtt_port, f"n{self.count}", HOME, password)
        return mqtt_session(login, WILL, config)

    async def end_all(self) -> None:
        """Every connection breaks."""
        if self.broker is not None:
            self.broker.drop()
        else:
            await self.server.stop()


@pytest.fixture(params=["memory", "nats"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Each adapter in turn."""
    if request.param == "memory":
        yield Place(Broker(QUICK), None)
        return
    server = make_server(tmp_path)
    server.authority.make_keys()
    server.authority.open_mqtt(HOME)
    await server.start()
    try:
        yield Place(None, server)
    finally:
        await server.stop()


async def heard(session: Any, count: int) -> list[MqttMessage]:
    """So many messages."""
    async with asyncio.timeout(WITHIN_S):
        return [await session.next() for _ in range(count)]


def kept(topic: str, payload: bytes) -> MqttMessage:
    """A message that is to be retained."""
    return MqttMessage(topic, payload, is_retained=True)


async def test_what_is_retained_comes_first_and_marked(place: Place):
    async with place.session() as early, place.session() as late:
        await early.subscribe("homeassistant/#")
        await early.publish(kept("homeassistant/a", b"old"))
        await early.publish(kept("homeassistant/a", b"new"))
        assert await heard(early, 2) == [
            MqttMessage("homeassistant/a", b"old"),
            MqttMessage("homeassistant/a", b"new"),
        ]
        await late.subscribe("homeassistant/+")
        assert await heard(late, 1) == [kept("homeassistant/a", b"new")]
        await early.publish(MqttMessage("homeassistant/b", b"live"))
        assert await heard(late, 1) == [MqttMessage("homeassistant/b", b"live")]


async def test_an_empty_message_takes_away_what_was_retained(place: Place):
    async with place.session() as first, place.session() as second:
        await first.subscribe("homeassistant/a")
        await first.publish(kept("homeassistant/a", b"x"))
        await first.publish(kept("homeassistant/a", b""))
        await heard(first, 2)
        await second.subscribe("homeassistant/#")
        await first.publish(MqttMessage("homeassistant/b", b"live"))
        assert await heard(second, 1) == [MqttMessage("homeassistant/b", b"live")]


async def test_only_what_was_asked_for_is_heard(place: Place):
    async with place.session() as session:
        await session.subscribe("homeassistant/+/config", "homeassistant/status")
        for topic in ("a/config/x", "a/state", "config", "status/x", "a/b/config"):
            await session.publish(MqttMessage(f"homeassistant/{topic}", b"no"))
        for topic in ("a/config", "status"):
            await session.publish(MqttMessage(f"homeassistant/{topic}", b"yes"))
        assert [one.payload for one in await heard(session, 2)] == [b"yes", b"yes"]


async def test_the_will_is_said_when_somebody_leaves(place: Place):
    async with place.session() as listener:
        await listener.subscribe("homeassistant/presence")
        async with place.session() as leaver:
            await leaver.publish(kept("homeassistant/presence", b"online"))
            assert await heard(listener, 1) == [MqttMessage("homeassistant/presence", b"online")]
        assert await heard(listener, 1) == [MqttMessage("homeassistant/presence", b"offline")]
        async with place.session() as late:
            await late.subscribe("homeassistant/presence")
            assert await heard(late, 1) == [WILL]


async def test_a_slow_reader_loses_the_oldest(place: Place):
    async with place.session() as slow, place.session() as quick:
        await slow.subscribe("homeassistant/#")
        await quick.subscribe("homeassistant/#")
        for number in range(QUICK.queue_messages_max + 3):
            await quick.publish(MqttMessage("homeassistant/a", b"%d" % number))
            await heard(quick, 1)
        await quick.publish(MqttMessage("homeassistant/a", b"last"))
        numbers: list[bytes] = []
        async with asyncio.timeout(WITHIN_S):
            # Only who asks when all has come sees what is left of it.
            while not (slow._queue and slow._queue[-1].payload == b"last"):
                await asyncio.sleep(0.005)
            while numbers[-1:] != [b"last"]:
                numbers.append((await slow.next()).payload)
        assert numbers == [b"4", b"5", b"6", b"7", b"last"]


async def test_an_end_is_told_to_whoever_reads_or_speaks(place: Place):
    async with place.session() as session:
        await session.subscribe("homeassistant/#")
        await place.end_all()
        with pytest.raises(BusUnavailable):
            await heard(session, 1)
        with pytest.raises(BusUnavailable):
            await session.publish(MqttMessage("homeassistant/a", b"x"))
        with pytest.raises(BusUnavailable):
            await session.subscribe("homeassistant/b")


async def test_who_does_not_answer_is_away(place: Place):
    await place.end_all()
    if place.broker is not None:
        place.broker.is_away = True
    with pytest.raises(BusUnavailable):
        async with place.session():
            pass


async def test_a_quiet_connection_stays(place: Place):
    # The server ends whoever is silent for as long as it promised, and half as long again; a
    # broker in memory ends nobody.
    quiet_s = 0.0 if place.server is None else 4.6
    quick = replace(QUICK, keep_alive_s=3.0)
    async with place.session(quick) as session, place.session() as other:
        await session.subscribe("homeassistant/#")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(quiet_s):
                await session.next()
        await other.publish(MqttMessage("homeassistant/a", b"still there"))
        assert [one.payload for one in await heard(session, 1)] == [b"still there"]

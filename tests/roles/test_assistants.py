"""A home's place at the door for MQTT: given, taken over, taken away; and the home's own way in."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import structlog

from monocoque.contracts import identifiers
from monocoque.contracts.errors import BusUnavailable, CellUnreachable, CredentialsRefused, NotFound
from monocoque.contracts.identifiers import HomeId
from monocoque.home.assistant.logic import Discovery
from monocoque.plumbing.bus.config import NATS_DEFAULTS
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.files import write_atomically
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.mqtt.port import MqttMessage
from monocoque.roles.assistants import PLACE, AssistantLogin, Door, give_place, take_place
from monocoque.roles.layout import Layout
from tests.fixtures.mqtt import MqttClient, mqtt_client, until

HOME_ID = HomeId(identifiers.make("home", Random(1).getrandbits))
WILL = MqttMessage("homeassistant/presence", b"offline", is_retained=True)


@dataclass
class Cell:
    """A data directory with one home and a bus server, and the keys beside."""

    layout: Layout
    server: NatsServer
    authority: NatsAuthority
    door: Door

    async def give(self, discovery: Discovery = Discovery.DEVICE) -> AssistantLogin:
        return await give_place(self.layout, HOME_ID, self.authority, discovery, NATS_DEFAULTS)

    async def take(self) -> None:
        await take_place(self.layout, HOME_ID, self.authority, NATS_DEFAULTS)

    async def takes(self, login: AssistantLogin) -> bool:
        """Whether the door takes it; a server that starts again may have it at another port."""
        client = MqttClient(login.user, login.password)
        try:
            return await client.connect(self.server.mqtt_port)
        finally:
            client.close()


@pytest.fixture
async def cell(tmp_path: Path) -> AsyncIterator[Cell]:
    """It runs; the authority is another's than the server's, as that of a command is."""
    layout = Layout(tmp_path)
    layout.make()
    place = layout.home(HOME_ID)
    place.make()
    write_atomically(place.born, b"1")
    keystore = FileKeyStore(layout.secrets)
    server = NatsServer(tmp_path, keystore, SystemClock(), structlog.get_logger())
    await server.start()
    try:
        authority = NatsAuthority(keystore, SystemClock())
        yield Cell(layout, server, authority, Door(layout, HOME_ID, MqttConfig()))
    finally:
        await server.stop()


async def test_home_and_assistant_meet_at_the_door(cell: Cell):
    assert cell.door.wish() is None
    login = await cell.give()
    assert cell.door.wish() is Discovery.DEVICE
    async with mqtt_client(login.port, login.user, login.password) as assistant:
        assert await assistant.subscribe("homeassistant/#")
        async with cell.door.connected(WILL) as session:
            await session.publish(MqttMessage("homeassistant/a", b"said"))
            await until(lambda: assistant.payloads("homeassistant/a") == [b"said"])
        await until(lambda: assistant.payloads("homeassistant/presence") == [b"offline"])


async def test_a_new_place_takes_the_old_ones(cell: Cell):
    old = await cell.give()
    async with mqtt_client(old.port, old.user, old.password) as assistant:
        new = await cell.give(Discovery.ENTITIES)
        await until(lambda: bool(assistant.ended))
    assert (await cell.takes(old), await cell.takes(new)) == (False, True)
    assert cell.door.wish() is Discovery.ENTITIES


async def test_what_is_taken_away_is_over_at_once_and_stays_so(cell: Cell):
    login = await cell.give()
    async with mqtt_client(login.port, login.user, login.password) as assistant:
        async with cell.door.connected(WILL) as session:
            await cell.take()
            async with asyncio.timeout(10):
                with pytest.raises(BusUnavailable):
                    await session.next()
        await until(lambda: bool(assistant.ended))
    assert cell.door.wish() is None
    with pytest.raises(CredentialsRefused):
        async with cell.door.connected(WILL):
            pass
    assert not await cell.takes(login)
    await cell.server.stop()
    await cell.server.start()
    assert not await cell.takes(login)


async def test_a_place_can_be_taken_away_while_nothing_runs(cell: Cell):
    login = await cell.give()
    await cell.server.stop()
    await cell.take()
    await cell.server.start()
    assert not await cell.takes(login)


async def test_nothing_is_given_while_nothing_runs(cell: Cell):
    await cell.server.stop()
    with pytest.raises(CellUnreachable):
        await cell.give()
    assert cell.door.wish() is None


async def test_a_home_without_a_place_has_none_to_lose(cell: Cell):
    with pytest.raises(NotFound):
        await cell.take()


async def test_a_home_that_does_not_exist_gets_nothing(cell: Cell):
    other = HomeId(identifiers.make("home", Random(2).getrandbits))
    with pytest.raises(NotFound):
        await give_place(cell.layout, other, cell.authority, Discovery.DEVICE, NATS_DEFAULTS)


@pytest.mark.parametrize("written", [b"{}", b"no json", b"[]", b'{"discovery": "shout"}', b"\xff"])
async def test_a_damaged_place_is_none(cell: Cell, written: bytes):
    FileKeyStore(cell.layout.home(HOME_ID).secrets).write(PLACE, written)
    assert cell.door.wish() is None


async def test_the_password_is_never_printed(cell: Cell):
    login = await cell.give()
    assert login.password not in repr(login)

"""The server's door for MQTT: what a home's clients may do there, and what nobody may."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import NATS_DEFAULTS
from monocoque.plumbing.bus.nats_server import NatsServer, published_mqtt_port
from tests.fixtures.bus import NatsCellBus, SecretsInMemory, make_server, reserve_ports
from tests.fixtures.http import SettableClock
from tests.fixtures.mqtt import MqttClient, mqtt_client, until

OWN, OTHER = "home_own", "home_other"
LIMITS = replace(
    NATS_DEFAULTS, mqtt_connections_max=3, mqtt_store_bytes_max=65_536, mqtt_message_bytes_max=8_192
)


class Homes:
    """A server with two homes that have a signing key each."""

    def __init__(self, server: NatsServer) -> None:
        self.server = server
        self.password = {}
        for home in (OWN, OTHER):
            server.authority.open_mqtt(home)
            self.password[home] = server.authority.mqtt_credentials(home, home)

    def client(self, home: str = OWN):
        """A client of that home, connected, until the end of the block."""
        return mqtt_client(self.server.mqtt_port, home, self.password[home])

    async def is_taken(self, user: str, password: str) -> bool:
        """Whether the door takes this password."""
        client = MqttClient(user, password)
        try:
            return await client.connect(self.server.mqtt_port)
        finally:
            client.close()


@pytest.fixture
async def homes(tmp_path: Path) -> AsyncIterator[Homes]:
    """Two homes at a running server with small limits."""
    server = make_server(reserve_ports(tmp_path), config=LIMITS)
    server.authority.make_keys()
    made = Homes(server)
    await server.start()
    try:
        yield made
    finally:
        await server.stop()


async def test_what_one_client_keeps_another_of_the_same_home_finds(homes: Homes):
    async with homes.client() as first, homes.client() as late:
        await first.publish("homeassistant/device/a/config", b"kept", retain=True)
        assert await late.subscribe("homeassistant/#")
        await until(lambda: late.payloads("homeassistant/device/a/config") == [b"kept"])
        assert late.heard[0].is_retained
        await first.publish("homeassistant/device/a/config", b"", retain=True)
        await until(lambda: late.payloads("homeassistant/device/a/config") == [b"kept", b""])


async def test_the_server_repeats_to_a_client_what_it_asked_to_be_repeated(homes: Homes):
    async with homes.client() as first, homes.client() as second:
        assert await second.subscribe("homeassistant/#", 1)
        await first.publish("homeassistant/status", b"online")
        await until(lambda: second.payloads("homeassistant/status") == [b"online"])


async def test_a_home_hears_nothing_of_another(homes: Homes):
    async with homes.client(OTHER) as other, homes.client() as own:
        assert await other.subscribe("homeassistant/#")
        await own.publish("homeassistant/a/state", b"ours", retain=True)
        await other.publish("homeassistant/a/state", b"theirs")
        await until(lambda: bool(other.heard))
        assert other.payloads("homeassistant/a/state") == [b"theirs"]


async def test_a_foreign_topic_cannot_be_listened_to(homes: Homes):
    foreign = ("#", "+/status", "car/#", "$JS/API/#", "$MQTT/#", "$SYS/#", "homeassistants/a")
    async with homes.client() as client:
        for topic in foreign:
            assert not await client.subscribe(topic), topic


async def test_what_is_said_on_a_foreign_topic_comes_nowhere(homes: Homes, tmp_path: Path):
    foreign = ("car/a/commands", "$JS/API/STREAM/DELETE/x", "$MQTT/rmsgs/a", "_INBOX_/a")
    log = tmp_path / "run" / "nats.log"
    async with homes.client() as client:
        for topic in foreign:
            client.client.publish(topic, b"foreign")
            refusal = f'Publish Violation - Subject "{topic.replace("/", ".")}"'
            await until(lambda refusal=refusal: refusal in log.read_text())


async def test_a_wrong_password_is_refused(homes: Homes):
    right = homes.password[OWN]
    middle = len(right) // 2
    changed = right[:middle] + ("A" if right[middle] != "A" else "B") + right[middle + 1 :]
    assert await homes.is_taken(OWN, right)
    for wrong in ("", "secret", changed):
        assert not await homes.is_taken(OWN, wrong), wrong


async def test_a_password_of_another_installation_is_refused(homes: Homes, tmp_path: Path):
    elsewhere = make_server(tmp_path / "elsewhere").authority
    elsewhere.make_keys()
    elsewhere.open_mqtt(OWN)
    assert not await homes.is_taken(OWN, elsewhere.mqtt_credentials(OWN, OWN))


async def test_the_place_of_a_service_on_the_bus_opens_nothing_here(homes: Homes):
    place = homes.server.authority.service_credentials(Role.REGISTRY)
    assert not await homes.is_taken(place.name, place.jwt)


async def test_a_homes_password_opens_nothing_but_this_door(homes: Homes):
    client = Client()
    with pytest.raises((NatsError, OSError)):
        await client.connect(
            await homes.server.address(),
            user_jwt_cb=lambda: homes.password[OWN].encode(),
            signature_cb=lambda _: b"",
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
        )
    await client.close()


async def test_a_new_key_ends_what_the_old_one_opened_and_disturbs_nobody_else(
    homes: Homes, tmp_path: Path
):
    cell_bus = NatsCellBus(homes.server)
    registry = await cell_bus.connect(Role.REGISTRY)
    async with homes.client() as own, homes.client(OTHER) as other:
        homes.server.authority.open_mqtt(OWN)
        await homes.server.read_rights_again()
        await until(lambda: bool(own.ended))
        assert not await homes.is_taken(OWN, homes.password[OWN])
        fresh = homes.server.authority.mqtt_credentials(OWN, OWN)
        assert await homes.is_taken(OWN, fresh)
        assert other.ended == []
        assert (registry.is_connected, registry.connection_count) == (True, 1)
        await registry.close()
        await homes.server.stop()
        await homes.server.start()
        assert not await homes.is_taken(OWN, homes.password[OWN])
        assert await homes.is_taken(OWN, fresh)


async def test_what_a_home_kept_is_still_there_with_a_new_key(homes: Homes):
    async with homes.client() as client:
        await client.publish("homeassistant/a/config", b"kept", retain=True)
    homes.server.authority.open_mqtt(OWN)
    await homes.server.read_rights_again()
    homes.password[OWN] = homes.server.authority.mqtt_credentials(OWN, OWN)
    await until_taken(homes, OWN)
    async with homes.client() as client:
        await client.subscribe("homeassistant/#")
        await until(lambda: client.payloads("homeassistant/a/config") == [b"kept"])


async def until_taken(homes: Homes, home: str) -> None:
    """The server reads its rights when it has time for it."""
    async with asyncio.timeout(10):
        while not await homes.is_taken(home, homes.password[home]):
            await asyncio.sleep(0.01)


async def test_rights_are_read_again_however_long_the_server_has_run(tmp_path: Path):
    clock = SettableClock()
    server = NatsServer(tmp_path, SecretsInMemory(), clock, structlog.get_logger(), LIMITS)
    await server.start()
    try:
        clock.advance(86_400)
        homes = Homes(server)
        await server.read_rights_again()
        await until_taken(homes, OWN)
    finally:
        await server.stop()


async def test_a_home_that_connects_too_often_keeps_nobody_else_out(homes: Homes):
    async with homes.client(), homes.client(), homes.client():
        assert not await homes.is_taken(OWN, homes.password[OWN])
        assert await homes.is_taken(OTHER, homes.password[OTHER])


async def test_a_home_that_keeps_too_much_fills_its_own_room_alone(homes: Homes, tmp_path: Path):
    async with homes.client() as client, homes.client(OTHER) as other:
        for number in range(32):
            client.client.publish(f"homeassistant/a/{number}", b"x" * 8_000, 0, retain=True)
        log = tmp_path / "run" / "nats.log"
        await until(lambda: "resource limits exceeded for account" in log.read_text())
        await other.publish("homeassistant/a/state", b"small", retain=True)
        await other.subscribe("homeassistant/#")
        await until(lambda: other.payloads("homeassistant/a/state") == [b"small"])


async def test_a_message_that_is_too_large_ends_its_sender(homes: Homes):
    async with homes.client() as client, homes.client() as other:
        await other.subscribe("homeassistant/#")
        client.client.publish("homeassistant/a", b"x" * 9_000)
        await until(lambda: bool(client.ended))
        assert other.heard == []


async def test_the_door_keeps_its_port(homes: Homes, tmp_path: Path):
    before = homes.server.mqtt_port
    await homes.server.stop()
    await homes.server.start()
    assert homes.server.mqtt_port == published_mqtt_port(tmp_path) == before


def test_who_lacks_the_homes_key_makes_no_password(tmp_path: Path):
    authority = make_server(tmp_path).authority
    authority.make_keys()
    with pytest.raises(CredentialsRefused):
        authority.mqtt_credentials(OWN, OWN)

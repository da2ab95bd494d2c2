"""Homes' assistants: who may listen at the bus server's door for MQTT, and the home's way there.

Rules:

* a home has no place behind that door until it asks for one; it has one at a time, and a new one
  takes the old one's place;
* the signing key is the place: what is taken away is the key, so there is no list of what was taken
  back, and none can be lost (docs/decisions/0089);
* the assistant's password is shown once and kept nowhere; the home's own lies in its folder.

Left out on purpose: assistants elsewhere. The door is on loopback, where the bus server is.
"""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from monocoque.contracts.errors import CellUnreachable, CredentialsRefused, NotFound
from monocoque.contracts.identifiers import HomeId
from monocoque.home.assistant.logic import Discovery
from monocoque.plumbing.bus.config import NatsServerConfig
from monocoque.plumbing.bus.nats_accounts import own_client, tell_accounts
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import published_address, published_mqtt_port
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.mqtt.client import MqttLogin, mqtt_session
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.mqtt.port import MqttMessage, MqttSession
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.roles.layout import Layout

PLACE: Final = "assistant-place"
"""In the home's keystore: its password at the door, and how its assistant is to be told."""
HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class AssistantLogin:
    """What a person types into the assistant."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


async def give_place(
    layout: Layout,
    home_id: HomeId,
    authority: NatsAuthority,
    discovery: Discovery,
    limits: NatsServerConfig,
) -> AssistantLogin:
    """Let an assistant listen, in place of an earlier one of this home.

    Raises NotFound, CellUnreachable when no bus server runs, ServerFailed.
    """
    own = _keystore(layout, home_id)
    if not _is_running(layout):
        raise CellUnreachable("No cell runs on this data directory.")
    authority.open_mqtt(home_id)
    await _tell(layout, home_id, authority, limits)
    place = {
        "discovery": discovery.value,
        "password": authority.mqtt_credentials(home_id, f"{home_id}-home"),
    }
    own.write(PLACE, json.dumps(place).encode())
    password = authority.mqtt_credentials(home_id, home_id)
    return AssistantLogin(HOST, published_mqtt_port(layout.path), home_id, password)


async def take_place(
    layout: Layout, home_id: HomeId, authority: NatsAuthority, limits: NatsServerConfig
) -> None:
    """Let nobody listen in this home's name any more, from this moment on.

    Raises NotFound when the home has no place, ServerFailed when the server did not hear of it: it
    will when it starts.
    """
    own = _keystore(layout, home_id)
    if own.read(PLACE) is None:
        raise NotFound("This home has no assistant.", hint="There is nothing to take back.")
    authority.open_mqtt(home_id)  # a key that has signed nothing
    own.write(PLACE, b"{}")
    if _is_running(layout):
        await _tell(layout, home_id, authority, limits)


class Door:
    """Offers home/assistant's port ``HomeMqtt`` at the bus server of this data directory."""

    def __init__(self, layout: Layout, home_id: HomeId, config: MqttConfig) -> None:
        self._layout = layout
        self._home_id = home_id
        self._keystore: KeyStore = FileKeyStore(layout.home(home_id).secrets)
        self._config = config

    def wish(self) -> Discovery | None:
        """See HomeMqtt."""
        place = self._place()
        return None if place is None else place[0]

    @contextlib.asynccontextmanager
    async def connected(self, will: MqttMessage) -> AsyncIterator[MqttSession]:
        """See HomeMqtt."""
        place = self._place()
        if place is None:
            raise CredentialsRefused("The home's place at the door for MQTT was taken back.")
        port = published_mqtt_port(self._layout.path)
        login = MqttLogin(HOST, port, f"monocoque-{self._home_id}", self._home_id, place[1])
        async with mqtt_session(login, will, self._config) as session:
            yield session

    def _place(self) -> tuple[Discovery, str] | None:
        written = self._keystore.read(PLACE)
        try:
            found = json.loads(written or b"{}")
            return Discovery(found["discovery"]), str(found["password"])
        except (ValueError, KeyError, TypeError):
            return None


def _keystore(layout: Layout, home_id: HomeId) -> FileKeyStore:
    place = layout.home(home_id)
    with storage_errors(place.path):
        if not place.born.exists():
            raise NotFound(
                f"There is no {home_id} in {layout.homes}.",
                hint="`monocoque home list` shows every home.",
            )
    return FileKeyStore(place.secrets)


def _is_running(layout: Layout) -> bool:
    server = read_process_file(layout.process("nats"))
    return server is not None and is_alive(server)


async def _tell(
    layout: Layout, home_id: HomeId, authority: NatsAuthority, limits: NatsServerConfig
) -> None:
    address = published_address(layout.path)
    async with own_client(address, authority.herald_credentials()) as client:
        await tell_accounts(client, authority, [authority.mqtt_account(home_id)], limits)

"""A home's assistant, told of cars: first, changed, taken away, and after whatever went wrong."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

import pytest
import structlog

from monocoque.contracts import identifiers
from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.topics import HOME_CARS, Role
from monocoque.contracts.wire.home_pb2 import HomeCar, HomeCars
from monocoque.home.assistant import logic, service
from monocoque.home.assistant.config import AssistantConfig
from monocoque.home.assistant.logic import Discovery
from monocoque.home.assistant.service.port import HomeMqtt
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.mqtt.memory import Broker
from monocoque.plumbing.mqtt.port import MqttMessage
from monocoque.plumbing.service import Context
from tests.fixtures.bus import SecretsInMemory
from tests.fixtures.http import SettableClock
from tests.fixtures.mqtt import until
from tests.home.test_assistant_logic import CAR_ID, HOME_ID, OTHER_ID, car

CONFIG = AssistantConfig(
    look_interval_s=0.01, state_interval_s=0.01, retry_s_min=0.01, retry_s_max=0.02
)
DEVICE = f"homeassistant/device/{CAR_ID}/config"
OTHER_DEVICE = f"homeassistant/device/{OTHER_ID}/config"
STATE = f"homeassistant/monocoque/{CAR_ID}/state"
PLACE = f"homeassistant/monocoque/{CAR_ID}/place"
PRESENCE = logic.presence_topic(HOME_ID)


class Door:
    """Offers HomeMqtt: the broker in memory, with a wish that a test sets."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.wished: Discovery | None = Discovery.DEVICE
        self.refuses = False
        self.asked = 0

    def wish(self) -> Discovery | None:
        self.asked += 1
        return self.wished

    @contextlib.asynccontextmanager
    async def connected(self, will: MqttMessage):
        if self.refuses:
            raise CredentialsRefused("Taken back.")
        async with self.broker.connected(will) as session:
            yield session


@dataclass
class House:
    """A home with an assistant's broker, and the cell that says how its cars are."""

    home_id: HomeId = HOME_ID
    clock: SettableClock = field(default_factory=SettableClock)
    random: Random = field(default_factory=lambda: Random(7))

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        log = structlog.stdlib.get_logger()
        self.hub = MemoryHub(self.clock, self.metrics, log)
        self.cell = self.hub.connect(Identity(Role.HOMES))
        self.broker = Broker(MqttConfig())
        self.door = Door(self.broker)
        self.context = Context(
            machine_id=self.home_id,
            service_name="assistant",
            clock=self.clock,
            random=self.random,
            bus=self.hub.connect(Identity(Role.HOME, {"home_id": self.home_id})),
            records=None,
            keystore=SecretsInMemory(),
            metrics=self.metrics,
            log=log,
            disk_free_bytes=lambda: 1_000_000_000,
            software_version="1.2.3",
            configs={AssistantConfig: CONFIG},
            uplink=self.hub.connect(Identity(Role.HOME, {"home_id": self.home_id})),
            ports={HomeMqtt: self.door},
        )

    async def say(self, *cars: HomeCar) -> None:
        """The cell says how the cars of this home are."""
        self.clock.advance(1)
        message = HomeCars(cars=cars)
        stamp(message, self.clock, self.random)
        await self.cell.publish(HOME_CARS, message, home_id=self.home_id)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """The service runs inside this block."""
        async with asyncio.TaskGroup() as group:
            life = group.create_task(service.run(self.context))
            try:
                yield
            finally:
                life.cancel()

    def kept(self, topic: str) -> bytes | None:
        """What is retained there."""
        return self.broker.retained.get(topic)

    def state(self) -> dict:
        """How the car is, as it is retained."""
        return json.loads(self.kept(STATE) or b"{}")

    def errors(self, code: str) -> float:
        """How many errors of this code were counted."""
        labels = {"where": "assistant", "code": code}
        return self.metrics.registry.get_sample_value("monocoque_errors_total", labels) or 0.0

    @contextlib.asynccontextmanager
    async def listening(self, *patterns: str) -> AsyncIterator[list[MqttMessage]]:
        """What an assistant hears inside this block."""
        heard: list[MqttMessage] = []

        async def hear(session) -> None:
            while True:
                heard.append(await session.next())

        async with self.broker.connected(MqttMessage("x", b"")) as session:
            await session.subscribe(*patterns)
            async with asyncio.TaskGroup() as group:
                task = group.create_task(hear(session))
                yield heard
                task.cancel()


@pytest.fixture
def house() -> House:
    """A home that nobody lives in yet."""
    return House()


async def test_the_assistant_is_told_of_a_car_and_of_its_changes(house: House):
    await house.say(car())
    async with house.living():
        await until(lambda: house.state().get("unlocked") is False)
        assert house.kept(DEVICE)
        assert house.kept(PRESENCE) == b"online"
        await house.say(car(locked=False, latitude_degrees=48.1))
        await until(lambda: house.state()["unlocked"] is True)
        await until(lambda: json.loads(house.kept(PLACE))["latitude"] == 48.1)


async def test_what_does_not_change_is_not_said_again(house: House):
    await house.say(car())
    async with house.living():
        await until(lambda: bool(house.kept(PLACE)))
        async with house.listening("homeassistant/#") as heard:
            await until(lambda: any(one.topic == PLACE for one in heard))
            heard.clear()
            await house.say(car(charge_percent=74))
            await until(lambda: bool(heard))
            assert {one.topic for one in heard} == {STATE}


async def test_a_car_that_is_taken_away_is_gone_from_the_assistant(house: House):
    await house.say(car(), car(OTHER_ID))
    async with house.living():
        await until(lambda: bool(house.kept(DEVICE) and house.kept(OTHER_DEVICE)))
        await house.say(car(OTHER_ID))
        await until(lambda: not any(CAR_ID in topic for topic in house.broker.retained))
        assert house.kept(OTHER_DEVICE)


@pytest.mark.parametrize("before", Discovery)
async def test_a_car_that_was_taken_away_while_nobody_spoke_is_gone_too(
    house: House, before: Discovery
):
    house.broker.retained |= logic.messages(HOME_ID, [car(), car(OTHER_ID)], before, "1.0.0")
    stranger = "homeassistant/device/lamp/config"
    house.broker.retained[stranger] = b'{"origin":{"name":"lamp"}}'
    await house.say(car(OTHER_ID))
    async with house.living():
        await until(lambda: not any(CAR_ID in topic for topic in house.broker.retained))
        await until(lambda: bool(house.kept(OTHER_DEVICE)))
        assert house.kept(stranger)


async def test_nothing_is_taken_away_before_the_cell_has_said_which_cars_there_are(house: House):
    house.broker.retained |= logic.messages(HOME_ID, [car()], Discovery.DEVICE, "1.0.0")
    async with house.living():
        async with house.listening(PRESENCE) as heard:
            await until(lambda: bool(heard))
            house.broker.say(MqttMessage(logic.STATUS_TOPIC, b"online"))
            await until(lambda: len(heard) >= 2)
        assert house.kept(DEVICE)
        await house.say()
        await until(lambda: house.kept(DEVICE) is None)


async def test_an_assistant_that_starts_again_is_told_everything_again(house: House):
    await house.say(car())
    async with house.living():
        await until(lambda: bool(house.kept(PLACE)))
        async with house.listening(DEVICE, STATE, PLACE, PRESENCE) as heard:
            await until(lambda: len(heard) == 4)
            heard.clear()
            house.broker.say(MqttMessage(logic.STATUS_TOPIC, b"offline"))
            house.broker.say(MqttMessage(logic.STATUS_TOPIC, b"online"))
            await until(lambda: len(heard) == 4)
            assert [one.topic for one in heard] == [PRESENCE, DEVICE, STATE, PLACE]


async def test_an_older_assistant_is_told_of_each_thing_alone(house: House):
    house.door.wished = Discovery.ENTITIES
    await house.say(car())
    async with house.living():
        lock = f"homeassistant/binary_sensor/{CAR_ID}/lock/config"
        await until(lambda: bool(house.kept(lock)))
        assert house.kept(DEVICE) is None


async def test_a_home_that_dies_is_shown_as_absent(house: House):
    await house.say(car())
    async with house.living():
        await until(lambda: bool(house.kept(STATE)))
    assert house.kept(PRESENCE) == b"offline"
    assert house.kept(DEVICE)


async def test_a_home_without_an_assistant_says_nothing_until_it_has_one(house: House):
    house.door.wished = None
    await house.say(car())
    async with house.living():
        await until(lambda: house.door.asked > 2)
        assert house.broker.retained == {}
        house.door.wished = Discovery.DEVICE
        await until(lambda: bool(house.kept(STATE)))
        house.door.wished = None
        house.broker.drop()
        asked = house.door.asked
        await until(lambda: house.door.asked > asked + 2)
        assert house.kept(PRESENCE) == b"offline"


async def test_a_connection_that_breaks_is_sought_again(house: House):
    await house.say(car())
    async with house.living():
        await until(lambda: bool(house.kept(STATE)))
        house.broker.is_away = True
        house.broker.drop()
        await until(lambda: house.errors("bus_unavailable") >= 2)
        await house.say(car(locked=False))
        house.broker.is_away = False
        await until(lambda: house.state()["unlocked"] is True)
        assert house.kept(PRESENCE) == b"online"


async def test_who_is_refused_counts_it_and_comes_back_when_it_is_let_in(house: House):
    house.door.refuses = True
    await house.say(car())
    async with house.living():
        await until(lambda: house.errors("credentials_refused") >= 2)
        house.door.refuses = False
        await until(lambda: bool(house.kept(STATE)))


async def test_what_is_older_than_what_is_known_changes_nothing(house: House):
    await house.say(car(locked=False))
    async with house.living():
        await until(lambda: house.state().get("unlocked") is True)
        now_us = house.clock.time_us
        house.clock.time_us -= 500_000
        old = HomeCars(cars=[car(OTHER_ID)])
        stamp(old, house.clock, house.random)
        house.clock.time_us = now_us
        await house.cell.publish(HOME_CARS, old, home_id=HOME_ID)
        await house.say(car(locked=False, charge_percent=50))
        await until(lambda: house.state()["charge_percent"] == 50)
        assert house.kept(OTHER_DEVICE) is None


async def test_a_car_that_cannot_be_shown_hides_no_other(house: House):
    await house.say(car("nonsense"), car())
    async with house.living():
        await until(lambda: bool(house.kept(STATE)))
        assert house.errors("message_malformed") == 1


async def test_another_homes_cars_are_not_shown(house: House):
    other = HomeId(identifiers.make("home", Random(9).getrandbits))
    message = HomeCars(cars=[car(OTHER_ID)])
    stamp(message, house.clock, house.random)
    await house.cell.publish(HOME_CARS, message, home_id=other)
    await house.say(car())
    async with house.living():
        await until(lambda: bool(house.kept(STATE)))
        assert house.kept(OTHER_DEVICE) is None


async def test_an_assistant_that_shouts_is_answered_at_our_pace(house: House):
    await house.say(car())
    async with house.living():
        await until(lambda: bool(house.kept(PLACE)))
        async with house.listening(DEVICE) as heard:
            await until(lambda: len(heard) == 1)
            for _ in range(500):
                house.broker.say(MqttMessage(logic.STATUS_TOPIC, b"online"))
                await asyncio.sleep(0)
            await house.say(car(locked=False))
            await until(lambda: house.state()["unlocked"] is True)
            assert len(heard) < 100

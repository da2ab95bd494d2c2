"""What the server itself refuses to a home, and what it lets it say and hear."""

from random import Random

import pytest

from monocoque.contracts import identifiers
from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.topics import (
    HOME_CARS,
    HOME_HELLO,
    HOME_OUTCOMES,
    HOME_REQUESTS,
    HOME_STATE,
    Role,
)
from monocoque.contracts.wire.home_pb2 import (
    HomeCars,
    HomeHello,
    HomeOutcome,
    HomeRequest,
    HomeState,
)
from monocoque.plumbing.bus.port import Identity
from tests.fixtures.bus import NatsCellBus
from tests.plumbing.test_nats_rights import contents, has_complained

OWN, OTHER = (identifiers.make("home", Random(seed).getrandbits) for seed in (1, 2))
CAR = identifiers.make("car", Random(3).getrandbits)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(HOME_STATE.subject(home_id=OTHER), id="another home's state"),
        pytest.param(HOME_OUTCOMES.subject(home_id=OTHER), id="another home's outcomes"),
        pytest.param(HOME_REQUESTS.subject(home_id=OWN), id="what the desk says to it"),
        pytest.param(HOME_CARS.subject(home_id=OWN), id="what the desk says of cars"),
        pytest.param(f"{HOME_CARS.subject(home_id=OTHER)}.last", id="asking for others' cars"),
        pytest.param(f"home.{OWN}.anything", id="a topic that does not exist"),
        pytest.param(f"car.{CAR}.scenes", id="what a car says"),
        pytest.param(f"car.{CAR}.commands", id="a command to a car"),
        pytest.param("$JS.API.STREAM.PURGE.HOME_STATE", id="emptying a stream"),
        pytest.param(f"_INBOX_{OTHER}.1", id="another home's inbox"),
    ],
)
async def test_the_server_refuses_what_a_home_may_not_say(nats_bus: NatsCellBus, subject: str):
    async with nats_bus.raw_client(Role.HOME, home_id=OWN) as home:
        await home.publish(subject, b"anything")
        assert await has_complained(home)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(HOME_REQUESTS.subject(home_id=OTHER), id="another home"),
        pytest.param("home.*.requests", id="every home"),
        pytest.param("car.*.body", id="every car"),
        pytest.param(">", id="everything"),
        pytest.param(f"home.{OWN}.state", id="a row that does not name it as a reader"),
    ],
)
async def test_the_server_refuses_what_a_home_may_not_hear(nats_bus: NatsCellBus, subject: str):
    async with nats_bus.raw_client(Role.HOME, home_id=OWN) as home:
        await home.subscribe(subject)
        assert await has_complained(home)


async def test_a_home_speaks_and_hears_on_its_own_topics(nats_bus: NatsCellBus):
    desk = await nats_bus.connect(Role.HOMES)
    home = await nats_bus.connect(Role.HOME, home_id=OWN)
    own = {"home_id": OWN}
    consumer = await desk.consumer(HOME_OUTCOMES, "homes")
    for home_id, count in ((OWN, 1), (OTHER, 2)):
        cars = HomeCars()
        for _ in range(count):
            cars.cars.add(car_id=CAR)
        await desk.publish(HOME_CARS, nats_bus.stamped(cars), home_id=home_id)
    async with desk.listen(HOME_HELLO) as hellos, home.listen(HOME_REQUESTS, **own) as asked:
        await home.publish(HOME_HELLO, nats_bus.stamped(HomeHello()), **own)
        assert (await hellos.next(10)).identifiers == own
        await desk.publish(HOME_REQUESTS, nats_bus.stamped(HomeRequest(car_id="b")), home_id=OTHER)
        await desk.publish(HOME_REQUESTS, nats_bus.stamped(HomeRequest(car_id="a")), **own)
        assert (await asked.next(10)).message.car_id == "a"
    await home.publish(HOME_STATE, nats_bus.stamped(HomeState()), **own)
    await home.publish(HOME_OUTCOMES, nats_bus.stamped(HomeOutcome(outcome="done")), **own)
    [said] = await consumer.fetch(10, 10.0)
    assert (said.message.outcome, said.identifiers) == ("done", own)
    assert len((await home.last(HOME_CARS, **own)).message.cars) == 1
    assert (await desk.last(HOME_STATE, **own)).identifiers == own


async def test_an_answer_to_a_home_cannot_be_led_onto_a_topic_of_another(nats_bus: NatsCellBus):
    other = await nats_bus.connect(Role.HOME, home_id=OTHER)
    await other.publish(HOME_STATE, nats_bus.stamped(HomeState()), home_id=OTHER)
    before = await contents(nats_bus.server)
    async with nats_bus.raw_client(Role.HOME, home_id=OWN) as home:
        for spoken in ("state", "outcomes", "hello", "cars.last"):
            for victim in (f"home.{OTHER}.state", f"home.{OTHER}.outcomes", f"car.{CAR}.scenes"):
                await home.publish(f"home.{OWN}.{spoken}", b"", reply=victim)
        await home.settle()
        own = await home.request(f"home.{OWN}.outcomes", b"", timeout=5)
        assert own.data.startswith(b'{"stream":"HOME_OUTCOMES"')
    after = await contents(nats_bus.server)
    mine = {f"home.{OWN}.{kept}" for kept in ("state", "outcomes")}
    assert {key: count for key, count in after.items() if key not in mine} == before


async def test_a_home_cannot_join_under_another_name_nor_as_a_car(nats_bus: NatsCellBus):
    own = {"home_id": OWN}
    credentials = nats_bus.credentials(Role.HOME, own)
    for identity in (Identity(Role.HOME, {"home_id": OTHER}), Identity(Role.CAR, {"car_id": CAR})):
        with pytest.raises(CredentialsRefused):
            await nats_bus.join_with(credentials, identity)

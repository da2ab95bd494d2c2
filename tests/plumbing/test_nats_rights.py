"""What the server itself refuses to a client that has real credentials and no manners."""

from dataclasses import replace
from random import Random

import pytest
from nats.aio.client import Client

from monocoque.contracts import identifiers
from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.topics import (
    CAR_EVENTS,
    CAR_HELLO,
    CAR_STATE,
    ECHO_REQUESTS,
    TOPICS,
    Kept,
    Role,
    Topic,
)
from monocoque.contracts.wire.car_pb2 import CarState
from monocoque.plumbing.bus import nats_rights
from monocoque.plumbing.bus.nats_server import NatsServer
from tests.fixtures.bus import NatsCellBus, RawClient, make_server

OWN, OTHER = (identifiers.make("car", Random(seed).getrandbits) for seed in (1, 2))


async def has_complained(client: RawClient) -> bool:
    """Whether the server refused something of what was sent so far."""
    await client.settle()
    return any("permissions violation" in complaint for complaint in client.complaints)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(CAR_STATE.subject(car_id=OTHER), id="another car's state"),
        pytest.param(CAR_EVENTS.subject(car_id=OTHER), id="another car's events"),
        pytest.param(f"car.{OWN}.presence", id="what the registry says of it"),
        pytest.param(f"car.{OWN}.anything", id="a topic that does not exist"),
        pytest.param("echo.a.requests", id="a topic inside the cell"),
        pytest.param("$JS.API.STREAM.PURGE.CAR_STATE", id="emptying a stream"),
        pytest.param(f"$JS.API.DIRECT.GET.CAR_STATE.car.{OTHER}.state", id="reading a stream"),
        pytest.param(f"_INBOX_{OTHER}.1", id="another car's inbox"),
    ],
)
async def test_the_server_refuses_what_a_car_may_not_say(nats_bus: NatsCellBus, subject: str):
    async with nats_bus.raw_client(Role.CAR, car_id=OWN) as car:
        await car.publish(subject, b"anything")
        assert await has_complained(car)


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(CAR_HELLO.subject(car_id=OTHER), id="another car"),
        pytest.param("car.*.state", id="every car"),
        pytest.param(">", id="everything"),
        pytest.param(f"_INBOX_{OTHER}.>", id="another car's inbox"),
        pytest.param("*.>", id="every inbox"),
        pytest.param(f"car.{OWN}.presence", id="a row that does not name it"),
    ],
)
async def test_the_server_refuses_what_a_car_may_not_hear(nats_bus: NatsCellBus, subject: str):
    async with nats_bus.raw_client(Role.CAR, car_id=OWN) as car:
        await car.subscribe(subject)
        assert await has_complained(car)


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        pytest.param(Role.REGISTRY, f"car.{OWN}.state", id="the registry as a car"),
        pytest.param(Role.REGISTRY, "echo.a.requests", id="another service's topic"),
        pytest.param(Role.CONSOLE, f"car.{OWN}.presence", id="the console"),
        pytest.param(Role.REGISTRY, "$JS.API.STREAM.DELETE.CAR_EVENTS", id="deleting a stream"),
        pytest.param(
            Role.CONSOLE, "$JS.API.CONSUMER.CREATE.CAR_EVENTS.reader", id="a stream it cannot read"
        ),
        pytest.param(Role.ECHO, "$SYS.REQ.SERVER.PING", id="the server's own questions"),
    ],
)
async def test_the_server_refuses_what_a_service_may_not_say(
    nats_bus: NatsCellBus, role: Role, subject: str
):
    async with nats_bus.raw_client(role) as service:
        await service.publish(subject, b"anything")
        assert await has_complained(service)


@pytest.mark.parametrize(
    "victim",
    [
        pytest.param(f"car.{OTHER}.state", id="another car's last value"),
        pytest.param(f"car.{OTHER}.events", id="another car's stream"),
        pytest.param("car.made_up.state", id="a car that does not exist"),
        pytest.param("echo.a.requests", id="a stream inside the cell"),
        pytest.param("$JS.API.STREAM.PURGE.CAR_STATE", id="a question about a stream"),
    ],
)
@pytest.mark.parametrize("spoken", ["state", "events", "hello", "state.last"])
async def test_an_answer_cannot_be_led_onto_a_topic_of_somebody_else(
    nats_bus: NatsCellBus, victim: str, spoken: str
):
    registry = await nats_bus.connect(Role.REGISTRY)
    other = await nats_bus.connect(Role.CAR, car_id=OTHER)
    await other.publish(CAR_STATE, nats_bus.stamped(CarState(boot_count=7)), car_id=OTHER)
    before = await contents(nats_bus.server)
    async with nats_bus.raw_client(Role.CAR, car_id=OWN) as car:
        await car.publish(f"car.{OWN}.{spoken}", b"", reply=victim)
        await car.settle()
        # A second question on the same connection has its answer when the first one's is written.
        own = await car.request(f"car.{OWN}.events", b"", timeout=5)
        assert own.data.startswith(b'{"stream":"CAR_EVENTS"')
    after = await contents(nats_bus.server)
    own_topics = {f"car.{OWN}.{kept}" for kept in ("state", "events")}
    assert {key: count for key, count in after.items() if key not in own_topics} == before
    last = await registry.last(CAR_STATE, car_id=OTHER)
    assert last is not None
    assert last.message.boot_count == 7


async def contents(server: NatsServer) -> dict[str, int]:
    """How many messages each subject has in every stream."""
    found: dict[str, int] = {}
    steward = server.authority.steward_credentials()
    client = Client()
    await client.connect(
        await server.address(),
        user_jwt_cb=lambda: steward.jwt.encode(),
        signature_cb=lambda nonce: steward.sign(nonce.encode()),
        inbox_prefix=b"_INBOX_steward",
    )
    for topic in TOPICS:
        if topic.is_durable:
            info = await client.jsm().stream_info(topic.stream_name, subjects_filter=">")
            found |= info.state.subjects or {}
    await client.close()
    return found


COMMANDS = Topic(
    name="car.{car_id}.wishes",
    message=CarState,
    published_by=frozenset({Role.REGISTRY}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1_024,
    rate_per_minute_max=60,
    privacy=CAR_STATE.privacy,
    purpose="A row as a later part will add it: spoken in the cell, heard by one car.",
)
CONFIRMED = Topic(
    name="car.{car_id}.confirmed",
    message=CarState,
    published_by=frozenset({Role.REGISTRY}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=1_024,
    rate_per_minute_max=60,
    privacy=CAR_STATE.privacy,
    purpose="A row as a later part will add it: a last value that one car reads.",
)


async def test_a_car_hears_and_asks_for_what_the_cell_has_for_it_alone(tmp_path):
    server = make_server(tmp_path, topics=(*TOPICS, COMMANDS, CONFIRMED))
    await server.start()
    try:
        bus = NatsCellBus(server)
        async with (
            bus.raw_client(Role.REGISTRY) as registry,
            bus.raw_client(Role.CAR, car_id=OWN) as car,
        ):
            heard = await car.subscribe(f"car.{OWN}.wishes")
            await car.subscribe(f"car.{OTHER}.wishes")
            assert await has_complained(car)
            await registry.publish(f"car.{OTHER}.wishes", b"theirs")
            await registry.publish(f"car.{OWN}.wishes", b"mine")
            assert (await heard.next_msg(timeout=5)).data == b"mine"
            for car_id in (OWN, OTHER):
                kept = await registry.request(f"car.{car_id}.confirmed", car_id.encode(), timeout=5)
                assert b'"stream":"CAR_CONFIRMED"' in kept.data
            asked = await car.request(f"car.{OWN}.confirmed.last", b"", timeout=5)
            assert asked.data == OWN.encode()
            await car.publish(f"car.{OWN}.confirmed.last", b"", reply=f"car.{OTHER}.state")
            await car.request(f"car.{OWN}.events", b"", timeout=5)
            assert f"car.{OTHER}.state" not in await contents(server)
            car.complaints.clear()
            await car.publish(f"car.{OTHER}.confirmed.last", b"", reply=car.new_inbox())
            assert await has_complained(car)
    finally:
        await server.stop()


def test_rows_of_one_outside_role_must_share_their_first_word():
    foreign = replace(COMMANDS, name="home.{home_id}.x", published_by=frozenset({Role.CAR}))
    with pytest.raises(SettingInvalid):
        nats_rights.service_export(Role.CAR, (*TOPICS, foreign))


def test_a_role_that_no_row_names_may_only_write_to_itself():
    nobody = nats_rights.subjects(Role.CONSOLE, (ECHO_REQUESTS,))
    assert nobody.publish == nobody.subscribe == ("_INBOX_{{name()}}.>",)

"""What every adapter of the bus must do; each test runs on each of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from monocoque.contracts import errors
from monocoque.contracts.topics import (
    CAR_EVENTS,
    CAR_HELLO,
    CAR_PRESENCE,
    CAR_STATE,
    ECHO_ANSWERS,
    ECHO_FRAMES,
    ECHO_REQUESTS,
    ECHO_STATE,
    Role,
    Topic,
)
from monocoque.contracts.wire.car_pb2 import CarHello, CarPresence, CarState
from monocoque.contracts.wire.echo_pb2 import Echo
from monocoque.plumbing.bus.port import Bus, Consumer, Delivery, Outgoing, Subscription
from tests.fixtures.bus import QUICK, CellBus

WAIT_S = 5.0
"""Long enough for anything that comes."""
QUIET_S = 0.4
"""Long enough to believe that nothing comes."""

AHEAD_US = 3_600 * 1_000_000


def sequences(deliveries: Sequence[Delivery[Echo]]) -> list[int]:
    """What arrived, without repetitions, in the order of first arrival."""
    seen = {delivery.message.header.message_id: delivery for delivery in deliveries}
    return [delivery.message.sequence for delivery in seen.values()]


async def hear(subscription: Subscription[Echo], count: int) -> list[int]:
    """So many different messages of a live reader."""
    heard: list[Delivery[Echo]] = []
    while len(sequences(heard)) < count:
        delivery = await subscription.next(WAIT_S)
        assert delivery is not None, f"only {sequences(heard)} came"
        heard.append(delivery)
    return sequences(heard)


async def fetch(consumer: Consumer[Echo], count: int) -> list[Delivery[Echo]]:
    """So many different messages of a durable reader, none of them acknowledged."""
    fetched: list[Delivery[Echo]] = []
    while len(sequences(fetched)) < count:
        more = await consumer.fetch(100, WAIT_S)
        assert more, f"only {sequences(fetched)} came"
        fetched += more
    return fetched


async def drain(consumer: Consumer[Echo]) -> list[int]:
    """Acknowledge everything until nothing comes any more."""
    drained: list[Delivery[Echo]] = []
    while more := await consumer.fetch(100, QUICK.acknowledge_wait_s * 2):
        await consumer.acknowledge(more)
        drained += more
    return sequences(drained)


async def say(cell_bus: CellBus, bus: Bus, topic: Topic[Echo], count: int, echo_id: str) -> None:
    for sequence in range(count):
        await bus.publish(topic, cell_bus.echo(sequence), echo_id=echo_id)


async def test_live_messages_arrive_in_the_order_in_which_they_were_published(cell_bus: CellBus):
    bus, echo_id = await cell_bus.connect(Role.ECHO), cell_bus.new("message")
    async with bus.listen(ECHO_ANSWERS, echo_id=echo_id) as subscription:
        await say(cell_bus, bus, ECHO_ANSWERS, 30, echo_id)
        assert await hear(subscription, 30) == list(range(30))
        assert subscription.missed == 0


async def test_a_live_reader_hears_only_the_identifiers_that_it_asked_for(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    async with (
        bus.listen(ECHO_ANSWERS, echo_id="mine") as mine,
        bus.listen(ECHO_ANSWERS) as all_of_them,
    ):
        await bus.publish(ECHO_ANSWERS, cell_bus.echo(1), echo_id="other")
        await bus.publish(ECHO_ANSWERS, cell_bus.echo(2), echo_id="mine")
        assert await hear(mine, 1) == [2]
        assert await hear(all_of_them, 2) == [1, 2]


@pytest.mark.parametrize("topic", [ECHO_REQUESTS, ECHO_FRAMES], ids=["synced", "not synced"])
async def test_a_stream_keeps_the_order_until_everything_is_acknowledged(
    cell_bus: CellBus, topic: Topic[Echo]
):
    bus = await cell_bus.connect(Role.ECHO)
    await say(cell_bus, bus, topic, 20, "a")
    assert await drain(await bus.consumer(topic, "reader")) == list(range(20))


async def test_a_batch_arrives_whole_and_in_order(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    batch = [Outgoing(cell_bus.echo(sequence), {"echo_id": "a"}) for sequence in range(450)]
    await bus.publish_batch(ECHO_REQUESTS, batch)
    assert await drain(await bus.consumer(ECHO_REQUESTS, "reader")) == list(range(450))


async def test_a_message_comes_again_until_it_is_acknowledged(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    await say(cell_bus, bus, ECHO_REQUESTS, 1, "a")
    first = await fetch(consumer, 1)
    again = await consumer.fetch(100, WAIT_S)
    assert first[0].message == again[0].message
    assert first[0].attempt == 1
    while again[-1].attempt < 3:
        again = await consumer.fetch(100, WAIT_S)
    await consumer.acknowledge(again)
    await drain(consumer)
    assert await consumer.fetch(100, QUICK.acknowledge_wait_s * 2) == []


async def test_a_message_that_was_given_back_comes_again_soon(cell_bus: CellBus):
    patient = replace(QUICK, acknowledge_wait_s=60.0)
    bus = await cell_bus.connect(Role.ECHO, patient)
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    await say(cell_bus, bus, ECHO_REQUESTS, 1, "a")
    fetched = await fetch(consumer, 1)
    await consumer.give_back(fetched)
    [again, *_] = await fetch(consumer, 1)
    assert (again.message, again.attempt) == (fetched[0].message, 2)


async def test_a_consumer_goes_on_where_it_was_when_its_service_starts_again(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    await say(cell_bus, bus, ECHO_REQUESTS, 4, "a")
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    fetched = await fetch(consumer, 4)
    handled = [delivery for delivery in fetched if delivery.message.sequence < 2]
    for _ in range(20):  # with chance, an acknowledgement may be lost; this many are not
        await consumer.acknowledge(handled)
    await bus.close()
    successor = await (await cell_bus.connect(Role.ECHO)).consumer(ECHO_REQUESTS, "reader")
    assert await drain(successor) == [2, 3]


async def test_two_consumers_have_each_their_own_place(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    await say(cell_bus, bus, ECHO_REQUESTS, 3, "a")
    assert await drain(await bus.consumer(ECHO_REQUESTS, "one")) == [0, 1, 2]
    assert await drain(await bus.consumer(ECHO_REQUESTS, "two")) == [0, 1, 2]


async def test_a_consumer_that_waits_is_given_what_comes(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(consumer.fetch(10, WAIT_S))
        await say(cell_bus, bus, ECHO_REQUESTS, 1, "a")
    assert sequences(waiting.result()) == [0]


async def test_the_last_value_is_the_newest_of_its_subject(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    await say(cell_bus, bus, ECHO_STATE, 3, "a")
    await bus.publish(ECHO_STATE, cell_bus.echo(9), echo_id="b")
    last = await bus.last(ECHO_STATE, echo_id="a")
    assert last is not None
    assert (last.message.sequence, last.identifiers) == (2, {"echo_id": "a"})
    assert await bus.last(ECHO_STATE, echo_id="c") is None


async def test_a_watcher_is_given_every_last_value_and_then_the_changes(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    await say(cell_bus, bus, ECHO_STATE, 3, "a")
    await bus.publish(ECHO_STATE, cell_bus.echo(7), echo_id="b")
    async with bus.watch(ECHO_STATE) as watched:
        assert sorted(await hear(watched, 2)) == [2, 7]
        await bus.publish(ECHO_STATE, cell_bus.echo(8), echo_id="b")
        assert 8 in await hear(watched, 1)


async def test_a_watcher_of_many_is_given_them_all_however_slow_it_is(cell_bus: CellBus):
    bus, count = await cell_bus.connect(Role.ECHO), QUICK.live_queue_messages_max * 3
    batch = [Outgoing(cell_bus.echo(n), {"echo_id": f"e{n}"}) for n in range(count)]
    await bus.publish_batch(ECHO_STATE, batch)
    async with bus.watch(ECHO_STATE) as watched:
        await asyncio.sleep(QUIET_S)
        assert sorted(await hear(watched, count)) == list(range(count))


async def test_a_message_said_twice_is_recognised_by_its_id(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    message = cell_bus.echo(1)
    async with bus.listen(ECHO_ANSWERS) as subscription:
        await bus.publish(ECHO_ANSWERS, message, echo_id="a")
        await bus.publish(ECHO_ANSWERS, message, echo_id="a")
        heard = [await subscription.next(WAIT_S) for _ in range(2)]
    assert {d.message.header.message_id for d in heard if d} == {message.header.message_id}
    assert None not in heard


async def test_a_slow_live_reader_loses_the_oldest_and_is_told(cell_bus: CellBus):
    bus, count = await cell_bus.connect(Role.ECHO), QUICK.live_queue_messages_max + 20
    async with bus.listen(ECHO_ANSWERS) as slow, bus.listen(ECHO_ANSWERS) as quick:
        for sequence in range(count):
            await bus.publish(ECHO_ANSWERS, cell_bus.echo(sequence), echo_id="a")
            await hear(quick, 1)
        oldest = await slow.next(WAIT_S)
        assert oldest is not None
        assert oldest.message.sequence > 0
        assert slow.missed > 0
        assert quick.missed == 0


REFUSALS = [
    pytest.param(lambda echo: b"\xff\xff\xff", "message_malformed", id="not protobuf"),
    pytest.param(lambda echo: b"", "message_malformed", id="empty"),
    pytest.param(
        lambda echo: Echo(sequence=1).SerializeToString(), "message_malformed", id="no header"
    ),
    pytest.param(
        lambda echo: _with_sequence(echo(), 2**63), "message_malformed", id="a number beyond SQL"
    ),
    pytest.param(
        lambda echo: b'{"stream":"ECHO_REQUESTS","seq":1}',
        "message_malformed",
        id="an acknowledgement",
    ),
    pytest.param(
        lambda echo: _with_payload(echo(), bytes(ECHO_REQUESTS.message_bytes_max)),
        "message_too_large",
        id="too large",
    ),
    pytest.param(
        lambda echo: echo(version=99).SerializeToString(), "message_version_unknown", id="version"
    ),
    pytest.param(
        lambda echo: echo(version=0).SerializeToString(), "message_version_unknown", id="no version"
    ),
    pytest.param(
        lambda echo: _moved(echo(), AHEAD_US).SerializeToString(),
        "message_from_the_future",
        id="from the future",
    ),
    pytest.param(
        lambda echo: echo(expires_at_us=1).SerializeToString(), "message_expired", id="expired"
    ),
]


def _with_payload(message: Echo, payload: bytes) -> bytes:
    message.payload = payload
    return message.SerializeToString()


def _with_sequence(message: Echo, sequence: int) -> bytes:
    message.sequence = sequence
    return message.SerializeToString()


def _moved(message: Echo, by_us: int) -> Echo:
    message.header.occurred_at_us += by_us
    return message


@pytest.mark.parametrize(("make", "code"), REFUSALS)
async def test_what_the_door_refuses_is_counted_and_disturbs_nobody(
    cell_bus: CellBus, make: Callable[..., bytes], code: str
):
    bus = await cell_bus.connect(Role.ECHO)
    async with bus.listen(ECHO_ANSWERS) as subscription:
        await cell_bus.inject(ECHO_ANSWERS, make(cell_bus.echo), echo_id="a")
        await bus.publish(ECHO_ANSWERS, cell_bus.echo(5), echo_id="a")
        assert await hear(subscription, 1) == [5]
    assert cell_bus.refused(ECHO_ANSWERS, code) >= 1


@pytest.mark.parametrize(
    ("make", "code"), [row for row in REFUSALS if row.id in {"no header", "too large", "expired"}]
)
async def test_a_consumer_never_sees_what_the_door_refuses_and_goes_on(
    cell_bus: CellBus, make: Callable[..., bytes], code: str
):
    bus = await cell_bus.connect(Role.ECHO)
    await cell_bus.inject(ECHO_REQUESTS, make(cell_bus.echo), echo_id="a")
    await bus.publish(ECHO_REQUESTS, cell_bus.echo(5), echo_id="a")
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    fetched: list[Delivery[Echo]] = []
    while not fetched:
        fetched = await consumer.fetch(10, WAIT_S)
    assert sequences(fetched) == [5]
    counted = cell_bus.refused(ECHO_REQUESTS, code)
    assert counted >= 1
    for _ in range(3):
        await consumer.acknowledge(fetched)
        fetched = await consumer.fetch(10, QUICK.acknowledge_wait_s * 2)
    assert cell_bus.refused(ECHO_REQUESTS, code) == counted


async def test_a_last_value_that_has_expired_is_none(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    expired = cell_bus.echo(expires_at_us=1).SerializeToString()
    await cell_bus.inject(ECHO_STATE, expired, echo_id="a")
    assert await bus.last(ECHO_STATE, echo_id="a") is None
    assert cell_bus.refused(ECHO_STATE, "message_expired") >= 1


@pytest.mark.parametrize(
    ("make", "error"),
    [
        pytest.param(lambda echo: Echo(), errors.MessageMalformed, id="no header"),
        pytest.param(lambda echo: CarHello(), errors.MessageMalformed, id="another type"),
        pytest.param(lambda echo: echo(version=2), errors.MessageVersionUnknown, id="version"),
        pytest.param(lambda echo: echo(expires_at_us=1), errors.MessageExpired, id="expired"),
        pytest.param(
            lambda echo: _moved(echo(), AHEAD_US), errors.MessageFromTheFuture, id="from the future"
        ),
    ],
)
async def test_a_mistake_is_found_where_it_is_made(
    cell_bus: CellBus, make: Callable[..., Echo], error: type[errors.MonocoqueError]
):
    bus = await cell_bus.connect(Role.ECHO)
    with pytest.raises(error):
        await bus.publish(ECHO_ANSWERS, make(cell_bus.echo), echo_id="a")


async def test_a_message_larger_than_its_topic_allows_is_not_sent(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    message = cell_bus.echo()
    message.payload = bytes(ECHO_ANSWERS.message_bytes_max)
    with pytest.raises(errors.MessageTooLarge):
        await bus.publish(ECHO_ANSWERS, message, echo_id="a")


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        pytest.param(Role.ECHO, CAR_HELLO, id="echo says hello for a car"),
        pytest.param(Role.REGISTRY, CAR_STATE, id="registry speaks as a car"),
        pytest.param(Role.CONSOLE, CAR_PRESENCE, id="console speaks at all"),
    ],
)
async def test_a_role_publishes_only_where_its_row_says(
    cell_bus: CellBus, role: Role, topic: Topic
):
    bus = await cell_bus.connect(role)
    with pytest.raises(errors.TopicRefused):
        await bus.publish(topic, cell_bus.stamped(topic.message()), car_id=cell_bus.new("car"))


async def test_a_topic_that_only_looks_like_a_row_is_none(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    await bus.publish(ECHO_ANSWERS, cell_bus.echo(), echo_id="a")
    roomier = replace(ECHO_ANSWERS, rate_per_minute_max=1_000_000)
    with pytest.raises(errors.TopicUnknown):
        await bus.publish(roomier, cell_bus.echo(), echo_id="a")


async def test_a_role_reads_only_where_its_row_says(cell_bus: CellBus):
    console = await cell_bus.connect(Role.CONSOLE)
    with pytest.raises(errors.TopicRefused):
        async with console.listen(CAR_HELLO):
            pass
    with pytest.raises(errors.TopicRefused):
        async with console.watch(ECHO_STATE):
            pass
    with pytest.raises(errors.TopicRefused):
        await console.last(ECHO_STATE, echo_id="a")
    with pytest.raises(errors.TopicRefused):
        await console.consumer(CAR_EVENTS, "reader")


async def test_a_car_speaks_for_itself_and_for_no_other(cell_bus: CellBus):
    own, other = cell_bus.new("car"), cell_bus.new("car")
    car = await cell_bus.connect(Role.CAR, car_id=own)
    registry = await cell_bus.connect(Role.REGISTRY)
    async with registry.watch(CAR_STATE) as watched:
        await car.publish(CAR_STATE, cell_bus.stamped(CarState(boot_count=3)), car_id=own)
        with pytest.raises(errors.TopicRefused):
            await car.publish(CAR_STATE, cell_bus.stamped(CarState()), car_id=other)
        delivery = await watched.next(WAIT_S)
        assert delivery is not None
        assert (delivery.identifiers, delivery.message.boot_count) == ({"car_id": own}, 3)
    assert await registry.last(CAR_STATE, car_id=other) is None


async def test_a_car_has_no_consumer_and_hears_no_presence(cell_bus: CellBus):
    car = await cell_bus.connect(Role.CAR, car_id=cell_bus.new("car"))
    with pytest.raises(errors.TopicRefused):
        await car.consumer(CAR_EVENTS, "reader")
    with pytest.raises(errors.TopicRefused):
        async with car.listen(CAR_PRESENCE):
            pass


async def test_a_live_topic_passes_from_a_service_to_another(cell_bus: CellBus):
    registry = await cell_bus.connect(Role.REGISTRY)
    console = await cell_bus.connect(Role.CONSOLE)
    car_id = cell_bus.new("car")
    async with console.listen(CAR_PRESENCE) as presences:
        await registry.publish(
            CAR_PRESENCE, cell_bus.stamped(CarPresence(online=True)), car_id=car_id
        )
        delivery = await presences.next(WAIT_S)
    assert delivery is not None
    assert delivery.identifiers == {"car_id": car_id}


@pytest.mark.parametrize(
    "name", ["", "two words", "dots.in.it", "*", "x" * 65], ids=lambda name: name[:10] or "empty"
)
async def test_a_consumer_with_an_impossible_name_is_refused(cell_bus: CellBus, name: str):
    bus = await cell_bus.connect(Role.ECHO)
    with pytest.raises(errors.TopicRefused):
        await bus.consumer(ECHO_REQUESTS, name)


async def test_what_keeps_nothing_has_no_consumer_and_no_last_value(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    with pytest.raises(errors.TopicRefused):
        await bus.consumer(ECHO_ANSWERS, "reader")
    with pytest.raises(errors.TopicRefused):
        await bus.last(ECHO_ANSWERS, echo_id="a")
    with pytest.raises(errors.TopicRefused):
        async with bus.watch(ECHO_REQUESTS):
            pass


@pytest.mark.parametrize("echo_id", ["*", ">", "a.b", "", "a b"])
async def test_an_identifier_is_one_plain_word(cell_bus: CellBus, echo_id: str):
    bus = await cell_bus.connect(Role.ECHO)
    with pytest.raises(errors.TopicUnknown):
        await bus.publish(ECHO_ANSWERS, cell_bus.echo(), echo_id=echo_id)


async def test_a_closed_bus_says_so_to_publishers_and_to_readers(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    async with bus.listen(ECHO_ANSWERS) as subscription:
        await bus.close()
        with pytest.raises(errors.BusUnavailable):
            await subscription.next(WAIT_S)
    assert not bus.is_connected
    with pytest.raises(errors.BusUnavailable):
        await bus.publish(ECHO_ANSWERS, cell_bus.echo(), echo_id="a")


async def test_the_first_connection_is_told_at_once_and_the_next_is_waited_for(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    assert bus.connection_count == 1
    assert await bus.connected_after(0) == 1
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(QUIET_S):
            await bus.connected_after(1)


async def test_who_waits_for_a_connection_is_told_when_the_bus_is_closed(cell_bus: CellBus):
    bus = await cell_bus.connect(Role.ECHO)
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        waiting = group.create_task(bus_is_closed(bus))
        await asyncio.sleep(0)
        await bus.close()
    assert waiting.result()
    assert await bus_is_closed(bus)


async def bus_is_closed(bus: Bus) -> bool:
    """Whether waiting for another connection ends in an error."""
    try:
        await bus.connected_after(bus.connection_count)
    except errors.BusUnavailable:
        return True
    return False

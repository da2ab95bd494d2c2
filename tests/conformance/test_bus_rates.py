"""How often a publisher may speak, on every adapter of the bus."""

from dataclasses import replace

import pytest

from monocoque.contracts import errors
from monocoque.contracts.topics import CAR_EVENTS, CAR_HELLO, CAR_STATE, Role, Topic
from monocoque.contracts.wire.car_pb2 import CarHello
from monocoque.plumbing.bus.port import Outgoing
from tests.fixtures.bus import QUICK, CellBus

WAIT_S = 5.0


async def test_more_than_the_rate_of_a_topic_is_refused_whole_where_it_is_published(
    cell_bus: CellBus,
):
    own, other, rate = cell_bus.new("car"), cell_bus.new("car"), CAR_HELLO.rate_per_minute_max
    car = await cell_bus.connect(Role.CAR, car_id=own)
    neighbour = await cell_bus.connect(Role.CAR, car_id=other)
    registry = await cell_bus.connect(Role.REGISTRY, replace(QUICK, live_queue_messages_max=1_000))
    batch = [Outgoing(hello(cell_bus, count), {"car_id": own}) for count in range(rate)]
    async with registry.listen(CAR_HELLO) as hellos:
        with pytest.raises(errors.TooManyRequests) as refusal:
            await car.publish_batch(
                CAR_HELLO, [Outgoing(hello(cell_bus, 99), {"car_id": own}), *batch]
            )
        assert (refusal.value.temporary, refusal.value.may_have_happened) == (True, False)
        await car.publish_batch(CAR_HELLO, batch)
        with pytest.raises(errors.TooManyRequests):
            await car.publish_batch(CAR_HELLO, batch)
        await neighbour.publish(CAR_HELLO, hello(cell_bus, rate), car_id=other)
        arrived: list[int] = []
        while len(set(arrived)) <= rate:
            delivery = await hellos.next(WAIT_S)
            assert delivery is not None
            arrived.append(delivery.message.boot_count)
    assert set(arrived) == set(range(rate + 1)), "what was refused was not sent"


async def test_who_speaks_too_often_is_left_out_and_counted_and_disturbs_nobody(cell_bus: CellBus):
    hostile, other, count = cell_bus.new("car"), cell_bus.new("car"), 400
    assert count > 3 * CAR_HELLO.rate_per_minute_max
    neighbour = await cell_bus.connect(Role.CAR, car_id=other)
    registry = await cell_bus.connect(Role.REGISTRY, replace(QUICK, live_queue_messages_max=1_000))
    flood = [hello(cell_bus, number).SerializeToString() for number in range(count)]
    async with registry.listen(CAR_HELLO) as hellos:
        await cell_bus.inject(CAR_HELLO, *flood, car_id=hostile)
        await neighbour.publish(CAR_HELLO, hello(cell_bus, 0), car_id=other)
        heard = 0
        while (delivery := await hellos.next(WAIT_S)) is not None:
            if delivery.identifiers["car_id"] == other:
                break
            heard += 1
        assert delivery is not None, "the neighbour is heard"
    assert heard >= CAR_HELLO.rate_per_minute_max
    assert cell_bus.refused(CAR_HELLO, "too_many_requests") >= count - heard > 0


@pytest.mark.parametrize("topic", [CAR_EVENTS, CAR_STATE], ids=["stream", "last value"])
async def test_what_is_kept_is_never_left_out_for_its_rate(cell_bus: CellBus, topic: Topic):
    car_id, count = cell_bus.new("car"), 3 * topic.rate_per_minute_max
    made = [cell_bus.stamped(topic.message(boot_count=number)) for number in range(count)]
    registry = await cell_bus.connect(Role.REGISTRY, replace(QUICK, acknowledge_wait_s=60.0))
    await cell_bus.inject(topic, *[one.SerializeToString() for one in made], car_id=car_id)
    if topic is CAR_STATE:
        async with registry.watch(CAR_STATE) as states:
            while (delivery := await states.next(WAIT_S)) is not None:
                if delivery.message.boot_count == count - 1:
                    break
        assert delivery is not None, "the newest is what counts"
    else:
        consumer, fetched = await registry.consumer(CAR_EVENTS, "reader"), set()
        while len(fetched) < count:
            deliveries = await consumer.fetch(1_000, WAIT_S)
            assert deliveries, f"only {len(fetched)} came"
            fetched |= {delivery.message.boot_count for delivery in deliveries}
    assert cell_bus.refused(topic, "too_many_requests") == 0


def hello(cell_bus: CellBus, boot_count: int) -> CarHello:
    message: CarHello = cell_bus.stamped(CarHello(boot_count=boot_count))
    return message

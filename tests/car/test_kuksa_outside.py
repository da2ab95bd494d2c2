"""A broker outside that ends, starts again, or is none; and readers that hear often."""

import asyncio
import contextlib
from dataclasses import replace
from random import Random

import pytest

from monocoque.car.kuksa import service as kuksa
from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.kuksa.logic.names import match
from monocoque.car.kuksa.service.outside import OutsideBrokers, open_broker
from monocoque.car.kuksa.service.outside_streams import OutsideProvision
from monocoque.car.signals.logic.catalogue import Catalogue, own_catalogue
from monocoque.car.signals.logic.readings import Batch
from monocoque.car.signals.service.queues import GATHERED_VALUES, Queue
from monocoque.car.tokens.service import Tokens
from monocoque.contracts.errors import (
    SignalProviderMissing,
    SignalTokenExpired,
    SignalTokenRefused,
    UnavailableError,
)
from monocoque.contracts.signals import CHARGE_LIMIT, SPEED
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import SystemClock
from tests.car.door_stand import CAR_ID, DoorStand
from tests.fixtures.ports import reserved_port

WAIT_S_MAX = 30.0
ALL = "read actuate provide"
LONG_S = 3_600.0


def numbered_otherwise(by):
    """The catalogue of a broker that has other numbers than we."""
    return Catalogue(replace(each, number=each.number + by) for each in own_catalogue().signals)


async def was_lost(broker, has_begun):
    """Whether the broker ended while a signal was heard."""
    try:
        async with broker.subscribe([SPEED.number]) as heard:
            await heard.next()
            has_begun.set()
            await heard.next()
    except UnavailableError:
        return True
    return False


async def test_after_a_loss_the_same_connection_begins_anew_though_the_numbers_are_others():
    config = KuksaConfig(port=reserved_port())
    one = DoorStand(numbered_otherwise(1), kuksa=config)
    two = DoorStand(numbered_otherwise(2), kuksa=config)
    two.ports[Tokens] = Tokens(two.hub, one.key, CAR_ID, 100)
    async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
        has_begun = asyncio.Event()
        async with one.open(kuksa.run):
            address = await one.plate.address("kuksa")
            token, _ = await one.token(ALL)
            clock, own = SystemClock(), own_catalogue()
            broker = await open_broker(address, token, clock, Random(1), own=own)
            assert OutsideBrokers(broker).connect("body") is broker
            hearing = group.create_task(was_lost(broker, has_begun))
            await has_begun.wait()
        assert await hearing
        async with two.open(kuksa.run):
            await two.plate.address("kuksa")
            while (await two.all.read([SPEED.number + 2]))[0].value != 7.0:
                with contextlib.suppress(UnavailableError):
                    async with broker.provide([SPEED.number]) as provision:
                        await provision.publish([SPEED.number], [7.0], 1)
                await asyncio.sleep(0.05)
        await broker.close()


async def test_nobody_at_the_address_is_said_and_a_wrong_token_too():
    stand = DoorStand()
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        address = await stand.plate.address("kuksa")
        with pytest.raises(SignalTokenRefused):
            await open_broker(address, "nonsense", SystemClock(), Random(1))
    with pytest.raises(UnavailableError):
        await open_broker(address, "nonsense", SystemClock(), Random(1))


async def test_an_error_inside_the_block_of_a_provider_comes_out_as_it_is():
    stand = DoorStand()
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        token, _ = await stand.token(ALL)
        address = await stand.plate.address("kuksa")
        broker = await open_broker(address, token, SystemClock(), Random(1))
        with pytest.raises(SignalProviderMissing, match="of the test"):
            async with broker.provide([SPEED.number], [CHARGE_LIMIT.number]):
                raise SignalProviderMissing("An error of the test.")
        await broker.close()


class NarrowStream:
    """A stream of gRPC that takes one message at a time, when it is let."""

    def __init__(self):
        self.asked = asyncio.Queue()
        self.written = []
        self.may_write = asyncio.Semaphore(0)
        self.is_writing = asyncio.Event()

    async def read(self):
        return await self.asked.get()

    async def write(self, message):
        self.is_writing.set()
        await self.may_write.acquire()
        data = message if isinstance(message, bytes) else message.SerializeToString()
        self.written.append(v2.OpenProviderStreamRequest.FromString(data))


async def test_an_answer_that_had_to_wait_says_what_was_published_meanwhile():
    catalogue, names = match(own_catalogue(), own_catalogue().signals)
    stream, clock = NarrowStream(), SystemClock()
    number = SPEED.number
    provision = OutsideProvision(
        stream, frozenset([number]), names, catalogue, clock, Random(1), 1_000_000
    )
    async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
        reading = group.create_task(provision.read_for_ever())
        stream.may_write.release()
        await provision.publish([number], [1.0], 1)
        stream.is_writing.clear()
        group.create_task(provision.publish([number], [2.0], 2))
        await stream.is_writing.wait()
        question = v2.GetProviderValueRequest(request_id=1, signal_ids=[number])
        stream.asked.put_nowait(v2.OpenProviderStreamResponse(get_provider_value_request=question))
        await _until(stream.asked.empty)
        for _ in range(2):
            stream.may_write.release()
        await _until(lambda: len(stream.written) == 3)
        reading.cancel()
    assert stream.written[1].publish_values_request.data_points[number].value.float == 2.0
    assert stream.written[2].get_provider_value_response.entries[number].value.float == 2.0


async def _until(is_so):
    while not is_so():
        await asyncio.sleep(0)


def batch(*numbers):
    return Batch(numbers, [1.0] * len(numbers), [1] * len(numbers), "")


async def test_a_reader_that_hears_often_hears_batches_about_different_signals_at_once():
    queue = Queue(100, 0.0)
    queue.put(batch(1))
    assert [one.numbers for one in await queue.next_apart(100, LONG_S)] == [(1,)]
    queue.put(batch(1))
    many = tuple(range(2, GATHERED_VALUES + 2))

    async def say_more():
        queue.put(batch(*many))

    async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
        group.create_task(say_more())
        taken = await queue.next_apart(GATHERED_VALUES + 1, LONG_S)
    assert [one.numbers for one in taken] == [(1,), many]


async def test_no_value_is_left_out_when_a_signal_comes_twice():
    queue = Queue(100, 0.0)
    for numbers in ((1, 2), (3,), (2,), (4,), (5, 6)):
        queue.put(batch(*numbers))
    said = []
    while sum(len(one) for one in said) < 5:
        said.append([one.numbers for one in await queue.next_apart(3, 0.0)])
    assert said == [[(1, 2), (3,)], [(2,), (4,)], [(5, 6)]]


async def test_who_gathers_hears_of_the_end_at_once_and_waits_no_longer_than_it_may():
    queue = Queue(100, 0.0)
    for _ in range(2):
        queue.put(batch(1))
        assert len(await queue.next_apart(100, 0.001)) == 1
    queue.put(batch(1))

    async def end():
        queue.end(SignalTokenExpired("Over."))

    async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
        group.create_task(end())
        with pytest.raises(SignalTokenExpired):
            await queue.next_apart(100, LONG_S)


async def test_who_wants_to_hear_seldom_gathers_nothing_more():
    queue = Queue(100, 0.001)
    for _ in range(2):
        queue.put(batch(1))
        assert len(await queue.next_apart(100, LONG_S)) == 1

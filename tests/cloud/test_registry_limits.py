"""The registry: what follows from a hello, what it counts, and what it keeps when it is killed."""

import asyncio
from dataclasses import replace
from random import Random

from monocoque.contracts.topics import CAR_HELLO, CAR_PRESENCE, Role
from monocoque.contracts.wire import car_pb2
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.roles.migrations import records_in_memory
from tests.cloud.test_registry import (
    CONFIG,
    FIRST,
    QUICK,
    SECOND,
    WAIT_S_MAX,
    Cell,
    in_virtual_time,
)


class SilentRecords:
    """Records that take a work and never answer, as when the power goes in the middle of it."""

    async def transact(self, work):
        await asyncio.Event().wait()

    async def close(self):
        pass


async def test_what_the_pages_are_told_of_a_hello_has_the_trace_of_that_hello(records):
    cell = Cell(records, SystemClock(), QUICK)
    listening = cell.hub.connect(Identity(Role.REGISTRY)).listen(CAR_HELLO)
    async with cell.living(), listening as said, cell.console.listen(CAR_PRESENCE) as told:
        for _ in range(2):
            await cell.hello()
            hello, presence = await said.next(WAIT_S_MAX), await told.next(WAIT_S_MAX)
            assert presence.message.header.trace_id == hello.message.header.trace_id
            assert presence.message.header.message_id != hello.message.header.message_id


def test_the_metrics_say_how_many_cars_are_online():
    async def story(cell):
        counted = []
        async with cell.living():
            await cell.hello(FIRST)
            await cell.hello(SECOND)
            for wait_s in (2 * CONFIG.silence_check_s, CONFIG.online_window_s):
                await asyncio.sleep(wait_s)
                counted.append(cell.metrics.registry.get_sample_value("monocoque_cars_online"))
        return counted

    assert in_virtual_time(story) == [2, 0]


def test_a_car_beyond_the_most_that_may_wait_is_heard_at_its_next_hello():
    async def story(cell):
        cell.config = replace(CONFIG, heard_cars_max=1, flush_interval_s=1.0)
        heard = []
        async with cell.living():
            for _ in range(2):
                await cell.hello(FIRST)
                await cell.hello(SECOND)
                await asyncio.sleep(2.0)
                heard.append([car.car_id for car in (await cell.fleet.cars()).cars])
            await cell.hello(SECOND)
            await asyncio.sleep(2.0)
            heard.append([car.car_id for car in (await cell.fleet.cars()).cars])
        return heard

    assert in_virtual_time(story) == [[FIRST], [FIRST], [FIRST, SECOND]]


def test_an_event_that_was_not_recorded_when_the_registry_was_killed_comes_again():
    async def story(cell):
        cell.records = SilentRecords()
        async with cell.living():
            await cell.event(car_pb2.CarEvent(kind="started", boot_count=1))
            await asyncio.sleep(1.0)  # it has the event now, and its records do not answer
        cell.records = records_in_memory(Random(1))
        async with cell.living():
            await asyncio.sleep(2 * cell.hub.config.acknowledge_wait_s)
        return await cell.events()

    assert in_virtual_time(story) == [(FIRST, "started", 1)]

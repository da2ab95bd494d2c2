"""The link: what the cell hears of a car, whatever happens to the car or to the way between."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import TypeVar

import pytest
import structlog
from sqlalchemy import Connection

from monocoque.car.link import service
from monocoque.car.link.config import LinkConfig
from monocoque.contracts.errors import (
    DiskFull,
    MonocoqueError,
    RecordsContended,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
    SettingInvalid,
)
from monocoque.contracts.topics import CAR_EVENTS, CAR_HELLO, CAR_STATE, Role
from monocoque.contracts.wire import car_pb2
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.clock import Clock, SystemClock
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.loop import run_virtual
from monocoque.sim.network import FaultyBus, Path
from tests.fixtures.bus import CellBus, MemoryCellBus, NatsCellBus, SecretsInMemory
from tests.fixtures.records import RecordsFactory

CAR_ID = "car_0123456789abcdefghjkmnpqrs"
DISK_FREE_BYTES = 12_345
SOFTWARE_VERSION = "7.1.0"
WAIT_S_MAX = 20.0
Result = TypeVar("Result")
RARELY = LinkConfig(hello_interval_s=3_600.0, hello_retry_s=3_600.0, state_interval_s=3_600.0)
"""So rare that a test only ever hears what is said at the start."""


def context_of(
    uplink: Bus | None,
    records: Records,
    clock: Clock,
    config: LinkConfig = RARELY,
    car_id: str = CAR_ID,
    seed: int = 1,
) -> Context:
    """One life of the link of one car."""
    log = structlog.stdlib.get_logger()
    return Context(
        machine_id=car_id,
        service_name="link",
        clock=clock,
        random=Random(seed),
        bus=MemoryHub(clock, Metrics(), log).connect(Identity(Role.LINK)),
        records=records,
        keystore=SecretsInMemory(),
        metrics=Metrics(),
        log=log,
        disk_free_bytes=lambda: DISK_FREE_BYTES,
        software_version=SOFTWARE_VERSION,
        configs={LinkConfig: config},
        uplink=uplink,
    )


@contextlib.asynccontextmanager
async def living(context: Context) -> AsyncIterator[None]:
    """The link runs inside this block, and is killed at its end; what it dies of shows."""
    async with asyncio.TaskGroup() as group:
        life = group.create_task(service.run(context))
        try:
            yield
        finally:
            life.cancel()


class FallsSilentAfterEvents(FaultyBus):
    """A connection that takes events and never says so."""

    def __init__(self, inner: Bus) -> None:
        super().__init__(inner, Path(Weather(Faults.none()), Random(1)))
        self.has_taken = asyncio.Event()

    async def publish_batch(self, topic, outgoing) -> None:
        await super().publish_batch(topic, outgoing)
        if topic is CAR_EVENTS:
            self.has_taken.set()
            await asyncio.Event().wait()


# --- on every bus and every store ------------------------------------------------------------


async def test_the_registry_hears_the_car_at_once(cell_bus: CellBus, records: Records) -> None:
    car_id = cell_bus.new("car")
    registry = await cell_bus.connect(Role.REGISTRY)
    uplink = await cell_bus.connect(Role.CAR, car_id=car_id)
    context = context_of(uplink, records, cell_bus.clock, car_id=car_id)
    async with registry.listen(CAR_HELLO) as hellos, living(context):
        heard = await hellos.next(WAIT_S_MAX)
    assert heard is not None
    assert heard.identifiers == {"car_id": car_id}
    assert heard.message.boot_count == 1
    assert heard.message.software_version == SOFTWARE_VERSION


async def test_the_state_is_there_for_who_asks_later(cell_bus: CellBus, records: Records) -> None:
    car_id = cell_bus.new("car")
    registry = await cell_bus.connect(Role.REGISTRY)
    uplink = await cell_bus.connect(Role.CAR, car_id=car_id)
    before_us = cell_bus.clock.now_us()
    context = context_of(uplink, records, cell_bus.clock, car_id=car_id)
    async with registry.watch(CAR_STATE) as states, living(context):
        assert await states.next(WAIT_S_MAX) is not None
    last = await registry.last(CAR_STATE, car_id=car_id)
    assert last is not None
    assert last.message.boot_count == 1
    assert last.message.software_version == SOFTWARE_VERSION
    assert last.message.disk_free_bytes == DISK_FREE_BYTES
    assert last.message.hellos_missed == 0
    assert before_us <= last.message.started_at_us <= cell_bus.clock.now_us()


async def test_an_event_whose_acknowledgement_never_came_is_told_once(
    cell_bus: CellBus, records: Records
) -> None:
    car_id = cell_bus.new("car")
    registry = await cell_bus.connect(Role.REGISTRY)
    consumer = await registry.consumer(CAR_EVENTS, "reader")
    uplink = await cell_bus.connect(Role.CAR, car_id=car_id)
    silent = FallsSilentAfterEvents(uplink)
    async with (
        asyncio.timeout(WAIT_S_MAX),
        living(context_of(silent, records, cell_bus.clock, car_id=car_id)),
    ):
        await silent.has_taken.wait()

    arrivals: dict[str, int] = {}
    starts: dict[str, int] = {}
    second = context_of(uplink, records, cell_bus.clock, car_id=car_id, seed=2)
    async with asyncio.timeout(WAIT_S_MAX), living(second):
        while 2 not in starts.values():
            for delivery in await consumer.fetch(10, 1.0):
                message = delivery.message
                assert message.kind == "started"
                starts[message.header.message_id] = message.boot_count
                arrivals.setdefault(message.header.message_id, 0)
                arrivals[message.header.message_id] += delivery.attempt == 1
                await consumer.acknowledge([delivery])
    assert sorted(starts.values()) == [1, 2]
    if isinstance(cell_bus, NatsCellBus):  # its streams recognise a repetition by its id
        assert set(arrivals.values()) == {1}


async def test_hello_and_state_are_said_at_once_when_the_bus_server_was_killed(
    nats_server: NatsServer,
) -> None:
    cell_bus = NatsCellBus(nats_server)
    registry = await cell_bus.connect(Role.REGISTRY)
    uplink = await cell_bus.connect(Role.CAR, car_id=CAR_ID)
    records = records_in_memory(Random(1))
    async with (
        registry.listen(CAR_HELLO) as hellos,
        registry.watch(CAR_STATE) as states,
        living(context_of(uplink, records, cell_bus.clock)),
    ):
        assert await hellos.next(WAIT_S_MAX) is not None
        first = await states.next(WAIT_S_MAX)
        pid = nats_server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await cell_bus.until(lambda: not (uplink.is_connected or registry.is_connected))
        await nats_server.start()
        # A car that connects before the registry speaks to nobody; its state is there all the same.
        async with asyncio.timeout(WAIT_S_MAX):
            while (again := await states.next(WAIT_S_MAX)) == first:
                pass
        assert again is not None
        assert again.message.boot_count == 1
    for bus in cell_bus.buses:
        await bus.close()


async def test_every_start_is_counted(records_factory: RecordsFactory) -> None:
    where = await records_factory.new_where()
    cell_bus = MemoryCellBus()
    registry = await cell_bus.connect(Role.REGISTRY)
    counted = []
    for seed in (1, 2, 3):
        uplink = await cell_bus.connect(Role.CAR, car_id=CAR_ID)
        context = context_of(uplink, records_factory.open(where), cell_bus.clock, seed=seed)
        async with registry.listen(CAR_HELLO) as hellos, living(context):
            heard = await hellos.next(WAIT_S_MAX)
        assert heard is not None
        counted.append(heard.message.boot_count)
    assert counted == [1, 2, 3]


async def test_without_a_connection_to_speak_over_it_is_an_error_of_the_setup() -> None:
    with pytest.raises(SettingInvalid):
        await service.run(context_of(None, records_in_memory(Random(1)), SystemClock()))


# --- over minutes, in virtual time -----------------------------------------------------------


class Line:
    """A car whose way to the cell is as bad as the test says, and all that the cell took."""

    def __init__(self, config: LinkConfig = LinkConfig()) -> None:  # noqa: B008 - it is frozen
        self.now_s = asyncio.get_running_loop().time
        self.clock = VirtualClock(MachineTime(self.now_s))
        self.hub = MemoryHub(self.clock, Metrics(), structlog.stdlib.get_logger())
        self.hub.observers.append(self._observe)
        self.weather = Weather(Faults.none())
        self.path = Path(self.weather, Random(1))
        self.records = records_in_memory(Random(1))
        self.config = config
        self.hellos_s: list[float] = []
        self.states: list[tuple[float, car_pb2.CarState]] = []
        self.events: list[car_pb2.CarEvent] = []

    def context(self, seed: int = 1) -> Context:
        bus = self.hub.connect(Identity(Role.CAR, {"car_id": CAR_ID}))
        uplink = FaultyBus(bus, self.path)
        return context_of(uplink, self.records, self.clock, self.config, seed=seed)

    def _observe(self, subject: str, data: bytes) -> None:
        if subject == CAR_HELLO.subject(car_id=CAR_ID):
            self.hellos_s.append(self.now_s())
        elif subject == CAR_STATE.subject(car_id=CAR_ID):
            self.states.append((self.now_s(), car_pb2.CarState.FromString(data)))
        elif subject == CAR_EVENTS.subject(car_id=CAR_ID):
            self.events.append(car_pb2.CarEvent.FromString(data))


def pauses(times_s: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times_s)]


def in_virtual_time(story: Callable[[Line], object]) -> Line:
    async def main() -> Line:
        line = Line()
        await story(line)
        return line

    return run_virtual(main())


def test_hellos_and_states_keep_their_pace() -> None:
    async def story(line: Line) -> None:
        async with living(line.context()):
            await asyncio.sleep(600.0)

    line = in_virtual_time(story)
    assert 62 <= len(line.hellos_s) <= 71
    # At first more often, since who listens may come a little later than the car.
    for wanted_s, pause_s in zip((1.0, 2.0, 4.0, 8.0), pauses(line.hellos_s), strict=False):
        assert wanted_s * 0.9 <= pause_s <= wanted_s * 1.001
    assert all(9.0 <= pause_s <= 10.001 for pause_s in pauses(line.hellos_s)[4:])
    # Due after 60 s, and said with the hello that follows.
    assert all(60.0 <= pause_s <= 70.001 for pause_s in pauses([at_s for at_s, _ in line.states]))
    assert len(line.states) >= 9


def test_it_goes_on_when_the_connection_is_back_and_says_what_was_missed() -> None:
    async def story(line: Line) -> None:
        line.path.cut()
        async with living(line.context()):
            await asyncio.sleep(60.0)
            assert (line.hellos_s, line.states, line.events) == ([], [], [])
            line.path.mend()
            await asyncio.sleep(5.0)

    line = in_virtual_time(story)
    assert 60.0 <= line.hellos_s[0] <= 61.1
    ((_, state),) = line.states
    assert 60 <= state.hellos_missed <= 67
    assert [(event.kind, event.boot_count) for event in line.events] == [("started", 1)]


def test_a_connection_made_anew_is_told_hello_and_state_at_once_however_short_the_cut() -> None:
    async def story(line: Line) -> None:
        async with living(line.context()):
            for pause_s, cut_s in ((1.0, 0.001), (3.0, 1.7), (7.0, 0.0)):
                await asyncio.sleep(pause_s)
                line.path.cut()
                await asyncio.sleep(cut_s)
                line.path.mend()
                mended_s.append(line.now_s())
                await asyncio.sleep(0.01)

    mended_s: list[float] = []
    line = in_virtual_time(story)
    for told_s in (line.hellos_s, [at_s for at_s, _ in line.states]):
        assert set(mended_s) < {round(at_s, 5) for at_s in told_s} | set(told_s)


def test_a_connection_that_comes_back_is_told_the_state_again() -> None:
    async def story(line: Line) -> None:
        async with living(line.context()):
            await asyncio.sleep(1.0)
            line.path.cut()
            await asyncio.sleep(20.0)
            line.path.mend()
            await asyncio.sleep(2.0)

    line = in_virtual_time(story)
    assert [state.hellos_missed > 0 for _, state in line.states] == [False, True]


def test_a_state_that_could_not_be_sent_is_not_a_missed_hello() -> None:
    async def story(line: Line) -> None:
        line.weather.faults = Faults(unknown_share=1.0)
        async with living(line.context()):
            await asyncio.sleep(10.0)
            line.weather.faults = Faults.none()
            await asyncio.sleep(10.0)

    line = in_virtual_time(story)
    assert line.hellos_s
    assert line.states[-1][1].hellos_missed == 0


def test_what_was_acknowledged_is_not_told_again() -> None:
    async def story(line: Line) -> None:
        for seed in (1, 2):
            async with living(line.context(seed)):
                await asyncio.sleep(10.0)

    line = in_virtual_time(story)
    assert [event.boot_count for event in line.events] == [1, 2]


@pytest.mark.parametrize(
    ("error", "is_after_the_work"),
    [
        pytest.param(RecordsContended, False, id="lost a race"),
        pytest.param(RecordsUnavailable, False, id="away"),
        pytest.param(DiskFull, False, id="full"),
        pytest.param(RecordsOutcomeUnknown, True, id="done, and nobody knows"),
        pytest.param(RecordsOutcomeUnknown, False, id="not done, and nobody knows"),
    ],
)
def test_records_that_fail_a_few_times_end_no_link_and_count_no_second_start(
    error: type[MonocoqueError], is_after_the_work: bool
) -> None:
    async def story(line: Line) -> None:
        moody = MoodyRecords(line.records, error, is_after_the_work)
        async with living(replace(line.context(), records=moody)):
            await asyncio.sleep(30.0)
        async with living(line.context(2)):
            await asyncio.sleep(30.0)

    line = in_virtual_time(story)
    told = {event.header.message_id: event.boot_count for event in line.events}
    assert list(told.values()) == [1, 2]


class MoodyRecords:
    """Records that fail every other time."""

    def __init__(
        self, inner: Records, error: type[MonocoqueError], is_after_the_work: bool
    ) -> None:
        self._inner = inner
        self._error = error
        self._is_after_the_work = is_after_the_work
        self._count = 0

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""
        self._count += 1
        if self._count % 2 == 0:
            return await self._inner.transact(work)
        if self._is_after_the_work:
            await self._inner.transact(work)
        raise self._error("The records are in a mood.")

    async def close(self) -> None:
        """See Records."""
        await self._inner.close()


def test_a_full_outbox_keeps_the_oldest_and_counts_what_is_lost() -> None:
    async def story(line: Line) -> None:
        line.config = LinkConfig(outbox_events_max=3)
        line.path.cut()
        for seed in range(1, 6):
            context = line.context(seed)
            async with living(context):
                await asyncio.sleep(10.0)
            labels = {"where": "link", "code": "queue_full"}
            value = context.metrics.registry.get_sample_value("monocoque_errors_total", labels)
            lost.append(value or 0.0)
        line.path.mend()
        for seed in (6, 7):
            async with living(line.context(seed)):
                await asyncio.sleep(10.0)

    lost: list[float] = []
    line = in_virtual_time(story)
    assert lost == [0, 0, 0, 1, 1]
    assert [event.boot_count for event in line.events] == [1, 2, 3, 7]


def test_events_that_waited_through_many_starts_are_told_in_their_order() -> None:
    async def story(line: Line) -> None:
        line.path.cut()
        for seed in range(1, 6):
            async with living(line.context(seed)):
                await asyncio.sleep(10.0)
        line.path.mend()
        async with living(line.context(6)):
            await asyncio.sleep(10.0)

    line = in_virtual_time(story)
    assert [event.boot_count for event in line.events] == [1, 2, 3, 4, 5, 6]
    assert len({event.header.message_id for event in line.events}) == 6

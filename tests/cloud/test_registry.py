"""The registry: which cars the cell knows, which are there, and what it tells the pages."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import TypeVar

import pytest
import structlog
from sqlalchemy import select

from monocoque.cloud.registry import records as rows
from monocoque.cloud.registry import service
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.registry.service import count_online
from monocoque.cloud.registry.web import Car, Cars, Fleet, Tick
from monocoque.contracts.topics import CAR_EVENTS, CAR_HELLO, CAR_PRESENCE, CAR_STATE, Role
from monocoque.contracts.wire import car_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryChance, MemoryHub
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.bus.values import NUMBER_MAX, TIME_US_MAX
from monocoque.plumbing.clock import Clock, SystemClock
from monocoque.plumbing.http.events import Event
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.clock import START_US, MachineTime, VirtualClock
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.loop import run_virtual
from monocoque.sim.network import FaultyBus, Path
from monocoque.sim.power import FencedRecords, Power
from tests.fixtures.bus import SecretsInMemory
from tests.fixtures.http import SettableClock

FIRST = "car_0123456789abcdefghjkmnpqrs"
SECOND = "car_1123456789abcdefghjkmnpqrs"
CONFIG = RegistryConfig()
QUICK = replace(CONFIG, flush_interval_s=0.01, events_wait_s=0.1)
WAIT_S_MAX = 20.0
SECOND_US = 1_000_000

Result = TypeVar("Result")


class Cell:
    """A cell's bus and records, with the registry's services around them."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        config: RegistryConfig = CONFIG,
        chance: MemoryChance | None = None,
    ) -> None:
        self.records = records
        self.clock = clock
        self.config = config
        self.random = Random(1)
        self.metrics = Metrics()
        self.log = structlog.stdlib.get_logger()
        self.hub = MemoryHub(clock, self.metrics, self.log, chance or MemoryChance())
        self.console = self.hub.connect(Identity(Role.CONSOLE))
        self.fleet = Fleet(records, self.console, clock, config)

    @contextlib.asynccontextmanager
    async def living(self, through: Callable[[Bus], Bus] = lambda bus: bus) -> AsyncIterator[None]:
        """The registry runs inside this block; it listens before the block begins."""
        context = Context(
            machine_id="cell",
            service_name="registry",
            clock=self.clock,
            random=Random(2),
            bus=through(self.hub.connect(Identity(Role.REGISTRY))),
            records=self.records,
            keystore=SecretsInMemory(),
            metrics=self.metrics,
            log=self.log,
            disk_free_bytes=lambda: 0,
            software_version="1",
            configs={RegistryConfig: self.config},
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(service.run(context))
            try:
                async with asyncio.timeout(WAIT_S_MAX):
                    while len(self.hub.readers) < 2:
                        await asyncio.sleep(0.001)
                yield
            finally:
                life.cancel()

    async def hello(self, car_id: str = FIRST, boot_count: int = 1) -> None:
        """The car says that it is there."""
        message = car_pb2.CarHello(boot_count=boot_count, software_version="7.1.0")
        stamp(message, self.clock, self.random)
        car = self.hub.connect(Identity(Role.CAR, {"car_id": car_id}))
        await car.publish(CAR_HELLO, message, car_id=car_id)

    async def state(
        self,
        car_id: str = FIRST,
        disk_free_bytes: int = 12_345,
        started_at_us: int = START_US,
    ) -> None:
        """The car says how it sees itself."""
        message = car_pb2.CarState(
            boot_count=1,
            started_at_us=started_at_us,
            software_version="7.1.0",
            disk_free_bytes=disk_free_bytes,
            hellos_missed=3,
        )
        stamp(message, self.clock, self.random)
        car = self.hub.connect(Identity(Role.CAR, {"car_id": car_id}))
        await car.publish(CAR_STATE, message, car_id=car_id)

    async def event(self, message: car_pb2.CarEvent, car_id: str = FIRST) -> None:
        """Something happened in the car; said again, it is the same event."""
        stamp(message, self.clock, self.random)
        car = self.hub.connect(Identity(Role.CAR, {"car_id": car_id}))
        await car.publish(CAR_EVENTS, message, car_id=car_id)

    async def events(self) -> list[tuple[str, str, int]]:
        """What is on record: car, kind and count of starts."""
        wanted = select(rows.events).order_by(rows.events.c.boot_count)
        found = await self.records.transact(lambda connection: connection.execute(wanted).all())
        return [(row.car_id, row.kind, row.boot_count) for row in found]

    async def has_state(self) -> bool:
        """Whether a car's state is on record."""
        return any(car.state is not None for car in (await self.fleet.cars()).cars)

    async def count(self) -> int:
        return await count_online(self.records, self.clock, self.config)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds, for a bounded time."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_the_most_extreme_numbers_that_a_car_may_say_are_kept_and_shown(records):
    cell = Cell(records, SettableClock(), QUICK)
    async with cell.living():
        await cell.hello(boot_count=NUMBER_MAX)
        await cell.state(disk_free_bytes=NUMBER_MAX, started_at_us=TIME_US_MAX)
        await until(cell.has_state)
        [car] = (await cell.fleet.cars()).cars
    assert car.boot_count == NUMBER_MAX
    assert car.state.disk_free_bytes == NUMBER_MAX
    assert car.state.started_at.year == 9999


# --- on both stores --------------------------------------------------------------------------


async def test_a_hello_makes_a_car_online_and_the_pages_are_told(records: Records) -> None:
    cell = Cell(records, SystemClock(), QUICK)
    assert await cell.count() == 0
    async with cell.console.listen(CAR_PRESENCE) as told, cell.living():
        before_us = cell.clock.now_us()
        await cell.hello(boot_count=4)
        heard = await told.next(WAIT_S_MAX)
        assert heard is not None
        assert heard.identifiers == {"car_id": FIRST}
        assert heard.message.online is True
        assert heard.message.boot_count == 4
        assert heard.message.software_version == "7.1.0"
        assert before_us <= heard.message.last_hello_us <= cell.clock.now_us()
        # What the pages are told is on record already.
        (car,) = (await cell.fleet.cars()).cars
    assert (car.car_id, car.online, car.boot_count, car.state) == (FIRST, True, 4, None)
    assert await cell.count() == 1


async def test_a_state_is_shown_and_makes_no_car_online(records: Records) -> None:
    cell = Cell(records, SystemClock(), QUICK)
    async with cell.living():
        await cell.state()
        await until(cell.has_state)
    (car,) = (await cell.fleet.cars()).cars
    assert car.online is False
    assert car.last_hello_at is None
    assert car.state is not None
    assert car.state.disk_free_bytes == 12_345
    assert car.state.hellos_missed == 3
    assert car.state.started_at.timestamp() == START_US / SECOND_US
    assert await cell.count() == 0


async def test_a_state_that_was_said_before_the_registry_started_is_shown(
    records: Records,
) -> None:
    cell = Cell(records, SystemClock(), QUICK)
    await cell.state(disk_free_bytes=99)
    async with cell.living():
        await until(cell.has_state)
    (car,) = (await cell.fleet.cars()).cars
    assert car.state is not None
    assert car.state.disk_free_bytes == 99


async def test_a_state_tells_the_pages_nothing_of_presence(records: Records) -> None:
    cell = Cell(records, SystemClock(), QUICK)
    async with cell.console.listen(CAR_PRESENCE) as told, cell.living():
        for _ in range(3):
            await cell.state(FIRST)
        await until(cell.has_state)
        await cell.hello(SECOND)
        heard = await told.next(WAIT_S_MAX)
    assert heard is not None
    assert heard.identifiers == {"car_id": SECOND}


def test_it_goes_on_by_itself_when_its_bus_and_its_records_were_away() -> None:
    async def main() -> tuple[int, list[tuple[str, str, int]]]:
        weather = Weather(Faults.none())
        path = Path(weather, Random(3))
        clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        power = Power(Random(4))
        power.add("cell")
        life = power.begin("cell", "registry")
        records = FencedRecords(records_in_memory(Random(1)), life, weather, Random(5))
        cell = Cell(records, clock)
        async with cell.living(lambda bus: FaultyBus(bus, path)):
            await asyncio.sleep(1.0)
            path.cut()
            weather.faults = Faults(records_unavailable_share=1.0)
            await asyncio.sleep(100.0)
            await cell.event(car_pb2.CarEvent(kind="started", boot_count=1))
            path.mend()
            await asyncio.sleep(0.1)
            await cell.hello()
            await asyncio.sleep(2.0)
            weather.faults = Faults.none()
            await asyncio.sleep(2.0)
            return await cell.count(), await cell.events()

    assert run_virtual(main()) == (1, [(FIRST, "started", 1)])


@pytest.mark.parametrize(
    "chance",
    [
        pytest.param(MemoryChance(), id="said-twice"),
        pytest.param(
            MemoryChance(Random(3), duplicate_share=1.0, delay_s_max=0.02), id="always-doubled"
        ),
    ],
)
async def test_an_event_is_recorded_once_however_often_it_comes(
    records: Records, chance: MemoryChance
) -> None:
    cell = Cell(records, SystemClock(), QUICK, chance)
    first = car_pb2.CarEvent(kind="started", boot_count=1)
    second = car_pb2.CarEvent(kind="started", boot_count=2)
    both = [(FIRST, "started", 1), (FIRST, "started", 2)]
    async with cell.living():
        await cell.event(first)
        await cell.event(first)  # in one batch
        await until(lambda: _is(cell.events, both[:1]))
        await cell.event(first)  # in a later one
        await cell.event(second)
        await until(lambda: _is(cell.events, both))
    assert await cell.events() == both


async def _is(ask: Callable[[], Awaitable[object]], wanted: object) -> bool:
    return await ask() == wanted


async def test_only_hellos_within_the_window_count(records: Records) -> None:
    clock = SettableClock()
    for car_id, ago_s in ((FIRST, 0), (SECOND, 20)):
        values = {"online": True, "last_hello_us": clock.now_us() - ago_s * SECOND_US}
        await records.transact(
            lambda connection, car_id=car_id, values=values: rows.save_car(
                connection, car_id, values
            )
        )
    counted = []
    for _ in range(4):
        counted.append(await count_online(records, clock, CONFIG))
        clock.advance(10.0)
    # The second is 30 s old at the second look, the first at the fourth.
    assert counted == [2, 1, 1, 0]


async def test_the_fleet_is_every_car_by_its_name_and_the_time(records: Records) -> None:
    clock = SettableClock()
    cell = Cell(records, clock)
    assert await cell.fleet.cars() == Cars(
        cars=[], now=(await cell.fleet.cars()).now, cars_online_window_s=30
    )
    for car_id in (SECOND, FIRST):
        await service.enrol(records, car_id, "{}", "U", clock.now_us())
    shown = await cell.fleet.cars()
    assert shown.now.timestamp() * SECOND_US == clock.now_us()
    assert [(car.car_id, car.online, car.last_hello_at) for car in shown.cars] == [
        (FIRST, False, None),
        (SECOND, False, None),
    ]


async def test_a_car_that_the_records_forgot_can_be_enrolled_after_its_hello(
    records: Records,
) -> None:
    cell = Cell(records, SystemClock(), QUICK)
    async with cell.console.listen(CAR_PRESENCE) as told, cell.living():
        await cell.hello()
        assert await told.next(WAIT_S_MAX) is not None
    assert await service.enrol(records, FIRST, '{"x":1}', "U", 1) == '{"x":1}'
    assert await service.enrol(records, FIRST, '{"x":2}', "U", 2) == '{"x":1}'
    assert await cell.count() == 1


# --- over minutes, in virtual time -----------------------------------------------------------


def in_virtual_time(story: Callable[[Cell], Awaitable[Result]]) -> Result:
    async def main() -> Result:
        clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        return await story(Cell(records_in_memory(Random(1)), clock))

    return run_virtual(main())


def test_a_car_that_falls_silent_is_told_once_and_comes_back_with_a_hello() -> None:
    async def story(cell: Cell) -> tuple[list[tuple[float, bool]], list[int]]:
        now_s = asyncio.get_running_loop().time
        told: list[tuple[float, bool]] = []
        counted: list[int] = []

        def observe(subject: str, data: bytes) -> None:
            if CAR_PRESENCE.identifiers(subject) is not None:
                told.append((now_s(), car_pb2.CarPresence.FromString(data).online))

        cell.hub.observers.append(observe)
        async with cell.living():
            await cell.hello()
            for wait_s in (29.0, 5.0, 166.0):
                await asyncio.sleep(wait_s)
                counted.append(await cell.count())
            await cell.hello()
            await asyncio.sleep(1.0)
            counted.append(await cell.count())
        return told, counted

    told, counted = in_virtual_time(story)
    assert [online for _, online in told] == [True, False, True]
    window_s = CONFIG.online_window_s
    assert window_s <= told[1][0] <= window_s + CONFIG.silence_check_s + 0.1
    assert counted == [1, 0, 0, 1]


def test_a_car_that_keeps_saying_hello_never_falls_silent() -> None:
    async def story(cell: Cell) -> list[bool]:
        heard = []
        async with cell.console.listen(CAR_PRESENCE) as told, cell.living():
            for _ in range(12):
                await cell.hello()
                await asyncio.sleep(10.0)
            while (delivery := await told.next(0.0)) is not None:
                heard.append(delivery.message.online)
        return heard

    assert in_virtual_time(story) == [True] * 12


def test_a_recorded_event_does_not_come_again() -> None:
    async def story(cell: Cell) -> int:
        async with cell.living():
            await cell.event(car_pb2.CarEvent(kind="started", boot_count=1))
            await asyncio.sleep(10.0)
        assert await cell.events() == [(FIRST, "started", 1)]
        await asyncio.sleep(2 * cell.hub.config.acknowledge_wait_s)
        registry = cell.hub.connect(Identity(Role.REGISTRY))
        consumer = await registry.consumer(CAR_EVENTS, "registry")
        return len(await consumer.fetch(10, 60.0))

    assert in_virtual_time(story) == 0


def test_a_live_page_sees_every_car_first_then_changes_and_ticks() -> None:
    async def story(cell: Cell) -> list[tuple[float, Event]]:
        now_s = asyncio.get_running_loop().time
        seen: list[tuple[float, Event]] = []
        for car_id in (SECOND, FIRST):
            await service.enrol(cell.records, car_id, "{}", "U", cell.clock.now_us())

        async def page() -> None:
            async with contextlib.aclosing(cell.fleet.live()) as events:
                async for event in events:
                    seen.append((now_s(), event))

        async with cell.living(), asyncio.TaskGroup() as group:
            reading = group.create_task(page())
            await asyncio.sleep(12.0)
            await cell.hello(SECOND)
            await asyncio.sleep(50.0)
            reading.cancel()
        return seen

    seen = in_virtual_time(story)
    cars = [
        (at_s, event.data.car_id, event.data.online)
        for at_s, event in seen
        if isinstance(event.data, Car)
    ]
    assert [(car_id, online) for _, car_id, online in cars] == [
        (FIRST, False),
        (SECOND, False),
        (SECOND, True),
        (SECOND, False),
    ]
    assert cars[1][0] < 1.0
    assert 12.0 <= cars[2][0] <= 12.5
    assert 42.0 <= cars[3][0] <= 44.5
    ticks = [(at_s, event.data.now) for at_s, event in seen if isinstance(event.data, Tick)]
    late = [at_s for at_s, _ in ticks if at_s >= 1.0]
    assert (len(ticks), len(late)) == (13, 12), "one tick at the start"
    assert all(now.timestamp() == pytest.approx(START_US / SECOND_US + at) for at, now in ticks)
    assert {event.name for _, event in seen} == {"car", "tick"}

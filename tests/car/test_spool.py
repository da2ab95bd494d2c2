"""The spool: what a car measured reaches the cell in order, however long the cell is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

from sqlalchemy import Connection, select

from monocoque.car.body import service as body_service
from monocoque.car.body.logic import Body, begin_park
from monocoque.car.link import records as rows
from monocoque.car.link import service
from monocoque.car.link.config import LinkConfig
from monocoque.contracts.topics import CAR_BODY, CAR_FRAMES, CAR_FRAMES_CONFIRMED, Role
from monocoque.contracts.wire.command_pb2 import CarBody
from monocoque.contracts.wire.telemetry_pb2 import Frames, FramesConfirmed
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.loop import run_virtual
from monocoque.sim.machine import silent_log
from monocoque.sim.network import FaultyBus, Path
from tests.fixtures.bus import SecretsInMemory

CAR_ID = "car_0123456789abcdefghjkmnpqrs"
START_US = 1_795_600_000_000_000
QUIET = LinkConfig(
    hello_interval_s=3_600.0, state_interval_s=3_600.0, charging_frame_interval_s=10.0
)
"""A new car is plugged in and charges: here it makes as many frames as one that drives."""
CHARGING = replace(QUIET, charging_frame_interval_s=60.0)


class Road:
    """One car, the way to its cell, and what the cell heard."""

    def __init__(self, config: LinkConfig = QUIET) -> None:
        self.time = MachineTime(asyncio.get_running_loop().time, start_us=START_US)
        self.clock = VirtualClock(self.time)
        self.config = config
        self.metrics = Metrics()
        self.hub = MemoryHub(self.clock, self.metrics, silent_log())
        self.hub.observers.append(self._observe)
        self.cell = self.hub.connect(Identity(Role.TELEMETRY))
        self.weather = Weather(Faults.none())
        self.path = Path(self.weather, Random(1))
        self.records = records_in_memory(Random(1))
        self.heard: list[Frames] = []
        self.lives = 0

    def _observe(self, subject: str, data: bytes) -> None:
        if subject == CAR_FRAMES.subject(car_id=CAR_ID):
            self.heard.append(Frames.FromString(data))

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """The link runs inside this block, and is killed at its end."""
        self.lives += 1
        uplink = self.hub.connect(Identity(Role.CAR, {"car_id": CAR_ID}))
        own = MemoryHub(self.clock, self.metrics, silent_log())
        context = Context(
            machine_id=CAR_ID,
            service_name="link",
            clock=self.clock,
            random=Random(f"link {self.lives}"),
            bus=own.connect(Identity(Role.LINK, {"car_id": CAR_ID})),
            records=self.records,
            keystore=SecretsInMemory(),
            metrics=self.metrics,
            log=silent_log(),
            disk_free_bytes=lambda: 1,
            software_version="road",
            configs={LinkConfig: self.config},
            uplink=FaultyBus(uplink, self.path),
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(service.run(context))
            self.own = own
            try:
                yield
            finally:
                life.cancel()

    async def tell_body(self) -> None:
        """The body is said on the car's own bus, as whoever changes it says it."""
        said = CarBody()
        stamp(said, self.clock, Random(self.clock.now_us()))
        bus = self.own.connect(Identity(Role.CAR, {"car_id": CAR_ID}))
        await bus.publish(CAR_BODY, said, car_id=CAR_ID)

    async def confirm(self, sequence: int) -> None:
        said = FramesConfirmed(sequence=sequence)
        stamp(said, self.clock, Random(self.clock.now_us()))
        await self.cell.publish(CAR_FRAMES_CONFIRMED, said, car_id=CAR_ID)

    async def spool(self) -> list[int]:
        """The sequences that wait, after the next frame."""
        await asyncio.sleep(self.config.frame_interval_s)

        def work(connection: Connection) -> list[int]:
            found = connection.execute(select(rows.spool.c.sequence).order_by("sequence"))
            return [row.sequence for row in found]

        return await self.records.transact(work)

    def sequences(self, since: int = 0) -> list[int]:
        return [frames.sequence for frames in self.heard[since:]]

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"monocoque_{name}", labels) or 0.0


def on_the_road(story: Callable[[Road], Awaitable[Any]], config: LinkConfig = QUIET) -> Road:
    async def main() -> Road:
        road = Road(config)
        await story(road)
        return road

    return run_virtual(main())


def test_an_asleep_car_makes_no_frames_and_goes_on_where_it_was() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await asyncio.sleep(100.0)
            now_us = road.clock.now_us()
            await body_service.change(road.records, CAR_ID, now_us, asleep)
            waiting = await road.spool()
            await asyncio.sleep(3_600.0)
            assert await road.spool() == waiting
            now_us = road.clock.now_us()
            await body_service.change(road.records, CAR_ID, now_us, begin_park)
            await asyncio.sleep(road.config.asleep_look_s)  # the body, which would wake it, is away
            assert (await road.spool())[: len(waiting) + 1] == [*waiting, waiting[-1] + 1]

    def asleep(body: Body) -> Body:
        return replace(body, plugged=False)

    on_the_road(story)


def test_a_car_that_only_charges_makes_frames_at_a_pace_of_its_own() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await asyncio.sleep(1_000.0)
            assert await road.spool() == list(range(1, 18))
            for sequence in range(1, 18):  # each wakes the spool, and none makes it measure
                await road.confirm(sequence)
                await asyncio.sleep(1.0)
            assert len(await road.spool()) <= 1
        assert 17 <= max(road.sequences()) <= 18

    on_the_road(story, CHARGING)


def test_a_charging_car_that_is_touched_is_awake_at_once() -> None:
    touched_s: list[float] = []
    heard_s: list[float] = []

    async def story(road: Road) -> None:
        loop = asyncio.get_running_loop()
        async with road.living():
            await asyncio.sleep(1_000.0)
            now_us, touched = road.clock.now_us(), loop.time()
            await body_service.change(road.records, CAR_ID, now_us, begin_park)
            await road.tell_body()
            touched_s.append(touched)
            made = max(road.sequences())
            while len(heard_s) < 3:
                await asyncio.sleep(0.1)
                if max(road.sequences()) > made:
                    made = max(road.sequences())
                    heard_s.append(loop.time())

    on_the_road(story, CHARGING)
    pace_s = CHARGING.frame_interval_s
    assert heard_s[0] <= touched_s[0] + pace_s + 1.0
    for earlier_s, later_s in pairwise(heard_s):
        assert abs(later_s - earlier_s - pace_s) <= 1.0


def test_an_awake_car_sends_a_frame_at_its_pace_and_keeps_it_until_it_is_confirmed() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await asyncio.sleep(100.0)
            made = len(set(road.sequences()))
            assert 9 <= made <= 11
            assert len(await road.spool()) == made + 1
            await road.confirm(made)
            assert await road.spool() == [made + 1, made + 2]
            assert road.value("spool_frames") == 2

    road = on_the_road(story)
    assert sorted(set(road.sequences())) == list(range(1, max(road.sequences()) + 1))
    assert all(frames.values and frames.header.message_id for frames in road.heard)
    assert road.value("spool_frames") == 0.0  # nobody's spool, once the link is gone


def test_what_was_measured_without_a_network_follows_in_order_and_leaves_the_spool() -> None:
    async def story(road: Road) -> None:
        road.path.cut()
        async with road.living():
            await asyncio.sleep(1_000.0)
            assert road.heard == []
            road.path.mend()
            await asyncio.sleep(1.0)
            assert road.sequences() == list(range(1, 101))
            await road.confirm(100)
            assert await road.spool() == [101]

    on_the_road(story)


def test_the_spool_outlives_kills_and_no_number_is_given_twice() -> None:
    async def story(road: Road) -> None:
        road.path.cut()
        made: dict[int, str] = {}
        for _ in range(10):
            async with road.living():
                await asyncio.sleep(35.0)
        road.path.mend()
        async with road.living():
            await asyncio.sleep(1.0)
        for frames in road.heard:
            assert made.setdefault(frames.sequence, frames.header.message_id) == (
                frames.header.message_id
            )
        assert 25 <= len(made) <= 40
        assert sorted(made) == list(range(1, len(made) + 1))

    on_the_road(story)


def test_an_empty_spool_goes_on_counting_after_a_kill() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await asyncio.sleep(50.0)
            last = max(road.sequences())
            await road.confirm(last + 1)
            await road.spool()
        before = len(road.heard)
        async with road.living():
            await asyncio.sleep(25.0)
        assert min(road.sequences(before)) == last + 2

    on_the_road(story)


def test_what_is_not_confirmed_is_sent_again_and_the_pauses_grow() -> None:
    at_s: list[float] = []

    async def story(road: Road) -> None:
        async with road.living():
            while len(at_s) < 5:
                if road.sequences().count(1) > len(at_s):
                    at_s.append(asyncio.get_running_loop().time())
                await asyncio.sleep(0.25)

    on_the_road(story, replace(QUIET, resend_after_s_min=20.0, resend_after_s_max=80.0))
    pauses_s = [later - earlier for earlier, later in pairwise(at_s)]
    for pause_s, wanted_s in zip(pauses_s, (20.0, 40.0, 80.0, 80.0), strict=True):
        assert wanted_s <= pause_s <= wanted_s + 11.0  # looked at with the next frame


def test_hearing_the_same_confirmation_again_does_not_put_off_what_is_sent_again() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await asyncio.sleep(60.0)
            for _ in range(60):
                await asyncio.sleep(10.0)
                await road.confirm(1)
            assert road.sequences().count(2) >= 4

    on_the_road(story, replace(QUIET, resend_after_s_min=20.0, resend_after_s_max=80.0))


def test_a_cell_that_lost_its_data_is_believed_and_sent_what_is_still_there() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await asyncio.sleep(100.0)
            await road.confirm(5)
            assert (await road.spool())[0] == 6
            before = len(road.heard)
            await road.confirm(2)
            await asyncio.sleep(1.0)
            again = road.heard[before:]
            assert [frames.sequence for frames in again][:3] == [6, 7, 8]
            assert {frames.oldest_sequence for frames in again} == {6}

    on_the_road(story)


def test_a_confirmation_that_came_while_it_was_away_is_asked_for() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await asyncio.sleep(50.0)
            road.path.cut()
            await road.confirm(3)
            await asyncio.sleep(5.0)
            road.path.mend()
            await asyncio.sleep(0.5)
            assert (await road.spool())[0] == 4

    on_the_road(story)


def test_a_full_spool_gives_up_the_oldest_counts_it_and_says_so() -> None:
    async def story(road: Road) -> None:
        road.path.cut()
        async with road.living():
            await asyncio.sleep(255.0)
            road.path.mend()
            await asyncio.sleep(1.0)
        last = max(road.sequences())
        assert road.sequences() == list(range(last - 9, last + 1))
        assert {frames.oldest_sequence for frames in road.heard} == {last - 9}
        assert road.value("spool_dropped_total", code="queue_full") == last - 10

    on_the_road(story, replace(QUIET, spool_frames_max=10))


def test_bytes_bound_the_spool_too() -> None:
    async def story(road: Road) -> None:
        road.path.cut()
        async with road.living():
            await asyncio.sleep(255.0)
            assert 2 <= len(await road.spool()) <= 5

    on_the_road(story, replace(QUIET, spool_bytes_max=2_000))


def test_a_car_with_a_new_disk_goes_on_after_what_the_cell_knows() -> None:
    async def story(road: Road) -> None:
        await road.confirm(1_000)
        road.path.cut()
        async with road.living():
            await asyncio.sleep(100.0)  # numbers from 1, since nobody told it otherwise
            waiting = len(await road.spool())
            road.path.mend()
            found = await road.spool()
            assert found == list(range(1_001, 1_001 + waiting + 1))
            await asyncio.sleep(1.0)
        assert sorted(set(road.sequences())) == found
        assert len({frames.header.message_id for frames in road.heard}) == len(found)

    on_the_road(story)


def test_a_frame_that_our_own_door_refuses_is_given_up_and_holds_nothing_back() -> None:
    async def story(road: Road) -> None:
        road.path.cut()
        async with road.living():
            await asyncio.sleep(50.0)

        def spoil(connection: Connection) -> None:
            frames = Frames.FromString(
                connection.execute(
                    select(rows.spool.c.payload).where(rows.spool.c.sequence == 2)
                ).scalar_one()
            )
            frames.header.occurred_at_us += 10**12  # a clock that was eleven days ahead
            connection.execute(
                rows.spool.update()
                .where(rows.spool.c.sequence == 2)
                .values(payload=frames.SerializeToString())
            )

        await road.records.transact(spoil)
        async with road.living():
            road.path.mend()
            await asyncio.sleep(1.0)
            made = max(road.sequences())
            assert sorted(set(road.sequences())) == [1, *range(3, made + 1)]
            assert road.value("spool_dropped_total", code="message_from_the_future") == 1
            before = len(road.heard)
            await road.confirm(1)
            await asyncio.sleep(15.0)
            assert {frames.oldest_sequence for frames in road.heard[before:]} == {3}

    on_the_road(story)


def test_on_a_bad_road_everything_arrives() -> None:
    async def story(road: Road) -> None:
        road.weather.faults = Faults(
            loss_share=0.2, unknown_share=0.2, duplicate_share=0.2, delay_s_max=2.0
        )
        async with road.living():
            await asyncio.sleep(600.0)
            road.weather.faults = Faults.none()
            await asyncio.sleep(60.0)
            made = max(road.sequences())
            assert set(road.sequences()) == set(range(1, made + 1))
            await road.confirm(made)
            assert len(await road.spool()) <= 2

    on_the_road(story)

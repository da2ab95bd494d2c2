"""Telemetry: each frame is in the lake once, wherever the taker is killed and whatever fails."""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from monocoque.cloud.telemetry import service
from monocoque.cloud.telemetry.config import TelemetryConfig
from monocoque.cloud.telemetry.service.table import VALUES
from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import (
    DiskFull,
    LakeUnavailable,
    MonocoqueError,
    RecordsUnavailable,
    SettingInvalid,
)
from monocoque.contracts.topics import CAR_FRAMES, CAR_FRAMES_CONFIRMED, Role
from monocoque.contracts.wire.telemetry_pb2 import Frames, FramesConfirmed
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.lake.file import FileLake
from monocoque.plumbing.lake.port import Texts
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual
from monocoque.sim.machine import silent_log

CAR_A = "car_0123456789abcdefghjkmnpqrs"
CAR_B = "car_1123456789abcdefghjkmnpqrs"
START_US = 1_795_600_000_000_000
SECOND_US = 1_000_000


class Steps:
    """Every call of a port, before and after; one of them can be the last that is ever reached."""

    def __init__(self) -> None:
        self.last = 0
        """The step at which the process is killed; 0 for none."""
        self.failing: dict[str, list[Exception]] = {}
        """Errors that the next calls of a port raise, instead of doing anything."""
        self.done = 0
        self.reached = asyncio.Event()

    async def step(self) -> None:
        self.done += 1
        if self.done == self.last:
            self.reached.set()
            await asyncio.Event().wait()  # until it is cancelled

    async def around(self, name: str, call: Callable[[], Any]) -> Any:
        await self.step()
        if self.failing.get(name):
            raise self.failing[name].pop(0)
        result = await call()
        if self.failing.get(f"{name} after"):
            raise self.failing[f"{name} after"].pop(0)
        await self.step()
        return result


class Stepped:
    """A port whose named calls are steps."""

    def __init__(self, inner: Any, steps: Steps, *names: str) -> None:
        self._inner = inner
        self._steps = steps
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name == "consumer":

            async def consumer(*arguments: Any) -> Any:
                return Stepped(await found(*arguments), self._steps, "acknowledge")

            return consumer
        if name not in self._names:
            return found

        async def stepped(*arguments: Any, **named: Any) -> Any:
            return await self._steps.around(name, lambda: found(*arguments, **named))

        return stepped


class Cell:
    """A cell's telemetry on virtual time; bus, records and lake outlive it."""

    def __init__(self, config: TelemetryConfig | None = None) -> None:
        self.clock = VirtualClock(MachineTime(asyncio.get_running_loop().time, start_us=START_US))
        self.metrics = Metrics()
        self.hub = MemoryHub(self.clock, self.metrics, silent_log())
        self.hub.observers.append(self._observe)
        self.records = records_in_memory(Random(1))
        self.lake = FileLake(None)
        self.config = config or TelemetryConfig()
        self.steps = Steps()
        self.confirmed: dict[str, list[int]] = {CAR_A: [], CAR_B: []}
        self._random = Random(2)
        self._cars = {
            car_id: self.hub.connect(Identity(Role.CAR, {"car_id": car_id}))
            for car_id in (CAR_A, CAR_B)
        }

    def _observe(self, subject: str, data: bytes) -> None:
        named = CAR_FRAMES_CONFIRMED.identifiers(subject)
        if named is not None:
            self.confirmed[named["car_id"]].append(FramesConfirmed.FromString(data).sequence)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        context = Context(
            machine_id="cell",
            service_name="telemetry",
            clock=self.clock,
            random=Random(3),
            bus=Stepped(self.hub.connect(Identity(Role.TELEMETRY)), self.steps, "publish_batch"),
            records=Stepped(self.records, self.steps, "transact"),
            keystore=None,
            metrics=self.metrics,
            log=silent_log(),
            disk_free_bytes=lambda: 1,
            software_version="test",
            configs={TelemetryConfig: self.config},
            lake=Stepped(self.lake, self.steps, "append", "last_batch"),
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(service.run(context))
            try:
                yield
            finally:
                life.cancel()

    def frame(self, sequence: int, oldest: int = 1, **changes: Any) -> Frames:
        wanted: dict[str, Any] = {
            "sequence": sequence,
            "oldest_sequence": oldest,
            "begins_at_us": self.clock.now_us() - SECOND_US,
            "signal_ids": [1, 2**32 - 1],
            "offsets_ms": [0, 500],
            "values": [float(sequence), 0.5],
        }
        frames = Frames(**(wanted | changes))
        stamp(frames, self.clock, self._random)
        return frames

    async def send(self, car_id: str, *frames: Frames) -> None:
        for each in frames:
            await self._cars[car_id].publish(CAR_FRAMES, each, car_id=car_id)

    def inject(self, car_id: str, frames: Frames) -> None:
        """What a car with another door than ours could say."""
        self.hub.accept(CAR_FRAMES, f"car.{car_id}.frames", frames.SerializeToString())

    async def until(self, car_id: str, sequence: int) -> None:
        async with asyncio.timeout(600):
            while self.confirmed[car_id][-1:] != [sequence]:
                await asyncio.sleep(0.5)

    def in_lake(self) -> dict[str, Counter[int]]:
        """How many rows each car has of each sequence."""
        found: dict[str, Counter[int]] = {CAR_A: Counter(), CAR_B: Counter()}
        for _, batch in self.lake.batches(VALUES):
            cars, sequences = batch.columns["car_id"], batch.columns["sequence"]
            assert isinstance(cars, Texts)
            assert not isinstance(sequences, Texts)
            for place, sequence in zip(cars.places, sequences, strict=True):
                found[cars.words[place]][int(sequence)] += 1
        return found

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"monocoque_{name}_total", labels) or 0.0

    def outcomes(self) -> dict[str, float]:
        names = ("taken", "duplicates", "refused", "waiting")
        return {name: count for name in names if (count := self.counted("frames", outcome=name))}


def in_a_cell(story: Callable[[Cell], Any], config: TelemetryConfig | None = None) -> Cell:
    async def main() -> Cell:
        cell = Cell(config)
        await story(cell)
        return cell

    return run_virtual(main())


def rows_of(*sequences: int) -> Counter[int]:
    """Two rows of each of these frames."""
    return Counter(dict.fromkeys(sequences, 2))


def test_frames_are_in_the_lake_before_a_car_is_told() -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            await cell.send(CAR_A, *(cell.frame(sequence) for sequence in range(1, 41)))
            await cell.send(CAR_B, cell.frame(1))
            await cell.until(CAR_A, 40)
            await cell.until(CAR_B, 1)
            assert cell.confirmed == {CAR_A: [40], CAR_B: [1]}
            assert cell.in_lake() == {CAR_A: rows_of(*range(1, 41)), CAR_B: rows_of(1)}
            assert len(cell.lake.batches(VALUES)) == 1
            await cell.send(CAR_A, cell.frame(41))
            await cell.until(CAR_A, 41)

    cell = in_a_cell(story)
    assert cell.outcomes() == {"taken": 42.0}


def test_frames_that_come_again_are_left_out_and_confirmed_again() -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            for _ in range(3):
                await cell.send(CAR_A, *(cell.frame(sequence) for sequence in (1, 2, 2)))
                await asyncio.sleep(60)

    cell = in_a_cell(story)
    assert cell.in_lake()[CAR_A] == rows_of(1, 2)
    assert cell.confirmed[CAR_A] == [2, 2, 2]
    assert cell.outcomes() == {"taken": 2.0, "duplicates": 7.0}


def test_what_comes_before_its_turn_is_kept_and_confirmed_when_its_turn_has_come() -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            for sequence in (1, 3, 4, 2):
                await cell.send(CAR_A, cell.frame(sequence))
                await asyncio.sleep(60)

    cell = in_a_cell(story)
    assert cell.confirmed[CAR_A] == [1, 1, 1, 4]
    assert cell.in_lake()[CAR_A] == rows_of(1, 2, 3, 4)


def test_what_a_car_gave_up_is_counted_and_not_waited_for() -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            await cell.send(CAR_A, cell.frame(1), cell.frame(5), cell.frame(7, oldest=5))
            await cell.until(CAR_A, 5)
            await cell.send(CAR_A, cell.frame(6, oldest=5))
            await cell.until(CAR_A, 7)

    cell = in_a_cell(story)
    assert cell.counted("frames_lost") == 3
    assert cell.in_lake()[CAR_A] == rows_of(1, 5, 6, 7)


def test_of_one_car_only_so_many_frames_are_taken_before_their_turn() -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            await cell.send(CAR_A, *(cell.frame(sequence) for sequence in (2, 3, 4, 5)))
            await asyncio.sleep(60)
            await cell.send(CAR_A, cell.frame(1))
            await cell.until(CAR_A, 4)
            await cell.send(CAR_A, cell.frame(5))
            await cell.until(CAR_A, 5)

    cell = in_a_cell(story, TelemetryConfig(ahead_frames_max=3))
    assert cell.outcomes() == {"taken": 5.0, "waiting": 1.0}
    assert cell.in_lake()[CAR_A] == rows_of(1, 2, 3, 4, 5)


# --- kills and faults -------------------------------------------------------------------------


async def _die_at(cell: Cell, step: int) -> bool:
    """Two batches, and a kill at that step of the ports; whether there was such a step."""
    cell.steps.last = step
    async with cell.living(), asyncio.TaskGroup() as group:
        dying = group.create_task(cell.steps.reached.wait())
        await cell.send(CAR_A, cell.frame(1), cell.frame(2))
        await asyncio.wait({dying}, timeout=30)
        if not dying.done():
            await cell.send(CAR_A, cell.frame(3))
            await cell.send(CAR_B, cell.frame(1))
            await asyncio.wait({dying}, timeout=30)
        died = dying.done()
        dying.cancel()
    return died


def test_a_kill_at_any_step_leaves_each_frame_in_the_lake_once() -> None:
    def lives_through(step: int) -> tuple[Cell, bool]:
        died: list[bool] = []

        async def story(cell: Cell) -> None:
            died.append(await _die_at(cell, step))
            cell.steps.last = 0
            async with cell.living():
                # What a car does that was not told: it says again what is not confirmed.
                for car_id, last in ((CAR_A, 3), (CAR_B, 1)):
                    await cell.send(car_id, *(cell.frame(each) for each in range(1, last + 1)))
                    await cell.until(car_id, last)
                await asyncio.sleep(120)  # whatever the bus gives again

        return in_a_cell(story), died[0]

    steps = 0
    for step in range(1, 1_000):
        cell, died = lives_through(step)
        assert cell.in_lake() == {CAR_A: rows_of(1, 2, 3), CAR_B: rows_of(1)}, f"step {step}"
        assert cell.confirmed[CAR_A][-1] == 3
        assert cell.counted("frames_lost") == 0
        if not died:
            break
        steps = step
    assert steps > 20  # two batches of note, write, hold, tell and acknowledge, each on two sides


@pytest.mark.parametrize(
    ("port", "error"),
    [
        ("append", LakeUnavailable("It did not take the rows.")),
        ("append after", LakeUnavailable("It took them, and did not say so.")),
        ("append", DiskFull("There is no room.")),
        ("last_batch", LakeUnavailable("It cannot be read.")),
        ("transact", RecordsUnavailable("They do not answer.")),
        ("transact after", RecordsUnavailable("They did, and did not say so.")),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_whatever_is_away_for_a_while_no_frame_is_lost_or_doubled(
    port: str, error: MonocoqueError
) -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            for sequence in (1, 2, 3):
                cell.steps.failing[port] = [error, error]
                await cell.send(CAR_A, cell.frame(sequence))
                await cell.until(CAR_A, sequence)

    cell = in_a_cell(story)
    assert cell.in_lake()[CAR_A] == rows_of(1, 2, 3)
    assert cell.counted("errors", where="telemetry", code=error.code) >= 2
    assert cell.counted("frames_lost") == 0


def test_without_a_lake_it_is_an_error_of_the_setup() -> None:
    async def story(cell: Cell) -> None:
        cell.lake = None
        context = Context(
            machine_id="cell",
            service_name="telemetry",
            clock=cell.clock,
            random=Random(3),
            bus=cell.hub.connect(Identity(Role.TELEMETRY)),
            records=cell.records,
            keystore=None,
            metrics=cell.metrics,
            log=silent_log(),
            disk_free_bytes=lambda: 1,
            software_version="test",
            configs={TelemetryConfig: cell.config},
        )
        with pytest.raises(SettingInvalid):
            await service.run(context)

    in_a_cell(story)


# --- bad frames ---------------------------------------------------------------------------------

AHEAD_US = (CLOCK_DIFFERENCE_S_MAX + 60) * SECOND_US


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"values": [1.0]}, "message_malformed", id="a value is missing"),
        pytest.param({"offsets_ms": [0, 1, 2]}, "message_malformed", id="an offset too many"),
        pytest.param({"signal_ids": [], "offsets_ms": [], "values": []}, "message_malformed",
                     id="no values"),
        pytest.param({"values": [math.nan, 1.0]}, "message_malformed", id="no number"),
        pytest.param({"values": [1.0, math.inf]}, "message_malformed", id="infinite"),
        pytest.param({"offsets_ms": [0, -1]}, "message_malformed", id="before the beginning"),
        pytest.param({"offsets_ms": [0, 2**31 - 1]}, "message_malformed", id="weeks later"),
        pytest.param({"texts": {2: "x"}}, "message_malformed", id="a text beside the arrays"),
        pytest.param({"begins_at_us": START_US + AHEAD_US + 600 * SECOND_US},
                     "message_from_the_future", id="from the future"),
    ],
)  # fmt: skip
def test_a_bad_frame_is_counted_and_dealt_with_and_disturbs_no_other(
    changes: dict[str, Any], code: str
) -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            await cell.send(CAR_A, cell.frame(1))
            cell.inject(CAR_A, cell.frame(2, **changes))
            await cell.send(CAR_A, cell.frame(3))
            await cell.send(CAR_B, cell.frame(1))
            await cell.until(CAR_A, 3)

    cell = in_a_cell(story)
    assert cell.in_lake() == {CAR_A: rows_of(1, 3), CAR_B: rows_of(1)}
    assert cell.outcomes() == {"taken": 3.0, "refused": 1.0}
    assert cell.counted("messages_refused", topic=CAR_FRAMES.name, code=code) == 1


@pytest.mark.parametrize(
    "changes", [{"sequence": 0}, {"oldest_sequence": 9}], ids=["no sequence", "a later oldest"]
)
def test_a_frame_that_does_not_say_its_place_changes_no_place(changes: dict[str, Any]) -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            bad = cell.frame(2)
            for name, value in changes.items():
                setattr(bad, name, value)
            cell.inject(CAR_A, bad)
            await cell.send(CAR_A, cell.frame(1))
            await asyncio.sleep(60)

    cell = in_a_cell(story)
    assert cell.in_lake()[CAR_A] == rows_of(1)
    assert cell.outcomes() == {"taken": 1.0, "refused": 1.0}
    assert cell.counted("frames_lost") == 0


def test_a_frame_ten_times_too_large_is_left_out_at_the_door() -> None:
    async def story(cell: Cell) -> None:
        async with cell.living():
            count = 10 * CAR_FRAMES.message_bytes_max // 16
            large: dict[str, Any] = {"signal_ids": [1], "offsets_ms": [0], "values": [1.0]}
            cell.inject(
                CAR_A, cell.frame(1, **{name: each * count for name, each in large.items()})
            )
            await cell.send(CAR_B, cell.frame(1))
            await cell.until(CAR_B, 1)

    cell = in_a_cell(story)
    assert cell.counted("messages_refused", topic=CAR_FRAMES.name, code="message_too_large") == 1
    assert cell.in_lake() == {CAR_A: Counter(), CAR_B: rows_of(1)}

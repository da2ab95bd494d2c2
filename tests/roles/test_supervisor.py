"""The supervisor: what it does with services that end, fail, or will not go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any, cast

import pytest
import structlog

from monocoque.contracts.errors import BusUnavailable
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context, Run
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.migrations import records_in_memory
from monocoque.roles.supervisor import Supervised, supervise
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual
from tests.fixtures.bus import SecretsInMemory

CONFIG = SupervisorConfig(restart_pause_s_min=0.1, restart_pause_s_max=30.0, healthy_after_s=60.0)
RESTARTS = "monocoque_service_restarts_total"
ERRORS = "monocoque_errors_total"


class Diary:
    """A service that follows a script, and when each of its lives began and ended."""

    def __init__(self, script: Callable[[int], Awaitable[None]]) -> None:
        """script: one life; its argument is how many there were before."""
        self.script = script
        self.begun_s: list[float] = []
        self.ended_s: list[float] = []

    async def run(self, _context: Context) -> None:
        now_s = asyncio.get_running_loop().time
        self.begun_s.append(now_s())
        try:
            await self.script(len(self.begun_s) - 1)
        finally:
            self.ended_s.append(now_s())

    def pauses_s(self) -> list[float]:
        """Between the end of one life and the beginning of the next."""
        return [begun - ended for ended, begun in zip(self.ended_s, self.begun_s[1:], strict=False)]


async def fails_at_once(_life: int) -> None:
    raise BusUnavailable("The bus is away.")


async def fails_in_a_group(_life: int) -> None:
    async def fails_later() -> None:
        await asyncio.sleep(0.001)
        raise BusUnavailable("The bus went away.")

    async with asyncio.TaskGroup() as group:
        group.create_task(fails_later())


async def ends_at_once(_life: int) -> None:
    return


async def lives_for_ever(_life: int) -> None:
    await asyncio.Event().wait()


async def dies_of_something_else_when_cancelled(_life: int) -> None:
    async def cannot_clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise BusUnavailable("The bus went first.")

    async with asyncio.TaskGroup() as group:
        group.create_task(cannot_clean_up())


async def eats_its_cancellation(_life: int) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def context_of(name: str, metrics: Metrics, seed: int) -> Context:
    clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
    log = cast(Any, structlog.wrap_logger(structlog.testing.CapturingLogger()))
    return Context(
        machine_id="cell",
        service_name=name,
        clock=clock,
        random=Random(seed),
        bus=MemoryHub(clock, metrics, log).connect(Identity(Role.REGISTRY)),
        records=records_in_memory(Random(seed)),
        keystore=SecretsInMemory(),
        metrics=metrics,
        log=log,
        disk_free_bytes=lambda: 0,
        software_version="1",
    )


@contextlib.asynccontextmanager
async def supervised(
    *services: Run, metrics: Metrics | None = None, seed: int = 1
) -> AsyncIterator[asyncio.Task[None]]:
    """The services run inside this block; afterwards the supervisor has been cancelled."""
    shared = metrics or Metrics()
    rows = [
        Supervised(context_of(f"service_{number}", shared, seed + number), run)
        for number, run in enumerate(services)
    ]
    async with asyncio.TaskGroup() as group:
        at_work = group.create_task(supervise(rows, CONFIG))
        yield at_work
        at_work.cancel()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(fails_at_once, id="fails"),
        pytest.param(fails_in_a_group, id="fails in a group of tasks"),
        pytest.param(ends_at_once, id="ends"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_service_that_does_not_stay_is_started_again_after_a_growing_pause(script, seed) -> None:
    async def main() -> tuple[Diary, float]:
        diary, metrics = Diary(script), Metrics()
        async with supervised(diary.run, metrics=metrics, seed=seed):
            await asyncio.sleep(600.0)
        counted = metrics.registry.get_sample_value(RESTARTS, {"service": "service_0"})
        return diary, counted

    diary, restarts = run_virtual(main())
    expected_s = 0.1
    for pause_s in diary.pauses_s():
        assert 0.5 * expected_s <= pause_s + 1e-6
        assert pause_s <= 1.5 * expected_s + 1e-6
        expected_s = min(2 * expected_s, 30.0)
    assert len(diary.begun_s) > 15, "it is tried for ever"
    assert restarts == len(diary.ended_s)


def test_two_machines_do_not_start_their_services_in_step() -> None:
    async def main(seed: int) -> list[float]:
        diary = Diary(fails_at_once)
        async with supervised(diary.run, seed=seed):
            await asyncio.sleep(60.0)
        return diary.begun_s[1:]

    assert not set(run_virtual(main(1))) & set(run_virtual(main(2)))


def test_the_pause_is_short_again_once_the_service_was_well() -> None:
    async def script(life: int) -> None:
        if life == 8:
            await asyncio.sleep(CONFIG.healthy_after_s)
        raise BusUnavailable("The bus is away.")

    async def main() -> list[float]:
        diary = Diary(script)
        async with supervised(diary.run):
            await asyncio.sleep(600.0)
        return diary.pauses_s()

    pauses_s = run_virtual(main())
    assert pauses_s[7] > 6.0
    assert pauses_s[8] <= 0.15 + 1e-6
    assert 0.1 - 1e-6 <= pauses_s[9] <= 0.3 + 1e-6, "and grows again from there"


def test_a_service_that_was_well_for_too_short_a_time_gains_nothing() -> None:
    async def script(_life: int) -> None:
        await asyncio.sleep(CONFIG.healthy_after_s - 1.0)

    async def main() -> list[float]:
        diary = Diary(script)
        async with supervised(diary.run):
            await asyncio.sleep(1_200.0)
        return diary.pauses_s()

    assert run_virtual(main())[-1] >= 15.0


def test_one_failing_service_disturbs_no_other() -> None:
    async def main() -> None:
        failing, steady, metrics = Diary(fails_at_once), Diary(lives_for_ever), Metrics()
        async with supervised(failing.run, steady.run, metrics=metrics):
            await asyncio.sleep(600.0)
            assert len(failing.begun_s) > 15
            assert (len(steady.begun_s), steady.ended_s) == (1, [])
        reading = metrics.registry.get_sample_value
        code = BusUnavailable.code
        failures = reading(ERRORS, {"where": "service_0", "code": code})
        assert failures == len(failing.ended_s)
        assert reading(RESTARTS, {"service": "service_1"}) is None

    run_virtual(main())


def test_each_error_of_a_service_s_own_tasks_is_counted() -> None:
    async def raises(error: Exception) -> None:
        raise error

    async def script(life: int) -> None:
        if life > 0:
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(raises(BusUnavailable("The bus is away.")))
            group.create_task(raises(ZeroDivisionError()))

    async def main() -> list[float | None]:
        metrics = Metrics()
        async with supervised(Diary(script).run, metrics=metrics):
            await asyncio.sleep(10.0)
        return [
            metrics.registry.get_sample_value(ERRORS, {"where": "service_0", "code": code})
            for code in (BusUnavailable.code, "defect")
        ]

    assert run_virtual(main()) == [1.0, 1.0]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lives_for_ever, id="at work"),
        pytest.param(fails_at_once, id="between two lives"),
        pytest.param(dies_of_something_else_when_cancelled, id="fails at that moment"),
        pytest.param(eats_its_cancellation, id="eats the cancellation"),
    ],
)
def test_cancelling_the_supervisor_ends_every_service(script) -> None:
    async def main() -> None:
        diaries = [Diary(script), Diary(lives_for_ever), Diary(script)]
        async with supervised(*(diary.run for diary in diaries)) as at_work:
            await asyncio.sleep(100.0)
            begun = [len(diary.begun_s) for diary in diaries]
            at_work.cancel()
            await asyncio.wait({at_work}, timeout=1_000.0)
            assert at_work.cancelled()
        assert [len(diary.begun_s) for diary in diaries] == begun
        assert [len(diary.ended_s) for diary in diaries] == begun

    run_virtual(main())

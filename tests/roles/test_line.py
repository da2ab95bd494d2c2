"""The line: a car is a folder with keys of its own, made once, and run by whoever may."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from monocoque.car.keys import service as keys
from monocoque.contracts.errors import DataDirectoryInUse
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles.cars import CarProcess, take_car, take_cars
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.layout import Layout
from monocoque.roles.line import CarLine, run_cars_and_factory
from monocoque.trust.keys import SystemKeyMaker

CAR = CarId("car_0123456789abcdefghjkmnpqrs")
WAIT_S_MAX = 20.0


@pytest.fixture
def process(tmp_path: Path) -> CarProcess:
    layout = Layout(tmp_path / "data")
    layout.make()
    return CarProcess(layout, SystemClock(), Random(7), {RecordsConfig: RecordsConfig()}, "0.1.0")


def is_held(process: CarProcess) -> bool:
    """Whether somebody runs the car."""
    try:
        take_car(process, CAR).lock.release()
    except DataDirectoryInUse:
        return True
    return False


async def until_held(process: CarProcess) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while not is_held(process):
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(line: CarLine) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        life = group.create_task(line.keep_running())
        try:
            yield
        finally:
            life.cancel()


async def test_a_car_that_is_made_again_is_the_same_car(process: CarProcess) -> None:
    made = await CarLine(process).make(CAR)
    assert await CarLine(process).make(CAR) == made
    [taken] = take_cars(process, 1)
    assert taken.car_id == CAR
    taken.lock.release()


async def test_a_folder_that_a_kill_left_is_no_car_until_the_line_completes_it(
    process: CarProcess,
) -> None:
    place = process.layout.car(CAR)
    place.make()
    begun = keys.identity_of(FileKeyStore(place.secrets), SystemKeyMaker())
    assert take_cars(process, 1) == []
    made = await CarLine(process).make(CAR)
    assert made.sign == begun.public_jwk
    take_car(process, CAR).lock.release()


async def test_a_car_that_was_let_go_runs_while_the_others_do_and_ends_with_its_process(
    process: CarProcess,
) -> None:
    line = CarLine(process)
    async with running(line):
        await line.make(CAR)
        assert not is_held(process)
        await line.let_go(CAR)
        await line.let_go(CAR)
        await until_held(process)
    assert not is_held(process)


async def test_a_car_that_another_process_runs_is_taken_over_when_that_one_has_ended(
    process: CarProcess,
) -> None:
    line = CarLine(process)
    await line.make(CAR)
    other = take_car(process, CAR)
    async with running(line):
        await line.let_go(CAR)
        async with asyncio.timeout(WAIT_S_MAX):
            while line.waits_for != {CAR}:
                await asyncio.sleep(0.01)
        other.lock.release()
        await until_held(process)
        assert line.waits_for == set()


async def test_a_car_that_this_process_runs_already_is_left_as_it_is(process: CarProcess) -> None:
    await CarLine(process).make(CAR)
    [taken] = take_cars(process, 1)
    line = CarLine(process, [taken.car_id])
    async with running(line):
        await line.let_go(CAR)
        await line.let_go(CarId("car_1123456789abcdefghjkmnpqrs"))
        async with asyncio.timeout(WAIT_S_MAX):
            while not line.waits_for:
                await asyncio.sleep(0.01)
        assert CAR not in line.waits_for
    taken.lock.release()


async def test_what_cars_of_the_line_count_is_shown_though_their_process_began_without_a_car(
    process: CarProcess,
) -> None:
    process.layout.run.mkdir(parents=True, exist_ok=True)
    path = process.layout.metrics("cars")
    configs = {BusConfig: BusConfig(), SupervisorConfig: SupervisorConfig(), **process.configs}
    async with asyncio.TaskGroup() as group:
        life = group.create_task(run_cars_and_factory(replace(process, configs=configs), []))
        async with asyncio.timeout(WAIT_S_MAX):
            while not path.exists():
                await asyncio.sleep(0.01)
        life.cancel()
    assert not path.exists()

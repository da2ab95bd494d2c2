"""The line of this installation: a car is made as a folder in ``cars/``, and runs in this process.

Rules:

* the process that runs the factory runs the cars that leave its line, beside those that it was
  started with; they begin while the others run, and after every restart;
* a car that another process holds is left to it, and taken over when that process has ended;
* a folder is a car when its keys are in it; what a kill left before that is completed by the same
  order, under the same name.

Left out on purpose: where the factory's decisions are (shop/build), and what a car does (cars.py).
"""

import asyncio
from collections.abc import Collection
from typing import Final

from monocoque.car.keys import service as keys
from monocoque.contracts.errors import DataDirectoryInUse, MonocoqueError
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.logging import get_log
from monocoque.roles.cars import (
    CarProcess,
    TakenCar,
    note_birth,
    run_car,
    run_cars,
    take_car,
    watch_process,
)
from monocoque.roles.factory import run_factory, run_factory_now
from monocoque.roles.homes import run_homes
from monocoque.trust.grants import CarKeys
from monocoque.trust.keys import SystemKeyMaker

CARS: Final = "cars"
LINE: Final = "line"
"""The names under which a process of cars is shown: that of the cell's, or that of a factory alone,
whose own counting has its own name."""
RETRY_S: Final = 1.0
"""Pause before a car that another process holds is asked for again; spread by chance."""


class CarLine:
    """Offers shop/build's port ``Line``."""

    def __init__(self, process: CarProcess, running: Collection[CarId] = ()) -> None:
        """running: the cars that this process runs already."""
        self._process = process
        self._known = set(running)
        self.waits_for: set[CarId] = set()
        """Cars that were let go and cannot be had now: another process holds them, or the disk."""
        self._leaving: asyncio.Queue[CarId] = asyncio.Queue()  # bounded: each car enters once

    async def make(self, car_id: CarId) -> CarKeys:
        """See Line: the folder, the keys in it, and last the note that it is a car."""
        place = self._process.layout.car(car_id)
        place.make()
        made = keys.public_keys(FileKeyStore(place.secrets), SystemKeyMaker())
        note_birth(self._process, car_id)
        return made

    async def let_go(self, car_id: CarId) -> None:
        """See Line."""
        if car_id not in self._known:
            self._known.add(car_id)
            self._leaving.put_nowait(car_id)

    async def keep_running(self) -> None:
        """Run every car that was let go, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                car_id = await self._leaving.get()
                group.create_task(self._run(car_id), name=car_id)

    async def _run(self, car_id: CarId) -> None:
        process, log = self._process, get_log("monocoque.car").bind(car_id=car_id)
        told_code = ""
        while True:
            try:
                taken = take_car(process, car_id)
            except DataDirectoryInUse:
                self.waits_for.add(car_id)  # another process runs it, and is as good
            except MonocoqueError as error:
                self.waits_for.add(car_id)
                if error.code != told_code:
                    told_code = error.code
                    log.warning("car waits", error_code=error.code, hint=error.hint)
            else:
                self.waits_for.discard(car_id)
                try:
                    await run_car(process, car_id)
                finally:
                    taken.lock.release()
            await asyncio.sleep(RETRY_S * (0.5 + process.random.random()))


async def run_cars_and_factory(process: CarProcess, cars: list[TakenCar]) -> None:
    """Run these cars and every home until cancelled; the factory unless another process does."""
    line = CarLine(process, [car.car_id for car in cars])
    async with asyncio.TaskGroup() as group:
        group.create_task(run_cars(process, cars, CARS))
        group.create_task(run_homes(process))
        group.create_task(line.keep_running())
        group.create_task(
            run_factory(
                process.layout,
                process.configs,
                process.software_version,
                process.clock,
                process.random,
                process.metrics,
                line,
            )
        )


async def run_factory_alone(process: CarProcess) -> None:
    """Run the factory, whose lock is taken, and the cars that leave its line."""
    line = CarLine(process)
    async with asyncio.TaskGroup() as group:
        group.create_task(watch_process(process, LINE))
        group.create_task(line.keep_running())
        group.create_task(
            run_factory_now(
                process.layout,
                process.configs,
                process.software_version,
                process.clock,
                process.random,
                line,
            )
        )

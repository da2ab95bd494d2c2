"""A world: a cell and its cars on virtual time, with production's services and seeded trouble.

Rules:

* one seed, one world: the same seed gives the same digest in every process, on every store;
* the services are those of roles/table.py and the two of echo; they know nothing of the world;
* invariants are checked all along; trouble ends before the end, so that what was begun is
  brought to its end in calm and the last invariants can be asked.

Left out on purpose: HTTP over sockets, NATS and nats-server, which have tests on real sockets.
"""

import asyncio
import contextvars
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from monocoque.contracts import identifiers
from monocoque.contracts.topics import Role
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.migrations import records_in_memory
from monocoque.roles.table import SERVICES, MachineKind, ServiceRow
from monocoque.sim.chance import chance
from monocoque.sim.digest import Digest, rows_of
from monocoque.sim.echo import records as echo_records
from monocoque.sim.echo import service as echo
from monocoque.sim.echo.config import EchoConfig
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.invariants import Invariants, Violation
from monocoque.sim.loop import VirtualLoop, run_virtual
from monocoque.sim.machine import Machine, Surroundings
from monocoque.sim.power import LIVING, Life, Power
from monocoque.sim.trouble import Troubles

CELL: Final = "cell"
CHECK_INTERVAL_S: Final = 300.0
"""Pause between two checks of the invariants."""
CALM_S: Final = 300.0
"""How long the end without trouble takes: longer than every wait, pause and redelivery."""

ASKER: Final = ServiceRow(
    name="asker",
    machine=MachineKind.CAR,
    role=Role.ECHO,
    run=echo.ask,
    configs=(EchoConfig,),
    purpose="Asks over the uplink, and notes every answer.",
)
ANSWERER: Final = ServiceRow(
    name="answerer",
    machine=MachineKind.CELL,
    role=Role.ECHO,
    run=echo.answer,
    configs=(EchoConfig,),
    purpose="Answers every question once, in order.",
)
ECHO_SERVICES: Final = (ASKER, ANSWERER)
RecordsFactory = Callable[[str, Random], Records]
"""Makes the database of one machine, with production's tables."""
OnEvent = Callable[[Power, Life], None]
"""Called after every event in a life; tests kill by it."""


@dataclass(frozen=True)
class Setting:
    """What a world is made of."""

    seed: int
    cars: int = 1
    duration_s: float = 3_600.0
    """Virtual time with trouble; the calm at the end comes on top."""
    calm_s: float = CALM_S
    faults: Faults = field(default_factory=Faults.none)
    services: tuple[ServiceRow, ...] = (*SERVICES, *ECHO_SERVICES)
    echo: EchoConfig = field(default_factory=EchoConfig)
    on_event: OnEvent | None = None


@dataclass(frozen=True)
class WorldReport:
    """What came of a world."""

    seed: int
    cars: int
    digest: str
    virtual_seconds: float
    wall_seconds: float
    events: int
    """How many steps the loop took."""
    messages: int
    """How many messages the buses accepted."""
    questions: int
    answers: int
    restarts: int
    """How often a service began again, after a kill, a cut or an error."""
    kills: int
    power_cuts: int
    path_cuts: int
    violations: tuple[Violation, ...]
    """The first of them; none in a good world."""
    violations_counted: int


def memory_records(_machine_id: str, random: Random) -> Records:
    """SQLite in memory, the usual store of a world."""
    return SqliteRecords(None, random, image=_image())


@functools.cache
def _image() -> bytes:
    template = records_in_memory(chance(0))
    template.transact_once(echo_records.metadata.create_all)
    image = template.image()
    template.close_now()
    return image


class World:
    """One world; ``run`` it once, inside a virtual loop."""

    def __init__(self, setting: Setting, make_records: RecordsFactory = memory_records) -> None:
        """Build it; nothing runs yet."""
        self.setting = setting
        self.digest = Digest()
        self.power = Power(chance(setting.seed, "power"))
        self._weather = Weather(setting.faults)
        configs = {kind: kind() for row in setting.services for kind in row.configs}
        self._surroundings = Surroundings(
            seed=setting.seed,
            weather=self._weather,
            power=self.power,
            configs=configs | {EchoConfig: setting.echo},
            observer=self._observer,
        )
        self._make_records = make_records
        self.cell = self._machine(CELL, MachineKind.CELL, None)
        names = chance(setting.seed, "names")
        self.cars = [
            self._machine(identifiers.make("car", names.getrandbits), MachineKind.CAR, self.cell)
            for _ in range(setting.cars)
        ]
        self.invariants = Invariants(
            self.cell.records,
            {car.machine_id: car.records for car in self.cars},
            # Not a clock: one that is set back stands still, and the services have new ones.
            lambda: self.cell.time.wall_ns() // 1_000,
        )
        self.power.on_cut.append(lambda machine_id: self._let_go(machine_id))
        self.power.on_restore.append(lambda machine_id: self._connect_again(machine_id))

    @property
    def machines(self) -> Sequence[Machine]:
        """The cell first, then the cars."""
        return (self.cell, *self.cars)

    async def run(self) -> WorldReport:
        """Live through it, from the first start to the last check."""
        began_s = time.monotonic()
        troubles = Troubles(
            self.setting.faults,
            self.power,
            self.machines,
            functools.partial(chance, self.setting.seed, "trouble"),
        )
        for machine in self.machines:
            await machine.records.transact(echo_records.metadata.create_all)
        async with asyncio.TaskGroup() as group:
            at_work = [
                group.create_task(machine.run(), name=machine.machine_id)
                for machine in self.machines
            ]
            watching = group.create_task(self._watch())
            trouble = group.create_task(troubles.run())
            await asyncio.sleep(self.setting.duration_s)
            trouble.cancel()
            await asyncio.wait({trouble})
            await self._calm()
            for task in (watching, *at_work):
                task.cancel()
        await self.invariants.check_end()
        await self._digest_records()
        return self._report(time.monotonic() - began_s)

    async def _calm(self) -> None:
        """No more trouble; bring everything to its end."""
        self._weather.faults = Faults.none()
        for machine in self.machines:
            machine.time.offset_us = 0
        await self.invariants.begin_calm()
        await asyncio.sleep(self.setting.calm_s)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            await self.invariants.check()

    def _machine(self, machine_id: str, kind: MachineKind, cell: Machine | None) -> Machine:
        rows = tuple(row for row in self.setting.services if row.machine is kind)
        records = self._make_records(machine_id, chance(self.setting.seed, "store", machine_id))
        return Machine(self._surroundings, machine_id, kind, rows, records, cell)

    def _observer(self, machine_id: str) -> Callable[[str, bytes], None]:
        add = self.digest.observer(machine_id)

        def observe(subject: str, data: bytes) -> None:
            add(subject, data)
            self.invariants.observe(machine_id, subject, data)

        return observe

    def _let_go(self, machine_id: str) -> None:
        """The cell without power cannot be reached by anybody."""
        for car in self.cars:
            if machine_id == CELL:
                car.path.cut()

    def _connect_again(self, machine_id: str) -> None:
        for car in self.cars:
            if machine_id == CELL:
                car.path.mend()

    async def _digest_records(self) -> None:
        for machine in sorted(self.machines, key=lambda machine: machine.machine_id):
            for row in await machine.records.transact(rows_of):
                self.digest.add(machine.machine_id.encode(), row.encode())
            await machine.records.close()

    def _report(self, wall_seconds: float) -> WorldReport:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return WorldReport(
            seed=self.setting.seed,
            cars=self.setting.cars,
            digest=self.digest.hexadecimal(),
            virtual_seconds=loop.time(),
            wall_seconds=wall_seconds,
            events=loop.events,
            messages=self.digest.messages,
            questions=self.invariants.questions,
            answers=self.invariants.answers,
            restarts=self.power.restarts,
            kills=self.power.kills,
            power_cuts=self.power.cuts,
            path_cuts=sum(machine.path.cuts for machine in self.machines),
            violations=tuple(self.invariants.violations),
            violations_counted=self.invariants.counted.total(),
        )


def live(setting: Setting, make_records: RecordsFactory = memory_records) -> WorldReport:
    """Run the world of that setting on a loop of its own."""
    worlds: list[World] = []

    async def main() -> WorldReport:
        worlds.append(World(setting, make_records))
        return await worlds[0].run()

    def observe(context: contextvars.Context) -> None:
        life = context.get(LIVING)
        if life is not None and setting.on_event is not None:
            setting.on_event(worlds[0].power, life)

    return run_virtual(main(), observer=observe if setting.on_event is not None else None)


def run_world(cars: int, hours: float, seed: int, faults: Faults) -> WorldReport:
    """A world of so many cars for so many virtual hours, and the calm at its end."""
    return live(Setting(seed=seed, cars=cars, duration_s=hours * 3_600.0, faults=faults))

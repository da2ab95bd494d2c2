"""A world: a cell, its factory, its cars and their owners on virtual time, with seeded trouble.

Rules:

* one seed, one world: the same seed gives the same digest in every process, on every store;
* the services are those of roles/table.py, the cell's HTTP and the two of echo; they know nothing
  of the world;
* what is on record came there as in production: cars are born at the factory and enrol, people
  sign in, take their car over and send commands, all through the cell's door;
* a world whose services lack the door (``Setting.services``) has no people, and cars that know no
  maker: enough for echo, and much cheaper;
* invariants are checked all along; trouble ends before the end, so that what was begun is
  brought to its end in calm and the last invariants can be asked.

Left out on purpose: HTTP over sockets, NATS and nats-server, which have tests on real sockets; and
an account for each person: as in production so far, whoever signs in on the phone site is the same
owner there, and only keys tell people apart.
"""

import asyncio
import contextvars
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from monocoque.contracts import identifiers
from monocoque.contracts.rights import Site
from monocoque.contracts.topics import Role
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.service import make_sign_in_link
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.factory import FACTORY
from monocoque.roles.migrations import records_in_memory
from monocoque.roles.table import SERVICES, MachineKind, ServiceRow
from monocoque.sim.chance import chance
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.deeds import Deeds
from monocoque.sim.digest import Digest, rows_of
from monocoque.sim.door import Door, Way
from monocoque.sim.echo import records as echo_records
from monocoque.sim.echo import service as echo
from monocoque.sim.echo.config import EchoConfig
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.invariants import Invariants, Violation
from monocoque.sim.loop import VirtualLoop, run_virtual
from monocoque.sim.machine import Machine, Surroundings
from monocoque.sim.maker import Maker
from monocoque.sim.network import Path
from monocoque.sim.people import Errands, PeopleConfig, Person
from monocoque.sim.power import LIVING, Life, Power
from monocoque.sim.trouble import Troubles
from monocoque.trust.outcomes import Outcome

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
WITHOUT_DOOR: Final = (
    *(row for row in SERVICES if row.machine is not MachineKind.FACTORY),
    *ECHO_SERVICES,
)
"""For a world without factory, HTTP and people."""
SESSIONS_PER_PERSON: Final = 3
"""How many sign-in links and sessions there is room for, times the people, who share an account."""
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
    people: PeopleConfig = field(default_factory=PeopleConfig)
    on_event: OnEvent | None = None

    @property
    def has_door(self) -> bool:
        """Whether there is a factory, and so HTTP, births and people."""
        return any(row.machine is MachineKind.FACTORY for row in self.services)


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
    requests: int
    """How many the cell's HTTP was asked."""
    hand_overs: int
    """How many cars have their owner."""
    commands: int
    """How many commands the cell acknowledged, by their senders' own lists."""
    commands_done: int
    """How many of them were done, by a receipt of the car."""
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
        self.door = Door(self._connect_door, lambda *who: self._maker().car_credentials(*who))
        self.services = (*setting.services, *([self.door.row()] if setting.has_door else []))
        configs = {kind: kind() for row in self.services for kind in row.configs}
        self._surroundings = Surroundings(
            seed=setting.seed,
            weather=self._weather,
            power=self.power,
            configs=configs | self._own_configs(),
            observer=self._observer,
        )
        self._make_records = make_records
        self.cell = self._machine(CELL, MachineKind.CELL, None)
        self.factory: Machine | None = None
        self.maker: Maker | None = None
        if setting.has_door:
            self.factory = self._machine(FACTORY, MachineKind.FACTORY, self.cell)
            self.maker = Maker(setting.seed, self.factory, self.cell)
        names = chance(setting.seed, "names")
        car_ids = [identifiers.make("car", names.getrandbits) for _ in range(setting.cars)]
        self.cars = [self._machine(car_id, MachineKind.CAR, self.cell) for car_id in car_ids]
        self.people = [self._person(car_id) for car_id in car_ids] if self.maker else []
        cars = {car.machine_id: car.records for car in self.cars}
        self.invariants = Invariants(
            self.cell.records,
            cars,
            # Not a clock: one that is set back stands still, and the services have new ones.
            lambda: self.cell.time.wall_ns() // 1_000,
        )
        self.deeds = Deeds(
            cars,
            {car.machine_id: car.keystore for car in self.cars},
            self.people,
            self.invariants.violate,
        )
        self.power.on_cut.append(lambda machine_id: self._let_go(machine_id))
        self.power.on_restore.append(lambda machine_id: self._connect_again(machine_id))

    @property
    def machines(self) -> Sequence[Machine]:
        """The cell first, then the cars, then the factory if there is one."""
        return (self.cell, *self.cars, *([self.factory] if self.factory else []))

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
            living = [group.create_task(person.live()) for person in self.people]
            trouble = group.create_task(troubles.run())
            await asyncio.sleep(self.setting.duration_s)
            trouble.cancel()
            await asyncio.wait({trouble})
            await self._calm()
            await self._look_back()
            for task in (watching, *living, *at_work):
                task.cancel()
        await self.invariants.check_end()
        await self.deeds.check_end()
        await self._digest_records()
        return self._report(time.monotonic() - began_s)

    async def _calm(self) -> None:
        """No more trouble; bring everything to its end."""
        self._weather.faults = Faults.none()
        for machine in self.machines:
            machine.time.offset_us = 0
        for person in self.people:
            person.rest()
        await self.invariants.begin_calm()
        await asyncio.sleep(self.setting.calm_s)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            await self.invariants.check()
            await self.deeds.check()

    async def _look_back(self) -> None:
        """Everybody looks once more at what the cell had acknowledged."""
        async with asyncio.TaskGroup() as group:
            for person in self.people:
                group.create_task(person.look_back())

    def _machine(self, machine_id: str, kind: MachineKind, cell: Machine | None) -> Machine:
        rows = tuple(row for row in self.services if row.machine is kind)
        records = self._make_records(machine_id, chance(self.setting.seed, "store", machine_id))
        birth = None
        if kind is MachineKind.CAR and self.maker is not None:
            birth = self.maker.birth(self._way("car's way", machine_id))
        return Machine(self._surroundings, machine_id, kind, rows, records, cell, birth)

    def _person(self, car_id: str) -> Person:
        assert self.maker is not None
        seed = self.setting.seed
        clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        links = chance(seed, "sign-in links", car_id)
        errands = Errands(
            sign_in_code=lambda: make_sign_in_link(
                self.cell.records, clock, links, Site.PHONE, self._accounts()
            ),
            paper=self.maker.paper,
        )
        way, random = self._way("phone's way", car_id), chance(seed, "person", car_id)
        return Person(car_id, way, errands, clock, random, self.setting.people)

    def _way(self, *purpose: str) -> Way:
        """A way of its own to the cell's door, as bad as the weather."""
        return Way(self.door, Path(self._weather, chance(self.setting.seed, *purpose)))

    def _maker(self) -> NatsAuthority:
        assert self.maker is not None
        return self.maker.authority

    def _connect_door(self, role: Role) -> Bus:
        life = LIVING.get()
        assert life is not None
        return self.cell.connect(role, life)

    def _own_configs(self) -> dict[type, Any]:
        return {EchoConfig: self.setting.echo, AccountsConfig: self._accounts()}

    def _accounts(self) -> AccountsConfig:
        usual, room = AccountsConfig(), SESSIONS_PER_PERSON * self.setting.cars
        return AccountsConfig(
            links_per_person_max=max(usual.links_per_person_max, room),
            sessions_per_person_max=max(usual.sessions_per_person_max, room),
        )

    def _observer(self, machine_id: str) -> Callable[[str, bytes], None]:
        add = self.digest.observer(machine_id)

        def observe(subject: str, data: bytes) -> None:
            add(subject, data)
            self.invariants.observe(machine_id, subject, data)
            self.deeds.observe(machine_id, subject, data)

        return observe

    def _let_go(self, machine_id: str) -> None:
        """The cell without power cannot be reached by anybody."""
        for machine in self.machines[1:]:
            if machine_id == CELL:
                machine.path.cut()

    def _connect_again(self, machine_id: str) -> None:
        for machine in self.machines[1:]:
            if machine_id == CELL:
                machine.path.mend()

    async def _digest_records(self) -> None:
        for machine in sorted(self.machines, key=lambda machine: machine.machine_id):
            for row in await machine.records.transact(rows_of):
                self.digest.add(machine.machine_id.encode(), row.encode())
            await machine.records.close()

    def _report(self, wall_seconds: float) -> WorldReport:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        orders = [order for person in self.people for order in person.memory.orders]
        return WorldReport(
            seed=self.setting.seed,
            cars=self.setting.cars,
            digest=self.digest.hexadecimal(),
            virtual_seconds=loop.time(),
            wall_seconds=wall_seconds,
            events=loop.events,
            messages=self.digest.messages,
            requests=self.door.requests,
            hand_overs=sum(bool(person.grant) for person in self.people),
            commands=sum(order.is_acknowledged for order in orders),
            commands_done=sum(order.state == Outcome.DONE for order in orders),
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

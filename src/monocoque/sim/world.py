"""A world: a cell, its factory, its cars and their owners on virtual time, with seeded trouble.

Rules:

* one seed, one world: the same seed gives the same digest in every process, on every store;
* the services are those of roles/table.py, the cell's HTTP and the two of echo; they know nothing
  of the world;
* what is on record came there as in production: cars are born at the factory and enrol, people
  sign in, take their car over and send commands, all through the cell's door;
* a car that leaves the factory's line joins the world, with somebody who takes it over;
* a world whose services lack the door (``Setting.services``) has no people, and cars that know no
  maker: enough for echo, and much cheaper;
* invariants are checked all along; trouble ends before the end, so that what was begun is
  brought to its end in calm and the last invariants can be asked.

Left out on purpose: HTTP over sockets, NATS and nats-server, which have tests on real sockets; and
an account for each person: as in production so far, whoever signs in on the phone site is the same
owner there, and only keys tell people apart.
"""

import asyncio
import contextlib
import contextvars
import functools
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from random import Random
from typing import Any, Final

from monocoque.car.link.config import LinkConfig
from monocoque.car.updates.service import Downloads
from monocoque.contracts import identifiers
from monocoque.contracts.rights import Site
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.downloads import HttpDownloads
from monocoque.roles.factory import FACTORY
from monocoque.roles.migrations import records_in_memory
from monocoque.roles.shop import make_shop
from monocoque.roles.table import MachineKind, ServiceRow
from monocoque.shop.build.service import Line
from monocoque.sim.chance import chance
from monocoque.sim.clock import START_US
from monocoque.sim.crowd import Crowd
from monocoque.sim.diary import Days, diary_of
from monocoque.sim.digest import Digest, rows_of
from monocoque.sim.door import ADDRESS, Door, Way
from monocoque.sim.echo import records as echo_records
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.homes import PORTS, Homes, home_ids
from monocoque.sim.judges import Judges
from monocoque.sim.liars import LYING_COMPANY, Liar
from monocoque.sim.line import WorldLine
from monocoque.sim.loop import VirtualLoop, run_virtual
from monocoque.sim.machine import Machine, Surroundings
from monocoque.sim.maker import Maker
from monocoque.sim.network import Path
from monocoque.sim.pace import (
    LONG,
    LONG_CALL_OFF_SHARE,
    LONG_CALM_S,
    LONG_CHECK_INTERVAL_S,
    LONG_FAULTS_RARER,
    LONG_HABITS,
    LONG_PEOPLE,
    LONG_SOFTWARE,
)
from monocoque.sim.people import Person
from monocoque.sim.power import LIVING, Power
from monocoque.sim.report import WorldReport
from monocoque.sim.sabotage import NOTHING_BROKEN, Sabotage
from monocoque.sim.setting import Setting
from monocoque.sim.trouble import Troubles
from monocoque.sim.workshop import Workshop
from monocoque.trust.keys import SeededKeyMaker
from monocoque.trust.outcomes import Outcome

CELL: Final = "cell"
RecordsFactory = Callable[[str, Random], Records]
"""Makes the database of one machine, with production's tables."""
PROGRESS_S: Final = 60.0
"""Whoever waits for a world is told of each such piece of virtual time."""
DAY_HOURS_MIN: Final = 12.0
"""From so many hours on there is a second release, and a morning."""
WARM_MINUTE: Final = 7 * 60 + 30
LONG_HOURS_MIN: Final = 3.0
"""From so many hours on a world has the pace of a long one (pace.py)."""


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

    factory: Machine | None = None
    maker: Maker | None = None
    crowd: Crowd | None = None
    workshop: Workshop | None = None

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
            configs={**configs, **setting.own_limits, **setting.limits},
            observer=self._observer,
            ports={Line: self._line()},
            sabotage=setting.sabotage,
        )
        self._make_records = make_records
        self.cell = self._machine(CELL, MachineKind.CELL, None)
        self.cars: list[Machine] = []
        self.homes: list[Machine] = []
        self._liars: list[Liar] = []
        if setting.has_door:
            self._open_door()
        names = chance(setting.seed, "names")
        car_ids = [identifiers.make("car", names.getrandbits) for _ in range(setting.cars)]
        self.cars += [self._machine(car_id, MachineKind.CAR, self.cell) for car_id in car_ids]
        self.judges = Judges(
            setting,
            self.cell,
            self.factory,
            self.crowd,
            self.homes,
            None if self.workshop is None else self.workshop.signed,
        )
        for car in self.cars:
            self.judges.add_car(car)
        self.machines: list[Machine] = [self.cell, *self.cars]
        """The cell first, then the cars, then the factory if there is one; new cars at the end."""
        if self.factory is not None:
            self.machines += [self.factory, *self.homes]
        self._troubles = Troubles(
            setting.faults,
            self.power,
            self.machines,
            functools.partial(chance, setting.seed, "trouble"),
        )
        self._group = asyncio.TaskGroup()
        self._living: list[asyncio.Task[None]] = []
        """Machines and people, who live until the end."""
        self._is_cell_off = False
        self._before: Counter[str] = Counter()
        """What was counted before the days."""
        self._days_begin_s = 0.0
        self._joined_s: dict[str, float] = {}
        """When each car left the line."""
        self.power.on_cut.append(lambda machine_id: self._let_go(machine_id))
        self.power.on_restore.append(lambda machine_id: self._connect_again(machine_id))

    @property
    def people(self) -> list[Person]:
        """Who owns, or is about to own, a car; grows."""
        return [] if self.crowd is None else self.crowd.people

    async def run(self) -> WorldReport:
        """Live through it, from the first start to the last check."""
        began_s = time.monotonic()
        for machine in self.machines:
            await machine.records.transact(echo_records.metadata.create_all)
        if self.crowd is not None:
            await self._given_homes.begin()
        async with self._group as group:
            for machine in self.machines:
                self._live(machine.run(), machine.machine_id)
            self._live(self._watch(), "watch")
            self._live(self._tell_time(), "time")
            if self.crowd is not None:
                for car in self.cars:
                    self.crowd.add_owner(car.machine_id)
            trouble = group.create_task(self._troubles.run())
            await self._prologue()
            await asyncio.sleep(self.setting.duration_s)
            trouble.cancel()
            await asyncio.wait({trouble})
            await self._calm()
            if self.crowd is not None:
                await self.crowd.look_back()
            for task in self._living:
                task.cancel()
        await self.judges.check_end()
        counted = await self._count()
        await self._digest_records()
        return self._report(time.monotonic() - began_s, counted)

    def _live(self, life: Coroutine[Any, Any, None], name: str) -> None:
        self._living.append(self._group.create_task(life, name=name))

    async def _prologue(self) -> None:
        """Wait until whoever orders a car at the beginning has it; then the days begin."""
        setting = self.setting
        if self.crowd is None or not setting.buyers + setting.late_buyers:
            return
        buyers = self.crowd.add_buyers(setting.buyers)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(setting.prologue_s_max):
                for buyer in buyers:
                    await buyer.is_delivered.wait()
        for buyer in buyers:
            if not buyer.is_delivered.is_set():
                self.judges.invariants.violate("never_delivered", buyer.name)
        self._before = await self._count()
        self._days_begin_s = asyncio.get_running_loop().time()
        self.crowd.add_late_buyers(setting.late_buyers, setting.duration_s / 2)
        if self.workshop is not None:
            way, code = self._way("console's way"), self.crowd.code(Site.CONSOLE, "console")
            announce, days_s = self.crowd.announce, setting.duration_s
            self._live(self.workshop.live(way, code, announce, days_s), "workshop")

    async def _calm(self) -> None:
        """No more trouble; bring everything to its end."""
        self._weather.faults = Faults.none()
        for machine in self.machines:
            machine.time.offset_us = 0
        if self.crowd is not None:
            self.crowd.rest()
        if self.workshop is not None:
            await self.workshop.rest()
        await self.judges.begin_calm()
        await asyncio.sleep(self.setting.calm_s)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self.setting.check_interval_s)
            await self.judges.check()

    async def _tell_time(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PROGRESS_S)
            self.setting.progress(loop.time() / 3_600.0)

    # --- what it is made of -------------------------------------------------------------------

    def _machine(self, machine_id: str, kind: MachineKind, cell: Machine | None) -> Machine:
        rows = tuple(row for row in self.services if row.machine is kind)
        records = self._make_records(machine_id, chance(self.setting.seed, "store", machine_id))
        birth: ServiceRow | None = None
        ports: dict[type, Any] = {}
        if kind is MachineKind.CAR and self.maker is not None:
            birth = self.maker.birth(self._way("car's way", machine_id))
            ports = {Downloads: HttpDownloads(lambda: ADDRESS, self._liar(self.maker, machine_id))}
        if kind is MachineKind.HOME:
            ports = PORTS
        return Machine(self._surroundings, machine_id, kind, rows, records, cell, birth, ports)

    def _line(self) -> WorldLine:
        seed = self.setting.seed
        return WorldLine(
            begin=lambda car_id: self._machine(car_id, MachineKind.CAR, self.cell),
            start=self._join,
            random=lambda car_id: chance(seed, "car's keys", car_id),
        )

    def _join(self, car: Machine) -> None:
        """A car left the line: it lives, is watched, and has somebody who wants it."""
        assert self.crowd is not None
        car_id = car.machine_id
        self.judges.add_car(car)
        self.cars.append(car)
        self.machines.append(car)
        if self._is_cell_off:
            car.path.cut()  # as everybody's path was, and mended with them
        self._joined_s[car_id] = asyncio.get_running_loop().time()
        self._troubles.add(car)
        self._live(self._begin(car), car_id)
        self.crowd.car_left_line(car)

    async def _begin(self, car: Machine) -> None:
        await car.records.transact(echo_records.metadata.create_all)
        await car.run()

    def _open_door(self) -> None:
        """There are a factory, a shop, companies that make software, and people."""
        setting, cell = self.setting, self.cell
        self.factory = self._machine(FACTORY, MachineKind.FACTORY, cell)
        self.maker = Maker(setting.seed, self.factory, cell)
        self._make_shop()
        names = home_ids(setting.homes, chance(setting.seed, "homes"))
        self.homes += [self._machine(home_id, MachineKind.HOME, cell) for home_id in names]
        codes = chance(setting.seed, "codes of homes")
        self._given_homes = Homes(cell, self.homes, setting.cars_per_home, codes)
        self.crowd = Crowd(setting, cell, self.maker, self._given_homes, self._way, self._live)
        self.workshop = Workshop(
            cell,
            self.maker.companies,
            self.cars,
            self._weather,
            chance(setting.seed, "workshop"),
            setting.software,
        )

    def _make_shop(self) -> None:
        """The shop's secrets, as a first start of the cell makes them."""
        source = chance(self.setting.seed, "shop's keys")
        make_shop(self.cell.keystore, SeededKeyMaker(source.randbytes), source)

    def _way(self, *purpose: str) -> Way:
        """A way of its own to the cell's door, as bad as the weather."""
        return Way(self.door, Path(self._weather, chance(self.setting.seed, *purpose)))

    def _liar(self, maker: Maker, car_id: str) -> Liar:
        """A car's way to the files of updates, and who sits on it."""
        way, company = self._way("car's downloads", car_id), maker.companies[LYING_COMPANY]
        random = chance(self.setting.seed, "liar", car_id)
        self._liars.append(Liar(way, self.cell, company, self._weather, random))
        return self._liars[-1]

    def _maker(self) -> NatsAuthority:
        assert self.maker is not None
        return self.maker.authority

    def _connect_door(self, role: Role) -> Bus:
        life = LIVING.get()
        assert life is not None
        return self.cell.connect(role, life)

    def _observer(self, machine_id: str) -> Callable[[str, bytes], None]:
        add = self.digest.observer(machine_id)

        def observe(subject: str, data: bytes) -> None:
            add(subject, data)
            self.judges.observe(machine_id, subject, data)

        return observe

    def _let_go(self, machine_id: str) -> None:
        """The cell without power cannot be reached by anybody."""
        if machine_id == CELL:
            self._is_cell_off = True
            for machine in self.machines[1:]:
                machine.path.cut()

    def _connect_again(self, machine_id: str) -> None:
        if machine_id == CELL:
            self._is_cell_off = False
            for machine in self.machines[1:]:
                machine.path.mend()

    # --- what came of it ----------------------------------------------------------------------

    async def _count(self) -> Counter[str]:
        """Everything that is counted from the beginning of the days."""
        crowd = self.crowd
        return Counter(
            {
                "frames": self.judges.measured().frames,
                "driven_m": 0 if crowd is None else await crowd.driven_m(),
                "updates_installed": len(self.judges.software.installed),
                "scenes_fired": len(self.judges.occasions.fired),
                "update_lies": sum(liar.told for liar in self._liars),
                "updates_rolled_back": len(self.judges.software.rolled_back),
                "messages": self.digest.messages,
                "requests": self.door.requests,
                "questions": self.judges.invariants.questions,
                "answers": self.judges.invariants.answers,
                "restarts": self.power.restarts,
                "kills": self.power.kills,
                "power_cuts": self.power.cuts,
                "path_cuts": sum(machine.path.cuts for machine in self.machines),
            }
        )

    def _car_seconds(self, now_s: float) -> float:
        """How long all cars together were there in the days."""
        return sum(
            now_s - max(self._days_begin_s, self._joined_s.get(car.machine_id, 0.0))
            for car in self.cars
        )

    async def _digest_records(self) -> None:
        for machine in sorted(self.machines, key=lambda machine: machine.machine_id):
            for row in await machine.records.transact(rows_of):
                self.digest.add(machine.machine_id.encode(), row.encode())
            await machine.records.close()

    def _report(self, wall_seconds: float, counted: Counter[str]) -> WorldReport:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        crowd, begin_s = self.crowd, self._days_begin_s
        buyers = [] if crowd is None else crowd.buyers
        commands = [] if crowd is None else crowd.commands(begin_s)
        orders = [] if crowd is None else crowd.purchases(begin_s)
        gained = {name: count - self._before[name] for name, count in counted.items()}
        driven_m, measured = gained.pop("driven_m"), self.judges.measured()
        days = Days(START_US, begin_s, loop.time())
        link: LinkConfig = self.setting.limits.get(LinkConfig, LinkConfig())
        measured_s = measured.frames_since(days.begins_us).measured_s(link)
        sleep_s = max(0.0, self._car_seconds(loop.time()) - measured_s)
        return WorldReport(
            seed=self.setting.seed,
            cars=len(self.cars),
            digest=self.digest.hexadecimal(),
            virtual_seconds=loop.time(),
            prologue_seconds=self._days_begin_s,
            wall_seconds=wall_seconds,
            events=loop.events,
            orders=len(orders),
            commands=len(commands),
            commands_done=sum(sent.state == Outcome.DONE for sent in commands),
            deliveries=sum(buyer.is_delivered.is_set() for buyer in buyers),
            hand_overs=sum(bool(person.grant) for person in self.people),
            drive_km=driven_m / 1_000,
            sleep_hours=sleep_s / 3_600,
            violations=tuple(self.judges.invariants.violations),
            violations_counted=self.judges.invariants.counted.total(),
            diary=diary_of(
                days,
                measured,
                [sent.begun_s for sent in commands],
                [purchase.begun_s for purchase in orders],
            ),
            **gained,
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


def run_world(
    cars: int,
    hours: float,
    seed: int,
    faults: Faults,
    progress: Callable[[float], object],
    sabotage: Sabotage = NOTHING_BROKEN,
) -> WorldReport:
    """So many people buy a car; then come so many virtual hours, and the calm at the end.

    One more buys a car in these hours.

    progress: told the virtual hours that are over, each minute of them.
    """
    setting = Setting(
        seed=seed,
        cars=0,
        buyers=cars,
        late_buyers=1,
        duration_s=hours * 3_600.0,
        faults=faults,
        sabotage=sabotage,
        progress=progress,
        # Whoever breaks something that nobody does would never be found out.
        late_call_off_share=0.0 if sabotage is NOTHING_BROKEN else 1.0,
    )
    if hours >= LONG_HOURS_MIN:
        setting = replace(
            setting,
            limits=LONG,
            calm_s=LONG_CALM_S,
            check_interval_s=LONG_CHECK_INTERVAL_S,
            late_call_off_share=max(setting.late_call_off_share, LONG_CALL_OFF_SHARE),
            people=LONG_PEOPLE,
            habits=replace(
                LONG_HABITS, warm_minute=WARM_MINUTE if hours >= DAY_HOURS_MIN else None
            ),
            software=replace(LONG_SOFTWARE, releases=2 if hours >= DAY_HOURS_MIN else 1),
            faults=faults.rarer(LONG_FAULTS_RARER),
        )
    return live(setting)

"""One machine of a world: its bus, records, secrets, clock and services.

Rules:

* the services are rows of a table, supervised by production's supervisor; each start is a life
  with ports of its own (sim/power.py), over the paths of sim/network.py;
* the cell's bus and every database outlive a loss of power; a car's own bus is memory, and does
  not;
* a car reaches the cell's bus under its own identifiers only; the factory has no other bus than
  the cell's; and even the cell's services reach their bus over a path, as they reach nats-server;
* what a machine does before its services (a car's birth) is a life like theirs.

Left out on purpose: what goes wrong when; that is sim/trouble.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType
from typing import Any, Final, NoReturn, cast

import structlog

from monocoque.contracts.errors import MachineFenced, MonocoqueError
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.memory import MemoryChance, MemoryHub
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.disk.memory import MemoryDisk
from monocoque.plumbing.disk.port import Disk
from monocoque.plumbing.documents.memory import MemoryDocuments
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.lake.file import FileLake
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.supervisor import Supervised, supervise
from monocoque.roles.table import MachineKind, ServiceRow
from monocoque.sim.chance import chance
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.disk import FencedDisk
from monocoque.sim.documents import FencedDocuments
from monocoque.sim.faults import Weather
from monocoque.sim.network import FaultyBus, Path
from monocoque.sim.power import (
    LIVING,
    FencedBus,
    FencedKeyStore,
    FencedLake,
    FencedRecords,
    Life,
    Power,
    VirtualKeyStore,
)
from monocoque.sim.sabotage import NOTHING_BROKEN, Place, Sabotage

DISK_FREE_BYTES: Final = 64 * 1024**3
SOFTWARE_VERSION: Final = "world"
BIRTH_RETRY_S: Final = 1.0
"""Pause before a birth that failed is tried again; spread by chance, as production's is."""


@dataclass(frozen=True)
class Surroundings:
    """What every machine of one world shares."""

    seed: int
    weather: Weather
    power: Power
    configs: Mapping[type, Any]
    observer: Callable[[str], Callable[[str, bytes], None]]
    """Gives, for a machine's id, what its bus calls for every message."""
    ports: Mapping[type, Any] = field(default_factory=dict)
    """The adapters of features' own ports; see Context."""
    sabotage: Sabotage = NOTHING_BROKEN

    def random(self, *purpose: str) -> Random:
        """This world's chance for one purpose."""
        return chance(self.seed, *purpose)


class Machine:
    """One machine."""

    def __init__(
        self,
        surroundings: Surroundings,
        machine_id: str,
        kind: MachineKind,
        rows: tuple[ServiceRow, ...],
        records: Records,
        cell: "Machine | None" = None,
        birth: ServiceRow | None = None,
        ports: Mapping[type, Any] = MappingProxyType({}),
    ) -> None:
        """Build it; ``run`` starts it.

        cell: whose bus a machine outside it reaches. birth: has to end well before the services
        begin, after each return of the power. ports: adapters that this machine alone has.
        """
        self.machine_id = machine_id
        self.kind = kind
        self.rows = rows
        self.records = records
        self.keystore = VirtualKeyStore()
        self.lake = FileLake(None) if kind is MachineKind.CELL else None
        """What the cell's telemetry wrote, on its virtual disk."""
        self.documents = MemoryDocuments() if kind is MachineKind.CELL else None
        """The cell's documents, on its virtual disk."""
        self.disk = MemoryDisk() if kind is MachineKind.CAR else None
        """What is in a car's control units, on a disk that keeps what was synced."""
        self._disk_chance = surroundings.random("disk", machine_id)
        self._ports = ports
        self.time = MachineTime(asyncio.get_running_loop().time)
        self.metrics = Metrics()
        self.path = Path(surroundings.weather, surroundings.random("path", machine_id))
        """From this machine's services to the cell's bus."""
        self._surroundings = surroundings
        self._cell = cell
        self._birth = birth
        self.hub = self._new_hub()
        surroundings.power.add(machine_id)

    async def run(self) -> NoReturn:
        """Run the services whenever there is power, until cancelled."""
        power = self._surroundings.power
        while True:
            await power.until_on(self.machine_id)
            if self.kind is not MachineKind.CELL:
                self.hub = self._new_hub()
            async with asyncio.TaskGroup() as group:
                at_work = group.create_task(self._work())
                await power.until_off(self.machine_id)
                at_work.cancel()
            if self.disk is not None:
                self.disk.restore(self._disk_chance)

    async def _work(self) -> None:
        if self._birth is not None:
            await self._be_born(self._birth)
        await supervise([self._supervised(row) for row in self.rows], SupervisorConfig())

    async def _be_born(self, birth: ServiceRow) -> None:
        pauses = self._surroundings.random("birth", self.machine_id)
        while True:
            try:
                await self._live(birth, self._context(birth))
            except MonocoqueError:
                await asyncio.sleep(BIRTH_RETRY_S * (0.5 + pauses.random()))
            else:
                return

    def _new_hub(self) -> MemoryHub:
        around, faults = self._surroundings, self._surroundings.weather.faults
        hub = MemoryHub(
            VirtualClock(self.time),
            self.metrics,
            silent_log(),
            MemoryChance(
                around.random("hub", self.machine_id),
                duplicate_share=faults.duplicate_share,
                delay_s_max=faults.delay_s_max,
                redeliver_share=faults.duplicate_share,
            ),
        )
        hub.observers.append(around.observer(self.machine_id))
        return hub

    def _supervised(self, row: ServiceRow) -> Supervised:
        async def run(context: Context) -> None:
            await self._live(row, context)

        return Supervised(context=self._context(row), run=run)

    def _context(self, row: ServiceRow) -> Context:
        """What outlives each life of this service."""
        around = self._surroundings
        return Context(
            machine_id=self.machine_id,
            service_name=row.name,
            clock=VirtualClock(self.time),
            random=around.random("supervisor", self.machine_id, row.name),
            bus=self._bus(row.role),
            records=self.records,
            keystore=self.keystore,
            metrics=self.metrics,
            log=silent_log(),
            disk_free_bytes=lambda: DISK_FREE_BYTES,
            software_version=SOFTWARE_VERSION,
            configs=around.configs,
            ports=around.ports,
        )

    async def _live(self, row: ServiceRow, context: Context) -> None:
        """One life of one service."""
        life = self._surroundings.power.begin(self.machine_id, row.name)
        mine = self._context_of(life, row, context)
        body = asyncio.create_task(_in_life(life, row, mine), name=f"{self.machine_id}/{row.name}")
        death = asyncio.create_task(life.until_over())
        was_killed = False
        try:
            await asyncio.wait({body, death}, return_when=asyncio.FIRST_COMPLETED)
            was_killed = life.is_over
        finally:
            life.end()
            death.cancel()
            await _bury(body, mine)
        if was_killed:
            raise MachineFenced(f"{self.machine_id}/{row.name} was killed.")
        await body

    def _context_of(self, life: Life, row: ServiceRow, context: Context) -> Context:
        around = self._surroundings
        names = (self.machine_id, row.name, str(life.number))
        records_chance = around.random("records", *names)
        return replace(
            context,
            clock=VirtualClock(self.time),
            random=around.random("service", *names),
            bus=self.connect(row.role, life),
            uplink=self._uplink(row, life),
            records=FencedRecords(
                around.sabotage.records(self._place(row.role), self.records),
                life,
                around.weather,
                records_chance,
            ),
            keystore=FencedKeyStore(self.keystore, life, around.power),
            ports={**around.ports, **self._own_ports(life)},
            lake=None if self.lake is None else FencedLake(around.sabotage.lake(self.lake), life),
        )

    def _own_ports(self, life: Life) -> dict[type, Any]:
        own = dict(self._ports)
        if self.documents is not None:
            own[Documents] = FencedDocuments(self.documents, life)
        if self.disk is not None:
            own[Disk] = FencedDisk(self._surroundings.sabotage.disk(self.disk), life)
        return own

    def connect(self, role: Role, life: Life) -> Bus:
        """A connection of this life to the machine's bus."""
        bus = self._surroundings.sabotage.bus(self._place(role), self._bus(role))
        return FencedBus(bus, life)

    def _place(self, role: Role, *, is_uplink: bool = False) -> Place:
        return Place(self.machine_id, self.kind, role, is_uplink)

    def _bus(self, role: Role) -> Bus:
        if self.kind is MachineKind.CAR:
            return self.hub.connect(Identity(role))
        if self.kind is MachineKind.HOME:
            return self.hub.connect(Identity(role, {"home_id": self.machine_id}))
        hub = self.hub if self._cell is None else self._cell.hub
        return FaultyBus(hub.connect(Identity(role)), self.path)

    def _uplink(self, row: ServiceRow, life: Life) -> Bus | None:
        if self._cell is None or self.kind not in (MachineKind.CAR, MachineKind.HOME):
            return None
        identity = Identity(Role.CAR, {"car_id": self.machine_id})
        if row.role is Role.HOME:
            identity = Identity(Role.HOME, {"home_id": self.machine_id})
        if row.role is Role.ECHO:
            identity = Identity(Role.ECHO, {"echo_id": self.machine_id})
        bus = FaultyBus(self._cell.hub.connect(identity), self.path)
        place = self._place(row.role, is_uplink=True)
        return FencedBus(self._surroundings.sabotage.bus(place, bus), life)


async def _in_life(life: Life, row: ServiceRow, context: Context) -> None:
    LIVING.set(life)
    await row.run(context)


async def _bury(body: asyncio.Task[None], context: Context) -> None:
    """Let the dead end; whatever it says now, nobody hears."""
    body.cancel()
    await asyncio.wait({body})
    if not body.cancelled():
        body.exception()
    await context.bus.close()
    if context.uplink is not None:
        await context.uplink.close()


def silent_log() -> structlog.stdlib.BoundLogger:
    """A log that nobody reads: a world tells by its digest and its report."""
    kind = structlog.stdlib.BoundLogger
    log = structlog.wrap_logger(None, processors=[_drop], wrapper_class=kind)
    return cast(structlog.stdlib.BoundLogger, log)


def _drop(_logger: Any, _method: str, _event: Any) -> NoReturn:
    raise structlog.DropEvent

"""The cell: nats-server, the cell's services, HTTP, and a process for the virtual cars.

Rules:

* ``run_cell`` ends by being cancelled; whatever it started has ended when it returns, nats-server
  last, so that everybody's last word could still be said;
* children that die are started again: nats-server on its port, the cars with the folders they
  had;
* a child ends by itself when this process is killed: nats-server is ended by the next start, the
  cars' standard input closes.

Left out on purpose: several processes per cell. The services read and write the same records, so
that is a matter of starting, not of code.
"""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from monocoque.cloud.enrolment import web as enrolment_web
from monocoque.cloud.enrolment.service import Enrolment
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry import web as registry_web
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import BusConfig, NatsServerConfig
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.server import Listener, serve
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import write_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.cars_process import CarsProcess
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.data_directory import DataDirectory
from monocoque.roles.factory import TRUSTED_KEY, make_factory
from monocoque.roles.http import METRICS_ENTRY, build_app
from monocoque.roles.migrations import migrate
from monocoque.roles.supervisor import Supervised, supervise
from monocoque.roles.table import MachineKind, services_of
from monocoque.trust.keys import SystemKeyMaker

CARS_START_S_MAX = 4.0
"""How long the announcement waits for the virtual cars to be there."""
LOOK_S = 0.05
NOTE_TIME_S = 60.0
METRICS_TOKEN_BITS = 256


@dataclass(frozen=True)
class CellSettings:
    """What one start of a cell is told."""

    cars: int
    configs: Mapping[type, Any]
    software_version: str


@dataclass(frozen=True)
class Cell:
    """A cell that is being started: the parts that everything shares."""

    directory: DataDirectory
    settings: CellSettings
    clock: SystemClock
    random: Random
    records: Records
    keystore: KeyStore
    nats: NatsServer
    metrics: Metrics

    def context(self, service_name: str, bus: Bus) -> Context:
        """What a service of this cell may touch."""
        path = self.directory.layout.path
        return Context(
            machine_id="cell",
            service_name=service_name,
            clock=self.clock,
            random=self.random,
            bus=bus,
            records=self.records,
            keystore=self.keystore,
            metrics=self.metrics,
            log=get_log(f"monocoque.{service_name}"),
            disk_free_bytes=lambda: shutil.disk_usage(path).free,
            software_version=self.settings.software_version,
            configs=self.settings.configs,
        )

    async def connect(self, role: Role) -> NatsBus:
        """A connection to the cell's bus as this role."""
        return await NatsBus.connect(
            identity=Identity(role),
            credentials=self.nats.authority.service_credentials(role),
            server_address=self.nats.address,
            clock=self.clock,
            random=self.random,
            metrics=self.metrics,
            log=get_log("monocoque.bus"),
            config=self.settings.configs[BusConfig],
        )


Announce = Callable[[Records], Awaitable[None]]
"""Told once, when the cell answers and its cars are there (or too late)."""


async def run_cell(
    directory: DataDirectory,
    listener: Listener,
    settings: CellSettings,
    clock: SystemClock,
    random: Random,
    announce: Announce,
) -> None:
    """Run the cell on an open data directory until cancelled."""
    cars = CarsProcess(directory.layout, settings.cars)
    write_process_file(directory.layout.door, os.getpid(), {"http": listener.port})
    await cars.start()
    async with _ended(cars), _parts(directory, settings, clock, random) as cell:
        buses = {row.role: await cell.connect(row.role) for row in services_of(MachineKind.CELL)}
        console = await cell.connect(Role.CONSOLE)
        services = [
            Supervised(cell.context(row.name, buses[row.role]), row.run)
            for row in services_of(MachineKind.CELL)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(cell.nats.supervise())
                group.create_task(supervise(services, settings.configs[SupervisorConfig]))
                group.create_task(_serve(cell, console, listener))
                group.create_task(cars.keep(cell.metrics))
                group.create_task(_note_time(cell))
                group.create_task(_announce(cell, announce))
        finally:
            for bus in (*buses.values(), console):
                await bus.close()


@contextlib.asynccontextmanager
async def _ended(cars: CarsProcess) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await cars.end()


@contextlib.asynccontextmanager
async def _parts(
    directory: DataDirectory, settings: CellSettings, clock: SystemClock, random: Random
) -> AsyncIterator[Cell]:
    """Everything below the services, ready; in order down again at the end."""
    layout = directory.layout
    keystore = FileKeyStore(layout.secrets)
    make_factory(layout, keystore, SystemKeyMaker())
    if keystore.read(METRICS_ENTRY) is None:
        token = f"{random.getrandbits(METRICS_TOKEN_BITS):064x}"
        keystore.write(METRICS_ENTRY, token.encode())
    configs = settings.configs
    records = open_cell_records(layout, configs[RecordsConfig], random)
    log = get_log("monocoque.nats")
    nats = NatsServer(layout.path, keystore, clock, log, configs[NatsServerConfig])
    try:
        await migrate(records)
        await nats.start()
        yield Cell(directory, settings, clock, random, records, keystore, nats, Metrics())
    finally:
        await nats.stop()
        await records.close()


async def _serve(cell: Cell, console: Bus, listener: Listener) -> None:
    config: HttpConfig = cell.settings.configs[HttpConfig]
    limits: RegistryConfig = cell.settings.configs[RegistryConfig]
    factory_key = json.loads(cell.keystore.read(TRUSTED_KEY) or b"{}")
    enrolment = Enrolment(
        cell.records, cell.clock, factory_key, cell.nats.authority.car_credentials
    )
    fleet = registry_web.Fleet(cell.records, console, cell.clock, limits)
    application = build_app(
        cell.context("http", console),
        cars_online=lambda: registry.count_online(cell.records, cell.clock, limits),
        routers=[registry_web.routes(fleet), enrolment_web.routes(enrolment)],
    )
    await serve(application, listener, config)


async def _note_time(cell: Cell) -> None:
    while True:
        cell.directory.note_time(cell.clock.now_us())
        await asyncio.sleep(NOTE_TIME_S)


async def _announce(cell: Cell, announce: Announce) -> None:
    """When the virtual cars are there, or when they took too long; the page tells the truth."""
    limits: RegistryConfig = cell.settings.configs[RegistryConfig]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CARS_START_S_MAX):
            while True:
                online = await registry.count_online(cell.records, cell.clock, limits)
                if online >= cell.settings.cars:
                    break
                await asyncio.sleep(LOOK_S)
    await announce(cell.records)

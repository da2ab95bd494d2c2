"""The cell: nats-server, the cell's services, HTTP, and a process for the virtual cars.

Rules:

* ``run_cell`` ends by being cancelled; whatever it started has ended when it returns, nats-server
  last, so that everybody's last word could still be said;
* the cars that are missing are ordered before the services start, so that these find the orders;
  what could not be paid then is tried again beside them; homes that are missing are made;
* children that die are started again: nats-server on its port, the cars with the folders they
  had;
* a child ends by itself when this process is killed: nats-server is ended by the next start, the
  cars' standard input closes.

Left out on purpose: the parts that it is told to be without. They run in processes of their own
(apart.py), which this one neither starts nor ends.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.errors import (
    RecordsContended,
    StorageError,
    UnavailableError,
)
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import BusConfig, NatsServerConfig
from monocoque.plumbing.bus.nats_refusals import count_refusals
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.documents.files import FileDocuments
from monocoque.plumbing.http.listening import Listener
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.lake.delta import DeltaLake
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.metrics_file import keep_metrics_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.roles.cars_process import CarsProcess
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.cell_settings import CellSettings
from monocoque.roles.clock import CLOCK_LOOK_S, ClockWatch
from monocoque.roles.data_directory import DataDirectory
from monocoque.roles.factory import make_factory
from monocoque.roles.first_cars import FirstCars
from monocoque.roles.homes import make_homes
from monocoque.roles.http import METRICS_ENTRY
from monocoque.roles.migrations import migrate
from monocoque.roles.orders import tell_order
from monocoque.roles.parts import PARTS, Frame, run_services
from monocoque.roles.programme import Places, make_programme, places_of
from monocoque.roles.refused_starts import count_refused_starts
from monocoque.roles.serving import serve_http
from monocoque.roles.shop import make_shop
from monocoque.trust.keys import SystemKeyMaker

CELL = "cell"
CARS_START_S_MAX = 4.0
"""How long the announcement waits for the virtual cars to be there."""
LOOK_S = 0.05
ORDER_AGAIN_S = 1.0
"""Pause before first cars that could not be ordered or paid are tried again."""
METRICS_TOKEN_BITS = 256


@dataclass(frozen=True)
class Cell:
    """A cell that is being started."""

    directory: DataDirectory
    settings: CellSettings
    frame: Frame
    nats: NatsServer
    first_cars: FirstCars


Announce = Callable[[Records], Awaitable[None]]
"""Told once, when the cell answers and its cars are there (or too late)."""


async def run_cell(
    directory: DataDirectory,
    listener: Listener | None,
    cars: CarsProcess,
    settings: CellSettings,
    clock: SystemClock,
    random: Random,
    announce: Announce,
) -> None:
    """Run the cell on an open data directory until cancelled.

    listener: None when HTTP is among the parts that the cell is without. cars: started, and kept
    here from now on, and ended with the services, before nats-server. Whoever started it ends it
    when the cell does not come so far.
    """
    layout = directory.layout
    async with (
        _parts(directory, settings, clock, random) as cell,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(cell.nats.supervise())
        group.create_task(run_services(cell.frame, set(PARTS) - settings.without))
        if listener is not None:
            group.create_task(serve_http(cell.frame, listener))
        group.create_task(cars.keep(cell.frame.metrics))
        group.create_task(_note_time(cell))
        group.create_task(keep_metrics_file(cell.frame.metrics, layout.metrics(CELL)))
        group.create_task(_count_refusals(cell))
        group.create_task(count_refused_starts(layout, cell.frame.metrics))
        group.create_task(_keep_ordering(cell))
        group.create_task(_announce(cell, announce))


@contextlib.asynccontextmanager
async def _parts(
    directory: DataDirectory, settings: CellSettings, clock: SystemClock, random: Random
) -> AsyncIterator[Cell]:
    """Everything below the services, ready; in order down again at the end."""
    layout = directory.layout
    keystore = FileKeyStore(layout.secrets)
    make_factory(layout, keystore, SystemKeyMaker())
    make_shop(keystore, SystemKeyMaker(), random)
    places = places_of(layout, keystore, FileDocuments(layout.documents))
    if keystore.read(METRICS_ENTRY) is None:
        token = f"{random.getrandbits(METRICS_TOKEN_BITS):064x}"
        keystore.write(METRICS_ENTRY, token.encode())
    configs = settings.configs
    records = open_cell_records(layout, configs[RecordsConfig], random)
    log = get_log("monocoque.nats")
    nats = NatsServer(layout.path, keystore, clock, log, configs[NatsServerConfig])
    lake = DeltaLake(layout.lake)
    try:
        await migrate(records)
        first_cars = FirstCars(
            records,
            keystore,
            clock,
            random,
            configs,
            here=layout.count_cars(),
            wanted=settings.cars,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(nats.start())
            # While nats-server starts in a process of its own.
            group.create_task(_make_programme(places, clock))
            group.create_task(first_cars.order(_tell_nobody))
        await make_homes(layout, records, nats.authority, clock, random, settings.homes)
        frame = Frame(
            process_name=CELL,
            layout=layout,
            configs=configs,
            software_version=settings.software_version,
            clock=clock,
            random=random,
            records=records,
            keystore=keystore,
            authority=nats.authority,
            server_address=nats.address,
            lake=lake,
            metrics=Metrics(clock),
        )
        yield Cell(directory, settings, frame, nats, first_cars)
    finally:
        await nats.stop()
        await lake.close()
        await records.close()


async def _make_programme(places: Places, clock: SystemClock) -> None:
    make_programme(places, SystemKeyMaker(), clock)


async def _tell_nobody(order_id: str, state: str) -> None:
    """Of an order before anything runs that could hear it; what starts then reads the records."""


async def _keep_ordering(cell: Cell) -> None:
    """Order and pay the first cars that are left, such as one whose payment was cut off."""
    frame, first_cars = cell.frame, cell.first_cars
    if first_cars.are_paid:
        return
    async with frame.connected(Role.ORDERS) as bus:
        while not first_cars.are_paid:
            await first_cars.order(partial(tell_order, bus, frame.clock, frame.random))
            await asyncio.sleep(ORDER_AGAIN_S)


async def _note_time(cell: Cell) -> None:
    """A full disk costs the note, and not the cell."""
    log, metrics, clock = get_log("monocoque.cell"), cell.frame.metrics, cell.frame.clock
    watch = ClockWatch(clock, metrics, CELL, log)
    while True:
        now_us = watch.look()
        try:
            if clock.is_behind:
                cell.directory.note_time_now(now_us)
            else:
                cell.directory.note_time(now_us)
        except StorageError as error:
            metrics.errors.labels(where=CELL, code=error.code).inc()
            log.warning("the cell goes on", error_code=error.code, what=error.what, hint=error.hint)
        await asyncio.sleep(CLOCK_LOOK_S)


async def _count_refusals(cell: Cell) -> None:
    frame = cell.frame
    await count_refusals(
        frame.server_address,
        frame.authority.watchman_credentials(),
        frame.random,
        frame.metrics,
        get_log("monocoque.bus"),
        frame.configs[BusConfig],
    )


async def _announce(cell: Cell, announce: Announce) -> None:
    """When the virtual cars are there, or when they took too long; the page tells the truth."""
    frame = cell.frame
    limits: RegistryConfig = frame.configs[RegistryConfig]
    # Nobody counts the cars before the other processes are started.
    wait_s_max = 0.0 if cell.settings.without else CARS_START_S_MAX
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s_max):
            while True:
                with contextlib.suppress(RecordsContended, UnavailableError):
                    online = await registry.count_online(frame.records, frame.clock, limits)
                    if online >= cell.settings.cars:
                        break
                await asyncio.sleep(LOOK_S)
    await announce(frame.records)

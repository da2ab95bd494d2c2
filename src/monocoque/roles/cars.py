"""The virtual cars of this machine: each with its own bus, records, secrets and services.

Rules:

* a car is a folder in ``cars/``; a process takes it by its lock, so no car ever runs twice;
* a car that cannot go on (no cell, refused, full disk) tries again after a pause, and disturbs no
  other;
* this process ends when the one that started it ends (its standard input closes).

Left out on purpose: what a car does; its services are rows of table.py.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import httpx

from monocoque.car.apps.service import AppsPlace
from monocoque.car.enrolment import service as enrolment
from monocoque.car.keys import service as keys
from monocoque.car.kuksa import service as kuksa
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.catalogue import Catalogue, own_catalogue
from monocoque.car.signals.service.history import KeptHistory
from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.signals.service.port import Brokers, Carried, DoorPlate, History
from monocoque.car.tokens.config import TokensConfig
from monocoque.car.tokens.service import Tokens, key_of
from monocoque.car.updates.service import Downloads
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    CarAlreadyEnrolled,
    CellUnreachable,
    CredentialsRefused,
    DataDirectoryInUse,
    DefectError,
    MonocoqueError,
    NotFound,
)
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsCredentials
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.disk.folder import FolderDisk
from monocoque.plumbing.disk.port import Disk
from monocoque.plumbing.files import storage_errors, write_atomically
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.locks import DirectoryLock
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.metrics_file import keep_metrics_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.opening import open_records
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.bus import VehicleBus
from monocoque.roles.clock import ClockWatch
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.data_directory import check_database
from monocoque.roles.doors import DOORS, ON_A_BUS, OUTSIDE, DoorFile, HubBrokers
from monocoque.roles.downloads import HttpDownloads, address_of
from monocoque.roles.factory import birth_document, leave_line
from monocoque.roles.layout import Layout, MachineLayout
from monocoque.roles.migrations import migrate
from monocoque.roles.outside import OutsideAddress
from monocoque.roles.supervisor import Supervised, supervise
from monocoque.roles.table import MachineKind, ServiceRow, services_of
from monocoque.trust.keys import SystemKeyMaker

RETRY_S = 1.0
"""Pause before a car that could not start tries again; spread by chance."""
TELL_AGAIN_S = 60.0
"""A car that waits for one and the same reason says so this often."""
REQUEST_S_MAX = 10.0
"""How long the cell may take to answer an enrolment."""


@dataclass(frozen=True)
class CarProcess:
    """What the cars of one process share."""

    layout: Layout
    clock: Clock
    random: Random
    configs: Mapping[type, Any]
    software_version: str
    catalogue: Catalogue = field(default_factory=own_catalogue)
    """The signals that these cars have."""
    outside: OutsideAddress | None = None
    """The broker that has their signals; None for one in this process."""
    bus: VehicleBus | None = None
    """The bus of the vehicle that they are on; None for the virtual body alone."""
    metrics: Metrics = field(default_factory=Metrics)
    """What all of them count, together."""


@dataclass(frozen=True)
class TakenCar:
    """A car that this process alone runs."""

    car_id: CarId
    lock: DirectoryLock


def take_cars(process: CarProcess, count_max: int) -> list[TakenCar]:
    """The oldest cars that nobody runs, so many at most; none is made."""
    taken: list[TakenCar] = []
    places = [MachineLayout(path) for path in process.layout.cars.glob("car_*/")]
    born = [(_born_us(place), place.path.name) for place in places]
    for _, name in sorted((born_us, name) for born_us, name in born if born_us is not None):
        if len(taken) < count_max:
            with contextlib.suppress(DataDirectoryInUse):
                taken.append(take_car(process, CarId(name)))
    return taken


def make_car(process: CarProcess) -> TakenCar:
    """A new car that nobody ordered, taken at once."""
    car_id = CarId(identifiers.make("car", process.random.getrandbits))
    place = process.layout.car(car_id)
    place.make()
    taken = TakenCar(car_id, DirectoryLock(place.path))
    note_birth(process, car_id)
    return taken


def note_birth(process: CarProcess, car_id: CarId) -> None:
    """From now on this folder is a car; once is enough, and twice is harmless."""
    place = process.layout.car(car_id)
    if _born_us(place) is None:
        write_atomically(place.born, str(process.clock.now_us()).encode())


def take_car(process: CarProcess, car_id: CarId) -> TakenCar:
    """A car that exists. Raises NotFound, DataDirectoryInUse when another process runs it."""
    place = process.layout.car(car_id)
    if _born_us(place) is None:
        raise NotFound(
            f"There is no {car_id} in {process.layout.cars}.",
            hint="Name a car of that folder, or leave --car out for a new one.",
        )
    return TakenCar(car_id, DirectoryLock(place.path))


def _born_us(place: MachineLayout) -> int | None:
    """When the car of this folder was made; None when it never was, wholly."""
    with storage_errors(place.path):
        try:
            return int(place.born.read_bytes())
        except (FileNotFoundError, ValueError):
            return None


async def run_cars(process: CarProcess, cars: list[TakenCar], name: str) -> None:
    """Run these cars until cancelled; name: that of the process, which has its metrics' file."""
    async with asyncio.TaskGroup() as group:
        group.create_task(watch_process(process, name))
        for car in cars:
            group.create_task(run_car(process, car.car_id), name=car.car_id)


async def watch_process(process: CarProcess, name: str) -> None:
    """Show under this name what the process counts, and look at its clock, until cancelled."""
    async with asyncio.TaskGroup() as group:
        path = process.layout.metrics(name)
        group.create_task(keep_metrics_file(process.metrics, path))
        watch = ClockWatch(process.clock, process.metrics, "car", get_log("monocoque.car"))
        group.create_task(watch.keep_looking())


async def run_car(process: CarProcess, car_id: CarId) -> None:
    """Run a car that was taken, life after life, until cancelled."""
    log = get_log("monocoque.car").bind(car_id=car_id)
    told_code, told_us = "", 0
    while True:
        try:
            await _live(process, car_id)
        except MonocoqueError as error:
            process.metrics.errors.labels(where="car", code=error.code).inc()
            now_us = process.clock.now_us()
            if error.code != told_code or now_us - told_us >= TELL_AGAIN_S * 1_000_000:
                told_code, told_us = error.code, now_us
                log.warning("car waits", error_code=error.code, what=error.what, hint=error.hint)
        except Exception:  # a defect in one car disturbs no other
            process.metrics.errors.labels(where="car", code=DefectError.code).inc()
            log.exception("car failed")
        await asyncio.sleep(RETRY_S * (0.5 + process.random.random()))


async def _live(process: CarProcess, car_id: CarId) -> None:
    """One life of a car: ready its records, enrol where needed, connect, and run its services."""
    place: MachineLayout = process.layout.car(car_id)
    keystore = FileKeyStore(place.secrets)
    records = open_records(place.records, process.random, process.configs[RecordsConfig])
    uplink: NatsBus | None = None
    metrics, log = process.metrics, get_log("monocoque.car").bind(car_id=car_id)
    try:
        if place.records.exists():
            check_database(process.layout, place.records)
        await migrate(records)
        await leave_line(
            process.layout,
            car_id,
            keystore,
            process.configs[RecordsConfig],
            process.clock,
            process.random,
        )
        place_on_bus = await _place(process, car_id, keystore)
        with _pointing_to_secrets(place):
            uplink = await NatsBus.connect(
                identity=Identity(Role.CAR, {"car_id": car_id}),
                credentials=place_on_bus,
                server_address=partial(_bus_address, process.layout),
                clock=process.clock,
                random=process.random,
                metrics=metrics,
                log=log,
                config=process.configs[BusConfig],
            )
        bus = MemoryHub(process.clock, metrics, log, config=process.configs[BusConfig])
        ports: dict[type, Any] = {
            Disk: FolderDisk(place.units),
            Downloads: HttpDownloads(partial(address_of, process.layout)),
            **_signal_ports(process, car_id, keystore, records),
        }
        services = [
            Supervised(
                Context(
                    machine_id=car_id,
                    service_name=row.name,
                    clock=process.clock,
                    random=process.random,
                    bus=bus.connect(Identity(row.role, {"car_id": car_id})),
                    records=records,
                    keystore=keystore,
                    metrics=metrics,
                    log=log,
                    disk_free_bytes=lambda: shutil.disk_usage(place.path).free,
                    software_version=process.software_version,
                    configs=process.configs,
                    uplink=uplink,
                    ports=ports,
                ),
                row.run,
            )
            for row in (*services_of(MachineKind.CAR), *_rows_beside(process))
        ]
        await supervise(services, process.configs[SupervisorConfig])
    finally:
        if uplink is not None:
            await uplink.close()
        await records.close()


def _rows_beside(process: CarProcess) -> tuple[ServiceRow, ...]:
    """Of doors.py, those that these cars have."""
    if process.outside is not None:
        return OUTSIDE
    return DOORS if process.bus is None else (*DOORS, *ON_A_BUS)


def _signal_ports(
    process: CarProcess, car_id: CarId, keystore: FileKeyStore, records: Records
) -> dict[type, Any]:
    """What the rows of doors.py stand on, as new with every life of the car."""
    plate = DoorFile(process.layout.car(car_id).doors)
    plate.clear()
    if process.outside is not None:
        return {OutsideAddress: process.outside, KeptHistory: KeptHistory(records)}
    ahead_s = process.configs[SignalsConfig].time_ahead_s_max
    hub = SignalHub(process.catalogue, process.clock, process.random, ahead_s)
    history = KeptHistory(records)
    judged_max = process.configs[TokensConfig].judged_max
    on_bus = {} if process.bus is None else {VehicleBus: process.bus, Carried: process.bus.carried}
    return {
        **on_bus,
        SignalHub: hub,
        Brokers: HubBrokers(hub),
        KeptHistory: history,
        History: history,
        DoorPlate: plate,
        AppsPlace: AppsPlace(process.layout.car(car_id).apps, lambda: plate.shown.get(kuksa.NAME)),
        Tokens: Tokens(hub, key_of(keystore), car_id, judged_max),
    }


@contextlib.contextmanager
def _pointing_to_secrets(place: MachineLayout) -> Iterator[None]:
    """Let a CredentialsRefused of the block say what to do in this car's folder."""
    try:
        yield
    except CredentialsRefused as error:
        hint = f"Move bus-key and bus-place out of {place.secrets}; the car then enrols again."
        raise CredentialsRefused(error.what, hint=hint) from error


async def _bus_address(layout: Layout) -> str:
    return published_address(layout.path)


async def _place(process: CarProcess, car_id: CarId, keystore: FileKeyStore) -> NatsCredentials:
    known = enrolment.known_place(keystore)
    if known is not None:
        return known
    identity = keys.identity_of(keystore, SystemKeyMaker())
    # The end of the line: the factory looks at the car and says which key is in it.
    birth = birth_document(process.layout, car_id, identity, process.clock, process.random)
    post = partial(_post, process.layout)
    return await enrolment.enrol(keystore, identity, birth, process.clock, process.random, post)


async def _post(layout: Layout, document: bytes) -> str:
    """Bring an enrolment to the cell of this data directory."""
    return await post_enrolment(httpx.AsyncHTTPTransport(), address_of(layout), document)


async def post_enrolment(transport: httpx.AsyncBaseTransport, address: str, document: bytes) -> str:
    """Bring an enrolment to the cell at this address; returns the car's place on the bus.

    Raises CellUnreachable, CarAlreadyEnrolled, CredentialsRefused.
    """
    try:
        async with httpx.AsyncClient(
            base_url=address, timeout=REQUEST_S_MAX, transport=transport
        ) as client:
            answer = await client.post("/api/cars/enrolments", json={"document": document.decode()})
            body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise CellUnreachable("The cell did not answer the enrolment.") from error
    if answer.is_success:
        return str(body["credentials"])
    refusals = {CarAlreadyEnrolled.code: CarAlreadyEnrolled}
    refusal = refusals.get(body.get("code", ""), CredentialsRefused)
    raise refusal(f"The cell refused the enrolment: {body.get('code')}.")

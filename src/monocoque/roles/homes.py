"""The homes of this installation: made by whoever runs the cell, run in the process of the cars.

Rules:

* a home is on record in the cell before it has a folder, and a folder in ``homes/`` is a home when
  its note of birth is in it; what a kill left before that is completed by the next start;
* a home has its place on the bus from the cell's own hand; its secret key is made in its folder
  and stays there (docs/decisions/0086);
* a process takes a home by its lock, so no home ever runs twice; homes that are made later are
  found while it runs;
* a home that cannot go on tries again after a pause, and disturbs no other.

Left out on purpose: what a home does; its services are rows of table.py.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Collection, Iterator
from functools import partial
from random import Random

from monocoque.cloud.homes.service import desk
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    CredentialsRefused,
    DataDirectoryInUse,
    DefectError,
    MonocoqueError,
)
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.topics import Role
from monocoque.home.assistant.service.port import HomeMqtt
from monocoque.home.devices.service import Wiring, virtual_wiring
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import (
    NatsAuthority,
    NatsCredentials,
    make_bus_key,
    public_key,
)
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.files import storage_errors, write_atomically
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.locks import DirectoryLock
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.opening import open_records
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.assistants import Door
from monocoque.roles.cars import CarProcess
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.data_directory import check_database
from monocoque.roles.layout import Layout, MachineLayout
from monocoque.roles.migrations import migrate
from monocoque.roles.supervisor import Supervised, supervise
from monocoque.roles.table import MachineKind, services_of

BUS_KEY = "bus-key"
BUS_PLACE = "bus-place"
LOOK_S = 1.0
"""How often it is looked for homes that were made meanwhile, or that another process left."""
RETRY_S = 1.0
"""Pause before a home that could not run tries again; spread by chance."""
TELL_AGAIN_S = 60.0
"""A home that waits for one and the same reason says so this often."""


async def make_home(
    layout: Layout, records: Records, authority: NatsAuthority, clock: Clock, random: Random
) -> HomeId:
    """A new home, which belongs to nobody. Raises CredentialsRefused, DiskFull, NotWritable."""
    home_id = HomeId(identifiers.make("home", random.getrandbits))
    await desk.add_home(records, home_id, clock.now_us())
    await finish_homes(layout, records, authority, clock)
    return home_id


async def make_homes(
    layout: Layout,
    records: Records,
    authority: NatsAuthority,
    clock: Clock,
    random: Random,
    wanted: int,
) -> None:
    """Complete what a kill left, and make homes until there are so many.

    What cannot be done now is left for the next start, and said: a cell goes on without homes.
    """
    try:
        await finish_homes(layout, records, authority, clock)
        for _ in range(wanted - len(await desk.every_home(records))):
            await make_home(layout, records, authority, clock, random)
    except MonocoqueError as error:
        get_log("monocoque.cell").warning(
            "homes wait", error_code=error.code, what=error.what, hint=error.hint
        )


async def finish_homes(
    layout: Layout, records: Records, authority: NatsAuthority, clock: Clock
) -> None:
    """Give every home that is on record its folder and its place on the bus.

    A home that had its place once is left alone when its folder is not here: it was moved.
    """
    for home in await desk.every_home(records):
        place = layout.home(HomeId(home.home_id))
        if _is_born(place):
            continue
        if home.bus_key is not None and not place.secrets.exists():
            continue
        place.make()
        keystore = FileKeyStore(place.secrets)
        seed = keystore.read(BUS_KEY)
        if seed is None:
            seed = make_bus_key()
            keystore.write(BUS_KEY, seed)
        own = public_key(seed)
        await desk.note_place(records, home.home_id, own)
        keystore.write(BUS_PLACE, authority.home_credentials(home.home_id, own).encode())
        write_atomically(place.born, str(clock.now_us()).encode())


def _is_born(place: MachineLayout) -> bool:
    with storage_errors(place.path):
        return place.born.exists()


async def run_homes(process: CarProcess) -> None:
    """Run every home that lives here and that no other process runs, until cancelled."""
    running: set[str] = set()
    async with asyncio.TaskGroup() as group:
        while True:
            for home_id, lock in _take_homes(process, running):
                running.add(home_id)
                group.create_task(_run_home(process, home_id, lock), name=home_id)
            await asyncio.sleep(LOOK_S)


def _take_homes(
    process: CarProcess, running: Collection[str]
) -> Iterator[tuple[HomeId, DirectoryLock]]:
    """Homes beside those that run here and that can be had now, each with its lock."""
    for path in sorted(process.layout.homes.glob("home_*/")):
        if path.name in running:
            continue
        try:
            if _is_born(MachineLayout(path)):
                yield HomeId(path.name), DirectoryLock(path)
        except DataDirectoryInUse:
            pass  # another process runs it, and is as good
        except MonocoqueError as error:
            process.metrics.errors.labels(where="home", code=error.code).inc()


async def _run_home(process: CarProcess, home_id: HomeId, lock: DirectoryLock) -> None:
    """Run a home that was taken, life after life, until cancelled."""
    log = get_log("monocoque.home").bind(home_id=home_id)
    told_code, told_us = "", 0
    try:
        while True:
            try:
                await _live(process, home_id)
            except MonocoqueError as error:
                process.metrics.errors.labels(where="home", code=error.code).inc()
                now_us = process.clock.now_us()
                if error.code != told_code or now_us - told_us >= TELL_AGAIN_S * 1_000_000:
                    told_code, told_us = error.code, now_us
                    log.warning(
                        "home waits", error_code=error.code, what=error.what, hint=error.hint
                    )
            except Exception:  # a defect in one home disturbs no other
                process.metrics.errors.labels(where="home", code=DefectError.code).inc()
                log.exception("home failed")
            await asyncio.sleep(RETRY_S * (0.5 + process.random.random()))
    finally:
        lock.release()


async def _live(process: CarProcess, home_id: HomeId) -> None:
    """One life of a home: ready its records, connect, and run its services."""
    place = process.layout.home(home_id)
    keystore = FileKeyStore(place.secrets)
    records = open_records(place.records, process.random, process.configs[RecordsConfig])
    uplink: NatsBus | None = None
    metrics, log = process.metrics, get_log("monocoque.home").bind(home_id=home_id)
    own = {"home_id": home_id}
    try:
        if place.records.exists():
            check_database(process.layout, place.records)
        await migrate(records)
        with _pointing_to_secrets(place):
            uplink = await NatsBus.connect(
                identity=Identity(Role.HOME, own),
                credentials=_credentials(keystore),
                server_address=partial(_bus_address, process.layout),
                clock=process.clock,
                random=process.random,
                metrics=metrics,
                log=log,
                config=process.configs[BusConfig],
            )
        hub = MemoryHub(process.clock, metrics, log, config=process.configs[BusConfig])
        door = Door(process.layout, home_id, process.configs[MqttConfig])
        services = [
            Supervised(
                Context(
                    machine_id=home_id,
                    service_name=row.name,
                    clock=process.clock,
                    random=process.random,
                    bus=hub.connect(Identity(row.role, own)),
                    records=records,
                    keystore=keystore,
                    metrics=metrics,
                    log=log,
                    disk_free_bytes=lambda: shutil.disk_usage(place.path).free,
                    software_version=process.software_version,
                    configs=process.configs,
                    uplink=uplink,
                    ports={Wiring: virtual_wiring, HomeMqtt: door},
                ),
                row.run,
            )
            for row in services_of(MachineKind.HOME)
        ]
        await supervise(services, process.configs[SupervisorConfig])
    finally:
        if uplink is not None:
            await uplink.close()
        await records.close()


def _credentials(keystore: FileKeyStore) -> NatsCredentials:
    seed, place = keystore.read(BUS_KEY), keystore.read(BUS_PLACE)
    if seed is None or place is None:
        raise CredentialsRefused("The home has lost its place on the bus.")
    return NatsCredentials(place.decode(), seed)


@contextlib.contextmanager
def _pointing_to_secrets(place: MachineLayout) -> Iterator[None]:
    """Let a CredentialsRefused of the block say what to do about this home."""
    try:
        yield
    except CredentialsRefused as error:
        hint = f"Restore bus-key and bus-place in {place.secrets}, or make another home."
        raise CredentialsRefused(error.what, hint=hint) from error


async def _bus_address(layout: Layout) -> str:
    return published_address(layout.path)

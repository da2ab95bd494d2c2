"""The factory of this installation: its place, the end of its line, and its service.

Rules:

* its secrets and records lie apart from the cell's (``factory/``); a car is put on record there
  once, with its public keys, and takes the maker's root with it;
* it runs once, in the process of the virtual cars or in one of its own: whoever runs it holds its
  lock; where another process does, this one waits until that one has ended;
* like a car it waits by itself for a cell and a bus.

Left out on purpose: what the factory decides; that is shop/build.
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping
from functools import partial
from random import Random
from typing import Any, Final

from monocoque.car.keys import service as keys
from monocoque.contracts.errors import BusUnavailable, DataDirectoryInUse, MonocoqueError
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.metrics_file import keep_metrics_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.opening import open_records
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import migrate
from monocoque.roles.parts import take_part
from monocoque.roles.programme import give_roots
from monocoque.roles.supervisor import Supervised, supervise
from monocoque.roles.table import MachineKind, services_of
from monocoque.shop.build import service as build
from monocoque.shop.build.service import Line
from monocoque.trust.keys import SystemKeyMaker
from monocoque.trust.ports import KeyMaker, Signer

FACTORY: Final = "factory"
RETRY_S: Final = 1.0
"""Pause before a factory that could not run tries again; spread by chance."""
CELL_S_MAX: Final = 10.0
"""How long a factory that starts with a new cell waits for it in silence."""
LOOK_S: Final = 0.05
TELL_AGAIN_S: Final = 60.0
"""A factory that waits for one and the same reason says so this often."""


def make_factory(layout: Layout, cell: KeyStore, key_maker: KeyMaker) -> None:
    """Make the factory's keys where there are none, and give the cell their public halves."""
    build.make_keys(FileKeyStore(layout.factory.secrets), cell, key_maker)


def birth_document(
    layout: Layout, car_id: CarId, car_key: Signer, clock: Clock, random: Random
) -> bytes:
    """What the factory says of a car and its key; valid for an hour."""
    own = FileKeyStore(layout.factory.secrets)
    return build.birth_document(own, car_id, car_key.public_jwk, clock, random)


async def leave_line(
    layout: Layout,
    car_id: CarId,
    car: KeyStore,
    config: RecordsConfig,
    clock: Clock,
    random: Random,
) -> None:
    """The end of the line: the car's keys into the factory's records, the roots into the car.

    Once is enough, and twice is harmless. Raises CarAlreadyEnrolled, CredentialsRefused.
    """
    own = FileKeyStore(layout.factory.secrets)
    if car.read(keys.MAKER_ROOT) is not None:
        give_roots(own, car)  # one that was made by an older version has none yet
        return
    async with open_factory(layout, config, random) as records:
        await finish_car(own, records, car_id, car, SystemKeyMaker(), clock, random)


async def finish_car(
    own: KeyStore,
    records: Records,
    car_id: CarId,
    car: KeyStore,
    key_maker: KeyMaker,
    clock: Clock,
    random: Random,
) -> None:
    """What the end of the line does, on the factory's own secrets and records."""
    public_root = build.maker_root(own)
    public_keys = keys.public_keys(car, key_maker)
    await build.put_on_record(records, car_id, public_keys, clock, random)
    give_roots(own, car)
    car.write(keys.MAKER_ROOT, build.public_text(public_root).encode())


@contextlib.asynccontextmanager
async def open_factory(
    layout: Layout, config: RecordsConfig, random: Random
) -> AsyncIterator[Records]:
    """The factory's records, carried forward where needed."""
    layout.factory.make()
    records = open_records(layout.factory.records, random, config)
    try:
        await migrate(records)
        yield records
    finally:
        await records.close()


async def run_factory(
    layout: Layout,
    configs: Mapping[type, Any],
    software_version: str,
    clock: Clock,
    random: Random,
    metrics: Metrics,
    line: Line,
) -> None:
    """Run the factory until cancelled, as soon as no other process does.

    metrics: of the process, for what keeps the factory from starting; at work it has its own.
    line: has the cars made, and lets them run.
    """
    log = get_log("monocoque.factory")
    told_code, told_us = "", 0
    while True:
        try:
            lock = take_part(layout, FACTORY)
            try:
                await run_factory_now(layout, configs, software_version, clock, random, line)
            finally:
                lock.release()
        except DataDirectoryInUse:
            pass  # another process runs it, and is as good
        except MonocoqueError as error:
            metrics.errors.labels(where=FACTORY, code=error.code).inc()
            now_us = clock.now_us()
            if error.code != told_code or now_us - told_us >= TELL_AGAIN_S * 1_000_000:
                told_code, told_us = error.code, now_us
                log.warning("factory waits", error_code=error.code, hint=error.hint)
        await asyncio.sleep(RETRY_S * (0.5 + random.random()))


async def run_factory_now(
    layout: Layout,
    configs: Mapping[type, Any],
    software_version: str,
    clock: Clock,
    random: Random,
    line: Line,
) -> None:
    """Run the factory whose lock is taken, until cancelled; raises what a start may raise."""
    metrics, log = Metrics(clock), get_log("monocoque.factory")
    await _first_start_of_cell(layout)
    authority = NatsAuthority(FileKeyStore(layout.secrets), clock)
    async with open_factory(layout, configs[RecordsConfig], random) as records:
        bus = await NatsBus.connect(
            identity=Identity(Role.FACTORY),
            credentials=authority.service_credentials(Role.FACTORY),
            server_address=partial(_bus_address, layout),
            clock=clock,
            random=random,
            metrics=metrics,
            log=log,
            config=configs[BusConfig],
        )
        try:
            services = [
                Supervised(
                    Context(
                        machine_id=FACTORY,
                        service_name=row.name,
                        clock=clock,
                        random=random,
                        bus=bus,
                        records=records,
                        keystore=FileKeyStore(layout.factory.secrets),
                        metrics=metrics,
                        log=log,
                        disk_free_bytes=lambda: shutil.disk_usage(layout.factory.path).free,
                        software_version=software_version,
                        configs=configs,
                        ports={Line: line},
                    ),
                    row.run,
                )
                for row in services_of(MachineKind.FACTORY)
            ]
            async with asyncio.TaskGroup() as group:
                group.create_task(keep_metrics_file(metrics, layout.metrics(FACTORY)))
                group.create_task(supervise(services, configs[SupervisorConfig]))
        finally:
            await bus.close()


async def _first_start_of_cell(layout: Layout) -> None:
    """Wait until the cell of a new installation has made its bus, or for too long already.

    Both start at the same time, and the factory has nothing to show at the bus before that.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CELL_S_MAX):
            while True:
                with contextlib.suppress(BusUnavailable):
                    published_address(layout.path)
                    return
                await asyncio.sleep(LOOK_S)


async def _bus_address(layout: Layout) -> str:
    return published_address(layout.path)

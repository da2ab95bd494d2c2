"""One part of a cell in a process of its own, beside the cell on the same data directory.

Rules:

* it works on the cell's records, with the cell's keys, and finds the bus by run/nats.json; it
  migrates nothing and starts no server: those are the cell's;
* it refuses to start where no cell runs, beside another copy of itself, or in another version than
  the cell's;
* it outlives a cell that is killed, and goes on with the next one.

Left out on purpose: starting it again when it is killed; whoever started it does that.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from random import Random
from typing import Any

from monocoque.contracts.errors import CellUnreachable
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.http.listening import Listener
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.lake.delta import DeltaLake
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.metrics_file import keep_metrics_file
from monocoque.plumbing.process_file import is_alive, read_process_file, write_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles import stamp
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.clock import ClockWatch
from monocoque.roles.layout import Layout
from monocoque.roles.parts import Frame, run_services

BUS_START_S_MAX = 10.0
"""How long a cell that has only just been started may take until its bus runs."""
LOOK_S = 0.05


def refuse_without_cell(layout: Layout, part: str, product: str) -> None:
    """Raise CellUnreachable, DataDirectoryNewer or DataDirectoryOlder when it must not run here."""
    cell = read_process_file(layout.cell_process)
    found = stamp.read_stamp(layout)
    if found is None or cell is None or not is_alive(cell):
        raise _no_cell(part)
    stamp.refuse_other(layout, found, product)


async def run_part(
    layout: Layout,
    part: str,
    listener: Listener | None,
    configs: Mapping[type, Any],
    product: str,
    clock: SystemClock,
    random: Random,
    announce: Callable[[], None],
) -> None:
    """Run a part whose lock is taken, until cancelled.

    listener: for HTTP, and for nothing else. announce: is called when the cell was found. Raises
    CellUnreachable when the cell's bus does not come.
    """
    ports = {} if listener is None else {"http": listener.port}
    write_process_file(layout.process(part), os.getpid(), ports)
    await _wait_for_bus(layout, part)
    announce()
    keystore = FileKeyStore(layout.secrets)
    async with AsyncExitStack() as stack:
        records = open_cell_records(layout, configs[RecordsConfig], random)
        stack.push_async_callback(records.close)
        lake = DeltaLake(layout.lake)
        stack.push_async_callback(lake.close)
        frame = Frame(
            process_name=part,
            layout=layout,
            configs=configs,
            software_version=product,
            clock=clock,
            random=random,
            records=records,
            keystore=keystore,
            authority=NatsAuthority(keystore, clock),
            server_address=partial(_bus_address, layout),
            lake=lake,
            metrics=Metrics(clock),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_metrics_file(frame.metrics, layout.metrics(part)))
            log = get_log(f"monocoque.{part}")
            group.create_task(ClockWatch(clock, frame.metrics, part, log).keep_looking())
            if listener is None:
                group.create_task(run_services(frame, {part}))
            else:
                # Imported here: a service without pages loads nothing of the web.
                from monocoque.roles.serving import serve_http

                group.create_task(serve_http(frame, listener))


async def _wait_for_bus(layout: Layout, part: str) -> None:
    """The cell starts its bus when the records are migrated and the keys are made."""
    try:
        async with asyncio.timeout(BUS_START_S_MAX):
            while True:
                bus = read_process_file(layout.process("nats"))
                if bus is not None and is_alive(bus):
                    return
                await asyncio.sleep(LOOK_S)
    except TimeoutError as error:
        raise _no_cell(part) from error


async def _bus_address(layout: Layout) -> str:
    return published_address(layout.path)


def _no_cell(part: str) -> CellUnreachable:
    return CellUnreachable(
        "No cell runs on this data directory.",
        hint=f"Start `monocoque run cell --without {part}` on the same data directory first.",
    )

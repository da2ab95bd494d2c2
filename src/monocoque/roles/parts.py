"""The parts of a cell: each service of the table and HTTP, wherever they run.

Rules:

* a part runs once per cell, inside the cell's process or in one of its own: whoever runs it holds
  its lock;
* parts know each other by the records and the bus alone, so it is all the same to them where the
  others run.

Left out on purpose: several copies of one part. The records would bear it; the registry's pace does
not need it.
"""

import contextlib
import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from monocoque.contracts.errors import DataDirectoryInUse
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_link import ServerAddress
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.documents.files import FileDocuments
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.files import make_directory
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.lake.port import Lake
from monocoque.plumbing.locks import DirectoryLock
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.cell_settings import HTTP
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.layout import Layout
from monocoque.roles.supervisor import Supervised, supervise
from monocoque.roles.table import MachineKind, services_of

PARTS: Final = (HTTP, *(row.name for row in services_of(MachineKind.CELL)))
"""Every part, by name."""


@dataclass(frozen=True)
class Frame:
    """What the parts of a cell stand on, in one process."""

    process_name: str
    """``cell``, or the part that this process is."""
    layout: Layout
    configs: Mapping[type, Any]
    software_version: str
    clock: SystemClock
    random: Random
    records: Records
    keystore: KeyStore
    authority: NatsAuthority
    server_address: ServerAddress
    lake: Lake
    metrics: Metrics = field(default_factory=Metrics)

    def context(self, service_name: str, bus: Bus) -> Context:
        """What a service of this cell may touch."""
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
            disk_free_bytes=lambda: shutil.disk_usage(self.layout.path).free,
            software_version=self.software_version,
            configs=self.configs,
            lake=self.lake,
            ports={Documents: FileDocuments(self.layout.documents)},
        )

    @contextlib.asynccontextmanager
    async def connected(self, role: Role) -> AsyncIterator[NatsBus]:
        """A connection to the cell's bus as this role."""
        bus = await NatsBus.connect(
            identity=Identity(role),
            credentials=self.authority.service_credentials(role),
            server_address=self.server_address,
            clock=self.clock,
            random=self.random,
            metrics=self.metrics,
            log=get_log("monocoque.bus"),
            config=self.configs[BusConfig],
        )
        try:
            yield bus
        finally:
            await bus.close()


async def run_services(frame: Frame, names: Collection[str]) -> None:
    """Run these services of the table, each with its own connection, until cancelled."""
    async with contextlib.AsyncExitStack() as stack:
        services = []
        for row in services_of(MachineKind.CELL):
            if row.name in names:
                bus = await stack.enter_async_context(frame.connected(row.role))
                services.append(Supervised(frame.context(row.name, bus), row.run))
        await supervise(services, frame.configs[SupervisorConfig])


def take_part(layout: Layout, name: str) -> DirectoryLock:
    """The right to run this part, until released. Raises DataDirectoryInUse, NotWritable."""
    make_directory(layout.part(name))
    try:
        return DirectoryLock(layout.part(name))
    except DataDirectoryInUse as error:
        raise DataDirectoryInUse(
            f"Another process runs the {name} of this cell.",
            hint=f"Stop that process. A cell leaves the {name} to another with `--without {name}`.",
        ) from error

"""A car's updates on a stand: virtual time, a disk that can lose power, and a cell that may lie."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from monocoque.car.body import service as body
from monocoque.car.body.logic import Body
from monocoque.car.keys import service as keys
from monocoque.car.updates import records as kept
from monocoque.car.updates import service as updates
from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.logic import journal as journal_logic
from monocoque.car.updates.logic import unit as unit_logic
from monocoque.car.updates.logic.journal import Journal
from monocoque.car.updates.logic.unit import UnitState
from monocoque.car.updates.service.downloads import Downloads
from monocoque.car.updates.service.units import STATE, slot_name
from monocoque.contracts.errors import CellUnreachable, MachineFenced, NotFound
from monocoque.contracts.topics import CAR_UPDATE_DIRECTIONS, CAR_UPDATE_MANIFEST, Role
from monocoque.contracts.updates import DIRECTOR_ROOT, HARDWARE, IMAGE_ROOT
from monocoque.contracts.wire.update_pb2 import UpdateDirections, UpdateManifest
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.disk.memory import MemoryDisk
from monocoque.plumbing.disk.port import Disk
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual
from monocoque.sim.machine import silent_log
from monocoque.trust.updates.manifests import Manifest, UpdateReport, verify_manifest
from tests.fixtures.bus import SecretsInMemory
from tests.fixtures.update_cloud import Cloud, director_root
from tests.fixtures.updates import NOW_US, image_root
from tests.vectors import people
from tests.vectors.people import CAR_ID

WAIT_S_MAX = 7_200.0
CONFIG = UpdatesConfig(copy_bytes=512, sync_bytes=256)
"""Small pieces, so that small images are as many steps as large ones."""


@dataclass
class Line:
    """The way to the image repository, and what may happen on it; implements ``Downloads``."""

    files: dict[str, bytes]
    chunk_bytes: int = 200
    reads: list[tuple[str, int]] = field(default_factory=list)
    """Which file was read from where."""
    spoil: Callable[[str, bytes], bytes] = lambda _path, data: data
    """What comes in place of a file."""
    breaks_after: int | None = None
    """After so many bytes the line breaks off; once."""
    pause_s: float = 0.0
    """Between two chunks."""
    is_away: bool = False

    @contextlib.asynccontextmanager
    async def read(self, path: str, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """See Downloads."""
        self.reads.append((path, offset))
        if self.is_away:
            raise CellUnreachable("The line is cut.")
        if path not in self.files:
            raise NotFound("There is no such file.")
        yield self._chunks(self.spoil(path, self.files[path]), offset)

    async def _chunks(self, data: bytes, offset: int) -> AsyncIterator[bytes]:
        for begin in range(offset, len(data), self.chunk_bytes):
            chunk = data[begin : begin + self.chunk_bytes]
            if self.breaks_after is not None:
                self.breaks_after -= len(chunk)
                if self.breaks_after < 0:
                    self.breaks_after = None
                    raise CellUnreachable("The line broke off.")
            await asyncio.sleep(self.pause_s)
            yield chunk

    def images(self) -> list[tuple[str, int]]:
        """The images that were read, each with the byte from which on."""
        return [row for row in self.reads if row[0].endswith(".img")]


class CutRecords:
    """Records whose machine may lose power at the n-th transaction."""

    def __init__(self, inner, disk: MemoryDisk) -> None:
        self._inner = inner
        self._disk = disk
        self.count = 0
        self.cut_before: int | None = None
        self.cut_after: int | None = None

    async def transact(self, work):
        if not self._disk.is_on:
            raise MachineFenced("The records have no power.")
        self.count += 1
        if self.count == self.cut_before:
            self._disk.cut()
            raise MachineFenced("The power failed before the commit.")
        result = await self._inner.transact(work)
        if self.count == self.cut_after:
            self._disk.cut()
            raise MachineFenced("The power failed after the commit.")
        return result

    async def close(self) -> None:
        """See Records."""


class Stand:
    """One car with its updates, and the cell at the other end."""

    def __init__(self, cloud: Cloud | None = None, config: UpdatesConfig = CONFIG) -> None:
        self.cloud = cloud or two_releases()
        self.line = Line(self.cloud.repository.files)
        self.disk = MemoryDisk()
        self.inner = records_in_memory(Random(1))
        self.records = CutRecords(self.inner, self.disk)
        self.keystore = SecretsInMemory()
        self.keystore.write(keys.IDENTITY_KEY, people.CAR_SIGN.export())
        self.keystore.write(IMAGE_ROOT, image_root())
        self.keystore.write(DIRECTOR_ROOT, director_root())
        self.time = MachineTime(asyncio.get_running_loop().time, start_us=NOW_US)
        self.clock = VirtualClock(self.time)
        self.config = config
        self.metrics = Metrics()
        self.free_bytes = 10**9
        self.manifests: list[Manifest] = []
        self.numbers: list[int] = []
        """The sequence of every manifest, of every life."""
        self.lives = 0
        self._heard = asyncio.Event()
        self._begin_bus()

    def _begin_bus(self) -> None:
        self.hub = MemoryHub(self.clock, self.metrics, silent_log())
        self.hub.observers.append(self._observe)
        self.hand = self.hub.connect(Identity(Role.LINK, {"car_id": CAR_ID}))

    def _observe(self, subject: str, data: bytes) -> None:
        if subject == CAR_UPDATE_MANIFEST.subject(car_id=CAR_ID):
            document = UpdateManifest.FromString(data).manifest
            manifest = verify_manifest(document, CAR_ID, people.CAR_SIGN.public_jwk)
            self.manifests.append(manifest)
            self.numbers.append(manifest.sequence)
            self._heard.set()

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """The updates run inside this block; a loss of power in it ends it quietly."""
        self.lives += 1
        if self.lives > 1:
            self._begin_bus()
        self.manifests.clear()
        life = asyncio.create_task(self._run())
        try:
            yield
        finally:
            life.cancel()
            await asyncio.wait([life])
            self.check_end(life)

    async def _run(self) -> None:
        try:
            await updates.run(self.context())
        finally:
            self._heard.set()

    def check_end(self, life: "asyncio.Task[None]") -> None:
        """Only a loss of power may end the updates."""
        if life.cancelled() or (error := life.exception()) is None:
            return
        causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
        if self.disk.is_on or not all(isinstance(cause, MachineFenced) for cause in causes):
            raise error

    def context(self) -> Context:
        """What one life is given."""
        return Context(
            machine_id=CAR_ID,
            service_name="updates",
            clock=self.clock,
            random=Random(self.lives),
            bus=self.hub.connect(Identity(Role.CAR, {"car_id": CAR_ID})),
            records=self.records,
            keystore=self.keystore,
            metrics=self.metrics,
            log=silent_log(),
            disk_free_bytes=lambda: self.free_bytes,
            software_version="stand",
            configs={UpdatesConfig: self.config},
            ports={Disk: self.disk, Downloads: self.line},
        )

    # --- the cell ----------------------------------------------------------------------------

    async def direct(self, number: int | None) -> None:
        """Direct the car to a release, freshly signed; None for nothing."""
        wanted = None if number is None else self.cloud.assignment(number)
        await self.say(self.cloud.direct(wanted, self.clock.now_us()))

    async def say(self, files: tuple[bytes, bytes, bytes]) -> None:
        """Say these directions, as the link does."""
        timestamp, snapshot, targets = files
        message = UpdateDirections(
            roots=self.cloud.roots, timestamp=timestamp, snapshot=snapshot, targets=targets
        )
        stamp(message, self.clock, Random(self.clock.now_us()))
        await self.hand.publish(CAR_UPDATE_DIRECTIONS, message, car_id=CAR_ID)

    async def until_started(self) -> None:
        """The first manifest of this life, or the end of its power."""
        async with asyncio.timeout(WAIT_S_MAX):
            while self.disk.is_on and not self.manifests:
                self._heard.clear()
                await self._heard.wait()

    async def until(self, state: str, reason: str = "") -> Manifest:
        """The first manifest that says so, from the last one on; None without power."""
        async with asyncio.timeout(WAIT_S_MAX):
            while self.disk.is_on:
                for manifest in self.manifests[-1:]:
                    if (manifest.update.state, manifest.update.reason) == (state, reason):
                        return manifest
                self._heard.clear()
                await self._heard.wait()
        return None

    @property
    def update(self) -> UpdateReport:
        """What the car said last."""
        return self.manifests[-1].update

    # --- the car -----------------------------------------------------------------------------

    async def agree(self, number: int, agreed: bool = True) -> str | None:
        """The owner says so; the reason why it is too late."""
        arguments = {"release_number": number, "agreed": agreed}
        now_us = self.clock.now_us()
        return await self.inner.transact(
            lambda connection: updates.agree(connection, CAR_ID, arguments, now_us)
        )

    async def body(self, how: Callable[[Body], Body] = lambda body: body) -> Body:
        """Change the body, as somebody at the car does."""
        return await body.change(self.inner, CAR_ID, self.clock.now_us(), how)

    async def journal(self) -> Journal:
        """As it is on record."""
        return await self.inner.transact(
            lambda c: journal_logic.of_members(kept.read_part(c, CAR_ID, kept.JOURNAL))
        )

    async def units(self) -> dict[str, UnitState]:
        """The units by hardware id, as they are on disk; each slot has what its state says."""
        found = {}
        for hardware_id in HARDWARE:
            folder = await self.disk.folder(hardware_id)
            state = unit_logic.of_members(json.loads(await folder.read(STATE)))
            for slot, image in state.images.items():
                data = await folder.read(slot_name(slot))
                assert hashlib.sha256(data).hexdigest() == image.sha256
            found[hardware_id] = state
        return found

    async def releases(self) -> list[int]:
        """The release that each unit runs."""
        return [state.image.release_number for state in (await self.units()).values()]


def two_releases() -> Cloud:
    """The factory's release is 1; release 2 is there to be installed."""
    cloud = Cloud()
    cloud.publish(2, "1.1.0")
    cloud.publish(3, "1.2.0")
    return cloud


def on_a_stand(story: Callable[[Stand], Awaitable[Any]], **named: Any) -> Any:
    """Live through the story in virtual time, with the updates running."""

    async def main() -> Any:
        stand = Stand(**named)
        async with stand.living():
            await stand.until_started()
            return await story(stand)

    return run_virtual(main())

"""A car with apps on a stand: records, a hub of signals, and the runner with real processes."""

import asyncio
import contextlib
import random
import shutil
import textwrap
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import structlog

from monocoque.app.loading import files_of
from monocoque.car.apps import service
from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.records import InstalledApp
from monocoque.car.apps.service import AppsPlace
from monocoque.car.apps.service.process import IN_MEMORY
from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.signals.service.port import Brokers
from monocoque.car.tokens.config import TokensConfig
from monocoque.contracts.apps import Access, Limits, Manifest, SignalWish, write_manifest
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.doors import HubBrokers
from monocoque.trust.apps import pack
from monocoque.trust.keys import SeededKeyMaker

CAR_ID = "car_0123456789abcdefghjkmnpqrs"
PUBLISHER = SeededKeyMaker(random.Random(6).randbytes).make("EdDSA")
WAIT_S_MAX = 60.0
QUICK = AppsConfig(
    look_interval_s=0.1,
    cpu_window_s=2.0,
    silence_s_max=4.0,
    pause_s_min=0.05,
    pause_s_max=0.1,
    crashes_max=2,
)


def manifest(name: str, *signals: tuple[str, Access], **members) -> Manifest:
    wishes = tuple(SignalWish(path, access) for path, access in signals)
    said = {"start_s": 10, **members.pop("limits", {})}
    return Manifest(
        **{
            "name": name,
            "version": "1.0.0",
            "publisher": "Example",
            "purpose": "It is here to be tried.",
            "entry": "app:It",
            "signals": wishes,
            "limits": Limits(**said),
            **members,
        }
    )


HEAD = """
import asyncio, os, sys, time
from monocoque.app import App, actuate, provide, read, signals
class It(App):
    name, version, publisher = "{name}", "1.0.0", "Example"
    purpose = "It is here to be tried."
"""


def code_of(name: str, body: str) -> str:
    """The file of an app: members and methods, as the class has them."""
    return HEAD.format(name=name) + textwrap.indent(textwrap.dedent(body), "    ")


@dataclass
class AppStand:
    """A car with apps."""

    path: Path
    records: Records
    config: AppsConfig = QUICK
    address: Callable[[], str | None] = lambda: IN_MEMORY
    clock: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.log = structlog.get_logger("test")
        self.hub = SignalHub(own_catalogue(), self.clock, Random(1))

    @property
    def apps(self) -> Path:
        return self.path / "apps"

    def context(self) -> Context:
        bus = MemoryHub(self.clock, self.metrics, self.log, config=BusConfig())
        return Context(
            machine_id=CAR_ID,
            service_name="apps",
            clock=self.clock,
            random=Random(2),
            bus=bus.connect(Identity(Role.CAR, {"car_id": CAR_ID})),
            records=self.records,
            keystore=FileKeyStore(self.path / "secrets"),
            metrics=self.metrics,
            log=self.log,
            disk_free_bytes=lambda: shutil.disk_usage(self.path).free,
            software_version="stand",
            configs={AppsConfig: self.config, TokensConfig: TokensConfig()},
            ports={
                AppsPlace: AppsPlace(self.apps, self.address),
                Brokers: HubBrokers(self.hub),
            },
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The car runs its apps inside this block."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(service.run(self.context()))
            try:
                yield
            finally:
                task.cancel()

    async def trust(self, key=PUBLISHER) -> None:
        await service.trust(self.records, key.public_jwk, self.clock.now_us(), self.config)

    async def install_package(self, package: bytes) -> Manifest:
        return await service.install(
            self.records,
            self.apps,
            package,
            own_catalogue().find,
            self.clock.now_us(),
            self.config,
        )

    async def install(self, name: str, body: str, *signals, key=PUBLISHER, **members) -> None:
        """Install an app of this name whose class has this body."""
        text = write_manifest(manifest(name, *signals, **members))
        files = {"app.py": code_of(name, body).encode()}
        await self.install_package(pack(text, files, key, self.clock.now_us()))

    async def install_folder(self, folder: Path, said: Manifest) -> None:
        package = pack(write_manifest(said), files_of(folder), PUBLISHER, self.clock.now_us())
        await self.install_package(package)

    async def app(self, name: str) -> InstalledApp:
        return next(app for app in await service.every_app(self.records) if app.name == name)

    async def until(self, name: str, *states: str) -> InstalledApp:
        """The app, once it is so."""
        async with asyncio.timeout(WAIT_S_MAX):
            while (app := await self.app(name)).state not in states:
                await asyncio.sleep(0.05)
        return app

    def log_of(self, name: str) -> str:
        path = self.apps / name / "log.txt"
        return path.read_text() if path.exists() else ""

    async def until_logged(self, name: str, text: str) -> str:
        async with asyncio.timeout(WAIT_S_MAX):
            while text not in self.log_of(name):
                await asyncio.sleep(0.05)
        return self.log_of(name)

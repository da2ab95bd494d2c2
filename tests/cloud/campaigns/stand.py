"""A cell with campaigns in tests: service, desk and pages on a bus in memory; cars played by hand.

Rules: services, records, repository and keys are production's; a test plays the cars, with real
keys, so that it can also play them falsely.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import Any

import structlog
from tuf.api.metadata import Metadata, Targets

from monocoque.cloud.campaigns import service
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.logic.rollout import Event
from monocoque.cloud.campaigns.service.desk import Desk, Wanted
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.cloud.campaigns.service.sending import tell_campaign
from monocoque.cloud.campaigns.web import CampaignPages
from monocoque.cloud.campaigns.web.answers import Campaign
from monocoque.cloud.registry import service as registry
from monocoque.cloud.releases.service.publishing import note_published
from monocoque.contracts import identifiers, topics
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import Role
from monocoque.contracts.updates import HARDWARE, factory_image, unit_id
from monocoque.contracts.wire import update_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.trust.keys import PrivateKey, SystemKeyMaker
from monocoque.trust.updates.director import CAR_FIELD
from monocoque.trust.updates.manifests import (
    UnitReport,
    UpdateReport,
    UpdateState,
    sign_manifest,
)
from tests.cloud.releases.stand import Stand as Repository
from tests.fixtures.http import SettableClock
from tests.fixtures.updates import images_of, release

WAIT_S_MAX = 20.0
QUICK = CampaignsConfig(flush_interval_s=0.001, look_s=0.2, look_s_min=0.001, retry_s=0.02)
QUIET = UpdateReport(0, UpdateState.NONE)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds, for a bounded time."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not await condition():
            await asyncio.sleep(0.003)


def unit(car_id: str, hardware_id: str, number: int, version: str, image: bytes) -> UnitReport:
    """A control unit with this image."""
    digest = sha256(image).hexdigest()
    ecu_id = unit_id(hardware_id, CarId(car_id))
    return UnitReport(ecu_id, hardware_id, number, version, len(image), digest)


@dataclass
class Car:
    """A car that a test plays."""

    car_id: str
    key: PrivateKey
    cell: "Cell"
    units: list[UnitReport]
    sequence: int = 0
    read_version: int = 0
    """The directions that it has read."""

    @property
    def bus(self) -> Bus:
        """Its place on the cell's bus."""
        return self.cell.hub.connect(Identity(Role.CAR, {"car_id": self.car_id}))

    def manifest(self, update: UpdateReport = QUIET, units: Any = None) -> bytes:
        """Its next manifest."""
        self.sequence += 1
        now_s = self.cell.clock.now_us() // 1_000_000
        said = self.units if units is None else units
        return sign_manifest(
            self.car_id, self.sequence, self.read_version, said, update, now_s, self.key
        )

    async def send(self, document: bytes) -> None:
        """Say a manifest, its own or not."""
        message = update_pb2.UpdateManifest(manifest=document)
        stamp(message, self.cell.clock, self.cell.random)
        await self.bus.publish(topics.CAR_UPDATE_MANIFEST, message, car_id=self.car_id)

    async def say(self, state: str, number: int = 2, reason: str = "", percent: int = 0) -> None:
        """Say how the update goes."""
        await self.send(self.manifest(UpdateReport(number, UpdateState(state), reason, percent)))

    async def poll(self) -> None:
        """Say that there is nothing new."""
        await self.send(self.manifest())

    async def install(self, number: int = 2) -> None:
        """Have the release, and say so."""
        self.units = self.cell.units_of(self.car_id, number)
        await self.say("installed", number, percent=100)

    async def directions(self) -> update_pb2.UpdateDirections | None:
        """What the director said last."""
        said = await self.bus.last(topics.CAR_UPDATE_DIRECTIONS, car_id=self.car_id)
        return None if said is None else said.message

    async def targets(self) -> Targets | None:
        """What it is to install, as the director said last."""
        said = await self.directions()
        return None if said is None else Metadata[Targets].from_bytes(said.targets).signed

    async def directed(self) -> int | None:
        """The release that it is to install; 0 for nothing, None for not a word."""
        targets = await self.targets()
        if targets is None:
            return None
        assert targets.unrecognized_fields[CAR_FIELD] == self.car_id
        numbers = {target.custom["release_number"] for target in targets.targets.values()}
        assert len(numbers) <= 1
        return next(iter(numbers), 0)

    async def until_directed(self, number: int = 2) -> None:
        """Wait until it is told to install this."""

        async def is_directed() -> bool:
            return await self.directed() == number

        await until(is_directed)
        self.read_version = (await self.targets()).version

    async def first_directed(self) -> int | None:
        """Wait for the first word of the director: a campaign may be over before it is said."""

        async def is_told() -> bool:
            return await self.directions() is not None

        await until(is_told)
        return await self.directed()


class Cell:
    """A cell with campaigns."""

    def __init__(
        self,
        records: Records,
        config: CampaignsConfig = QUICK,
        repository: Repository | None = None,
    ) -> None:
        self.records = records
        self.config = config
        self.random = Random(1)
        self.metrics = Metrics()
        self.repository = repository or Repository()
        self.clock: SettableClock = self.repository.clock
        self.hub = MemoryHub(self.clock, self.metrics, structlog.stdlib.get_logger())
        self.cars: list[Car] = []
        keystore = self.repository.places.cell
        self.releases = Releases(records, self.repository.documents, keystore)
        bus = self.hub.connect(Identity(Role.CAMPAIGNS))

        async def tell(campaign_id: str) -> None:
            await tell_campaign(bus, campaign_id, self.clock, self.random)

        self.desk = Desk(records, self.releases, self.clock, self.random, config, tell)
        self.pages = CampaignPages(
            records=records,
            desk=self.desk,
            releases=self.releases,
            console=self.hub.connect(Identity(Role.CONSOLE)),
            phone=self.hub.connect(Identity(Role.PHONE)),
            clock=self.clock,
            config=config,
        )

    def units_of(self, car_id: str, number: int, hardware: Any = tuple(HARDWARE)) -> Any:
        """Control units that have a release."""
        if number == 1:
            images, version = {each: factory_image(each) for each in HARDWARE}, "1.0.0"
        else:
            version = f"1.{number}.0"
            images = images_of(release(number, version))
        return [unit(car_id, each, number, version, images[each]) for each in hardware]

    async def publish(self, number: int = 2, **changes: Any) -> None:
        """Publish a release, signed by both companies."""
        self.repository.publish(number, f"1.{number}.0", **changes)
        await note_published(self.repository.repository, self.records, self.clock.now_us())

    async def add_car(self, number: int = 1) -> Car:
        """A car that enrolled and has this release."""
        car_id = identifiers.make("car", self.random.getrandbits)
        key = SystemKeyMaker().make("ES256")
        identity_key = json.dumps(key.public_jwk, sort_keys=True)
        await registry.enrol(self.records, car_id, identity_key, "bus", self.clock.now_us())
        car = Car(car_id, key, self, self.units_of(car_id, number))
        self.cars.append(car)
        return car

    async def fleet(self, count: int) -> list[Car]:
        """So many cars that have polled, in the order in which waves take them."""
        cars = sorted([await self.add_car() for _ in range(count)], key=lambda car: car.car_id)
        for car in cars:
            await car.poll()
        for car in cars:
            await car.until_directed(0)
        return cars

    def context(self, bus: Bus | None = None, records: Records | None = None) -> Context:
        """What the service is given."""
        return Context(
            machine_id="cell",
            service_name="campaigns",
            clock=self.clock,
            random=Random(2),
            bus=bus or self.hub.connect(Identity(Role.CAMPAIGNS)),
            records=records or self.records,
            keystore=self.repository.places.cell,
            metrics=self.metrics,
            log=structlog.stdlib.get_logger(),
            disk_free_bytes=lambda: 0,
            software_version="1",
            configs={CampaignsConfig: self.config},
            ports={Documents: self.repository.documents},
        )

    @contextlib.asynccontextmanager
    async def living(self, context: Context | None = None) -> AsyncIterator[None]:
        """The service runs inside this block; it listens before the block begins."""
        before = len(self.hub.readers)
        async with asyncio.TaskGroup() as group:
            life = group.create_task(service.run(context or self.context()))
            try:
                async with asyncio.timeout(WAIT_S_MAX):
                    while len(self.hub.readers) < before + 2 and not life.done():
                        await asyncio.sleep(0.001)
                yield
            finally:
                life.cancel()

    async def start(self, **wanted: Any) -> str:
        """Start a campaign."""
        usual = Wanted(
            release_number=2,
            cars=None,
            waves=[1],
            failures_max=0,
            soak_s=86_400,
            silent_s=3_600,
            started_by="person_of_the_test",
        )
        return await self.desk.start(replace(usual, **wanted))

    async def change(self, campaign_id: str, event: Event) -> None:
        """Do this to a campaign."""
        await self.desk.change(campaign_id, event)

    async def campaign(self, campaign_id: str) -> Campaign:
        """How a campaign is."""
        return await self.pages.campaign(campaign_id)

    async def until_state(self, campaign_id: str, state: str) -> Campaign:
        """Wait until the campaign is in this state."""

        async def is_there() -> bool:
            return (await self.campaign(campaign_id)).state == state

        await until(is_there)
        return await self.campaign(campaign_id)

    async def phases(self, campaign_id: str) -> dict[str, str]:
        """Where each car of a campaign is."""
        found = await self.pages.cars(campaign_id, "")
        return {car.car_id: str(car.phase) for car in found.cars}

    async def until_phase(self, campaign_id: str, car: Car, phase: str) -> None:
        """Wait until a car is there."""

        async def is_there() -> bool:
            return (await self.phases(campaign_id))[car.car_id] == phase

        await until(is_there)

    def refusals(self, code: str) -> float:
        """How often the service counted this error."""
        found = self.metrics.registry.get_sample_value(
            "monocoque_errors_total", {"where": "campaigns", "code": code}
        )
        return found or 0.0

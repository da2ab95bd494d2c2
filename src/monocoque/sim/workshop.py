"""Who makes new software in a world: two companies, and a person who runs campaigns.

Rules:

* a release is made, signed by each company with its own offline key and published as
  ``monocoque release`` does it, and comes to the cars by a campaign through the console's API;
* what both companies signed is kept here, and nowhere else: by this list it is judged what is in
  the control units of cars;
* who gets no answer asks again with the same words; an older campaign that still goes on is halted
  before the next one starts;
* under faults, control units of some cars do not take an image, or do not start it.

Left out on purpose: folders that travel between companies, which have tests of their own.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import httpx

from monocoque.car.updates.service import NO_BOOT, NO_WRITE, break_unit
from monocoque.cloud.releases.service.publishing import note_published
from monocoque.cloud.releases.service.repository import ImageRepository
from monocoque.contracts import identifiers
from monocoque.contracts.errors import CampaignSelectsNobody, MonocoqueError, ReleaseUnknown
from monocoque.contracts.updates import (
    COMPANY_RELEASE_KEY,
    FACTORY_NUMBER,
    HARDWARE,
    LANGUAGES,
    factory_image,
    image_path,
)
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.sim.calling import Caller, CallingConfig
from monocoque.sim.clock import VirtualClock
from monocoque.sim.door import PORT
from monocoque.sim.faults import Weather
from monocoque.sim.machine import Machine
from monocoque.trust.keys import load_key
from monocoque.trust.updates.image_repository import File, next_number, next_targets
from monocoque.trust.updates.metadata import add_signature
from monocoque.trust.updates.release import Release

CONSOLE_ADDRESS: Final = f"http://console.localhost:{PORT}"
CONFLICT: Final = 409
NOT_YET: Final = {ReleaseUnknown.code, CampaignSelectsNobody.code}
"""Refusals that end by themselves: the release is not on record, or no car that it is new to."""
AWAY: Final = frozenset({429, 503, 504})
OPEN: Final = frozenset({"running", "paused"})


@dataclass(frozen=True)
class WorkshopConfig(CallingConfig):
    """How software is made."""

    releases: int = 1
    """How many come out in the days, spread over them."""
    first_share: float = 0.05
    """After so much of the days the first one does."""
    image_bytes: int = 4_096
    needs_charge_percent: int = 20
    first_wave_share: float = 0.2
    """How many cars are in the first wave of a campaign."""
    failures_share: float = 0.4
    """So many cars of a wave may fail before a campaign halts."""
    soak_s: int = 20
    silent_s: int = 120


class Workshop:
    """Makes releases and runs their campaigns, in one world."""

    def __init__(
        self,
        cell: Machine,
        companies: Mapping[str, KeyStore],
        cars: Sequence[Machine],
        weather: Weather,
        random: Random,
        config: WorkshopConfig,
    ) -> None:
        """companies: the offline keys of each. cars: may grow."""
        self.signed: dict[str, dict[str, int]] = {
            hardware_id: {_sha256(factory_image(hardware_id)): FACTORY_NUMBER}
            for hardware_id in HARDWARE
        }
        """By hardware and by the hash of an image: the release in which both companies signed."""
        self.campaigns: list[str] = []
        """Those that the cell acknowledged."""
        self._cell = cell
        self._companies = companies
        self._cars = cars
        self._weather = weather
        self._clock = VirtualClock(cell.time)
        self._random = random
        self._config = config
        self._is_resting = False

    async def live(
        self,
        transport: httpx.AsyncBaseTransport,
        sign_in_code: Callable[[], Awaitable[str]],
        announce: Callable[[int], None],
        days_s: float,
    ) -> None:
        """Bring out every release of the days.

        transport, sign_in_code: for the console. announce: told the number of each release.
        """
        config = self._config
        caller = Caller(CONSOLE_ADDRESS, transport, sign_in_code, self._random, config)
        await asyncio.sleep(config.first_share * days_s)
        for _ in range(config.releases):
            number = await self._publish()
            await self._break_units()
            await self._start(caller, number)
            announce(number)
            await asyncio.sleep((1 - config.first_share) / config.releases * days_s)

    async def rest(self) -> None:
        """No new release from now on, and every control unit takes what is signed."""
        self._is_resting = True
        for car in self._cars:
            await self._break(car, None, b"")

    # --- releases -----------------------------------------------------------------------------

    async def _publish(self) -> int:
        """Make, sign and publish the next release; its number."""
        assert self._cell.documents is not None
        repository = ImageRepository(self._cell.documents, self._cell.keystore)
        while True:
            try:
                number = self._put(repository)
                await note_published(repository, self._cell.records, self._clock.now_us())
            except MonocoqueError:  # the cell's own service publishes now; or makes up for this
                await asyncio.sleep(self._config.retry_s)
            else:
                return number

    def _put(self, repository: ImageRepository) -> int:
        previous = repository.published().targets
        number = next_number(previous)
        config = self._config
        images = {name: self._random.randbytes(config.image_bytes) for name in HARDWARE}
        release = release_of(number, images, config.needs_charge_percent)
        targets, files = next_targets(previous, release, images, self._clock.now_us())
        for keystore in self._companies.values():
            secret = keystore.read(COMPANY_RELEASE_KEY)
            assert secret is not None
            add_signature(targets, load_key(secret))
        for hardware_id, image in images.items():
            self.signed[hardware_id][_sha256(image)] = number
        repository.publish(targets, _reader(files), self._clock.now_us())
        return number

    # --- campaigns ----------------------------------------------------------------------------

    async def _start(self, caller: Caller, number: int) -> None:
        """Start the campaign of this release, in place of any that goes on."""
        config, cars = self._config, len(self._cars)
        campaign_id = identifiers.make("campaign", self._random.getrandbits)
        wanted = {
            "campaign_id": campaign_id,
            "release_number": number,
            "waves": [max(1, round(config.first_wave_share * cars))],
            "failures_max": max(1, round(config.failures_share * cars)),
            "soak_s": config.soak_s,
            "silent_s": config.silent_s,
        }
        while not self._is_resting:
            answer = await caller.ask("POST", "/api/campaigns", wanted, again_at=AWAY)
            if answer.is_success:
                self.campaigns.append(campaign_id)
                return
            if answer.status_code == CONFLICT:
                await self._halt_others(caller)
            elif answer.json().get("code") not in NOT_YET:
                raise AssertionError(f"The cell refused a campaign: {answer.text}")
            await caller.pause()

    async def _halt_others(self, caller: Caller) -> None:
        found = (await caller.ask("GET", "/api/campaigns")).json()
        for campaign in found["campaigns"]:
            if campaign["state"] in OPEN:
                path = f"/api/campaigns/{campaign['campaign_id']}/halt"
                await caller.ask("POST", path, again_at=AWAY)

    async def _break_units(self) -> None:
        """Under faults, one control unit of some cars fails with what comes next."""
        share = self._weather.faults.unit_break_share
        for car in self._cars:
            if self._random.random() < share:
                hardware_id = self._random.choice(list(HARDWARE))
                await self._break(car, hardware_id, self._random.choice((NO_BOOT, NO_WRITE)))

    async def _break(self, car: Machine, broken: str | None, fault: bytes) -> None:
        """This unit of the car fails from now on, and no other."""
        assert car.disk is not None
        for hardware_id in HARDWARE:
            now = fault if hardware_id == broken else b""
            if await (await car.disk.folder(hardware_id)).read("fault") != now:
                await break_unit(car.disk, hardware_id, now)


def release_of(number: int, images: Mapping[str, bytes], needs_charge_percent: int = 0) -> Release:
    """A release of these images, which nobody has signed."""
    version = f"1.{number}.0"
    return Release(
        number=number,
        version=version,
        title=dict.fromkeys(LANGUAGES, f"Release {version}"),
        notes=dict.fromkeys(LANGUAGES, "What is new."),
        critical=False,
        minutes=1,
        needs_charge_percent=needs_charge_percent,
        images={hardware_id: image_path(number, hardware_id) for hardware_id in images},
    )


def _reader(files: Sequence[File]) -> Callable[[str, int], bytes]:
    by_name = {file.name: file.data for file in files}
    return lambda name, _bytes_max: by_name[name]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

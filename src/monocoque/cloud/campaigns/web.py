"""HTTP routes of campaigns: the console runs and follows them; an owner sees the own car's update.

Rules: a live answer begins with all there is, then says what changed; a page that missed something
reads again.

Left out on purpose: the owner's agreement. It is a command to the car, like every other.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Row

from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.logic import consent
from monocoque.cloud.campaigns.logic.phases import FAILURES, Phase, State
from monocoque.cloud.campaigns.logic.rollout import Event as CampaignEvent
from monocoque.cloud.campaigns.service import reading
from monocoque.cloud.campaigns.service.desk import Desk, Wanted
from monocoque.cloud.campaigns.service.programme import Releases
from monocoque.cloud.pairing.service import find_own_car
from monocoque.contracts import topics
from monocoque.contracts.errors import NotFound
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.identifiers import parse
from monocoque.contracts.rights import READ_CAMPAIGNS, READ_OWN_CARS, RUN_CAMPAIGNS
from monocoque.contracts.updates import NUMBER_MAX
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.records.port import Records

SECOND_US = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CARS_NAMED_MAX = 1_000
"""Cars that a request may name; more are chosen by leaving them out: every car."""
SECONDS_MAX = 366 * 86_400
CARS_MAX = 100_000_000
After = Annotated[
    str, Query(max_length=64, description="the last car of the page before; empty for the first")
]


class CampaignWanted(BaseModel):
    """A campaign that is to start."""

    release_number: int = Field(ge=1, le=NUMBER_MAX)
    cars: list[str] | None = Field(
        default=None, max_length=CARS_NAMED_MAX, description="car_ids; null for every car"
    )
    waves: list[Annotated[int, Field(ge=1, le=CARS_MAX)]] = Field(
        default=[1], description="how many cars each wave has; the rest is one more"
    )
    failures_max: int = Field(
        default=0, ge=0, le=CARS_MAX, description="cars of one wave that may fail before it halts"
    )
    soak_s: int | None = Field(
        default=None,
        ge=1,
        le=SECONDS_MAX,
        description="how long the next wave waits for cars that are not settled",
    )
    silent_s: int | None = Field(
        default=None,
        ge=1,
        le=SECONDS_MAX,
        description="how long a car that began to install may say nothing before it has failed",
    )
    campaign_id: str | None = Field(
        default=None, description="made by the page, so that asking twice starts one; null for any"
    )


class Resume(BaseModel):
    """How a campaign goes on."""

    despite_failures: bool = Field(
        default=False, description="a campaign that was halted needs it; failures are forgiven"
    )


class PhaseCount(BaseModel):
    """How many cars are how far."""

    phase: Phase
    cars: int


class Wave(BaseModel):
    """One wave."""

    number: int = Field(description="from 0")
    cars: int
    has_begun: bool
    failed: int = Field(description="cars that failed and were not forgiven; see `failures_max`")
    phases: list[PhaseCount]


class Campaign(BaseModel):
    """One campaign; also the data of the live event ``campaign``."""

    campaign_id: str
    release_number: int
    version: str
    state: State
    reason: str = Field(description="why it was halted: `failures` or `person`; else empty")
    cars: int
    left_out: int = Field(description="chosen, and had this release or a newer one already")
    failures_max: int
    failed: int = Field(description="in all waves, forgiven ones too")
    installed: int
    soak_s: int
    silent_s: int
    waves: list[Wave]
    started_by: str
    started_at: datetime
    changed_at: datetime
    can_pause: bool
    can_resume: bool
    can_halt: bool
    resume_needs_despite_failures: bool


class Campaigns(BaseModel):
    """Campaigns, the newest first."""

    campaigns: list[Campaign]
    now: datetime = Field(description="by the cell's clock")


class CampaignCar(BaseModel):
    """One car of a campaign."""

    car_id: str
    wave: int
    phase: Phase
    reason: str
    progress_percent: int
    is_forgiven: bool
    changed_at: datetime


class CampaignCars(BaseModel):
    """Cars of a campaign, by identifier."""

    cars: list[CampaignCar]
    after: str | None = Field(description="ask for the next page with this; null at the end")


class CarSoftware(BaseModel):
    """The software that one car says it has."""

    car_id: str
    release_number: int = Field(description="0 until the car has spoken")
    version: str
    update_state: str
    update_number: int
    reason: str
    progress_percent: int
    campaign_id: str | None = Field(description="the campaign that has the car now")
    heard_at: datetime | None = Field(description="when its last manifest was taken")
    attention: str | None = Field(
        description="why a person must look at it: `inventory_changed`, `report_contradicts` or "
        "`half_updated`"
    )
    refusals: int = Field(description="manifests of this car that were refused")
    refusal_code: str


class FleetSoftware(BaseModel):
    """The software of cars, by identifier."""

    cars: list[CarSoftware]
    after: str | None = Field(description="ask for the next page with this; null at the end")


class Attention(BaseModel):
    """What needs a person."""

    cars: list[CarSoftware]
    campaigns: list[Campaign] = Field(description="those that were halted")


class CampaignTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class CampaignEvents(BaseModel):
    """The live events, by name."""

    campaign: Campaign
    tick: CampaignTick


class ReleaseOffered(BaseModel):
    """A release, in words for the owner of a car."""

    number: int
    version: str
    title: dict[str, str] = Field(description="by language: en, de, zh")
    notes: dict[str, str] = Field(description="by language; Markdown")
    critical: bool
    minutes: int = Field(description="how long the car cannot be used")
    needs_charge_percent: int


class CarUpdate(BaseModel):
    """The update of one's own car; also the data of the live event ``update``."""

    car_id: str
    installed_number: int = Field(description="0 until the car has spoken")
    installed_version: str
    state: consent.Shown
    reason: str = Field(description="a word of docs/protocol/updates.md, such as `charge_low`")
    progress_percent: int
    consent: consent.Consent
    can_agree: bool
    can_take_back: bool
    release: ReleaseOffered | None = Field(description="what the state is about; null for nothing")
    heard_at: datetime | None = Field(description="when the car last said so")


class UpdateTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class CarUpdateEvents(BaseModel):
    """The live events, by name."""

    update: CarUpdate
    tick: UpdateTick


@dataclass(frozen=True)
class CampaignPages:
    """Campaigns as the pages see them: from the records, and live."""

    records: Records
    desk: Desk
    releases: Releases
    console: Bus
    """The cell's, as the console."""
    phone: Bus
    """The cell's, as the phone site."""
    clock: Clock
    config: CampaignsConfig

    async def campaigns(self) -> Campaigns:
        """The newest campaigns, now."""
        found = await reading.read_campaigns(self.records, self.config.shown_campaigns_max)
        return Campaigns(
            campaigns=[_campaign(each) for each in found], now=_moment(self.clock.now_us())
        )

    async def campaign(self, campaign_id: str) -> Campaign:
        """One campaign, now; raises NotFound."""
        found = await reading.read_campaign(self.records, campaign_id)
        if found is None:
            raise NotFound("There is no such campaign.")
        return _campaign(found)

    async def live_campaigns(self) -> AsyncGenerator[Event, None]:
        """Every campaign once, then each that changes, and a tick every ``tick_interval_s``."""
        # The subscription is open before the records are read, so no change falls between.
        async with self.console.listen(topics.CAMPAIGN_CHANGED) as subscription:
            for each in (await self.campaigns()).campaigns:
                yield Event("campaign", each)
            tick_due_us = self.clock.now_us()
            while True:
                now_us = self.clock.now_us()
                if now_us >= tick_due_us:
                    yield Event("tick", CampaignTick(now=_moment(now_us)))
                    tick_due_us = now_us + round(self.config.tick_interval_s * SECOND_US)
                delivery = await subscription.next(max(tick_due_us - now_us, 0) / SECOND_US)
                if delivery is not None:
                    yield Event("campaign", await self.campaign(delivery.message.campaign_id))

    async def update(self, car_id: str, person_id: str) -> CarUpdate:
        """The update of a car of one's own, now; raises NotFound."""
        await find_own_car(self.records, car_id, person_id)
        shown = await reading.read_car(self.records, car_id)
        vehicle, update = shown.vehicle, shown.update
        installed = 0 if vehicle is None else vehicle.release_number
        state = consent.shown_state(update, shown.directed_number, installed)
        is_said = state.value == update.state.value
        about = (update.release_number if is_said else 0) or shown.directed_number
        return CarUpdate(
            car_id=car_id,
            installed_number=installed,
            installed_version="" if vehicle is None else vehicle.version,
            state=state,
            reason=update.reason if is_said else "",
            progress_percent=update.progress_percent if is_said else 0,
            consent=consent.consent_of(state, update.agreed),
            can_agree=consent.can_agree(state, update.agreed),
            can_take_back=consent.can_take_back(state, update.agreed),
            release=await self._release(about),
            heard_at=None if vehicle is None else _moment_or_none(vehicle.heard_us),
        )

    async def live_update(self, car_id: str, person_id: str) -> AsyncGenerator[Event, None]:
        """The update, then every change of it, and a tick every ``tick_interval_s``."""
        async with self.phone.listen(topics.UPDATE_CHANGED, car_id=car_id) as subscription:
            last = await self.update(car_id, person_id)
            yield Event("update", last)
            tick_due_us = self.clock.now_us()
            while True:
                now_us = self.clock.now_us()
                if now_us >= tick_due_us:
                    yield Event("tick", UpdateTick(now=_moment(now_us)))
                    tick_due_us = now_us + round(self.config.tick_interval_s * SECOND_US)
                await subscription.next(max(tick_due_us - now_us, 0) / SECOND_US)
                # Without news too: a word that was lost is made up for by the tick.
                now = await self.update(car_id, person_id)
                if now != last:
                    last = now
                    yield Event("update", now)

    async def _release(self, number: int) -> ReleaseOffered | None:
        found = await self.releases.find(number) if number else None
        if found is None:
            return None
        says = found.document
        return ReleaseOffered(
            number=says.number,
            version=says.version,
            title=dict(says.title),
            notes=dict(says.notes),
            critical=says.critical,
            minutes=says.minutes,
            needs_charge_percent=says.needs_charge_percent,
        )


def console_routes(pages: CampaignPages) -> APIRouter:
    """The routes of the console."""
    router = APIRouter(tags=["campaigns"])

    @router.get("/api/campaigns")
    @needs(READ_CAMPAIGNS)
    async def read_campaigns() -> Campaigns:
        """Campaigns, the newest first."""
        return await pages.campaigns()

    @router.get(
        "/api/campaigns/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": CampaignEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_CAMPAIGNS)
    async def watch_campaigns(request: Request) -> EventStream:
        """Every campaign once, then each that changes."""
        return EventStream(request, pages.live_campaigns())

    @router.get("/api/campaigns/{campaign_id}/cars")
    @needs(READ_CAMPAIGNS)
    async def read_campaign_cars(campaign_id: str, after: After = "") -> CampaignCars:
        """The cars of a campaign, a page at a time."""
        campaign = await pages.campaign(parse(campaign_id, "campaign"))
        count_max = pages.config.shown_cars_max
        found = await reading.read_members(pages.records, campaign.campaign_id, after, count_max)
        cars = [_campaign_car(row) for row in found]
        return CampaignCars(cars=cars, after=cars[-1].car_id if len(cars) == count_max else None)

    @router.get("/api/software")
    @needs(READ_CAMPAIGNS)
    async def read_software(after: After = "") -> FleetSoftware:
        """The software of every car that has spoken, or is in a campaign; a page at a time."""
        count_max = pages.config.shown_cars_max
        found = await reading.read_vehicles(pages.records, after, count_max)
        cars = [_software(row) for row in found]
        return FleetSoftware(cars=cars, after=cars[-1].car_id if len(cars) == count_max else None)

    @router.get("/api/software/attention")
    @needs(READ_CAMPAIGNS)
    async def read_attention() -> Attention:
        """Which cars and campaigns need a person."""
        cars, halted = await reading.read_attention(pages.records, pages.config.shown_cars_max)
        return Attention(
            cars=[_software(row) for row in cars],
            campaigns=[await pages.campaign(row.campaign_id) for row in halted],
        )

    _add_deeds(router, pages)
    return router


def _add_deeds(router: APIRouter, pages: CampaignPages) -> None:
    """The routes by which a campaign is run."""

    @router.post("/api/campaigns")
    @needs(RUN_CAMPAIGNS)
    async def start_campaign(wanted: CampaignWanted, session: CurrentSession) -> Campaign:
        """Start a campaign."""
        config, campaign_id = pages.config, wanted.campaign_id
        asked = Wanted(
            release_number=wanted.release_number,
            cars=None if wanted.cars is None else [parse_car_id(each) for each in wanted.cars],
            waves=wanted.waves[: config.waves_max],
            failures_max=wanted.failures_max,
            soak_s=wanted.soak_s or config.soak_s,
            silent_s=wanted.silent_s or config.silent_s,
            started_by=session.person_id,
            campaign_id="" if campaign_id is None else parse(campaign_id, "campaign"),
        )
        return await pages.campaign(await pages.desk.start(asked))

    async def change(campaign_id: str, event: CampaignEvent) -> Campaign:
        await pages.desk.change(parse(campaign_id, "campaign"), event)
        return await pages.campaign(campaign_id)

    @router.post("/api/campaigns/{campaign_id}/pause")
    @needs(RUN_CAMPAIGNS)
    async def pause_campaign(campaign_id: str) -> Campaign:
        """Tell no further car; those that were told go on."""
        return await change(campaign_id, CampaignEvent.PAUSE)

    @router.post("/api/campaigns/{campaign_id}/resume")
    @needs(RUN_CAMPAIGNS)
    async def resume_campaign(campaign_id: str, how: Resume) -> Campaign:
        """Go on."""
        despite = CampaignEvent.RESUME_DESPITE_FAILURES
        return await change(campaign_id, despite if how.despite_failures else CampaignEvent.RESUME)

    @router.post("/api/campaigns/{campaign_id}/halt")
    @needs(RUN_CAMPAIGNS)
    async def halt_campaign(campaign_id: str) -> Campaign:
        """Stop it, and call back every car that has not begun to install."""
        return await change(campaign_id, CampaignEvent.HALT)

    @router.post("/api/software/{car_id}/take-anew")
    @needs(RUN_CAMPAIGNS)
    async def take_software_anew(car_id: str) -> Attention:
        """A person looked at the car: what it says next counts like its first word."""
        await pages.desk.take_anew(parse_car_id(car_id))
        cars, halted = await reading.read_attention(pages.records, pages.config.shown_cars_max)
        return Attention(
            cars=[_software(row) for row in cars],
            campaigns=[await pages.campaign(row.campaign_id) for row in halted],
        )


def phone_routes(pages: CampaignPages) -> APIRouter:
    """The routes of the phone site."""
    router = APIRouter(tags=["updates"])

    @router.get("/api/cars/{car_id}/update")
    @needs(READ_OWN_CARS)
    async def read_update(car_id: str, session: CurrentSession) -> CarUpdate:
        """The update of a car of one's own, now."""
        return await pages.update(parse_car_id(car_id), session.person_id)

    @router.get(
        "/api/cars/{car_id}/update/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": CarUpdateEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_OWN_CARS)
    async def watch_update(car_id: str, request: Request, session: CurrentSession) -> EventStream:
        """The update, then each change of it."""
        car = parse_car_id(car_id)
        await find_own_car(pages.records, car, session.person_id)  # refuses before it streams
        return EventStream(request, pages.live_update(car, session.person_id))

    return router


def _campaign(shown: reading.CampaignShown) -> Campaign:
    row, state = shown.row, State(shown.row.state)
    installed = sum(count.cars for count in shown.counts if count.phase is Phase.INSTALLED)
    return Campaign(
        campaign_id=row.campaign_id,
        release_number=row.release_number,
        version=row.version,
        state=state,
        reason=row.reason,
        cars=row.cars,
        left_out=row.left_out,
        failures_max=row.failures_max,
        failed=shown.failed,
        installed=installed,
        soak_s=row.soak_us // SECOND_US,
        silent_s=row.silent_us // SECOND_US,
        waves=_waves(shown),
        started_by=row.started_by,
        started_at=_moment(row.started_us),
        changed_at=_moment(row.changed_us),
        can_pause=state is State.RUNNING,
        can_resume=state in (State.PAUSED, State.HALTED),
        can_halt=state in (State.RUNNING, State.PAUSED),
        resume_needs_despite_failures=state is State.HALTED,
    )


def _waves(shown: reading.CampaignShown) -> list[Wave]:
    waves = []
    for number in sorted({count.wave for count in shown.counts}):
        mine = [count for count in shown.counts if count.wave == number]
        by_phase = dict.fromkeys(Phase, 0)
        for count in mine:
            by_phase[count.phase] += count.cars
        failed = [c.cars for c in mine if c.phase in FAILURES and not c.is_forgiven]
        waves.append(
            Wave(
                number=number,
                cars=sum(count.cars for count in mine),
                has_begun=number <= shown.row.wave,
                failed=sum(failed),
                phases=[PhaseCount(phase=p, cars=cars) for p, cars in by_phase.items() if cars],
            )
        )
    return waves


def _campaign_car(row: Row[Any]) -> CampaignCar:
    return CampaignCar(
        car_id=row.car_id,
        wave=row.wave,
        phase=Phase(row.phase),
        reason=row.reason,
        progress_percent=row.progress_percent,
        is_forgiven=row.is_forgiven,
        changed_at=_moment(row.changed_us),
    )


def _software(row: Row[Any]) -> CarSoftware:
    return CarSoftware(
        car_id=row.car_id,
        release_number=row.release_number,
        version=row.version,
        update_state=row.update_state,
        update_number=row.update_number,
        reason=row.update_reason,
        progress_percent=row.update_percent,
        campaign_id=row.campaign_id,
        heard_at=_moment_or_none(row.heard_us),
        attention=reading.attention_of(row),
        refusals=row.refusals,
        refusal_code=row.refusal_code,
    )


def _moment(time_us: int) -> datetime:
    # Not by a fraction of seconds, which would round.
    return EPOCH + timedelta(microseconds=time_us)


def _moment_or_none(time_us: int | None) -> datetime | None:
    return None if time_us is None else _moment(time_us)

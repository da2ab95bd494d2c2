"""Campaigns and updates as the pages see them: from the records, and live.

Rules: a live answer begins with all there is, then says what changed; a page that missed something
reads again.

Left out on purpose: changing anything.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.logic import consent
from monocoque.cloud.campaigns.logic.phases import FAILURES, Phase, State
from monocoque.cloud.campaigns.service import reading
from monocoque.cloud.campaigns.service.desk import Desk
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.cloud.campaigns.web.answers import (
    Attention,
    Campaign,
    CampaignCar,
    CampaignCars,
    Campaigns,
    CampaignTick,
    CarSoftware,
    CarUpdate,
    FleetSoftware,
    PhaseCount,
    ReleaseOffered,
    UpdateTick,
    Wave,
)
from monocoque.cloud.pairing.service import find_own_car
from monocoque.contracts import topics
from monocoque.contracts.errors import NotFound
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock, moment_of
from monocoque.plumbing.http.events import Event
from monocoque.plumbing.records.port import Records

SECOND_US = 1_000_000


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
            campaigns=[_campaign(each) for each in found], now=moment_of(self.clock.now_us())
        )

    async def campaign(self, campaign_id: str) -> Campaign:
        """One campaign, now; raises NotFound."""
        found = await reading.read_campaign(self.records, campaign_id)
        if found is None:
            raise NotFound("There is no such campaign.")
        return _campaign(found)

    async def cars(self, campaign_id: str, after: str) -> CampaignCars:
        """The cars of a campaign behind that one; raises NotFound."""
        await self.campaign(campaign_id)
        count_max = self.config.shown_cars_max
        found = await reading.read_members(self.records, campaign_id, after, count_max)
        cars = [_campaign_car(row) for row in found]
        return CampaignCars(cars=cars, after=cars[-1].car_id if len(cars) == count_max else None)

    async def software(self, after: str) -> FleetSoftware:
        """The software of the cars behind that one."""
        count_max = self.config.shown_cars_max
        found = await reading.read_vehicles(self.records, after, count_max)
        cars = [_software(row) for row in found]
        return FleetSoftware(cars=cars, after=cars[-1].car_id if len(cars) == count_max else None)

    async def attention(self) -> Attention:
        """What needs a person, now."""
        cars, halted = await reading.read_attention(self.records, self.config.shown_cars_max)
        return Attention(
            cars=[_software(row) for row in cars],
            campaigns=[await self.campaign(row.campaign_id) for row in halted],
        )

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
                    yield Event("tick", CampaignTick(now=moment_of(now_us)))
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
                    yield Event("tick", UpdateTick(now=moment_of(now_us)))
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
        started_at=moment_of(row.started_us),
        changed_at=moment_of(row.changed_us),
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
        changed_at=moment_of(row.changed_us),
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



def _moment_or_none(time_us: int | None) -> datetime | None:
    return None if time_us is None else moment_of(time_us)

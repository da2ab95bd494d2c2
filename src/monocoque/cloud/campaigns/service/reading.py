"""What campaigns show: to the console, to an owner's phone, to the command line and the doctor.

Rules: each question is one transaction, and bounded.

Left out on purpose: words. A page has its own, by the words that stand in the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.logic.phases import FAILURES, State
from monocoque.cloud.campaigns.logic.rollout import Count
from monocoque.cloud.campaigns.service.keeping import counts_of
from monocoque.plumbing.records.port import Records
from monocoque.trust.updates.manifests import UpdateReport, UpdateState

HALF_UPDATED = "half_updated"
"""Why a person must look at a car: not all of its control units have the release that some have."""
_SETTLES_BY_ITSELF = (UpdateState.INSTALLING, UpdateState.BOOTING)


@dataclass(frozen=True)
class CampaignShown:
    """One campaign, and how many of its cars are where."""

    row: Row[Any]
    counts: Sequence[Count]

    @property
    def failed(self) -> int:
        """How many cars failed, forgiven or not."""
        return sum(count.cars for count in self.counts if count.phase in FAILURES)


@dataclass(frozen=True)
class CarShown:
    """What is known of the update of one car."""

    vehicle: Row[Any] | None
    directed_number: int
    """The release that it is to install; 0 for none."""

    @property
    def update(self) -> UpdateReport:
        """What the car says of it."""
        row = self.vehicle
        if row is None:
            return UpdateReport(0, UpdateState.NONE)
        state = UpdateState(row.update_state)
        return UpdateReport(
            row.update_number, state, row.update_reason, row.update_percent, row.agreed
        )


async def read_campaigns(records: Records, count_max: int) -> list[CampaignShown]:
    """Campaigns, the newest first."""

    def work(connection: Connection) -> list[CampaignShown]:
        found = rows.newest_campaigns(connection, count_max)
        return [CampaignShown(row, counts_of(connection, row.campaign_id)) for row in found]

    return await records.transact(work)


async def read_campaign(records: Records, campaign_id: str) -> CampaignShown | None:
    """One campaign, or None."""

    def work(connection: Connection) -> CampaignShown | None:
        row = rows.find_campaign(connection, campaign_id)
        return None if row is None else CampaignShown(row, counts_of(connection, campaign_id))

    return await records.transact(work)


async def read_members(
    records: Records, campaign_id: str, after: str, count_max: int
) -> Sequence[Row[Any]]:
    """Cars of a campaign behind that one, by identifier."""
    page = partial(rows.members_page, campaign_id=campaign_id, after=after, count_max=count_max)
    return await records.transact(page)


async def read_vehicles(records: Records, after: str, count_max: int) -> Sequence[Row[Any]]:
    """Cars behind that one, by identifier, with the software that they have."""
    return await records.transact(partial(rows.vehicles_page, after=after, count_max=count_max))


async def read_car(records: Records, car_id: str) -> CarShown:
    """What is known of the update of one car."""

    def work(connection: Connection) -> CarShown:
        directions = rows.find_directions(connection, car_id)
        number = 0 if directions is None else directions.release_number
        return CarShown(rows.find_vehicle(connection, car_id), number)

    return await records.transact(work)


async def read_attention(
    records: Records, count_max: int
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """Cars that a person must look at, and campaigns that were halted."""

    def work(connection: Connection) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
        cars = rows.with_attention(connection, _SETTLES_BY_ITSELF, count_max)
        return cars, rows.campaigns_in(connection, (State.HALTED,))

    return await records.transact(work)


def attention_of(vehicle: Row[Any]) -> str | None:
    """Why a person must look at this car; None for no reason."""
    if vehicle.attention is not None:
        return str(vehicle.attention)
    is_settled = vehicle.update_state not in _SETTLES_BY_ITSELF
    return HALF_UPDATED if vehicle.is_mixed and is_settled else None

"""What the parts of campaigns do to the records, inside one transaction of theirs.

Rules:

* each function takes the caller's connection;
* a car's phase, the counts, and whether the campaign has the car for itself change together;
* what was asked of a campaign by a person and what follows from the cars pass the same table.

Left out on purpose: transactions and the bus, which are the callers'.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.logic import phases, rollout
from monocoque.cloud.campaigns.logic.phases import Phase, State
from monocoque.cloud.campaigns.logic.reports import Inventory, Known
from monocoque.contracts.errors import (
    CredentialsRefused,
    LimitError,
    RecordsContended,
    StorageError,
    UnavailableError,
    UpdateRefused,
)

SECOND_US: Final = 1_000_000
AWAY: Final = (
    UnavailableError,
    RecordsContended,
    LimitError,
    StorageError,
    CredentialsRefused,
    UpdateRefused,
)
"""Errors that pass: when bus or records answer again, when there is room on the disk, when keys are
there, or the repository is mended."""
AT_WORK: Final = (State.RUNNING, State.PAUSED, State.HALTED)
"""Campaigns for which there may be something to do."""


@dataclass
class Changes:
    """What one transaction changed, for who tells the pages."""

    cars: dict[str, str] = field(default_factory=dict)
    """Cars, and the campaign that it was about; empty for none."""
    campaigns: set[str] = field(default_factory=set)

    def note(self, car_id: str, campaign_id: str) -> None:
        """This car of this campaign changed."""
        self.cars[car_id] = campaign_id
        self.campaigns.add(campaign_id)


def standing_of(row: Row[Any]) -> rollout.Standing:
    """How far the campaign of this row is."""
    return rollout.Standing(State(row.state), row.wave, row.wave_began_us, row.reason)


def plan_of(row: Row[Any]) -> rollout.Plan:
    """What was decided for the campaign of this row."""
    waves = len(json.loads(row.waves))
    return rollout.Plan(waves, row.failures_max, row.soak_us, row.silent_us)


def counts_of(connection: Connection, campaign_id: str) -> list[rollout.Count]:
    """How many cars of each wave are in each phase; none that is zero."""
    return [
        rollout.Count(row.wave, Phase(row.phase), row.is_forgiven, row.cars)
        for row in rows.counts_of(connection, campaign_id)
        if row.cars
    ]


def known_of(vehicle: Row[Any] | None) -> Known:
    """What is on record about a car."""
    if vehicle is None:
        return Known(0, None, {})
    inventory = None if vehicle.inventory is None else inventory_of(vehicle.inventory)
    return Known(vehicle.sequence, inventory, json.loads(vehicle.numbers))


def inventory_of(text: str) -> Inventory:
    """The control units in a row."""
    return tuple((ecu_id, hardware_id) for ecu_id, hardware_id in json.loads(text))


def newest_in(numbers: str) -> int:
    """The newest release in any control unit, by the numbers in a row; 0 for no unit."""
    by_unit: dict[str, int] = json.loads(numbers)
    return max(by_unit.values(), default=0)


def move(
    connection: Connection,
    campaign: Row[Any],
    member: Row[Any],
    phase: Phase,
    now_us: int,
    **columns: Any,
) -> None:
    """A car of a campaign is in this phase now, with these columns."""
    # A failure that was forgiven counts when it comes a second time.
    is_forgiven = member.is_forgiven and phase in phases.FAILURES
    values = {
        "phase": str(phase),
        "is_forgiven": is_forgiven,
        "silent_due_us": now_us + campaign.silent_us if phase in phases.BEGUN else None,
        "changed_us": now_us,
    }
    campaign_id, car_id = member.campaign_id, member.car_id
    rows.save_member(connection, campaign_id, car_id, values | columns)
    if phase == member.phase:
        return
    rows.count(connection, campaign_id, member.wave, member.phase, member.is_forgiven, -1)
    rows.count(connection, campaign_id, member.wave, str(phase), is_forgiven, 1)
    state = State(campaign.state)
    had, has = (phases.holds(state, each) for each in (Phase(member.phase), phase))
    if had and not has:
        rows.save_vehicle(connection, car_id, {"campaign_id": None})
    elif has and not had:
        _take_back(connection, campaign_id, car_id)


def enter(
    connection: Connection, campaign: Row[Any], standing: rollout.Standing, now_us: int
) -> None:
    """The campaign is here now."""
    rows.save_campaign(
        connection,
        campaign.campaign_id,
        {
            "state": str(standing.state),
            "reason": standing.reason,
            "wave": standing.wave,
            "wave_began_us": standing.wave_began_us,
            "changed_us": now_us,
        },
    )
    if standing.state not in rollout.OPEN:
        kept = phases.BEGUN if standing.state is State.HALTED else ()
        rows.free_vehicles(connection, campaign.campaign_id, kept)


def found_in(members: Sequence[Row[Any]], number: int) -> Row[Any] | None:
    """What a car was in last that directed it to this release."""
    return next((m for m in members if m.was_directed and m.release_number == number), None)


def _take_back(connection: Connection, campaign_id: str, car_id: str) -> None:
    """A car that was given up goes on after all, unless another campaign has it by now."""
    vehicle = rows.find_vehicle(connection, car_id)
    if vehicle is not None and vehicle.campaign_id is None:
        rows.save_vehicle(connection, car_id, {"campaign_id": campaign_id})

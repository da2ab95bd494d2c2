"""Where a person starts a campaign, stops it, lets it go on, and has a car's software taken anew.

Rules:

* everything is decided in one transaction, so of two people who want the same car one is refused;
* which cars a campaign has is frozen when it starts; a car that has the release already is left
  out, and so is one with a newer release, unless it was named: then nothing is started;
* the same campaign again, by its identifier, is the same campaign;
* what was changed is on record first; then the service is told, which would find it anyway.

Left out on purpose: directing cars; the service does that.
"""

import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.logic import phases, rollout
from monocoque.cloud.campaigns.logic.phases import Phase, State
from monocoque.cloud.campaigns.logic.rollout import Event
from monocoque.cloud.campaigns.service.keeping import (
    AT_WORK,
    AWAY,
    SECOND_US,
    enter,
    newest_in,
    standing_of,
)
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.cloud.registry import service as registry
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    CampaignConflict,
    CampaignHalted,
    CampaignSelectsNobody,
    CarInCampaign,
    IdentifierUsed,
    NotFound,
    ReleaseOlderThanCar,
    ReleaseUnknown,
    RequestMalformed,
)
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.records.port import Records

Tell = Callable[[str], Awaitable[None]]
"""Says that the campaign of this identifier changed."""
EVERY_CAR: Final = "all"
"""What a selection says that names no cars."""


@dataclass(frozen=True)
class Wanted:
    """A campaign that somebody wants."""

    release_number: int
    cars: Sequence[str] | None
    """None for every car."""
    waves: Sequence[int]
    """How many cars each wave has; the rest is one more."""
    failures_max: int
    soak_s: int
    silent_s: int
    started_by: str
    campaign_id: str = ""
    """Made by who wants it, so that wanting it twice is harmless; empty for a new one."""


class Desk:
    """Where people run campaigns."""

    def __init__(
        self,
        records: Records,
        releases: Releases,
        clock: Clock,
        random: Random,
        config: CampaignsConfig,
        tell: Tell,
    ) -> None:
        self._records = records
        self._releases = releases
        self._clock = clock
        self._random = random
        self.config = config
        self._tell = tell

    async def start(self, wanted: Wanted) -> str:
        """Start a campaign; returns its identifier.

        Raises RequestMalformed, ReleaseUnknown, NotFound, CampaignSelectsNobody,
        ReleaseOlderThanCar, CarInCampaign, IdentifierUsed.
        """
        if len(wanted.waves) > self.config.waves_max:
            raise RequestMalformed(
                f"A campaign has at most {self.config.waves_max} waves and the rest.",
                hint="Name fewer waves; the setting `campaigns.waves_max` is the limit.",
            )
        published = await self._releases.find(wanted.release_number)
        if published is None or published.facts.document is None:
            raise ReleaseUnknown(f"There is no release {wanted.release_number}.")
        every = [row.car_id for row in await registry.read_cars(self._records) if row.identity_key]
        chosen = every if wanted.cars is None else list(dict.fromkeys(wanted.cars))
        if strange := sorted(set(chosen) - set(every)):
            raise NotFound(f"There is no car {strange[0]}.")
        campaign_id = wanted.campaign_id or identifiers.make("campaign", self._random.getrandbits)
        starting = _Starting(campaign_id, wanted, published.facts.version, self._clock.now_us())
        await self._records.transact(lambda connection: starting.run(connection, chosen))
        await self._say(campaign_id)
        return campaign_id

    async def change(self, campaign_id: str, event: Event) -> None:
        """Do this to a campaign.

        event: what a person does. Raises NotFound, CampaignHalted, CampaignConflict, CarInCampaign.
        """
        now_us = self._clock.now_us()
        await self._records.transact(lambda c: _change(c, campaign_id, event, now_us))
        await self._say(campaign_id)

    async def take_anew(self, car_id: str) -> None:
        """A person looked at this car: its next manifest counts like a first one.

        Raises NotFound.
        """

        def work(connection: Connection) -> None:
            if rows.find_vehicle(connection, car_id) is None:
                raise NotFound("No such car has said what software it has.")
            again = {"inventory": None, "numbers": "{}", "attention": None, "attention_us": None}
            rows.save_vehicle(connection, car_id, again)

        await self._records.transact(work)

    async def newest_open(self) -> str:
        """The newest campaign that is not finished; raises NotFound."""
        found = await self._records.transact(lambda c: rows.campaigns_in(c, AT_WORK))
        if not found:
            raise NotFound("No campaign goes on.", hint="`monocoque campaign list` shows them all.")
        return str(found[-1].campaign_id)

    async def _say(self, campaign_id: str) -> None:
        with contextlib.suppress(*AWAY):  # it is on record, and the service looks for it
            await self._tell(campaign_id)


class _Starting:
    """The transaction by which a campaign starts."""

    def __init__(self, campaign_id: str, wanted: Wanted, version: str, now_us: int) -> None:
        self._campaign_id = campaign_id
        self._wanted = wanted
        self._version = version
        self._now_us = now_us

    def run(self, connection: Connection, chosen: Sequence[str]) -> None:
        known = rows.find_campaign(connection, self._campaign_id)
        if known is not None:
            if (known.release_number, known.query) != (self._wanted.release_number, self._query):
                raise IdentifierUsed("Another campaign has this identifier.")
            return
        vehicles = {row.car_id: row for row in rows.all_vehicles(connection)}
        cars = self._sorted_out(chosen, vehicles)
        waves = rollout.split(cars, self._wanted.waves)
        self._add(connection, [len(wave) for wave in waves], len(chosen) - len(cars))
        for car_id in cars:
            rows.save_vehicle(connection, car_id, {"campaign_id": self._campaign_id})
        members = [
            self._member(car_id, number) for number, wave in enumerate(waves) for car_id in wave
        ]
        rows.add_members(connection, members)
        rows.count_anew(connection, self._campaign_id)

    @property
    def _query(self) -> str:
        cars = self._wanted.cars
        return EVERY_CAR if cars is None else json.dumps(list(cars))

    def _sorted_out(self, chosen: Sequence[str], vehicles: dict[str, Row[Any]]) -> list[str]:
        """The cars to which the release would bring something; raises for those that cannot be."""
        number, cars = self._wanted.release_number, []
        for car_id in chosen:
            vehicle = vehicles.get(car_id)
            has = 0 if vehicle is None else _newest_of(vehicle)
            if has > number and self._wanted.cars is not None:
                raise ReleaseOlderThanCar(f"{car_id} has release {has} already.")
            if has > number or (has == number and vehicle is not None and not vehicle.is_mixed):
                continue
            if vehicle is not None and vehicle.campaign_id is not None:
                raise CarInCampaign(f"{car_id} is in {vehicle.campaign_id}.")
            cars.append(car_id)
        if not cars:
            raise CampaignSelectsNobody("No chosen car would get anything new.")
        return cars

    def _add(self, connection: Connection, sizes: list[int], left_out: int) -> None:
        wanted = self._wanted
        values = {
            "campaign_id": self._campaign_id,
            "release_number": wanted.release_number,
            "version": self._version,
            "query": self._query,
            "waves": json.dumps(sizes),
            "cars": sum(sizes),
            "left_out": left_out,
            "failures_max": wanted.failures_max,
            "soak_us": wanted.soak_s * SECOND_US,
            "silent_us": wanted.silent_s * SECOND_US,
            "state": str(State.RUNNING),
            "reason": "",
            "wave": 0,
            "wave_began_us": self._now_us,
            "started_by": wanted.started_by,
            "started_us": self._now_us,
            "changed_us": self._now_us,
        }
        rows.add_campaign(connection, values)

    def _member(self, car_id: str, wave: int) -> dict[str, Any]:
        return {
            "campaign_id": self._campaign_id,
            "car_id": car_id,
            "release_number": self._wanted.release_number,
            "added_us": self._now_us,
            "wave": wave,
            "phase": str(Phase.HELD),
            "reason": "",
            "progress_percent": 0,
            "is_directed": False,
            "was_directed": False,
            "is_forgiven": False,
            "silent_due_us": None,
            "changed_us": self._now_us,
        }


def _change(connection: Connection, campaign_id: str, event: Event, now_us: int) -> None:
    campaign = rows.find_campaign(connection, campaign_id)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    before = standing_of(campaign)
    state = rollout.next_state(before.state, event)
    if state is None and before.state is State.HALTED:
        raise CampaignHalted(f"The campaign was halted: {before.reason}.")
    if state is None:
        raise CampaignConflict(f"The campaign is {before.state}.")
    if state is before.state:
        return
    if before.state is State.HALTED:
        _forgive(connection, campaign_id)
    reason = rollout.HALTED_BY_PERSON if state is State.HALTED else ""
    # Cars that had no chance while the campaign stood still get a whole soak time again.
    began_us = now_us if state is State.RUNNING else before.wave_began_us
    after = rollout.Standing(state, before.wave, began_us, reason)
    enter(connection, campaign, after, now_us)


def _newest_of(vehicle: Row[Any]) -> int:
    """The newest release in it; what a person has taken anew has no numbers for a while."""
    return max(int(vehicle.release_number), newest_in(vehicle.numbers))


def _forgive(connection: Connection, campaign_id: str) -> None:
    """A halted campaign goes on: with its cars, unless another one has them by now."""
    kept = sorted(phase for phase in Phase if phases.holds(State.RUNNING, phase))
    if others := rows.held_by_others(connection, campaign_id, kept):
        raise CarInCampaign(f"{others[0]} is in another campaign by now.")
    rows.take_vehicles(connection, campaign_id, kept)
    rows.change_members(connection, campaign_id, sorted(phases.FAILURES), {"is_forgiven": True})
    for phase in Phase:
        after = phases.after_resume(phase)
        if after is not phase:
            rows.change_members(connection, campaign_id, [phase], {"phase": str(after)})
    rows.count_anew(connection, campaign_id)

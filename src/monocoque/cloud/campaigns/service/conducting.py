"""Lets campaigns go on: waves, halts, silence; and tells each car that it concerns.

Rules:

* everything follows from the records, in passes of one transaction each; who is killed in the
  middle goes on with the next pass;
* a pass does a bounded number of cars, and another follows at once when that was not all;
* it waits for the next time that a row names, or until something changed, and no longer than
  ``look_s``: whoever changed a campaign may have been killed before saying so.

Left out on purpose: what a car says (reports.py) and what a person does (desk.py).
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.logic import phases, rollout
from monocoque.cloud.campaigns.logic.phases import Phase
from monocoque.cloud.campaigns.logic.reports import Release, assignment_of
from monocoque.cloud.campaigns.service.directing import Director
from monocoque.cloud.campaigns.service.keeping import (
    AT_WORK,
    AWAY,
    SECOND_US,
    Changes,
    counts_of,
    enter,
    inventory_of,
    move,
    newest_in,
    plan_of,
    standing_of,
)
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.contracts import topics
from monocoque.contracts.errors import ReleaseUnknown
from monocoque.plumbing.service import Context

LISTEN_S: Final = 3_600.0
"""How long one wait for news lasts; then another begins."""


@dataclass
class Pass:
    """What one pass came to."""

    changes: Changes = field(default_factory=Changes)
    missing: set[int] = field(default_factory=set)
    """Releases that must be known to go on."""
    is_more: bool = False
    due_us: int | None = None
    """When time asks for something next; None for never."""

    def wait_until(self, due_us: int | None) -> None:
        """Time asks for something then, at the latest."""
        if due_us is not None:
            self.due_us = due_us if self.due_us is None else min(self.due_us, due_us)


class Conductor:
    """The half of the director that acts by itself."""

    def __init__(
        self,
        context: Context,
        director: Director,
        releases: Releases,
        tell: Callable[[Changes], None],
    ) -> None:
        """tell: is given what changed, after it is on record."""
        self._context = context
        self._config = context.config(CampaignsConfig)
        self._director = director
        self._releases = releases
        self._tell = tell
        self._has_news = asyncio.Event()

    def wake(self) -> None:
        """Something changed by which a campaign may go on."""
        self._has_news.set()

    async def hear_changes(self) -> None:
        """A campaign that somebody started or changed is looked at."""
        async with self._context.bus.listen(topics.CAMPAIGN_CHANGED) as subscription:
            while True:
                if await subscription.next(LISTEN_S) is not None:
                    self.wake()

    async def conduct(self) -> None:
        """Let campaigns go on, until cancelled."""
        while True:
            self._has_news.clear()
            try:
                due_us = await self._until_done()
            except AWAY as error:
                self._context.count_error(error, "campaigns wait")
                await asyncio.sleep(self._config.retry_s)
                continue
            await self._until_due(due_us)

    async def _until_done(self) -> int | None:
        """Passes until there is nothing left to do now; returns when time asks next."""
        known: Mapping[int, Release] = {}
        unknown: set[int] = set()
        while True:
            now_us = self._context.clock.now_us()
            work = Work(self._director, self._config, known, now_us)
            done = await self._context.records.transact(work.run)
            self._tell(done.changes)
            missing = done.missing - unknown
            if missing:
                known = dict(known) | dict(await self._releases.facts(missing))
                for number in sorted(missing - known.keys()):
                    unknown.add(number)
                    error = ReleaseUnknown(f"Release {number} is not published any more.")
                    self._context.count_error(error, "a campaign waits")
            elif not done.is_more:
                return done.due_us

    async def _until_due(self, due_us: int | None) -> None:
        """Wait until then, or until something changed, but no longer than ``look_s``."""
        wait_s = self._config.look_s
        if due_us is not None:
            until_s = (due_us - self._context.clock.now_us()) / SECOND_US
            wait_s = min(wait_s, max(until_s, self._config.look_s_min))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._has_news.wait()
                await asyncio.sleep(self._config.look_s_min)


class Work:
    """One pass over every campaign at work, inside one transaction."""

    def __init__(
        self,
        director: Director,
        config: CampaignsConfig,
        releases: Mapping[int, Release],
        now_us: int,
    ) -> None:
        """releases: those that are known by now."""
        self._director = director
        self._cars_max = config.directed_batch_cars
        self._releases = releases
        self._now_us = now_us

    def run(self, connection: Connection) -> Pass:
        """Do what is to be done now."""
        done = Pass()
        self._note_silence(connection, done)
        for campaign in rows.campaigns_in(connection, AT_WORK):
            again = self._go_on(connection, campaign, done)
            self._call_back(connection, again, done)
            self._direct(connection, again, done)
        done.wait_until(rows.next_silent_us(connection))
        return done

    def _note_silence(self, connection: Connection, done: Pass) -> None:
        """Of every campaign: a car may begin when its campaign is finished."""
        found = rows.silent_members(connection, self._now_us, self._cars_max)
        for member in found:
            campaign = rows.find_campaign(connection, member.campaign_id)
            assert campaign is not None
            move(connection, campaign, member, Phase.SILENT, self._now_us, reason="silent")
            done.changes.note(member.car_id, member.campaign_id)
        done.is_more |= len(found) == self._cars_max

    def _go_on(self, connection: Connection, campaign: Row[Any], done: Pass) -> Row[Any]:
        """The campaign as it is by its counts and the time; returns its row."""
        before, plan = standing_of(campaign), plan_of(campaign)
        counts = counts_of(connection, campaign.campaign_id)
        after = rollout.go_on(before, counts, plan, self._now_us)
        done.wait_until(rollout.due_us(after, plan))
        if after == before:
            return campaign
        enter(connection, campaign, after, self._now_us)
        done.changes.campaigns.add(campaign.campaign_id)
        again = rows.find_campaign(connection, campaign.campaign_id)
        assert again is not None
        return again

    def _call_back(self, connection: Connection, campaign: Row[Any], done: Pass) -> None:
        """Cars that shall not install any more are told so."""
        wanted = phases.to_call_back(standing_of(campaign).state)
        campaign_id = campaign.campaign_id
        found = rows.members_to_call_back(connection, campaign_id, sorted(wanted), self._cars_max)
        for member in found:
            known = rows.find_directions(connection, member.car_id)
            if known is not None and known.campaign_id == campaign_id:
                self._director.tell(connection, member.car_id, None, None, self._now_us)
            phase = phases.after_call_back(Phase(member.phase))
            move(connection, campaign, member, phase, self._now_us, is_directed=False)
            done.changes.note(member.car_id, campaign_id)
        done.is_more |= len(found) == self._cars_max

    def _direct(self, connection: Connection, campaign: Row[Any], done: Pass) -> None:
        """Cars whose turn it is are told to install."""
        standing = standing_of(campaign)
        wanted = phases.to_direct(standing.state)
        found = rows.members_to_direct(
            connection, campaign.campaign_id, sorted(wanted), standing.wave, self._cars_max
        )
        if not found:
            return
        release = self._releases.get(campaign.release_number)
        if release is None:
            done.missing.add(campaign.release_number)
            return
        for member in found:
            self._direct_car(connection, campaign, member, release)
            done.changes.note(member.car_id, member.campaign_id)
        # Also when it was not all: who was passed over may have settled a wave.
        done.is_more = True

    def _direct_car(
        self, connection: Connection, campaign: Row[Any], member: Row[Any], release: Release
    ) -> None:
        change = partial(move, connection, campaign, member)
        assignment = assignment_of(release, inventory_of(member.inventory))
        has = newest_in(member.numbers)
        if has > release.number:
            change(Phase.SKIPPED, self._now_us, reason="newer")
        elif assignment is None:
            change(Phase.SKIPPED, self._now_us, reason="no_unit")
        elif has == release.number and not member.is_mixed:
            change(Phase.INSTALLED, self._now_us, reason="")
        else:
            campaign_id, car_id = campaign.campaign_id, member.car_id
            self._director.tell(connection, car_id, campaign_id, assignment, self._now_us)
            rows.let_go(connection, car_id, campaign_id, phases.NOT_BEGUN)
            phase = Phase.DIRECTED if member.phase == Phase.HELD else Phase(member.phase)
            told = {"is_directed": True, "was_directed": True}
            change(phase, self._now_us, reason="", **told)

"""What must hold of the records, whatever people and cars do and wherever the service is killed."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.logic import phases
from monocoque.cloud.campaigns.logic.phases import Phase, State
from monocoque.cloud.campaigns.logic.rollout import Event
from monocoque.cloud.campaigns.service.conducting import Work
from monocoque.cloud.campaigns.service.directing import (
    Director,
    lifetimes_of,
    read_director_keys,
)
from monocoque.cloud.campaigns.service.reports import Taking
from monocoque.cloud.releases.service.publishing import note_published
from monocoque.contracts.errors import MonocoqueError
from monocoque.roles.migrations import records_in_memory
from monocoque.trust.updates.manifests import UpdateReport, UpdateState, verify_manifest
from tests.cloud.campaigns.stand import QUICK, Car, Cell
from tests.cloud.releases.stand import Stand as Repository

RELEASES = (2, 3)


@cache
def repository() -> Repository:
    """Two releases, published once."""
    made = Repository()
    for number in RELEASES:
        made.publish(number, f"1.{number}.0")
    return made


class Fleet:
    """A cell without its loop: every pass, manifest and deed is a call."""

    def __init__(self) -> None:
        self.records = records_in_memory(Random(5))
        self.cell = Cell(self.records, repository=repository())
        keys = read_director_keys(repository().places.cell)
        self.director = Director(keys, lifetimes_of(QUICK))
        self.campaigns: list[str] = []
        self.cars: list[Car] = []
        self.refused = Counter[str]()
        self.facts: Any = {}

    async def begin(self, cars: int) -> None:
        await note_published(repository().repository, self.records, 1)
        self.facts = await self.cell.releases.facts((1, *RELEASES))
        self.cars = [await self.cell.add_car() for _ in range(cars)]
        for car in self.cars:
            await self.hear(car, UpdateReport(0, UpdateState.NONE))

    async def hear(self, car: Car, update: UpdateReport) -> None:
        if update.state is UpdateState.INSTALLED:
            car.units = self.cell.units_of(car.car_id, update.release_number)
        document = car.manifest(update)
        manifest = verify_manifest(document, car.car_id, car.key.public_jwk)
        taking = Taking(self.director, self.facts, self.cell.clock.now_us())
        _, refused = await self.records.transact(lambda c: taking.take([manifest], c))
        if refused and update.state is UpdateState.INSTALLED:
            car.units = self.cell.units_of(car.car_id, 1)

    async def conduct(self, batch: int) -> None:
        config = replace(QUICK, directed_batch_cars=batch)
        work = Work(self.director, config, self.facts, self.cell.clock.now_us())
        await self.records.transact(work.run)

    async def do(self, kind: str, at: int, number: int, state: UpdateState) -> None:
        """One thing that happens; what is refused has changed nothing, and is counted."""
        try:
            if kind == "start":
                chosen = [car.car_id for car in self.cars[: at + 1]] if at else None
                started = await self.cell.start(
                    release_number=number, cars=chosen, waves=[1, 1], silent_s=100
                )
                self.campaigns.append(started)
            elif kind == "say":
                await self.hear(self.cars[at % len(self.cars)], UpdateReport(number, state))
            elif kind == "conduct":
                await self.conduct(1 + at)
            elif kind == "wait":
                self.cell.clock.advance(60)
            elif self.campaigns:
                chosen_id = self.campaigns[at % len(self.campaigns)]
                await self.cell.change(chosen_id, Event(kind))
        except MonocoqueError as error:
            self.refused[error.code] += 1

    async def look(self) -> dict[str, Any]:
        def work(connection: Any) -> dict[str, Any]:
            return {
                table.name: connection.execute(select(table)).all()
                for table in rows.metadata.sorted_tables
            }

        return await self.records.transact(work)


def check(found: dict[str, Any]) -> None:
    """What must hold of the records at any time."""
    state = {row.campaign_id: State(row.state) for row in found["campaigns_campaigns"]}
    vehicles = {row.car_id: row for row in found["campaigns_vehicles"]}
    holding = Counter[str]()
    for member in found["campaigns_members"]:
        if phases.holds(state[member.campaign_id], Phase(member.phase)):
            holding[member.car_id] += 1
            assert vehicles[member.car_id].campaign_id == member.campaign_id
        if Phase(member.phase) in phases.NOT_BEGUN:
            assert member.is_directed
    assert all(count == 1 for count in holding.values())
    for vehicle in vehicles.values():
        assert (vehicle.campaign_id is not None) == (holding[vehicle.car_id] == 1)
    counted = {
        (row.campaign_id, row.wave, row.phase, row.is_forgiven): row.cars
        for row in found["campaigns_counts"]
        if row.cars
    }
    members = Counter(
        (row.campaign_id, row.wave, row.phase, row.is_forgiven)
        for row in found["campaigns_members"]
    )
    assert counted == dict(members)
    for row in found["campaigns_campaigns"]:
        total = sum(cars for key, cars in counted.items() if key[0] == row.campaign_id)
        assert total == row.cars


def check_step(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What must hold of two records that follow one another."""
    state = {row.campaign_id: State(row.state) for row in after["campaigns_campaigns"]}
    said = {row.car_id: row for row in before["campaigns_directions"]}
    for row in after["campaigns_directions"]:
        known = said.get(row.car_id)
        if known is None:
            assert row.release_number == 0
            continue
        assert row.timestamp_version >= known.timestamp_version
        assert row.version >= known.version
        if row.targets != known.targets:
            assert row.version > known.version
            if row.release_number:
                assert state[row.campaign_id] is State.RUNNING


PEOPLE = ("pause", "resume", "halt", "resume_despite_failures")
STEP = st.tuples(
    st.sampled_from([*["say"] * 4, *["conduct"] * 2, "start", "wait", *PEOPLE]),
    st.integers(0, 3),
    st.sampled_from(RELEASES),
    st.sampled_from(list(UpdateState)),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=10, max_size=40))
def test_no_car_is_in_two_campaigns_and_every_car_is_counted_once(steps):
    async def live() -> None:
        fleet = Fleet()
        await fleet.begin(3)
        before = await fleet.look()
        for step in steps:
            await fleet.do(*step)
            after = await fleet.look()
            check(after)
            check_step(before, after)
            before = after
        await fleet.records.close()

    asyncio.run(live())


# --- killed anywhere --------------------------------------------------------------------------


class PowerLost(BaseException):
    """The machine is gone; nothing of ours catches it."""


class DyingRecords:
    """Records whose machine loses its power at one transaction, before it or right after."""

    def __init__(self, records: Any, left: int, *, is_done: bool) -> None:
        self.records, self.left, self.is_done = records, left, is_done

    async def close(self) -> None:
        await self.records.close()

    async def transact(self, work: Any) -> Any:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.is_done):
            raise PowerLost
        result = await self.records.transact(work)
        if self.left == 0:
            raise PowerLost
        return result


async def live_a_campaign(left: int, *, is_done: bool) -> int:
    """One campaign of two cars whose director is killed once; returns how often it was."""
    fleet = Fleet()
    cell, killed = fleet.cell, 0
    await fleet.begin(2)
    campaign_id = await cell.start(silent_s=10_000)
    dying = DyingRecords(fleet.records, left, is_done=is_done)
    with contextlib.suppress(PowerLost):
        try:
            async with cell.living(cell.context(records=dying)):
                await play(cell, fleet.cars, campaign_id)
        except BaseExceptionGroup as group:
            killed = len(group.subgroup(PowerLost).exceptions) and 1
    async with cell.living():
        await play(cell, fleet.cars, campaign_id)
    found = await fleet.look()
    check(found)
    # No car was given two different directions with one version.
    assert all(row.version == 2 for row in found["campaigns_directions"])
    await fleet.records.close()
    return killed


async def play(cell: Cell, cars: list[Car], campaign_id: str) -> None:
    """Install in each car what it is told, until the campaign is finished."""
    async with asyncio.timeout(20):
        while (await cell.campaign(campaign_id)).state != "finished":
            for car in cars:
                if await car.directed() == 2 and car.units[0].release_number == 1:
                    await car.install()
                elif car.sequence < 60:
                    await car.poll()
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("is_done", [False, True])
async def test_a_director_that_is_killed_at_any_transaction_goes_on(is_done):
    killed = [await live_a_campaign(left, is_done=is_done) for left in range(1, 24, 2)]
    assert sum(killed) >= 6  # else no campaign was cut short at all


async def test_what_was_on_record_before_a_kill_is_said_after_it():
    fleet = Fleet()
    await fleet.begin(1)
    [car] = fleet.cars
    assert await car.directed() is None
    async with fleet.cell.living():
        await car.until_directed(0)  # nobody says anything, and nothing is new
    await fleet.records.close()

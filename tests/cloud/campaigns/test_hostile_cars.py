"""Cars that lie, repeat, flood or speak for others: it costs them alone, and a person is told."""

from dataclasses import replace

import pytest

from monocoque.cloud.campaigns.logic.rollout import Event
from monocoque.contracts import topics
from monocoque.plumbing.records.port import Records
from monocoque.roles.migrations import records_in_memory
from monocoque.trust.keys import SystemKeyMaker
from monocoque.trust.updates.manifests import UpdateReport, UpdateState
from tests.cloud.campaigns.stand import QUICK, Car, Cell, until


@pytest.fixture
async def memory():
    from random import Random

    records: Records = records_in_memory(Random(3))
    yield records
    await records.close()


async def attention(cell: Cell) -> dict[str, str | None]:
    found = await cell.pages.attention()
    return {car.car_id: car.attention for car in found.cars}


async def until_refused(cell: Cell, code: str, times: int = 1) -> None:
    async def is_refused() -> bool:
        return cell.refusals(code) >= times

    await until(is_refused)


async def campaign_goes_on(cell: Cell, campaign_id: str, car: Car) -> None:
    """Another car is not concerned."""
    await car.until_directed()
    await car.install()
    await cell.until_phase(campaign_id, car, "installed")


async def test_a_manifest_that_is_said_again_counts_once(memory):
    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1)
        old = car.manifest()
        await car.send(old)
        cell.clock.advance(60)
        await car.poll()

        async def is_heard() -> bool:
            heard_at = (await cell.pages.software("")).cars[0].heard_at
            return heard_at.timestamp() * 1_000_000 == cell.clock.now_us()

        await until(is_heard)
        await car.send(old)
        await until_refused(cell, "manifest_replayed")
        [shown] = (await cell.pages.software("")).cars
        assert (shown.refusals, shown.refusal_code) == (1, "manifest_replayed")
        assert await attention(cell) == {}


async def test_a_manifest_of_another_car_is_refused_and_harms_neither(memory):
    cell = Cell(memory)
    async with cell.living():
        first, second = await cell.fleet(2)
        await cell.publish()
        campaign_id = await cell.start(waves=[2])
        await first.until_directed()
        await second.until_directed()
        # The second car plays the first one's manifest as its own.
        stolen = first.manifest(UpdateReport(2, UpdateState.ROLLED_BACK))
        await second.send(stolen)
        await until_refused(cell, "key_unknown")
        assert (await cell.campaign(campaign_id)).state == "running"
        await campaign_goes_on(cell, campaign_id, second)
        await first.install()
        await cell.until_state(campaign_id, "finished")


async def test_a_manifest_by_another_key_is_refused(memory):
    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1)
        false = replace(car, key=SystemKeyMaker().make("ES256"))
        await false.send(false.manifest())
        await until_refused(cell, "key_unknown")
        await car.send(b"no manifest at all")
        await until_refused(cell, "document_malformed")


async def test_a_car_that_nobody_enrolled_is_not_heard(memory):
    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1)
        stranger = replace(car, car_id="car_7zzzzzzzzzzzzzzzzzzzzzzzzz")
        await stranger.send(stranger.manifest())
        await until_refused(cell, "key_unknown")
        assert await stranger.directed() is None


LIES = {
    "success without the bytes": ("installed", 2, None),
    "work that nobody asked for": ("installing", 3, None),
    "a release that nobody directed it to": ("none", 0, 3),
}


@pytest.mark.parametrize(("state", "number", "has"), LIES.values(), ids=LIES)
async def test_a_lie_about_an_update_counts_for_nothing_and_needs_a_person(
    memory, state, number, has
):
    cell = Cell(memory)
    async with cell.living():
        liar, honest = await cell.fleet(2)
        await cell.publish(2)
        await cell.publish(3)
        campaign_id = await cell.start(waves=[2], failures_max=0)
        await liar.until_directed()
        honest_units, liar.units = liar.units, cell.units_of(liar.car_id, has or 1)
        await liar.say(state, number)
        await until_refused(cell, "report_contradicts")
        assert await attention(cell) == {liar.car_id: "report_contradicts"}
        shown = await cell.campaign(campaign_id)
        assert (shown.state, shown.installed, shown.failed) == ("running", 0, 0)
        await campaign_goes_on(cell, campaign_id, honest)
        # Once it says what can be true, it is like any other.
        liar.units = honest_units
        await liar.say("downloading")
        await cell.until_phase(campaign_id, liar, "downloading")
        assert await attention(cell) == {}


async def test_a_lie_about_what_a_car_has_blocks_no_campaign(memory):
    cell = Cell(memory)
    async with cell.living():
        await cell.publish(2)
        await cell.publish(3)
        liar = await cell.add_car(3)
        [honest] = await cell.fleet(1)
        await liar.poll()
        await liar.until_directed(0)
        campaign = await cell.campaign(await cell.start())
        assert (campaign.cars, campaign.left_out) == (1, 1)
        await campaign_goes_on(cell, campaign.campaign_id, honest)


async def test_other_control_units_need_a_person_and_get_no_update(memory):
    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        units = car.units
        car.units = [units[0], units[1], replace(units[2], ecu_id="arden7-drive-stranger")]
        await car.poll()
        await until_refused(cell, "inventory_changed")
        assert await attention(cell) == {car.car_id: "inventory_changed"}
        campaign_id = await cell.start()
        await cell.change(campaign_id, Event.PAUSE)
        await cell.change(campaign_id, Event.RESUME)
        await car.poll()
        await until_refused(cell, "inventory_changed", 2)
        assert await car.directed() == 0
        # With the old unit back, all is well without anybody.
        car.units = units
        await car.poll()
        await car.until_directed()
        assert await attention(cell) == {}


async def test_a_person_may_have_other_control_units_taken(memory):
    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        car.units = [*car.units[:2], replace(car.units[2], ecu_id="arden7-drive-new")]
        await car.poll()
        await until_refused(cell, "inventory_changed")
        await cell.desk.take_anew(car.car_id)
        await car.poll()
        await cell.start()
        await car.until_directed()
        [drive] = [
            name
            for target in (await car.targets()).targets.values()
            for name in target.custom["ecus"]
            if name.startswith("arden7-drive")
        ]
        assert drive == "arden7-drive-new"


async def test_a_flood_of_manifests_costs_the_others_nothing(memory):
    cell = Cell(memory, replace(QUICK, manifests_batch=5))
    async with cell.living():
        flooding, honest = await cell.fleet(2)
        await cell.publish()
        campaign_id = await cell.start(waves=[2])
        await honest.until_directed()
        for _ in range(400):
            # As a car does that counts nothing itself: each by a connection of its own.
            await flooding.poll()
        await until_refused(cell, "too_many_requests", 100)
        await campaign_goes_on(cell, campaign_id, honest)
        said = await flooding.bus.last(topics.CAR_UPDATE_DIRECTIONS, car_id=flooding.car_id)
        assert said is not None


async def test_a_car_that_is_half_updated_needs_a_person(memory):
    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        campaign_id = await cell.start()
        await car.until_directed()
        new = cell.units_of(car.car_id, 2)
        car.units = [new[0], *car.units[1:]]
        await car.say("installing", percent=30)
        await cell.until_phase(campaign_id, car, "installing")
        assert await attention(cell) == {}
        await car.say("rolled_back", reason="boot_failed")
        await cell.until_phase(campaign_id, car, "rolled_back")
        assert await attention(cell) == {car.car_id: "half_updated"}


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_car_that_read_more_than_is_on_record_gets_a_higher_version(memory, is_known):
    # As after the cell's records were put back from a copy, or lost.
    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1) if is_known else [await cell.add_car()]
        car.read_version = 40
        await car.poll()

        async def is_higher() -> bool:
            targets = await car.targets()
            return targets is not None and targets.version == 41

        await until(is_higher)


async def test_a_poll_is_answered_with_a_fresh_timestamp_and_old_targets_with_new_ones(memory):
    from tuf.api.metadata import Metadata

    cell = Cell(memory)
    async with cell.living():
        [car] = await cell.fleet(1)
        car.read_version = 1

        async def stamp_of() -> tuple[int, int]:
            said = await car.directions()
            timestamp = Metadata.from_bytes(said.timestamp).signed
            return timestamp.version, (await car.targets()).version

        await car.poll()  # says that it has read the first ones
        before = await stamp_of()
        cell.clock.advance(60)
        await car.poll()

        async def is_fresh() -> bool:
            return await stamp_of() > before

        await until(is_fresh)
        assert (await stamp_of())[1] == 1
        cell.clock.advance(46 * 86_400)
        await car.poll()

        async def is_renewed() -> bool:
            return (await stamp_of())[1] == 2

        await until(is_renewed)

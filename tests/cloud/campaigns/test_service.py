"""Campaigns on a real bus and real records: waves, halts, and a cell that is killed."""

import pytest

from monocoque.cloud.campaigns.logic.rollout import Event
from monocoque.cloud.campaigns.records import next_silent_us
from monocoque.contracts.errors import (
    CampaignConflict,
    CampaignHalted,
    CampaignSelectsNobody,
    CarInCampaign,
    IdentifierUsed,
    NotFound,
    ReleaseOlderThanCar,
    ReleaseUnknown,
)
from tests.cloud.campaigns.stand import Cell, until

STRANGER = "car_7zzzzzzzzzzzzzzzzzzzzzzzzz"
CAMPAIGN = "campaign_0123456789abcdefghjkmnpqrs"


async def test_a_car_that_polls_is_told_to_install_nothing_until_a_campaign_begins(records):
    cell = Cell(records)
    async with cell.living():
        [car] = await cell.fleet(1)
        targets = await car.targets()
        assert (targets.targets, targets.version) == ({}, 1)


async def test_each_wave_begins_when_the_one_before_is_settled(records):
    cell = Cell(records)
    async with cell.living():
        first, second, third, fourth = await cell.fleet(4)
        await cell.publish()
        campaign_id = await cell.start(waves=[1, 2])
        await first.until_directed()
        assert [await car.directed() for car in (second, third, fourth)] == [0, 0, 0]
        await first.install()
        await second.until_directed()
        await third.until_directed()
        assert await fourth.directed() == 0
        await second.install()
        await cell.until_phase(campaign_id, second, "installed")
        assert await fourth.directed() == 0
        await third.install()
        await fourth.until_directed()
        await fourth.install()
        done = await cell.until_state(campaign_id, "finished")
        assert (done.installed, done.failed, done.cars) == (4, 0, 4)


async def test_the_next_wave_begins_when_the_soak_time_is_over(records):
    cell = Cell(records)
    async with cell.living():
        first, second = await cell.fleet(2)
        await cell.publish()
        await cell.start(soak_s=3_600)
        await first.until_directed()
        cell.clock.advance(3_599)
        await first.poll()
        assert await second.directed() == 0
        cell.clock.advance(2)
        await second.until_directed()


async def test_a_campaign_with_too_many_failures_halts_and_calls_back_who_has_not_begun(records):
    cell = Cell(records)
    async with cell.living():
        first, second, third, fourth = await cell.fleet(4)
        await cell.publish()
        campaign_id = await cell.start(waves=[3])
        for car in (first, second, third):
            await car.until_directed()
        await second.say("installing")
        await third.say("downloading", percent=40)
        await cell.until_phase(campaign_id, third, "downloading")
        await first.say("rolled_back", reason="boot_failed")
        halted = await cell.until_state(campaign_id, "halted")
        assert (halted.reason, halted.failed, halted.can_resume) == ("failures", 1, True)
        await third.until_directed(0)
        await first.until_directed(0)
        assert (await second.directed(), await fourth.directed()) == (2, 0)
        await cell.until_phase(campaign_id, third, "withdrawn")
        assert await cell.phases(campaign_id) == {
            first.car_id: "rolled_back",
            second.car_id: "installing",
            third.car_id: "withdrawn",
            fourth.car_id: "held",
        }
        # Who had begun comes to its end, and is counted.
        await second.install()
        await cell.until_phase(campaign_id, second, "installed")
        # Nobody else is told anything, however often they ask.
        await fourth.poll()
        await third.poll()
        await cell.until_phase(campaign_id, fourth, "held")
        assert [await car.directed() for car in (third, fourth)] == [0, 0]


async def test_a_halted_campaign_goes_on_when_a_person_says_so(records):
    cell = Cell(records)
    async with cell.living():
        first, second = await cell.fleet(2)
        await cell.publish()
        campaign_id = await cell.start(waves=[2])
        await first.until_directed()
        await first.say("rolled_back")
        await cell.until_state(campaign_id, "halted")
        await second.until_directed(0)
        with pytest.raises(CampaignHalted):
            await cell.change(campaign_id, Event.RESUME)
        await cell.change(campaign_id, Event.RESUME_DESPITE_FAILURES)
        await second.until_directed()
        assert await first.directed() == 0
        await second.install()
        done = await cell.until_state(campaign_id, "finished")
        assert (done.installed, done.failed) == (1, 1)
        assert done.waves[0].failed == 0


async def test_a_paused_campaign_tells_nobody_new_and_goes_on_where_it_was(records):
    cell = Cell(records)
    async with cell.living():
        first, second = await cell.fleet(2)
        await cell.publish()
        campaign_id = await cell.start()
        await first.until_directed()
        await cell.change(campaign_id, Event.PAUSE)
        await first.install()
        await cell.until_phase(campaign_id, first, "installed")
        await second.poll()
        assert await second.directed() == 0
        await cell.change(campaign_id, Event.RESUME)
        await second.until_directed()


async def test_a_person_may_halt_a_campaign(records):
    cell = Cell(records)
    async with cell.living():
        first, _ = await cell.fleet(2)
        await cell.publish()
        campaign_id = await cell.start()
        await first.until_directed()
        await cell.change(campaign_id, Event.HALT)
        await first.until_directed(0)
        assert (await cell.campaign(campaign_id)).reason == "person"
        # Its cars are free for another one.
        await cell.publish(3)
        await cell.start(release_number=3)
        await first.until_directed(3)
        with pytest.raises(CarInCampaign):
            await cell.change(campaign_id, Event.RESUME_DESPITE_FAILURES)


async def test_a_car_that_began_and_says_nothing_has_failed_until_it_speaks(records):
    cell = Cell(records)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        campaign_id = await cell.start(silent_s=600, failures_max=0)
        await car.until_directed()
        await car.say("booting")
        await cell.until_phase(campaign_id, car, "booting")
        cell.clock.advance(599)
        assert (await cell.phases(campaign_id))[car.car_id] == "booting"
        cell.clock.advance(2)
        halted = await cell.until_state(campaign_id, "halted")
        assert halted.failed == 1
        assert await car.directed() == 2
        await car.install()
        await cell.until_phase(campaign_id, car, "installed")
        assert (await cell.campaign(campaign_id)).failed == 0


async def test_a_car_that_falls_silent_when_its_campaign_is_finished_is_noted_once(records):
    cell = Cell(records)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        campaign_id = await cell.start(silent_s=600, failures_max=1)
        await car.until_directed()
        await car.say("installing")
        await cell.until_phase(campaign_id, car, "installing")
        cell.clock.advance(601)
        await cell.until_state(campaign_id, "finished")
        await car.say("booting")
        await cell.until_phase(campaign_id, car, "booting")
        cell.clock.advance(601)
        await cell.until_phase(campaign_id, car, "silent")
        assert await records.transact(next_silent_us) is None


async def test_a_car_that_refuses_keeps_its_directions_and_may_come_round(records):
    cell = Cell(records)
    async with cell.living():
        first, _ = await cell.fleet(2)
        await cell.publish()
        campaign_id = await cell.start(failures_max=1)
        await first.until_directed()
        await first.say("refused", number=0, reason="threshold_unmet")
        await cell.until_phase(campaign_id, first, "refused")
        [row, _] = (await cell.pages.cars(campaign_id, "")).cars
        assert row.reason == "threshold_unmet"
        assert await first.directed() == 2
        await first.install()
        await cell.until_phase(campaign_id, first, "installed")


async def test_a_car_that_cleared_its_state_is_known_by_what_its_units_have(records):
    cell = Cell(records)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        campaign_id = await cell.start()
        await car.until_directed()
        car.units = cell.units_of(car.car_id, 2)
        await car.poll()
        await cell.until_state(campaign_id, "finished")


async def test_what_was_done_before_a_kill_is_found_after_it(records):
    cell = Cell(records)
    await cell.publish()
    async with cell.living():
        first, second = await cell.fleet(2)
    # While nobody runs, a campaign is started, and the cars speak.
    campaign_id = await cell.start()
    await second.poll()
    async with cell.living():
        await first.until_directed()
    await first.install()
    async with cell.living():
        await second.until_directed()
        await second.install()
        await cell.until_state(campaign_id, "finished")


async def test_a_car_that_joins_late_is_told_as_soon_as_it_speaks(records):
    cell = Cell(records)
    async with cell.living():
        car = await cell.add_car()
        await cell.publish()
        await cell.start()
        await car.poll()
        await car.until_directed()


async def test_a_car_that_turns_out_to_have_it_or_a_newer_one_is_not_told(records):
    cell = Cell(records)
    async with cell.living():
        await cell.publish(2)
        await cell.publish(3)
        has, newer = [await cell.add_car(number) for number in (2, 3)]
        campaign_id = await cell.start(waves=[2])
        await has.poll()
        await newer.poll()
        await cell.until_state(campaign_id, "finished")
        assert await cell.phases(campaign_id) == {
            has.car_id: "installed",
            newer.car_id: "skipped",
        }
        assert [await car.first_directed() for car in (has, newer)] == [0, 0]


async def test_a_car_of_which_one_unit_is_newer_is_never_told_to_go_back(records):
    cell = Cell(records)
    async with cell.living():
        await cell.publish(2)
        await cell.publish(3)
        car = await cell.add_car()
        car.units = [*car.units[:-1], cell.units_of(car.car_id, 3)[-1]]
        campaign_id = await cell.start(release_number=2)
        await car.poll()
        await cell.until_state(campaign_id, "finished")
        assert await cell.phases(campaign_id) == {car.car_id: "skipped"}
        assert await car.first_directed() == 0
        with pytest.raises(ReleaseOlderThanCar):
            await cell.start(release_number=2, cars=[car.car_id])
        await cell.start(release_number=3, cars=[car.car_id])
        await car.until_directed(3)


async def test_a_release_for_one_control_unit_leaves_the_others_alone(records):
    cell = Cell(records)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish(hardware=("arden7-body",))
        campaign_id = await cell.start()
        await car.until_directed()
        assert list((await car.targets()).targets) == ["2/arden7-body.img"]
        body = cell.units_of(car.car_id, 2, ["arden7-body"])
        car.units = [each for each in car.units if each.hardware_id != "arden7-body"] + body
        await car.say("installed")
        await cell.until_state(campaign_id, "finished")


async def test_what_cannot_be_is_refused_and_nothing_is_started(records):
    cell = Cell(records)
    async with cell.living():
        first, second = await cell.fleet(2)
        with pytest.raises(ReleaseUnknown):
            await cell.start(release_number=9)
        with pytest.raises(CampaignSelectsNobody):
            await cell.start(release_number=1)
        with pytest.raises(CampaignSelectsNobody):
            await cell.start(release_number=1, cars=[])
        with pytest.raises(NotFound):
            await cell.start(release_number=1, cars=[first.car_id, STRANGER])
        await cell.publish(2)
        await cell.publish(3)
        await cell.start(release_number=3, cars=[first.car_id])
        await first.until_directed(3)
        with pytest.raises(CarInCampaign):
            await cell.start(release_number=2)
        await first.install(3)

        async def is_free() -> bool:
            return (await cell.pages.campaigns()).campaigns[0].state == "finished"

        await until(is_free)
        with pytest.raises(ReleaseOlderThanCar):
            await cell.start(release_number=2, cars=[first.car_id, second.car_id])
        assert len((await cell.pages.campaigns()).campaigns) == 1
        # Of every car, those are left out that are further already.
        campaign = await cell.campaign(await cell.start(release_number=2))
        assert (campaign.cars, campaign.left_out) == (1, 1)


async def test_to_start_the_same_campaign_twice_starts_one(records):
    cell = Cell(records)
    await cell.publish()
    car = await cell.add_car()
    assert await cell.start(campaign_id=CAMPAIGN) == CAMPAIGN
    assert await cell.start(campaign_id=CAMPAIGN) == CAMPAIGN
    with pytest.raises(IdentifierUsed):
        await cell.start(campaign_id=CAMPAIGN, cars=[car.car_id])
    assert len((await cell.pages.campaigns()).campaigns) == 1


async def test_a_finished_campaign_stays_so(records):
    cell = Cell(records)
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        campaign_id = await cell.start()
        await car.until_directed()
        await car.install()
        await cell.until_state(campaign_id, "finished")
        for event in (Event.PAUSE, Event.RESUME, Event.HALT, Event.RESUME_DESPITE_FAILURES):
            with pytest.raises(CampaignConflict):
                await cell.change(campaign_id, event)
        with pytest.raises(NotFound):
            await cell.change(CAMPAIGN, Event.PAUSE)
        with pytest.raises(NotFound):
            await cell.desk.newest_open()

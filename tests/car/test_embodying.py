"""The body through its signals: what is read off it, and what becomes of what is asked."""

import asyncio
from dataclasses import replace

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.body.logic import Body
from monocoque.car.signals import records
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.signals.logic.embodied import ACTUATIONS, READINGS
from monocoque.car.signals.logic.readings import Freshness
from monocoque.contracts.signals import (
    CHARGE_LIMIT,
    CLIMATE_TARGET,
    IS_CLIMATE_ON,
    IS_LOCKED,
    IS_MOVING,
    SPEED,
    EntryType,
    check,
)
from monocoque.sim.loop import run_virtual
from tests.car.signal_stand import SignalStand, on_a_signal_stand
from tests.car.stand import CAR_ID, freely


def test_every_reading_of_a_new_body_fits_its_signal():
    new = Body(at_us=0)
    for signal, read in READINGS:
        check(signal, read(new))


def test_whatever_can_be_asked_is_an_actuator_and_can_be_read():
    read = {signal for signal, _ in READINGS}
    for actuation in ACTUATIONS:
        assert actuation.signal.entry_type is EntryType.ACTUATOR
        assert actuation.signal in read


def test_what_a_body_is_like_is_read_as_signals():
    async def story(stand: SignalStand):
        assert await stand.value(IS_LOCKED.path) is True
        await stand.change_body(lambda b: replace(b, locked=False, charge_limit_percent=70))
        assert await stand.value(IS_LOCKED.path) is False
        assert await stand.value(CHARGE_LIMIT.path) == 70
        await body.drive(stand.records, CAR_ID, stand.clock.now_us(), BodyConfig(), freely)
        await asyncio.sleep(20)
        assert await stand.value(SPEED.path) == 50.0
        assert await stand.value(IS_MOVING.path) is True

    on_a_signal_stand(story)


def test_what_is_asked_is_accepted_then_done_and_on_record():
    async def story(stand: SignalStand):
        (act,) = await stand.client.actuate({IS_LOCKED.number: False}, 10.0)
        assert act.state is ActState.ACCEPTED
        assert await stand.client.targets([IS_LOCKED.number]) == {IS_LOCKED.number: False}
        assert (await stand.client.outcome(act.act_id)).state is ActState.DONE
        assert await stand.client.targets([IS_LOCKED.number]) == {}
        await asyncio.sleep(1)
        assert await stand.value(IS_LOCKED.path) is False
        (kept,) = await stand.acts_on_record()
        assert (kept["path"], kept["target"]) == (IS_LOCKED.path, False)
        assert (kept["state"], kept["asked_by"]) == ("done", "client")

    on_a_signal_stand(story)


def test_the_guard_refuses_with_its_reason():
    async def story(stand: SignalStand):
        await stand.change_body(lambda b: replace(b, locked=False, doors_open=("row1_left",)))
        (act,) = await stand.client.actuate({IS_LOCKED.number: True}, 10.0)
        assert (act.state, act.reason) == (ActState.REFUSED, "door_open")
        assert (await stand.acts_on_record())[0]["reason"] == "door_open"
        assert await stand.acts() == {}

    on_a_signal_stand(story)


def test_a_part_that_is_jammed_fails():
    async def story(stand: SignalStand):
        await stand.change_body(lambda b: replace(b, jammed=frozenset({"locks"})))
        (act,) = await stand.client.actuate({IS_LOCKED.number: False}, 10.0)
        ended = await stand.client.outcome(act.act_id)
        assert (ended.state, ended.reason) == (ActState.FAILED, "jammed")

    on_a_signal_stand(story)


def test_wishes_of_one_request_for_one_part_are_one_act_of_it():
    async def story(stand: SignalStand):
        wishes = {IS_CLIMATE_ON.number: True, CLIMATE_TARGET.number: 24}
        acts = await stand.client.actuate(wishes, 10.0)
        for act in acts:
            assert (await stand.client.outcome(act.act_id)).state is ActState.DONE
        assert sum((await stand.acts()).values()) == 1
        await asyncio.sleep(1)
        assert await stand.value(CLIMATE_TARGET.path) == 24

    on_a_signal_stand(story)


def test_the_guard_is_asked_about_each_wish_of_a_request_in_whatever_order():
    wishes = [(IS_CLIMATE_ON.number, True), (CLIMATE_TARGET.number, 21)]

    async def story(stand: SignalStand):
        await stand.change_body(lambda b: replace(b, charge_percent=5.0, plugged=False))
        for order in (wishes, wishes[::-1]):
            acts = await stand.client.actuate(dict(order), 10.0)
            assert {(act.state, act.reason) for act in acts} == {(ActState.REFUSED, "charge_low")}
        assert await stand.acts() == {}
        (alone,) = await stand.client.actuate({CLIMATE_TARGET.number: 21}, 10.0)
        assert (await stand.client.outcome(alone.act_id)).state is ActState.DONE

    on_a_signal_stand(story)


def test_a_part_that_is_busy_with_another_wish_is_waited_for():
    async def story(stand: SignalStand):
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(stand.client.actuate({number: value}, 10.0))
                for number, value in ((IS_CLIMATE_ON.number, True), (CLIMATE_TARGET.number, 25))
            ]
        for each in asked:
            ended = await stand.client.outcome(each.result()[0].act_id)
            assert ended.state is ActState.DONE
        await asyncio.sleep(1)
        assert await stand.value(IS_CLIMATE_ON.path) is True
        assert await stand.value(CLIMATE_TARGET.path) == 25

    on_a_signal_stand(story)


def test_a_newer_wish_for_the_same_signal_takes_the_place_of_the_older():
    async def story(stand: SignalStand):
        (older,) = await stand.client.actuate({IS_LOCKED.number: False}, 10.0)
        (newer,) = await stand.client.actuate({IS_LOCKED.number: True}, 10.0)
        assert (await stand.client.outcome(older.act_id)).reason == "replaced"
        assert (await stand.client.outcome(newer.act_id)).state is ActState.DONE
        await asyncio.sleep(1)
        assert await stand.value(IS_LOCKED.path) is True
        assert [act["reason"] for act in await stand.acts_on_record()] == ["", "replaced"]

    on_a_signal_stand(story)


def test_what_a_kill_left_open_may_have_happened_and_is_not_tried_again():
    async def story(stand: SignalStand):
        (act,) = await stand.client.actuate({IS_LOCKED.number: False}, 10.0)
        assert act.state is ActState.ACCEPTED

    async def after(stand: SignalStand):
        (kept,) = await stand.acts_on_record()
        assert (kept["state"], kept["reason"]) == ("failed", "may_have_happened")
        assert sum((await stand.acts()).values()) == 1

    _two_lives(story, after)


def test_signals_of_a_body_that_nobody_speaks_for_say_so():
    async def story(stand: SignalStand):
        assert (await stand.client.read([SPEED.number]))[0].freshness is Freshness.FRESH

    async def after(stand: SignalStand):
        assert await stand.value(IS_LOCKED.path) is True  # the next life speaks again

    stand = _two_lives(story, after)
    (reading,) = stand.signals.readings([SPEED.number])
    assert reading.freshness is Freshness.PROVIDER_GONE


def test_the_past_of_chosen_signals_is_kept_over_a_kill_and_read_by_time():
    began: list[int] = []

    async def story(stand: SignalStand):
        began.append(stand.clock.now_us())
        await body.drive(stand.records, CAR_ID, stand.clock.now_us(), BodyConfig(), freely)
        await asyncio.sleep(30)
        now_us = stand.clock.now_us()
        speeds = await stand.history.read(SPEED.number, began[0], now_us, 1_000)
        assert speeds[-1][1] == 50.0
        assert len(speeds) >= 5
        assert speeds == sorted(speeds, key=lambda kept: kept[0])
        assert len(await stand.history.read(SPEED.number, began[0], now_us, 3)) == 3
        assert await stand.history.read(SPEED.number, now_us + 1, now_us + 2, 9) == []

    async def after(stand: SignalStand):
        kept = await stand.history.read(SPEED.number, began[0], began[0] + 20_000_000, 1_000)
        assert len(kept) > 3

    _two_lives(story, after)


def test_the_past_is_bounded_by_rows_and_by_age():
    async def story(stand: SignalStand):
        now_us = stand.clock.now_us()
        many = [(SPEED.number, now_us + turn, float(turn)) for turn in range(50)]
        await stand.records.transact(lambda c: records.add_values(c, many, 10, 0))
        kept = await stand.history.read(SPEED.number, now_us, now_us + 100, 1_000)
        assert [value for _, value in kept][-10:] == [float(turn) for turn in range(40, 50)]
        assert len(kept) <= 11
        late = [(SPEED.number, now_us + 100, 1.0)]
        await stand.records.transact(lambda c: records.add_values(c, late, 1_000, now_us + 99))
        assert await stand.history.read(SPEED.number, now_us, now_us + 99, 1_000) == []

    on_a_signal_stand(story)


def _two_lives(story, after) -> SignalStand:
    """The car is killed after the story, and lives again for what comes after it."""

    async def main() -> SignalStand:
        stand = SignalStand()
        async with stand.living():
            await asyncio.sleep(1)
            await story(stand)
        async with stand.living():
            await asyncio.sleep(1)
            await after(stand)
        return stand

    return run_virtual(main())

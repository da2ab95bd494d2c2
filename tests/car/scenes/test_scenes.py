"""Scenes in a living car: put by the owner, run once for what happens, killed anywhere."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from monocoque.car.body import service as body
from monocoque.car.scenes.config import ScenesConfig
from monocoque.contracts.scenes import SCENES_MAX, parse_action
from monocoque.plumbing.records.port import Records
from tests.car.scenes.road import (
    FOR_DAYS,
    LAMP,
    LOCK,
    NINE_ELEVEN,
    SECOND_US,
    WARM,
    Road,
    arrive,
    body_of,
    findings,
    leave,
    living_on_the_road,
    minute,
    on_the_road,
    scene,
    with_body,
)
from tests.car.stand import CAR_ID, friend, outcome

COMING_HOME = scene(arrive(), LAMP)


# --- what owners say --------------------------------------------------------------------------


def test_a_scene_that_the_owner_puts_is_said_and_one_that_is_removed_is_not() -> None:
    async def story(road: Road) -> None:
        await road.put(COMING_HOME)
        assert json.loads(road.latest.scenes[0]) == COMING_HOME
        await road.put(COMING_HOME | {"name": "Another name"})
        assert [json.loads(text)["name"] for text in road.latest.scenes] == ["Another name"]
        removed = await road.ask("scene_remove", scene_id=COMING_HOME["scene_id"])
        assert removed == ("done", None)
        await road.until_said(lambda said: not said.scenes)
        again = await road.ask("scene_remove", scene_id=COMING_HOME["scene_id"])
        assert again == ("done", None)

    living_on_the_road(story)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (scene(arrive(), {"action": "car.unlock"}), "scene_word_unknown"),
        (scene({"trigger": "start"}, LAMP), "scene_word_unknown"),
        (scene(arrive(), LAMP) | {"more": 1}, "scene_malformed"),
        (scene(minute(0, "Europe/Nowhere"), LAMP), "zone_unknown"),
        ("no scene", "scene_malformed"),
    ],
)
def test_what_is_no_scene_is_refused_and_not_kept(wanted: Any, reason: str) -> None:
    async def story(road: Road) -> None:
        answer = await road.ask("scene_put", scene=json.dumps(wanted))
        assert answer == ("refused", reason)
        await asyncio.sleep(70)
        assert not any(said.scenes for said in road.scenes_said)

    living_on_the_road(story, look=FOR_DAYS)


def test_a_car_keeps_so_many_scenes_and_no_more_but_an_old_one_can_be_changed() -> None:
    async def story(road: Road) -> None:
        for number in range(1, SCENES_MAX + 1):
            text = json.dumps(scene(minute(number), LAMP, number=number))
            assert await road.ask("scene_put", scene=text) == ("done", None)
            await asyncio.sleep(5)  # one key may ask once a second
        text = json.dumps(scene(minute(1), LAMP, number=99))
        assert await road.ask("scene_put", scene=text) == ("refused", "too_many_scenes")
        await road.put(scene(minute(2), LAMP, number=1))
        assert len(road.latest.scenes) == SCENES_MAX

    living_on_the_road(story, look=FOR_DAYS)


def test_nobody_without_the_right_puts_a_scene() -> None:
    async def story(road: Road) -> None:
        other = friend()
        wanted = other.ask("scene_put", arguments={"scene": json.dumps(COMING_HOME)})
        assert outcome(await road.answer(other, wanted)) == ("refused", "right_missing")
        assert outcome(await road.answer(other, other.ask("lock"))) == ("done", None)
        await asyncio.sleep(70)
        assert not any(said.scenes for said in road.scenes_said)

    living_on_the_road(story)


# --- coming and going -------------------------------------------------------------------------


def test_a_drive_out_and_back_asks_the_home_for_the_lamp_once_and_until_its_time_is_over() -> None:
    async def story(road: Road) -> None:
        await road.put(COMING_HOME)
        await road.drive()
        (run,) = road.runs()
        assert (run.reason, findings(run)["before"]) == ("arrived", "gone")
        ((request_id, request),) = road.requests().items()
        assert request_id == run.request_id == findings(run)["home.lamp.turn_on"]
        assert parse_action(request.action).word.name == "home.lamp.turn_on"
        assert (request.scene_id, request.car_id) == (run.scene_id, CAR_ID)
        assert request.occurred_at_us == run.occurred_at_us
        assert request.expires_at_us == request.occurred_at_us + 600 * SECOND_US
        assert list(road.latest.requests) == [request]
        left_us = request.expires_at_us - road.clock.now_us()
        await asyncio.sleep(left_us / SECOND_US - 1)
        assert list(road.latest.requests) == [request]
        await asyncio.sleep(2)
        assert list(road.latest.requests) == []
        assert road.runs() == [run]
        await road.drive()
        assert len(road.runs()) == len(road.requests()) == 2

    living_on_the_road(story)


def test_the_request_is_said_within_moments_of_the_place_that_proves_the_coming() -> None:
    async def story(road: Road) -> None:
        await road.put(COMING_HOME)
        await road.drive()
        (request,) = road.requests().values()
        first = next(said for said in road.scenes_said if request in said.requests)
        assert first.header.occurred_at_us - request.occurred_at_us < SECOND_US // 10

    living_on_the_road(story)


def test_a_drive_that_was_too_short_turns_on_nothing_and_says_why() -> None:
    async def story(road: Road) -> None:
        await road.put(scene(arrive(away_s_min=600), LAMP))
        await road.drive()
        assert road.runs() == []
        assert road.requests() == {}
        assert [trace.reason for trace in road.latest.traces] == [
            "away_too_short",
            "not_seen_coming",  # at the begin, when the car first saw where it was
        ]

    living_on_the_road(story)


def test_leaving_has_its_scene_too() -> None:
    async def story(road: Road) -> None:
        await road.put(scene(leave(), WARM))
        await asyncio.sleep(100)
        await road.drive()
        assert road.runs() == []  # the car did not see that it stood there
        await asyncio.sleep(100)
        await road.drive_off()
        await asyncio.sleep(60)
        (run,) = road.runs()
        assert (run.reason, findings(run)["car.climate"]) == ("left", "done")
        assert (await body_of(road)).climate_on

    living_on_the_road(story)


def test_a_scene_that_is_put_at_home_does_not_take_that_for_coming_home() -> None:
    async def story(road: Road) -> None:
        await road.put(COMING_HOME)
        await road.drive_off()
        await asyncio.sleep(8)
        assert [trace.reason for trace in road.latest.traces] == ["not_seen_coming"]
        assert road.requests() == {}

    living_on_the_road(story)


def test_only_so_many_traces_are_kept() -> None:
    async def story(road: Road) -> None:
        await road.put(scene(arrive(), LAMP, valid_for_s=10))
        for _ in range(4):
            await road.drive()
        assert len(road.latest.traces) == 3
        assert len(road.runs()) == 4
        times = [trace.occurred_at_us for trace in road.latest.traces]
        assert times == sorted(times, reverse=True)

    async def few(road: Road) -> None:
        road.configs[ScenesConfig] = ScenesConfig(traces_kept=3)
        async with road.living():
            await story(road)

    on_the_road(few)


# --- minutes ----------------------------------------------------------------------------------


def test_a_minute_heats_the_car_once_a_day() -> None:
    async def story(road: Road) -> None:
        await road.put(scene(minute(NINE_ELEVEN), WARM))
        await asyncio.sleep(659)
        assert not (await body_of(road)).climate_on
        await asyncio.sleep(3)
        assert (await body_of(road)).climate_on
        (run,) = road.runs()
        assert run.occurred_at_us == 1_800_000_000 * SECOND_US + 660 * SECOND_US
        assert (run.reason, findings(run)["car.climate"]) == ("time_came", "done")
        await asyncio.sleep(2 * 86_400)
        assert len(road.runs()) == 3
        assert list((await road.acts()).values()) == [1, 1, 1]
        road.check_log()

    living_on_the_road(story, look=FOR_DAYS)


@pytest.mark.parametrize(
    ("off_s", "reasons"),
    [
        (61, ["time_came"]),  # late, and still in time
        (658, ["time_came"]),
        (662, ["too_late"]),
        (3 * 86_400, ["too_late"]),  # of three days the last one counts
        (3 * 86_400 + 70, ["time_came"]),
    ],
)
def test_a_minute_that_comes_while_the_car_is_off_is_made_up_for_in_time_or_not_at_all(
    off_s: int, reasons: list[str]
) -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await road.put(scene(minute(NINE_ELEVEN), WARM))
        await asyncio.sleep(600 + off_s)
        async with road.living():
            await asyncio.sleep(5)
            assert [trace.reason for trace in road.latest.traces] == reasons
            ran = reasons == ["time_came"]
            assert (await body_of(road)).climate_on is ran
            assert list((await road.acts()).values()) == [1] * ran

    on_the_road(story, look=FOR_DAYS)


def test_a_minute_runs_once_however_often_the_car_is_started_within_it() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await road.put(scene(minute(NINE_ELEVEN), LAMP, WARM))
            await asyncio.sleep(650)
        for _ in range(40):
            async with road.living():
                await asyncio.sleep(0.5)
        assert len(road.runs()) == len(road.requests()) == 1

    on_the_road(story, look=FOR_DAYS)


def test_a_clock_that_is_set_back_brings_no_minute_again() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await road.put(scene(minute(NINE_ELEVEN), LAMP))
            await asyncio.sleep(700)
            assert len(road.runs()) == 1
            await road.confirm(1)
        road.time.offset_us = -3_600 * SECOND_US
        async with road.living():
            await asyncio.sleep(3_600 + 900)
            assert len(road.runs()) == 1

    on_the_road(story, look=FOR_DAYS)


def test_a_minute_of_today_that_is_past_when_the_scene_is_put_waits_for_tomorrow() -> None:
    async def story(road: Road) -> None:
        await road.put(scene(minute(9 * 60), LAMP, valid_for_s=3_600))
        await asyncio.sleep(3_700)
        assert road.runs() == []
        await asyncio.sleep(86_400)
        assert len(road.runs()) == 1

    living_on_the_road(story, look=FOR_DAYS)


# --- the guard --------------------------------------------------------------------------------


def test_a_scene_asks_the_guard_like_everybody() -> None:
    async def story(road: Road) -> None:
        await with_body(road, lambda now: replace(now, doors_open=("row1_left",), locked=False))
        await road.put(scene(minute(NINE_ELEVEN), LOCK, LAMP))
        await asyncio.sleep(700)
        (run,) = road.runs()
        assert findings(run)["car.lock"] == "door_open"
        assert not (await body_of(road)).locked
        assert len(road.requests()) == 1

    living_on_the_road(story, look=FOR_DAYS)


def test_an_actuator_that_is_stuck_is_found_out() -> None:
    async def story(road: Road) -> None:
        await body.jam(road.inner, CAR_ID, road.clock.now_us(), frozenset({"climate"}))
        await road.put(scene(minute(NINE_ELEVEN), WARM, LOCK))
        await asyncio.sleep(700)
        (run,) = road.runs()
        assert findings(run)["car.climate"] == "jammed"
        assert findings(run)["car.lock"] == "done"
        assert [each.fits for each in run.findings] == [True, False, True]

    living_on_the_road(story, look=FOR_DAYS)


# --- a car that stands ------------------------------------------------------------------------


def test_a_car_that_stands_asks_its_records_no_more_than_once_a_minute() -> None:
    """Of an hour with a scene of each kind, in a car that is charged."""

    async def story(road: Road) -> None:
        await with_body(road, lambda now: replace(now, charge_percent=80.0))
        for number, when in enumerate((arrive(), leave(), minute(9 * 60)), start=1):
            await road.put(scene(when, LAMP, number=number))
        await asyncio.sleep(60)
        counting: Any = road.records_of_scenes
        counting.count = 0
        await asyncio.sleep(3_600)
        assert 0 < counting.count <= 61

    living_on_the_road(story, CountingRecords)


class CountingRecords:
    """Records that count how often they are asked."""

    def __init__(self, inner: Records) -> None:
        self._inner = inner
        self.count = 0

    async def transact(self, work: Callable[[Connection], Any]) -> Any:
        """See Records."""
        self.count += 1
        return await self._inner.transact(work)

    async def close(self) -> None:
        """See Records."""
        await self._inner.close()

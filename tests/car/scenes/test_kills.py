"""Scenes in a car that is killed, and whose records fail: once for what happens, or not at all."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection

from monocoque.car.scenes.records import requests_of
from monocoque.contracts.errors import (
    MonocoqueError,
    RecordsContended,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
)
from monocoque.contracts.scenes import CAR
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
    living_on_the_road,
    minute,
    on_the_road,
    scene,
    with_body,
)

COMING_HOME = scene(arrive(), LAMP)


@pytest.mark.parametrize("number", range(0, 20, 2))
def test_a_car_that_is_killed_anywhere_on_its_way_asks_once_for_one_coming(number: int) -> None:
    """A kill within the twenty seconds in which the car comes home, and one more somewhere."""

    async def story(road: Road) -> None:
        async with road.living():
            await road.put(COMING_HOME)
            await road.drive_off()
            await asyncio.sleep(160 + number + 2 * random.random())
        async with road.living():
            await asyncio.sleep(random.random() * 5)
        async with road.living():
            await asyncio.sleep(60)
        assert len(road.runs()) == len(road.requests()) == 1

    random = Random(number)
    on_the_road(story)


def test_a_car_that_did_not_see_itself_come_home_asks_for_nothing() -> None:
    async def story(road: Road) -> None:
        async with road.living():
            await road.put(COMING_HOME)
            await road.drive_off()
            await asyncio.sleep(90)
        await asyncio.sleep(600)  # it comes home meanwhile
        async with road.living():
            await asyncio.sleep(60)
            assert road.requests() == {}
            await road.drive_off()
            await asyncio.sleep(8)
            assert road.requests() == {}
            assert road.latest.traces[0].reason == "not_seen_coming"
            await asyncio.sleep(200)
            assert len(road.requests()) == 1

    on_the_road(story)


@pytest.mark.parametrize("number", range(12))
def test_an_act_that_a_kill_cuts_short_may_have_happened_and_is_never_tried_again(
    number: int,
) -> None:
    """Killed within half a second around a lock that takes 0.3 s."""

    async def story(road: Road) -> None:
        async with road.living():
            await with_body(road, lambda now: replace(now, locked=False))
            await road.put(scene(minute(NINE_ELEVEN), LOCK))
            begin_us = (1_800_000_000 + 660) * SECOND_US
            left_s = (begin_us - road.clock.now_us()) / SECOND_US
            await asyncio.sleep(left_s - 0.05 + number * 0.04)
        async with road.living():
            await asyncio.sleep(30)
            (run,) = road.runs()
            found.add(findings(run)["car.lock"])
            assert list((await road.acts()).values()) == [1]
            assert (await body_of(road)).locked

    found: set[str] = set()
    on_the_road(story, look=FOR_DAYS)
    assert found <= {"done", "unknown"}
    assert (found == {"unknown"}) is (1 < number < 9)


class FailingRecords:
    """Records that fail every third time, before or after the work."""

    def __init__(self, inner: Records, error: type[MonocoqueError], after: bool) -> None:
        self._inner = inner
        self._error = error
        self._after = after
        self._count = 0

    async def transact(self, work: Callable[[Connection], Any]) -> Any:
        """See Records."""
        self._count += 1
        if self._count % 3:
            return await self._inner.transact(work)
        if self._after:
            await self._inner.transact(work)
        raise self._error("The records are in a mood.")

    async def close(self) -> None:
        """See Records."""
        await self._inner.close()


@pytest.mark.parametrize(
    ("error", "after"),
    [
        (RecordsContended, False),
        (RecordsUnavailable, False),
        (RecordsOutcomeUnknown, False),
        (RecordsOutcomeUnknown, True),
    ],
)
def test_records_that_fail_again_and_again_lose_no_coming_and_double_none(
    error: type[MonocoqueError], after: bool
) -> None:
    async def story(road: Road) -> None:
        await road.put(COMING_HOME)
        await asyncio.sleep(70)
        for count in (1, 2, 3):
            await road.drive()
            await asyncio.sleep(60)
            assert len(road.runs()) == len(road.requests()) == count

    living_on_the_road(story, lambda inner: FailingRecords(inner, error, after))


class RecordsThatGo:
    """Records that are away for a while as soon as something was asked of the car."""

    def __init__(self, inner: Records) -> None:
        self._inner = inner
        self._back_s: float | None = None

    async def transact(self, work: Callable[[Connection], Any]) -> Any:
        """See Records."""
        now_s = asyncio.get_running_loop().time()
        asked = await self._inner.transact(lambda c: requests_of(c, CAR))
        if asked and self._back_s is None:
            self._back_s = now_s + 20.0
        if self._back_s is not None and now_s < self._back_s:
            raise RecordsUnavailable("The records are away.")
        return await self._inner.transact(work)

    async def close(self) -> None:
        """See Records."""
        await self._inner.close()


@pytest.mark.parametrize(("valid_for_s", "found"), [(10, "expired"), (60, "done")])
def test_what_was_asked_of_the_car_is_done_in_its_time_or_not_at_all(
    valid_for_s: int, found: str
) -> None:
    async def story(road: Road) -> None:
        await road.put(scene(minute(NINE_ELEVEN), WARM, valid_for_s=valid_for_s))
        await asyncio.sleep(700)
        (run,) = road.runs()
        assert findings(run)["car.climate"] == found
        assert (await body_of(road)).climate_on is (found == "done")

    living_on_the_road(story, RecordsThatGo, FOR_DAYS)

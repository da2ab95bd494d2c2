"""A car with scenes on a stand, and an owner who puts scenes into it and drives."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.body.logic import (
    HOME_LATITUDE_DEGREES,
    HOME_LONGITUDE_DEGREES,
    Body,
    begin_drive,
)
from monocoque.car.commands.config import CommandsConfig
from monocoque.car.scenes import service as scenes
from monocoque.car.scenes.config import ScenesConfig
from monocoque.contracts.topics import CAR_SCENES
from monocoque.contracts.wire.home_pb2 import CarScenes, SceneTrace
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.sim.loop import run_virtual
from monocoque.trust.receipts import Receipt
from tests.car.stand import CAR_ID, Phone, Stand, outcome
from tests.vectors import people

SECOND_US = 1_000_000
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LAMP = {"action": "home.lamp.turn_on"}
WARM = {"action": "car.climate", "on": True, "temperature_decicelsius": 210}
LOCK = {"action": "car.lock"}
LAP_US = 180 * SECOND_US
WAIT_S_MAX = 600.0
FOR_DAYS = BodyConfig(look_interval_s=60.0, say_interval_s_max=3_600.0)
NINE_ELEVEN = 9 * 60 + 11
"""Eleven minutes after the stand begins."""


def arrive(away_s_min: int = 60) -> dict[str, Any]:
    """The car comes to the southernmost point of its loop."""
    return {
        "trigger": "arrive",
        "place": {
            "latitude_e7": round(HOME_LATITUDE_DEGREES * 10_000_000),
            "longitude_e7": round(HOME_LONGITUDE_DEGREES * 10_000_000),
        },
        "enter_radius_m": 150,
        "exit_radius_m": 300,
        "away_s_min": away_s_min,
    }


def leave(stay_s_min: int = 60) -> dict[str, Any]:
    """The car goes away from there."""
    members = arrive()
    del members["away_s_min"]
    return members | {"trigger": "leave", "stay_s_min": stay_s_min}


def minute(minute_of_day: int, zone: str = "Europe/Zurich", days: list[str] | None = None) -> Any:
    """A minute of the day; the stand begins on Friday, 15 January 2027, 09:00 in Zurich."""
    return {
        "trigger": "time",
        "minute_of_day": minute_of_day,
        "days": days or DAYS,
        "zone": zone,
    }


def scene(when: Any, *do: Any, number: int = 1, valid_for_s: int = 600) -> dict[str, Any]:
    """One scene."""
    return {
        "scene_id": people.identifier("scene", number),
        "name": f"Scene {number}",
        "when": when,
        "do": list(do),
        "valid_for_s": valid_for_s,
    }


class Road(Stand):
    """The stand, with scenes."""

    def __init__(self, records: Callable[[Records], Any] | None = None) -> None:
        """Build it. records: what the scenes are given in place of the real ones."""
        self.scenes_said: list[CarScenes] = []
        super().__init__(CommandsConfig())
        self.records_of_scenes = self.inner if records is None else records(self.inner)

        self.configs[ScenesConfig] = ScenesConfig()
        self.services["scenes"] = scenes.run
        self.phone = Phone()

    def context(self, name: str) -> Context:
        """What one life of one service is given."""
        given = super().context(name)
        return replace(given, records=self.records_of_scenes) if name == "scenes" else given

    def _observe(self, subject: str, data: bytes) -> None:
        super()._observe(subject, data)
        if subject == CAR_SCENES.subject(car_id=CAR_ID):
            self.scenes_said.append(CarScenes.FromString(data))

    @property
    def latest(self) -> CarScenes:
        """What was said last."""
        return self.scenes_said[-1]

    @property
    def now_s(self) -> int:
        return self.clock.now_us() // SECOND_US

    async def ask(self, scope: str, **arguments: Any) -> tuple[str, str | None]:
        """What the car answers to the owner."""
        command = self.phone.ask(scope, now_s=self.now_s, arguments=arguments)
        receipt: Receipt = await self.answer(self.phone, command)
        return outcome(receipt)

    async def put(self, wanted: dict[str, Any]) -> None:
        """The car takes this scene, and says so."""
        text = json.dumps(wanted, separators=(",", ":"))
        assert await self.ask("scene_put", scene=text) == ("done", None)
        await self.until_said(lambda said: text in said.scenes)

    async def drive(self, lasts_s: float | None = None) -> None:
        """Drive off, and wait until the car stands again."""
        await self.drive_off()
        await asyncio.sleep(lasts_s or 200.0)

    async def drive_off(self) -> None:
        """Drive off, for one lap."""
        now_us = self.clock.now_us()
        await body.change(self.inner, CAR_ID, now_us, lambda now: begin_drive(now, LAP_US))

    async def until_said(self, fits: Callable[[CarScenes], bool]) -> CarScenes:
        """What the car says of its scenes, once it fits."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not (self.scenes_said and fits(self.latest)):
                await asyncio.sleep(0.2)
        return self.latest

    def runs(self) -> list[SceneTrace]:
        """Every run that was ever told of, each once, oldest first."""
        found = {}
        for said in self.scenes_said:
            for trace in said.traces:
                if trace.ran:
                    found[trace.scene_id, trace.occurred_at_us] = trace
        return [found[key] for key in sorted(found, key=lambda key: key[1])]

    def requests(self) -> dict[str, Any]:
        """Everything that was ever asked of the home, by its identifier."""
        return {each.request_id: each for said in self.scenes_said for each in said.requests}


def on_the_road(
    story: Callable[[Road], Awaitable[None]],
    records: Callable[[Records], Any] | None = None,
    look: BodyConfig | None = None,
) -> Road:
    """Live through the story in virtual time; the story says when the car lives.

    records: what the scenes are given in place of the real ones. look: how often the body is
    looked at.
    """

    async def main() -> Road:
        road = Road(records)
        road.configs[BodyConfig] = look or BodyConfig()
        await story(road)
        return road

    return run_virtual(main())


def living_on_the_road(
    story: Callable[[Road], Awaitable[None]],
    records: Callable[[Records], Any] | None = None,
    look: BodyConfig | None = None,
) -> Road:
    """The same, in one life."""

    async def whole(road: Road) -> None:
        async with road.living():
            await story(road)

    return on_the_road(whole, records, look)


def findings(trace: SceneTrace) -> dict[str, str]:
    """What was looked at, and what was found."""
    return {each.what: each.found for each in trace.findings}


async def body_of(road: Road) -> Body:
    return await road.inner.transact(lambda c: body.present(c, CAR_ID, road.clock.now_us()))


async def with_body(road: Road, how: Callable[[Body], Body]) -> None:
    await body.change(road.inner, CAR_ID, road.clock.now_us(), how)

"""Camp mode through a winter night: the app as it is, the body, its guard and its physics."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from monocoque.app import Surroundings, loading
from monocoque.app.line import Outcome
from monocoque.car.body.logic import Body
from monocoque.car.body.logic.weather import Weather
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.acts import ActState
from monocoque.contracts.signals import CABIN_TEMPERATURE, CHARGE, IS_CLIMATE_ON, Value
from monocoque.sim.loop import run_virtual
from tests.car.signal_stand import SignalStand

APPS = Path(__file__).parents[3] / "apps"
HOUR_S = 3_600.0
NIGHT_HOURS = 9
LOOK_S = 300.0
EVENING_PERCENT = 36.0
"""Enough for most of such a night, and not for all of it."""
FLOOR_PERCENT = 20.0
"""As its manifest says it to the owner."""
SEEN = [signal.path for signal in (CHARGE, CABIN_TEMPERATURE, IS_CLIMATE_ON)]
FROST = Weather(mean_celsius=-12.0, swing_k=3.0, change_k=0.0)
RARELY = SignalsConfig(look_parked_interval_s=20.0)
"""Who looks at the body every second makes the night long for the test too."""


@dataclass(frozen=True)
class HubLine:
    """An app's line to the signals of the car on the stand."""

    stand: SignalStand

    async def read(self, paths: Sequence[str]) -> list[Value | None]:
        """See ``Line.read``."""
        readings = await self.stand.client.read([self.stand.number(path) for path in paths])
        return [reading.value for reading in readings]

    @contextlib.asynccontextmanager
    async def follow(
        self, paths: Sequence[str]
    ) -> AsyncIterator[AsyncIterator[Mapping[str, Value]]]:
        """See ``Line.follow``; camp mode looks, and follows nothing."""
        raise NotImplementedError(paths)
        yield

    async def ask(self, path: str, value: Value, timeout_s: float) -> Outcome:
        """See ``Line.ask``."""
        wish = {self.stand.number(path): value}
        (act,) = await self.stand.client.actuate(wish, timeout_s)
        ended = act if act.has_ended else await self.stand.client.outcome(act.act_id)
        return Outcome(ended.state is ActState.DONE, ended.reason)

    async def say(self, values: Mapping[str, Value]) -> None:
        """See ``Line.say``; camp mode says nothing."""
        raise NotImplementedError(values)


@dataclass(frozen=True)
class Moment:
    """How the car is, once in ``LOOK_S``."""

    charge_percent: float
    cabin_celsius: float
    is_on: bool


def in_the_woods(body: Body) -> Body:
    """Parked in the frost, without a plug."""
    return replace(
        body,
        plugged=False,
        charge_percent=EVENING_PERCENT,
        cabin_celsius=20.0,
        weather=FROST,
        awaits_weather=False,
    )


async def live_through_it(folder: Path) -> list[Moment]:
    """Every look at the car of a night with the app in it."""
    stand = SignalStand()
    stand.configs[SignalsConfig] = RARELY
    stand.services = {"embodying": stand.services["embodying"]}
    moments = []
    async with stand.living(), asyncio.TaskGroup() as group:
        await stand.change_body(in_the_woods)
        line = HubLine(stand)
        kind = loading.find(APPS / "camp_mode")
        app = kind(Surroundings(line, folder, stand.clock.now_us, lambda _: None))
        running = group.create_task(app.run())
        for _ in range(round(NIGHT_HOURS * HOUR_S / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            charge, cabin, is_on = await line.read(SEEN)
            assert isinstance(charge, float)
            assert isinstance(cabin, float)
            moments.append(Moment(charge, cabin, is_on is True))
        running.cancel()
    return moments


def test_the_cabin_is_warm_through_the_night_until_the_battery_comes_near_its_floor(
    tmp_path: Path,
) -> None:
    moments = run_virtual(live_through_it(tmp_path))
    warm = list(takewhile(lambda moment: moment.cabin_celsius > 16.0, moments))
    cold = moments[len(warm) :]
    assert len(warm) * LOOK_S > 6 * HOUR_S
    assert {moment.is_on for moment in warm} == {True, False}
    assert len(cold) * LOOK_S > HOUR_S
    assert not any(moment.is_on for moment in cold)
    assert cold[-1].cabin_celsius < 10.0
    why = json.loads((tmp_path / "why.json").read_text())["why"]
    assert "floor" in why
    assert FLOOR_PERCENT <= cold[-1].charge_percent < FLOOR_PERCENT + 1.0

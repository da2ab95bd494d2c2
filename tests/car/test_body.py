"""What a car says of its body, and when."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from monocoque.car.body import records
from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.body.logic import (
    Body,
    Station,
    Weather,
    new_body,
    of_text,
    plug_in,
    step,
)
from monocoque.car.commands.config import CommandsConfig
from monocoque.contracts.errors import RecordsOutcomeUnknown, RecordsUnavailable
from monocoque.sim.loop import run_virtual
from tests.car.stand import CAR_ID, START_US, Phone, Stand, freely, on_a_stand, outcome
from tests.vectors import people

CONFIG = BodyConfig()
RARE = BodyConfig(look_interval_s=300.0, say_interval_s_max=3_600.0)


def test_a_new_car_stands_locked_at_home_with_its_plug_in() -> None:
    message = body.message_of(Body(at_us=START_US, place_measured_us=START_US), people.EPOCH)
    assert message.epoch == people.EPOCH
    assert (message.locked, message.plugged, message.charging) == (True, True, True)
    assert (message.gear, message.speed_kmh, list(message.doors_open)) == ("park", 0.0, [])
    assert message.charge_percent * 4 < message.range_km < message.charge_percent * 5
    assert message.place_measured_us == START_US


def test_a_car_lives_in_the_weather_of_its_settings_whoever_finds_it_first() -> None:
    arctic = BodyConfig(weather_mean_celsius=-20.0, weather_seed=7)

    async def story() -> Body:
        stand = Stand()
        stand.configs[BodyConfig] = arctic
        now_us = stand.clock.now_us()
        await body.park(stand.records, CAR_ID, now_us, Station("dc", 50_000.0))
        async with stand.living():
            await asyncio.sleep(5)
            return await _present(stand)

    found = run_virtual(story())
    assert found.weather == Weather(-20.0, 5.0, 3.0, 7)
    assert found.outside_celsius < -10.0 > found.battery_celsius
    assert found.station.is_fast
    assert body.weather_of(BodyConfig()) == Weather() == new_body(START_US).weather


def test_a_car_that_has_its_weather_keeps_it() -> None:
    async def story(stand: Stand) -> None:
        built = new_body(stand.clock.now_us(), Weather(30.0))
        await body.change(stand.records, CAR_ID, stand.clock.now_us(), lambda _: built)
        await asyncio.sleep(120)
        assert (await _present(stand)).weather == Weather(30.0)
        await body.change(stand.records, CAR_ID, stand.clock.now_us(), lambda b: Body(b.at_us))
        await asyncio.sleep(120)
        assert (await _present(stand)).weather is None

    on_a_stand(story)


async def _present(stand: Stand) -> Body:
    now_us = stand.clock.now_us()
    return await stand.records.transact(lambda c: body.present(c, CAR_ID, now_us))


def test_a_body_that_nobody_touches_is_written_again_after_a_while_and_is_the_same() -> None:
    charging = plug_in(Body(0, charge_percent=20.0, climate_on=True), Station("dc", 5_000.0))

    async def story(stand: Stand) -> None:
        began_us = stand.clock.now_us()
        begins = replace(charging, at_us=began_us)
        await body.change(stand.records, CAR_ID, began_us, lambda _: begins)
        await asyncio.sleep(CONFIG.write_interval_s - 60)
        assert (await _written(stand)).at_us == began_us
        await asyncio.sleep(120)
        first = await _written(stand)
        assert first.at_us > began_us
        await asyncio.sleep(4 * CONFIG.write_interval_s)
        last = await _written(stand)
        assert stand.clock.now_us() - last.at_us <= 1_000_000 * (CONFIG.write_interval_s + 60)
        at_once = step(begins, last.at_us)
        assert last.charge_percent == pytest.approx(at_once.charge_percent, abs=0.1)
        assert last.cabin_celsius == pytest.approx(at_once.cabin_celsius, abs=0.01)
        assert last.battery_celsius == pytest.approx(at_once.battery_celsius, abs=0.5)

    on_a_stand(story)


async def _written(stand: Stand) -> Body:
    """The body as it stands in the record."""
    text = await stand.records.transact(lambda c: records.read_state(c, CAR_ID))
    assert text is not None
    return of_text(text)


def test_a_body_that_stands_is_said_once_a_minute() -> None:
    async def story(stand: Stand) -> None:
        await body.change(
            stand.records, CAR_ID, stand.clock.now_us(), lambda b: Body(b.at_us, charge_percent=80)
        )
        await asyncio.sleep(60)
        stand.bodies.clear()
        await asyncio.sleep(600)
        assert 9 <= len(stand.bodies) <= 11

    on_a_stand(story)


def test_what_a_command_changed_is_said_a_moment_after_its_receipt() -> None:
    async def story(stand: Stand) -> None:
        await asyncio.sleep(5)
        phone = Phone()
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("done", None)
        await asyncio.sleep(CommandsConfig().body_pause_s + 0.01)
        assert not stand.bodies[-1][1].locked

    on_a_stand(story)


def test_a_car_that_is_driven_from_elsewhere_is_seen_moving_and_parking() -> None:
    async def story(stand: Stand) -> None:
        await body.drive(stand.records, CAR_ID, stand.clock.now_us(), CONFIG, freely)
        await asyncio.sleep(30)
        at_s = [said_s for said_s, _ in stand.bodies]
        assert all(
            later - earlier >= CONFIG.say_interval_s_min for earlier, later in pairwise(at_s)
        )
        assert {message.gear for _, message in stand.bodies} == {"park", "drive"}
        assert stand.bodies[-1][1].speed_kmh == 50
        places = {(m.latitude_degrees, m.longitude_degrees) for _, m in stand.bodies}
        assert len(places) > 20
        await asyncio.sleep(CONFIG.drive_s)
        assert (stand.bodies[-1][1].gear, stand.bodies[-1][1].speed_kmh) == ("park", 0)

    on_a_stand(story)


def test_who_unlocked_the_car_is_seen_to_drive_off_however_seldom_it_is_looked_at() -> None:
    async def story(stand: Stand) -> None:
        await asyncio.sleep(1)  # the first look is over, and the next is five minutes away
        stand.bodies.clear()
        await asyncio.sleep(20)
        assert stand.bodies == []
        phone = Phone()
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("done", None)
        await asyncio.sleep(RARE.attentive_s / 2)
        await body.drive(stand.records, CAR_ID, stand.clock.now_us(), CONFIG, freely)
        await asyncio.sleep(2 * RARE.look_moving_interval_s)
        assert stand.bodies[-1][1].gear == "drive"

    on_a_stand(story, configs={BodyConfig: RARE})


def test_what_somebody_else_said_is_not_said_again() -> None:
    async def story(stand: Stand) -> None:
        await asyncio.sleep(5)
        phone = Phone()
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("done", None)
        stand.bodies.clear()
        await asyncio.sleep(5)
        assert len(stand.bodies) == 1

    on_a_stand(story)


def test_acts_are_remembered_up_to_a_bound() -> None:
    async def story(stand: Stand) -> None:
        stand.configs[BodyConfig] = BodyConfig(acts_kept=2)
        phone = Phone()
        for _ in range(4):
            await stand.answer(phone, phone.ask("lock"))
        assert len(await stand.acts()) == 2

    on_a_stand(story)


class Failing:
    """Records that fail in the transaction of the act, before or after it was done."""

    def __init__(self, inner, error) -> None:
        self._inner = inner
        self._error = error

    async def transact(self, work):
        if getattr(work, "__qualname__", "").startswith("begin."):
            if self._error.may_have_happened:
                await self._inner.transact(work)
            raise self._error
        return await self._inner.transact(work)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RecordsUnavailable("gone"), ("failed", "body_silent")),
        (RecordsOutcomeUnknown("gone"), ("unknown", "body_silent")),
    ],
)
def test_a_body_that_does_not_answer_is_said_as_it_is(error, said) -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        command = phone.ask("unlock")
        assert outcome(await stand.answer(phone, command)) == said
        assert len(await body.acts(stand.inner)) == error.may_have_happened
        assert outcome(await stand.answer(phone, command)) == said
        assert len(await body.acts(stand.inner)) == error.may_have_happened

    on_a_stand(story, records=lambda inner: Failing(inner, error))


def test_saying_more_than_the_topic_takes_is_counted_and_ends_nothing() -> None:
    async def story(stand: Stand) -> None:
        loud = stand.context("car-commands")
        for _ in range(300):
            await body.say_now(loud)
        assert stand.counted("too_many_requests") > 100
        before = len(stand.bodies)
        await asyncio.sleep(70)
        assert len(stand.bodies) > before

    on_a_stand(story)

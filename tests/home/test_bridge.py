"""The bridge: what a home does when a scene asks, whatever happens to it or to the way between."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from monocoque.contracts.errors import (
    BusUnavailable,
    DeviceFailed,
    MonocoqueError,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
    SettingInvalid,
)
from monocoque.contracts.topics import HOME_OUTCOMES, HOME_STATE
from monocoque.home.bridge.config import BridgeConfig
from monocoque.home.bridge.service.saying import Saying
from monocoque.home.devices.service import Device, DeviceState, Target, VirtualDevice
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.sim.loop import run_virtual
from tests.home.stand import (
    CAR,
    HEAT,
    LAMP_OFF,
    LAMP_ON,
    OTHER_CAR,
    SECOND_US,
    HomeStand,
    Reach,
    in_a_home,
)

HOUR_S = 3_600.0


def test_a_lamp_turns_on_and_the_cell_hears_it():
    async def story(stand: HomeStand) -> None:
        assert stand.device("lamp") == (False, 0)
        request = stand.request(LAMP_ON)
        assert await stand.answer(request) == ("done", "")
        await stand.until(lambda: stand.device("lamp") == (True, 0))
        assert await stand.answer(stand.request(LAMP_OFF)) == ("done", "")
        await stand.until(lambda: stand.device("lamp") == (False, 0))
        assert (await stand.acts())[request.request_id] == 1
        said = stand.outcomes[0]
        assert (said.car_id, said.decided_at_us) == (CAR, said.header.occurred_at_us)

    in_a_home(story)


def test_a_heat_pump_takes_its_target():
    async def story(stand: HomeStand) -> None:
        assert await stand.answer(stand.request(HEAT)) == ("done", "")
        await stand.until(lambda: stand.device("heat_pump") == (True, 215))

    in_a_home(story)


@pytest.mark.parametrize(
    "action",
    [
        '{"action":"home.door.unlock"}',
        '{"action":"car.lock"}',
        '{"action":"home.lamp.turn_on","device":"door"}',
        '{"action":"home.heat_pump.set","target_decicelsius":9000}',
        '{"action":"HOME.LAMP.TURN_ON"}',
        "unlock",
        "",
    ],
)
def test_a_word_that_a_home_does_not_know_does_nothing(action):
    async def story(stand: HomeStand) -> None:
        assert await stand.answer(stand.request(action)) == ("refused", "word_unknown")
        assert await stand.acts() == {}

    in_a_home(story)


def test_a_request_that_is_over_does_nothing_and_says_so():
    async def story(stand: HomeStand) -> None:
        late = stand.request(expires_at_us=stand.clock.now_us() - 1)
        assert await stand.answer(late) == ("expired", "too_late")
        assert await stand.acts() == {}

    in_a_home(story)


def test_a_request_that_is_over_when_its_device_is_free_does_nothing_and_says_so():
    async def story(stand: HomeStand) -> None:
        await stand.say(stand.request())
        await stand.say(stand.request(LAMP_OFF, expires_at_us=stand.clock.now_us() + SECOND_US))
        await stand.until(lambda: len(stand.outcomes) == 2)
        said = [(outcome.outcome, outcome.reason) for outcome in stand.outcomes]
        assert said == [("done", ""), ("expired", "too_late")]
        assert len(await stand.acts()) == 1

    in_a_home(story, reach=Reach(wiring=slow_wiring(5.0)))


def test_a_request_that_is_said_again_happens_once_and_is_answered_by_what_is_on_record():
    async def story(stand: HomeStand) -> None:
        request = stand.request()
        first = await stand.answer(request)
        decided_us = stand.outcomes[0].decided_at_us
        await asyncio.sleep(HOUR_S)  # its time is over by now
        assert await stand.answer(request) == first == ("done", "")
        assert stand.outcomes[1].decided_at_us == decided_us
        assert await stand.acts() == {request.request_id: 1}

    in_a_home(story)


def test_a_request_that_is_said_again_while_it_is_done_happens_once():
    async def story(stand: HomeStand) -> None:
        request = stand.request()
        for _ in range(5):
            await stand.say(request)
        await stand.until(lambda: len(stand.outcomes) == 1)
        await asyncio.sleep(60)
        assert (await stand.acts(), len(stand.outcomes)) == ({request.request_id: 1}, 1)

    in_a_home(story, reach=Reach(wiring=slow_wiring(3.0)))


def test_requests_of_two_cars_under_one_name_are_two():
    async def story(stand: HomeStand) -> None:
        request = stand.request(LAMP_ON)
        other = stand.request(LAMP_OFF, request_id=request.request_id, car_id=OTHER_CAR)
        assert await stand.answer(request) == ("done", "")
        assert await stand.answer(other) == ("done", "")
        assert [outcome.car_id for outcome in stand.outcomes] == [CAR, OTHER_CAR]
        assert await stand.acts() == {request.request_id: 2}

    in_a_home(story)


def test_a_request_without_a_name_is_counted_and_answered_by_nobody():
    async def story(stand: HomeStand) -> None:
        for changes in (
            {"request_id": "x"},
            {"car_id": "home_0123456789abcdefghjkmnpqrs"},
            {"scene_id": ""},
            {"action": "x" * 2_000},
        ):
            await stand.say(stand.request(**{"action": LAMP_ON} | changes))
        assert await stand.answer(stand.request()) == ("done", "")
        assert (stand.counted("scene_request_refused"), len(stand.outcomes)) == (4, 1)

    in_a_home(story)


def test_a_device_that_fails_is_admitted_and_holds_up_nothing():
    async def story(stand: HomeStand) -> None:
        await stand.jam("lamp")
        assert await stand.answer(stand.request()) == ("failed", "device_failed")
        assert await stand.answer(stand.request(HEAT)) == ("done", "")
        await stand.jam()
        assert await stand.answer(stand.request()) == ("done", "")
        assert stand.counted("device_failed") == 1

    in_a_home(story)


def test_a_device_that_hangs_is_given_up_and_holds_up_no_other():
    async def story(stand: HomeStand) -> None:
        await stand.say(stand.request(LAMP_ON))
        assert (await answer_beside(stand, stand.request(HEAT))) == ("done", "")
        await stand.until(lambda: len(stand.outcomes) == 2)
        said = stand.outcomes[1]
        assert (said.outcome, said.reason) == ("failed", "timeout")

    in_a_home(story, reach=Reach(wiring=slow_wiring(HOUR_S)))


async def answer_beside(stand: HomeStand, request: Any) -> tuple[str, str]:
    """The outcome of this request, which may overtake others."""
    await stand.say(request)
    await stand.until(lambda: any(o.request_id == request.request_id for o in stand.outcomes))
    [said] = [o for o in stand.outcomes if o.request_id == request.request_id]
    return said.outcome, said.reason


def test_more_requests_than_may_wait_are_refused():
    async def story(stand: HomeStand) -> None:
        for _ in range(6):
            await stand.say(stand.request())
        await stand.until(lambda: len(stand.outcomes) == 6)
        said = [(outcome.outcome, outcome.reason) for outcome in stand.outcomes]
        assert said.count(("refused", "too_many")) == 3
        assert said.count(("done", "")) == 3

    in_a_home(story, BridgeConfig(waiting_requests_max=2), Reach(wiring=slow_wiring(5.0)))


def test_what_was_begun_before_a_kill_may_have_happened_and_is_never_tried_again():
    async def whole() -> HomeStand:
        stand = HomeStand(reach=Reach(wiring=slow_wiring(5.0)))
        request = stand.request()
        async with stand.living():
            await stand.say(request)
            await asyncio.sleep(1)  # the lamp is on its way
        assert stand.outcomes == []
        stand.reach = Reach()
        async with stand.living():
            await stand.until(lambda: len(stand.outcomes) == 1)
            await stand.say(request)
            await stand.until(lambda: len(stand.outcomes) == 2)
            assert await stand.acts() == {}
        return stand

    stand = run_virtual(whole())
    said = {(outcome.outcome, outcome.reason) for outcome in stand.outcomes}
    assert said == {("failed", "may_have_happened")}


def test_what_waited_before_a_kill_is_done_after_it():
    async def whole() -> HomeStand:
        stand = HomeStand(reach=Reach(wiring=slow_wiring(5.0)))
        async with stand.living():
            first, second = stand.request(LAMP_ON), stand.request(LAMP_OFF)
            await stand.say(first)
            await stand.say(second)
            await asyncio.sleep(1)
        stand.reach = Reach()
        async with stand.living():
            await stand.until(lambda: len(stand.outcomes) == 2)
            assert await stand.acts() == {second.request_id: 1}
        return stand

    stand = run_virtual(whole())
    assert [o.outcome for o in stand.outcomes] == ["failed", "done"]


def test_an_outcome_that_could_not_be_said_is_said_later():
    class Deaf:
        """An uplink that takes no outcomes for a while."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner
            self.refusals = 3

        async def publish_batch(self, topic: Any, outgoing: Any) -> None:
            if topic is HOME_OUTCOMES and self.refusals:
                self.refusals -= 1
                raise BusUnavailable("away")
            await self._inner.publish_batch(topic, outgoing)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    async def story(stand: HomeStand) -> None:
        assert await stand.answer(stand.request()) == ("done", "")
        assert stand.counted("bus_unavailable") == 3

    in_a_home(story, reach=Reach(uplink=Deaf))


class Failing:
    """Records whose transaction at one place fails; an unknown outcome is one that was done."""

    def __init__(self, error: type[MonocoqueError], place: int) -> None:
        self.is_armed = False
        self._error = error
        self._left = place
        self._inner: Any = None

    def around(self, inner: Records) -> "Failing":
        """These, around the real ones."""
        self._inner = inner
        return self

    async def transact(self, work: Callable[[Any], Any]) -> Any:
        """See Records."""
        if self.is_armed:
            self._left -= 1
            if self._left == -1:
                if self._error is RecordsOutcomeUnknown:
                    await self._inner.transact(work)
                raise self._error("It was cut off.")
        return await self._inner.transact(work)


@pytest.mark.parametrize("error", [RecordsUnavailable, RecordsOutcomeUnknown])
@pytest.mark.parametrize("place", range(8))
def test_records_that_fail_at_any_moment_never_make_a_lamp_act_twice(error, place):
    """place: which transaction after the start fails."""
    failing = Failing(error, place)

    async def story(stand: HomeStand) -> None:
        failing.is_armed = True
        request = stand.request()
        await stand.say(request)
        await asyncio.sleep(20)
        # What was never put on record the cell says again at the hello.
        if not stand.outcomes and error is RecordsUnavailable:
            await stand.say(request)
        await stand.until(lambda: len(stand.outcomes) > 0)
        acts = await stand.acts()
        said = {(outcome.outcome, outcome.reason) for outcome in stand.outcomes}
        assert acts.get(request.request_id, 0) <= 1
        assert len(said) == 1
        if ("done", "") in said:
            assert acts == {request.request_id: 1}
        else:
            assert said == {("failed", "may_have_happened")} or acts == {}

    in_a_home(story, reach=Reach(records=failing.around))


def test_hellos_come_soon_after_a_connection_and_rarely_later():
    async def story(stand: HomeStand) -> None:
        await asyncio.sleep(10)
        soon = stand.hellos
        await asyncio.sleep(100)
        assert soon >= 3
        assert 10 <= stand.hellos - soon <= 12

    in_a_home(story)


def test_the_state_is_said_when_it_changed_and_now_and_then():
    async def story(stand: HomeStand) -> None:
        assert len(stand.states) == 1
        await asyncio.sleep(HOUR_S)
        assert 12 <= len(stand.states) <= 13

    in_a_home(story)


def test_a_device_that_does_not_say_how_it_is_hides_no_other():
    class Silent(VirtualDevice):
        async def state(self) -> DeviceState:
            raise DeviceFailed("It says nothing.")

    def wiring(context: Context) -> Mapping[str, Device]:
        return {"lamp": Silent(context, "lamp"), "heat_pump": VirtualDevice(context, "heat_pump")}

    async def story(stand: HomeStand) -> None:
        assert [device.name for device in stand.states[-1].devices] == ["heat_pump"]
        assert stand.counted("device_failed") >= 1

    in_a_home(story, reach=Reach(wiring=wiring))


def test_a_home_without_a_lamp_says_so():
    def wiring(context: Context) -> Mapping[str, Device]:
        return {"heat_pump": VirtualDevice(context, "heat_pump")}

    async def story(stand: HomeStand) -> None:
        assert await stand.answer(stand.request()) == ("refused", "no_device")

    in_a_home(story, reach=Reach(wiring=wiring))


def test_requests_are_forgotten_a_day_after_their_time():
    async def story(stand: HomeStand) -> None:
        old = stand.request()
        await stand.answer(old)
        await asyncio.sleep(2 * 86_400)
        await stand.answer(stand.request())
        assert await stand.answer(old) == ("expired", "too_late")
        assert (await stand.acts())[old.request_id] == 1

    in_a_home(story)


def test_the_state_comes_before_or_with_the_outcome_and_never_waits():
    async def story(stand: HomeStand) -> None:
        began_s = asyncio.get_running_loop().time()
        await stand.answer(stand.request())
        await stand.until(lambda: stand.device("lamp") == (True, 0))
        assert asyncio.get_running_loop().time() == began_s
        assert stand.order.count(HOME_STATE.name) == 2

    in_a_home(story)


def test_a_bridge_without_a_way_to_the_cell_says_so():
    async def main() -> None:
        stand = HomeStand()
        with pytest.raises(SettingInvalid):
            Saying(replace(stand.context(), uplink=None))

    run_virtual(main())


def slow_wiring(lasts_s: float) -> Callable[[Context], Mapping[str, Device]]:
    """A lamp that takes so long before it does anything, and a heat pump that does not."""

    class Slow(VirtualDevice):
        async def act(self, target: Target, cause: str) -> DeviceState:
            await asyncio.sleep(lasts_s)
            return await super().act(target, cause)

    def wiring(context: Context) -> Mapping[str, Device]:
        return {"lamp": Slow(context, "lamp"), "heat_pump": VirtualDevice(context, "heat_pump")}

    return wiring

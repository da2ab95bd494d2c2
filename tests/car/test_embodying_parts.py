"""Windows, seats, boot and climate through their signals: how they move, jam, and are refused."""

import asyncio
from dataclasses import replace

import pytest

from monocoque.car.body.logic import (
    DRIVER_DOOR,
    Body,
    Station,
    plug_in,
    turn_child_lock,
    with_jam,
    with_obstacles,
)
from monocoque.car.body.logic.parts import NAMES, Parts
from monocoque.car.signals.logic.acts import Act, ActState
from monocoque.car.signals.logic.embodied import ACTUATIONS
from monocoque.contracts.signals import Value, check
from tests.car.signal_stand import SignalStand, on_a_signal_stand

WINDOW = "Vehicle.Cabin.Door.Row2.DriverSide.Window.Position"
IS_WINDOW_OPEN = "Vehicle.Cabin.Door.Row2.DriverSide.Window.IsOpen"
SEAT = "Vehicle.Cabin.Seat.Row1.DriverSide.Position"
HEIGHT = "Vehicle.Cabin.Seat.Row1.PassengerSide.Height"
RECLINE = "Vehicle.Cabin.Seat.Row1.DriverSide.Backrest.Recline"
BOOT = "Vehicle.Body.Trunk.Rear.IsOpen"
HAZARD = "Vehicle.Body.Lights.Hazard.IsSignaling"
FAN = "Vehicle.Cabin.HVAC.Station.Row1.Driver.FanSpeed"
DEFROSTER = "Vehicle.Cabin.HVAC.IsFrontDefrosterActive"
RECIRCULATION = "Vehicle.Cabin.HVAC.IsRecirculationActive"
CABLE_LOCK = (
    "Vehicle.Powertrain.TractionBattery.Charging.ChargingPort.AnyPosition.IsChargingCableLocked"
)
CHARGING = "Vehicle.Powertrain.TractionBattery.Charging.StartStopCharging"
IS_CHARGING = "Vehicle.Powertrain.TractionBattery.Charging.IsCharging"
CURRENT_DC = "Vehicle.Powertrain.TractionBattery.Charging.ChargeCurrent.DC"
LIMIT = "Vehicle.Powertrain.TractionBattery.Charging.ChargeLimit"
HEATING = "Vehicle.Cabin.Seat.Row1.PassengerSide.HeatingCooling"


def at_fast(body: Body, celsius: float) -> Body:
    """Plugged in at a fast charger, with a battery of this temperature, told to wait."""
    parts = replace(body.parts, charging=False)
    plugged = plug_in(replace(body, battery_celsius=celsius), Station("dc", 100_000.0))
    return replace(plugged, parts=parts)


async def ask(stand: SignalStand, path: str, value: Value) -> Act:
    """What the wish is answered with at once."""
    (act,) = await stand.client.actuate({stand.number(path): value}, 20.0)
    return act


async def done(stand: SignalStand, path: str, value: Value) -> tuple[ActState, str]:
    """How the wish ends, and why."""
    act = await ask(stand, path, value)
    ended = act if act.has_ended else await stand.client.outcome(act.act_id)
    await asyncio.sleep(1)
    return ended.state, ended.reason


def test_every_part_of_the_body_can_be_asked_for_by_a_signal():
    assert {actuation.actuator for actuation in ACTUATIONS} >= NAMES


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (WINDOW, 100),
        (IS_WINDOW_OPEN, True),
        (SEAT, 200),
        (HEIGHT, 60),
        (RECLINE, 27.5),
        (RECLINE, -5.0),
        (HEATING, 60),
        (BOOT, True),
        (HAZARD, True),
        (FAN, 70),
        (DEFROSTER, True),
        (RECIRCULATION, True),
        (CHARGING, "STOP"),
        (CHARGING, "START"),
        (LIMIT, 60),
    ],
)
def test_what_is_asked_for_is_done_and_read_again(path, value):
    async def story(stand: SignalStand):
        assert await done(stand, path, value) == (ActState.DONE, "")
        assert await stand.value(path) == check(stand.signals.catalogue.at(path), value)

    on_a_signal_stand(story)


@pytest.mark.parametrize("value", [1.5e308, -1.5e308, 1e30, 70.1, -5.1])
def test_a_backrest_that_shall_lean_beyond_its_end_is_refused_and_others_go_on(value):
    async def story(stand: SignalStand):
        assert await done(stand, RECLINE, value) == (ActState.REFUSED, "out_of_reach")
        assert await done(stand, RECLINE, 25.0) == (ActState.DONE, "")

    on_a_signal_stand(story)


def test_a_plug_is_locked_before_a_charge_begins_and_stays_so_while_it_is_live():
    async def story(stand: SignalStand):
        await stand.change_body(lambda b: at_fast(b, 25.0))
        assert await done(stand, CABLE_LOCK, False) == (ActState.DONE, "")
        assert await done(stand, CHARGING, "START") == (ActState.REFUSED, "plug_unlocked")
        assert await done(stand, CABLE_LOCK, True) == (ActState.DONE, "")
        assert await done(stand, CHARGING, "START") == (ActState.DONE, "")
        assert await stand.value(IS_CHARGING) is True
        assert await done(stand, CABLE_LOCK, False) == (ActState.REFUSED, "charging")
        await stand.change_body(lambda b: at_fast(b, -25.0))
        assert await done(stand, CABLE_LOCK, False) == (ActState.REFUSED, "charging")

    on_a_signal_stand(story)


def test_a_window_is_seen_on_its_way_and_a_new_wish_goes_on_from_there():
    async def story(stand: SignalStand):
        opening = await ask(stand, WINDOW, 100)
        assert opening.state is ActState.ACCEPTED
        await asyncio.sleep(2)
        midway = await stand.value(WINDOW)
        assert isinstance(midway, int)
        assert 0 < midway < 100
        assert await stand.value(IS_WINDOW_OPEN) is True
        assert await done(stand, WINDOW, 0) == (ActState.DONE, "")
        assert (await stand.client.outcome(opening.act_id)).reason == "replaced"
        assert await stand.value(WINDOW) == 0
        assert await stand.value(IS_WINDOW_OPEN) is False

    on_a_signal_stand(story)


def test_a_newer_wish_with_a_shorter_way_ends_first_and_what_others_asked_goes_on():
    async def story(stand: SignalStand):
        farther = await ask(stand, WINDOW, 100)
        seat = await ask(stand, SEAT, 0)
        await asyncio.sleep(1)
        assert await done(stand, WINDOW, 30) == (ActState.DONE, "")
        assert (await stand.client.outcome(farther.act_id)).reason == "replaced"
        assert (await stand.client.outcome(seat.act_id)).state is ActState.DONE

    on_a_signal_stand(story)


def test_a_wish_whose_time_was_over_while_its_part_was_busy_is_not_done_later():
    async def story(stand: SignalStand):
        await ask(stand, WINDOW, 100)
        (late,) = await stand.client.actuate({stand.number(IS_WINDOW_OPEN): False}, 1.0)
        assert (await stand.client.outcome(late.act_id)).reason == "deadline"
        await asyncio.sleep(15)
        assert await stand.value(WINDOW) == 100
        assert (await stand.acts_on_record())[0]["reason"] == "deadline"

    on_a_signal_stand(story)


def test_a_window_that_jams_on_its_way_has_failed_and_stands_where_it_jammed():
    async def story(stand: SignalStand):
        opening = await ask(stand, WINDOW, 100)
        await asyncio.sleep(1)
        await stand.change_body(lambda b: with_jam(b, frozenset({"window_row2_left"})))
        ended = await stand.client.outcome(opening.act_id)
        assert (ended.state, ended.reason) == (ActState.FAILED, "jammed")
        await asyncio.sleep(5)
        stuck = await stand.value(WINDOW)
        assert stuck == 25

    on_a_signal_stand(story)


def test_a_backrest_that_jams_on_its_way_has_failed_and_leans_as_it_did():
    async def story(stand: SignalStand):
        leaning = await ask(stand, RECLINE, 60.0)
        await asyncio.sleep(2)
        part = "seat_driver_recline_decidegrees"
        await stand.change_body(lambda b: with_jam(b, frozenset({part})))
        ended = await stand.client.outcome(leaning.act_id)
        assert (ended.state, ended.reason) == (ActState.FAILED, "jammed")
        await asyncio.sleep(9)
        assert await stand.value(RECLINE) == 30.0

    on_a_signal_stand(story)


def test_a_window_that_meets_a_hand_has_failed_and_closes_once_that_is_gone():
    async def story(stand: SignalStand):
        assert await done(stand, WINDOW, 60) == (ActState.DONE, "")
        closing = await ask(stand, WINDOW, 0)
        await asyncio.sleep(0.5)
        await stand.change_body(lambda b: with_obstacles(b, ("window_row2_left",)))
        ended = await stand.client.outcome(closing.act_id)
        assert (ended.state, ended.reason) == (ActState.FAILED, "pinched")
        await asyncio.sleep(5)
        assert await stand.value(WINDOW) == 60
        assert await done(stand, WINDOW, 0) == (ActState.REFUSED, "pinch")
        assert await done(stand, WINDOW, 70) == (ActState.DONE, "")
        await stand.change_body(lambda b: with_obstacles(b, ()))
        assert await done(stand, WINDOW, 0) == (ActState.DONE, "")

    on_a_signal_stand(story)


@pytest.mark.parametrize(
    ("how", "path", "value", "reason"),
    [
        (lambda b: replace(b, parts=Parts(window_child_lock=True)), WINDOW, 50, "child_lock"),
        (lambda b: replace(b, updating=True), SEAT, 50, "updating"),
        (lambda b: replace(b, cabin_celsius=60.0), HEATING, 50, "too_warm"),
        (lambda b: replace(b, plugged=False, charge_percent=3.0), FAN, 50, "charge_low"),
        (lambda b: b, SEAT, 900, "out_of_reach"),
        (lambda b: b, HEIGHT, 90, "out_of_reach"),
        (lambda b: b, RECLINE, 1e30, "out_of_reach"),
        (lambda b: replace(b, updating=True), RECLINE, 10.0, "updating"),
        (lambda b: b, HEATING, -20, "not_built"),
        (lambda b: replace(b, charge_percent=20.0), CABLE_LOCK, False, "charging"),
        (lambda b: replace(b, plugged=False), CHARGING, "START", "unplugged"),
        (lambda b: at_fast(b, -20.0), CHARGING, "START", "battery_cold"),
        (lambda b: at_fast(b, 60.0), CHARGING, "START", "battery_hot"),
        (lambda b: b, LIMIT, 20, "out_of_range"),
    ],
)
def test_the_guard_refuses_what_a_part_must_not_do(how, path, value, reason):
    async def story(stand: SignalStand):
        await stand.change_body(how)
        assert await done(stand, path, value) == (ActState.REFUSED, reason)
        assert await stand.acts() == {}

    on_a_signal_stand(story)


def test_a_fast_charge_is_seen_stopped_and_begun_again():
    async def story(stand: SignalStand):
        await stand.change_body(
            lambda b: plug_in(replace(b, battery_celsius=25.0), Station("dc", 100_000.0))
        )
        assert await stand.value(IS_CHARGING) is True
        amperes = await stand.value(CURRENT_DC)
        assert isinstance(amperes, float)
        assert amperes > 200.0
        assert await done(stand, CHARGING, "STOP") == (ActState.DONE, "")
        assert await stand.value(IS_CHARGING) is False
        assert await stand.value(CURRENT_DC) == 0.0
        assert await done(stand, CHARGING, "START") == (ActState.DONE, "")
        assert await stand.value(IS_CHARGING) is True

    on_a_signal_stand(story)


def test_doors_and_child_locks_are_told_each_for_itself():
    def told(body: Body) -> Body:
        opened = replace(body, locked=False, doors_open=("row2_right",))
        return turn_child_lock(opened, "row2_left")

    async def story(stand: SignalStand):
        await stand.change_body(told)
        door = "Vehicle.Cabin.Door"
        assert await stand.value(f"{door}.Row1.DriverSide.IsOpen") is False
        assert await stand.value(f"{door}.Row2.PassengerSide.IsOpen") is True
        assert await stand.value(f"{door}.Row2.PassengerSide.IsLocked") is False
        assert await stand.value(f"{door}.Row2.DriverSide.IsChildLockActive") is True
        assert await stand.value(f"{door}.Row1.DriverSide.IsChildLockActive") is False
        assert await stand.value("Vehicle.Body.Trunk.Rear.IsLocked") is False
        await stand.change_body(lambda b: replace(b, doors_open=(DRIVER_DOOR,)))
        assert await stand.value(f"{door}.Row1.DriverSide.IsOpen") is True

    on_a_signal_stand(story)


def test_several_parts_of_one_request_move_beside_each_other():
    async def story(stand: SignalStand):
        wishes = {stand.number(path): value for path, value in ((WINDOW, 100), (SEAT, 230))}
        acts = await stand.client.actuate(wishes, 20.0)
        await asyncio.sleep(6)
        assert [await stand.value(path) for path in (WINDOW, SEAT)] == [100, 230]
        for act in acts:
            assert (await stand.client.outcome(act.act_id)).state is ActState.DONE

    on_a_signal_stand(story)

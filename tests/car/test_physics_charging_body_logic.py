"""A body at a station: taper, temperature, limit, and what its instruments show."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    AC,
    DC,
    Body,
    Motion,
    Parts,
    Station,
    begin_drive,
    begin_motion,
    begin_park,
    of_text,
    passing,
    plug_in,
    readings,
    stations,
    step,
    to_text,
)
from monocoque.car.body.logic.physics.condition import Condition, Doing, pass_on
from monocoque.car.body.logic.physics.vehicle import ARDEN_7

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
FAST = Station(DC, 150_000.0)
WARM = Body(
    at_us=0, charge_percent=10.0, charge_limit_percent=100,
    battery_celsius=25.0, outside_celsius=25.0, cabin_celsius=25.0,
)  # fmt: skip
AT_FAST = plug_in(WARM, FAST)


def minutes(body: Body, until_percent: float) -> int:
    """After how many minutes the battery is so full."""
    for minute in range(2_000):
        if body.charge_percent >= until_percent:
            return minute
        body = step(body, body.at_us + MINUTE_US)
    raise AssertionError("it never is")


def power_w(body: Body, percent: float) -> float:
    return readings.charge_w(replace(body, charge_percent=percent))


def test_a_fast_charger_fills_the_middle_in_half_an_hour_and_an_outlet_in_hours() -> None:
    assert 20 < minutes(AT_FAST, 80.0) < 40
    assert 4 * 60 < minutes(plug_in(WARM, Station(AC, 11_000.0)), 80.0) < 7 * 60


def test_a_fast_charge_tapers_and_comes_to_its_end() -> None:
    powers = [power_w(AT_FAST, percent) for percent in (20, 50, 60, 80, 90, 98, 99.9)]
    assert powers[0] == powers[1] == pytest.approx(145_500.0)
    assert powers == sorted(powers, reverse=True)
    assert powers[-1] > 0.0
    last_tenth, first_tenth = (
        minutes(replace(AT_FAST, charge_percent=90.0), 100.0),
        minutes(AT_FAST, 20.0),
    )
    assert last_tenth > 4 * first_tenth
    full = step(AT_FAST, 6 * HOUR_US)
    assert (full.charge_percent, full.is_charging) == (100.0, False)


def test_an_outlet_tapers_only_near_the_end_and_earlier_when_it_is_cold() -> None:
    at_outlet = plug_in(WARM, Station())
    assert power_w(at_outlet, 90) == power_w(at_outlet, 20) == 10_120.0
    assert power_w(at_outlet, 98.5) < 10_120.0
    cold = replace(at_outlet, battery_celsius=-15.0)
    assert power_w(cold, 20) == 10_120.0
    assert power_w(cold, 80) < 10_120.0
    assert step(at_outlet, 24 * HOUR_US).charge_percent == 100.0


def test_the_station_says_how_much_it_gives() -> None:
    slow, quick = (plug_in(WARM, Station(DC, kw * 1_000.0)) for kw in (50, 350))
    assert power_w(slow, 20) == pytest.approx(48_500.0)
    assert power_w(quick, 20) == pytest.approx(ARDEN_7.dc_w_max * ARDEN_7.dc_efficiency)
    assert power_w(plug_in(WARM, Station(AC, 3_700.0)), 20) == pytest.approx(3_404.0)
    assert power_w(plug_in(WARM, Station(DC, 2_000.0)), 20) == pytest.approx(1_940.0)


@pytest.mark.parametrize(("celsius", "share"), [(-5.0, 0.5), (5.0, 0.7), (52.0, 0.7)])
def test_a_cold_or_hot_battery_takes_less_from_a_fast_charger(celsius, share) -> None:
    other = replace(AT_FAST, battery_celsius=celsius)
    assert 0.0 < power_w(other, 30) < share * power_w(AT_FAST, 30)
    assert readings.charge_dc_a_max(other) < readings.charge_dc_a_max(AT_FAST)


@pytest.mark.parametrize("celsius", [-25.0, 58.0])
def test_beyond_its_temperatures_a_battery_is_brought_back_first_and_then_filled(celsius) -> None:
    body = replace(AT_FAST, battery_celsius=celsius)
    assert not body.is_charging
    assert readings.charge_w(body) == readings.time_to_full_s(body) == 0
    assert step(body, MINUTE_US).charge_percent == body.charge_percent
    after = step(body, 2 * HOUR_US)
    assert stations.FAST_CELSIUS_MIN < after.battery_celsius < stations.FAST_CELSIUS_MAX
    assert after.charge_percent > 50.0
    assert replace(body, station=Station()).is_charging


def test_a_battery_that_was_fast_charged_is_warm_and_not_hot() -> None:
    hottest = max(step(AT_FAST, minute * MINUTE_US).battery_celsius for minute in range(60))
    assert 32.0 < hottest < 50.0


@pytest.mark.parametrize("limit", [50, 80, 100])
@pytest.mark.parametrize("station", [Station(), FAST])
def test_a_charge_ends_exactly_at_its_limit(station, limit) -> None:
    body = plug_in(replace(WARM, charge_limit_percent=limit), station)
    ended = step(body, 24 * HOUR_US)
    assert (ended.charge_percent, ended.is_charging) == (float(limit), False)
    assert step(ended, 48 * HOUR_US).charge_percent == limit


def test_a_fast_charge_takes_as_long_as_small_steps_say() -> None:
    was = Condition(
        charge=0.1, battery_celsius=10.0, cabin_celsius=10.0,
    )  # fmt: skip
    doing = Doing(
        awake=False, charger_w=150_000.0, outside_celsius=10.0, people=0.0,
        preheats=True, chills=True,
    )  # fmt: skip
    for _ in range(40 * 60):
        was = pass_on(ARDEN_7, was, doing, 1.0)
    body = replace(AT_FAST, battery_celsius=10.0, outside_celsius=10.0, cabin_celsius=10.0)
    after = step(body, 40 * MINUTE_US)
    assert after.charge_percent == pytest.approx(was.charge * 100, abs=1.5)
    assert after.battery_celsius == pytest.approx(was.battery_celsius, abs=1.0)
    assert after.cycle_loss == pytest.approx(was.cycle_loss, rel=0.06)


@settings(deadline=None)
@given(
    st.sampled_from([Station(), Station(AC, 2_300.0), FAST, Station(DC, 50_000.0)]),
    st.sampled_from([-20.0, 0.0, 25.0, 45.0]),
    st.booleans(),
    st.lists(st.integers(1, HOUR_US), min_size=1, max_size=8),
)
def test_many_steps_at_a_station_come_to_what_one_does(station, celsius, climate, steps_us) -> None:
    body = replace(
        plug_in(WARM, station), battery_celsius=celsius, outside_celsius=celsius, climate_on=climate
    )
    by_steps = body
    for one_us in steps_us:
        by_steps = step(by_steps, by_steps.at_us + one_us)
    at_once = step(body, sum(steps_us))
    assert by_steps.charge_percent == pytest.approx(at_once.charge_percent, abs=0.3)
    assert by_steps.battery_celsius == pytest.approx(at_once.battery_celsius, abs=1.0)
    assert by_steps.cabin_celsius == pytest.approx(at_once.cabin_celsius, abs=1e-3)


def test_the_climate_comes_first_at_a_weak_outlet() -> None:
    cold = replace(WARM, outside_celsius=-10.0, cabin_celsius=-10.0, climate_on=True)
    weak = plug_in(cold, Station(AC, 1_200.0))
    assert step(weak, HOUR_US).charge_percent < WARM.charge_percent
    assert readings.charge_w(weak) == 0.0
    assert readings.battery_w(weak) < 0.0
    assert readings.time_to_full_s(weak) == readings.NEVER_S
    strong = step(plug_in(cold, FAST), 10 * MINUTE_US)
    assert strong.charge_percent > 25.0


@pytest.mark.parametrize("power_w", [500.0, 1_000.0, 3_000.0, 4_100.0, 150_000.0])
@pytest.mark.parametrize("celsius", [-20.0, 0.0, 50.0])
def test_no_station_gives_more_than_its_power(power_w, celsius) -> None:
    cold = replace(WARM, battery_celsius=celsius, outside_celsius=celsius, cabin_celsius=celsius)
    body = plug_in(cold, Station(DC, power_w))
    after = step(body, HOUR_US // 4)
    gained_wh = (after.charge_percent - body.charge_percent) / 100 * ARDEN_7.capacity_wh
    warmed_k = after.battery_celsius - celsius
    heat_wh = ARDEN_7.battery_heat_j_per_k * max(0.0, warmed_k) / 3_600
    assert gained_wh + heat_wh + max(0.0, -warmed_k) > 0.0
    assert gained_wh + heat_wh <= power_w / 4


@pytest.mark.parametrize("station", [Station(AC, 1_200.0), Station(DC, 1_500.0)])
@pytest.mark.parametrize("why", ["full", "told"])
def test_a_climate_that_takes_more_than_a_station_gives_takes_it_from_the_battery(
    station, why
) -> None:
    arctic = replace(
        plug_in(replace(WARM, charge_percent=80.0), station),
        outside_celsius=-20.0, cabin_celsius=-20.0, climate_on=True,
    )  # fmt: skip
    resting = replace(arctic, charge_limit_percent=80)
    if why == "told":
        resting = replace(arctic, parts=Parts(charging=False))
    charging = step(replace(arctic, charge_limit_percent=90), 3 * HOUR_US)
    after = step(resting, 3 * HOUR_US)
    # A battery that shall be filled at a fast charger is kept warm, too; the climate lacks that.
    off = 2.0 if why == "told" and station.is_fast else 0.1
    assert after.charge_percent < 75.0
    assert charging.charge_percent == pytest.approx(after.charge_percent, abs=off)
    assert readings.battery_w(resting) < -2_000.0
    by_minutes = resting
    for minute in range(1, 3 * 60 + 1):
        by_minutes = step(by_minutes, minute * MINUTE_US)
    assert by_minutes.charge_percent == pytest.approx(after.charge_percent, abs=0.1)
    assert step(replace(resting, station=Station()), 3 * HOUR_US).charge_percent == 80.0


def test_a_climate_that_comes_to_rest_at_a_weak_outlet_costs_the_battery_only_its_beginning() -> (
    None
):
    cool = replace(
        plug_in(WARM, Station(AC, 1_500.0)), parts=Parts(charging=False),
        outside_celsius=0.0, cabin_celsius=-5.0, climate_on=True,
    )  # fmt: skip
    soon, later, at_once = (step(cool, minutes * MINUTE_US) for minutes in (30, 60, 600))
    assert soon.charge_percent < WARM.charge_percent
    assert soon.charge_percent == later.charge_percent == at_once.charge_percent


@pytest.mark.parametrize("celsius", [-20.0, -9.0, 0.0, 25.0, 45.0])
@pytest.mark.parametrize("station", [Station(), Station(AC, 2_300.0), FAST, Station(DC, 3_000.0)])
def test_the_time_that_is_told_is_about_the_time_it_takes(station, celsius) -> None:
    there = replace(
        WARM, battery_celsius=celsius, outside_celsius=celsius, cabin_celsius=celsius,
        charge_limit_percent=90, charge_percent=40.0,
    )  # fmt: skip
    body = plug_in(there, station)
    if not body.is_charging:
        body = step(body, 2 * HOUR_US)  # what is unfit is warmed first, and says nothing
    told = readings.time_to_full_s(body) / 60
    assert minutes(body, 90.0) == pytest.approx(told, rel=0.05, abs=2.0)


def test_a_weak_fast_charger_that_warms_first_is_not_said_to_go_on_for_ever() -> None:
    cold = replace(WARM, battery_celsius=0.0, outside_celsius=0.0, cabin_celsius=0.0)
    told = readings.time_to_full_s(plug_in(cold, Station(DC, 1_000.0)))
    assert 2 * 86_400 < told < 6 * 86_400
    slow = plug_in(replace(WARM, charge_limit_percent=80), Station(DC, 10_000.0))
    assert minutes(slow, 80.0) == pytest.approx(readings.time_to_full_s(slow) / 60, rel=0.05)


@pytest.mark.parametrize("celsius", [-9.0, 0.0, 25.0])
@pytest.mark.parametrize("power_w", [50_000.0, 150_000.0, 400_000.0])
def test_a_fast_charge_that_is_looked_at_each_second_comes_to_what_one_step_does(
    celsius, power_w
) -> None:
    cold = replace(WARM, battery_celsius=celsius, outside_celsius=celsius)
    at_once = by_seconds = plug_in(cold, Station(DC, power_w))
    for second in range(1, 1_801):
        by_seconds = step(by_seconds, second * SECOND_US)
        if second % 600 == 0:
            one = step(at_once, second * SECOND_US)
            assert by_seconds.charge_percent == pytest.approx(one.charge_percent, abs=0.1)
            assert by_seconds.battery_celsius == pytest.approx(one.battery_celsius, abs=1.0)


@pytest.mark.parametrize("station", [Station(DC, 2_000.0), Station(AC, 1_200.0)])
def test_a_charge_that_cannot_go_on_is_passed_over_at_once(station) -> None:
    body = replace(plug_in(WARM, station), outside_celsius=-20.0, climate_on=True)
    passes = 0

    def counted(at_us: int) -> Body:
        nonlocal passes
        now = body
        while now.at_us < at_us:
            now, passes = passing.flow_on(now, at_us), passes + 1
        return now

    week = counted(7 * 24 * HOUR_US)
    assert passes < 400
    assert (week.charge_percent, week.is_charging) == (0.0, True)
    by_hours = body
    for hour in range(1, 7 * 24 + 1):
        by_hours = step(by_hours, hour * HOUR_US)
    assert by_hours.battery_celsius == pytest.approx(week.battery_celsius, abs=0.1)
    assert by_hours.charge_percent == week.charge_percent


@pytest.mark.parametrize("celsius", [-25.0, 58.0])
def test_an_unfit_battery_becomes_fit_when_it_does_however_often_it_is_looked_at(celsius) -> None:
    body = replace(AT_FAST, battery_celsius=celsius, outside_celsius=celsius)
    by_seconds = body
    while not by_seconds.is_charging:
        by_seconds = step(by_seconds, by_seconds.at_us + 7 * SECOND_US)
        at_once = step(body, by_seconds.at_us)
        assert by_seconds.battery_celsius == pytest.approx(at_once.battery_celsius, abs=0.01)
        assert by_seconds.charge_percent == pytest.approx(at_once.charge_percent, abs=0.01)
    assert by_seconds.at_us > MINUTE_US
    # One that is too weak for the cold around never brings it there.
    weak = replace(body, station=Station(DC, 50.0), outside_celsius=-40.0, battery_celsius=-25.0)
    assert not step(weak, 24 * HOUR_US).is_charging


def test_who_says_stop_ends_the_charge_and_a_new_plug_begins_one() -> None:
    told = begin_motion(AT_FAST, Motion("charging", {"charging": False}, SECOND_US))
    stopped = step(told, 10 * SECOND_US)
    assert (stopped.is_charging, stopped.plugged) == (False, True)
    assert readings.charge_dc_a(stopped) == readings.charge_dc_v(stopped) == 0.0
    assert step(stopped, HOUR_US).charge_percent == stopped.charge_percent
    again = plug_in(stopped, Station())
    assert (again.is_charging, again.station) == (True, Station())
    replugged = plug_in(told, FAST)
    assert step(replugged, 10 * SECOND_US).is_charging


@pytest.mark.parametrize("station", [Station(), FAST])
def test_a_plug_that_nothing_holds_is_never_live(station) -> None:
    free = replace(plug_in(WARM, station), parts=Parts(plug_lock=False), charge_limit_percent=50)
    full = replace(free, charge_percent=50.0)
    for body in (free, full, replace(full, charge_limit_percent=100)):
        assert not body.is_charging
        assert readings.charge_w(body) == readings.charge_dc_v(body) == 0.0
        assert step(body, HOUR_US).charge_percent == body.charge_percent
    icy = replace(free, outside_celsius=-25.0, battery_celsius=-25.0)
    assert not icy.is_unfit
    assert step(icy, HOUR_US).battery_celsius == pytest.approx(-25.0)
    heated = replace(icy, climate_on=True)
    assert readings.battery_w(heated) < 0.0
    assert step(heated, HOUR_US).charge_percent < heated.charge_percent
    opening = begin_motion(full, Motion("plug_lock", {"plug_lock": False}, SECOND_US))
    anew = step(plug_in(opening, station), MINUTE_US)
    assert (anew.parts.plug_lock, plug_in(free, station).is_charging) == (True, True)


@pytest.mark.parametrize("celsius", [-25.0, 58.0])
def test_a_stopped_charge_leaves_the_battery_fit_for_the_next_one(celsius) -> None:
    stopped = replace(AT_FAST, parts=Parts(charging=False), battery_celsius=celsius)
    full = replace(AT_FAST, charge_percent=90.0, charge_limit_percent=80, battery_celsius=celsius)
    for body in (stopped, full):
        after = step(body, 3 * HOUR_US)
        assert stations.is_fit(FAST, after.battery_celsius)
        assert after.charge_percent == body.charge_percent


@pytest.mark.parametrize(("outside", "border"), [(-30.0, -10.0), (70.0, 55.0)])
def test_a_battery_that_rests_at_a_fast_charger_stays_fit_however_often_it_is_looked_at(
    outside, border
) -> None:
    body = replace(
        AT_FAST, parts=Parts(charging=False), outside_celsius=outside, cabin_celsius=outside,
        battery_celsius=border * 0.95,
    )  # fmt: skip
    at_once = step(body, 48 * HOUR_US)
    by_steps = body
    for quarter in range(1, 48 * 4 + 1):
        by_steps = step(by_steps, quarter * HOUR_US // 4)
        assert stations.is_fit(FAST, by_steps.battery_celsius)
    assert by_steps.battery_celsius == at_once.battery_celsius == border
    assert by_steps.calendar_loss == pytest.approx(at_once.calendar_loss, rel=0.03)
    milder = step(replace(at_once, outside_celsius=20.0), 96 * HOUR_US)
    assert milder.battery_celsius == pytest.approx(20.0, abs=3.0)
    elsewhere = step(replace(body, station=Station()), 48 * HOUR_US)
    assert not stations.is_fit(FAST, elsewhere.battery_celsius)


def test_a_car_that_drives_has_no_plug() -> None:
    driving = begin_drive(AT_FAST, MINUTE_US)
    assert (driving.plugged, driving.is_charging) == (False, False)
    assert plug_in(driving, FAST) is driving
    assert begin_park(WARM, FAST).station == FAST
    assert begin_park(WARM).station == Station()


def test_a_station_is_in_the_record_when_it_is_not_that_at_home() -> None:
    assert '"station"' not in to_text(WARM)
    assert of_text(to_text(AT_FAST)) == AT_FAST
    assert of_text(to_text(step(AT_FAST, MINUTE_US))) == step(AT_FAST, MINUTE_US)


def test_instruments_show_which_way_the_charge_comes_in() -> None:
    assert readings.charge_dc_a(AT_FAST) * readings.charge_dc_v(AT_FAST) == pytest.approx(
        readings.charge_w(AT_FAST), rel=0.01
    )
    assert [readings.charge_ac_a(AT_FAST, phase) for phase in (1, 2, 3)] == [0.0] * 3
    assert [readings.charge_ac_v(AT_FAST, phase) for phase in (1, 2, 3)] == [0.0] * 3
    outlet = plug_in(WARM, Station())
    assert [readings.charge_ac_a(outlet, phase) for phase in (1, 2, 3)] == [15.9] * 3
    assert [readings.charge_ac_v(outlet, phase) for phase in (1, 2, 3)] == [230.0] * 3
    assert readings.charge_dc_a(outlet) == readings.charge_dc_v(outlet) == 0.0
    weak = plug_in(WARM, Station(AC, 2_300.0))
    assert [readings.charge_ac_a(weak, phase) for phase in (1, 2, 3)] == [10.0, 0.0, 0.0]
    assert [readings.charge_ac_v(weak, phase) for phase in (1, 2, 3)] == [230.0, 0.0, 0.0]
    assert readings.charge_loss_w(AT_FAST) > readings.charge_loss_w(outlet) > 880.0
    assert readings.charge_km_per_h(AT_FAST) > 10 * readings.charge_km_per_h(outlet) > 300.0


def test_the_current_at_the_plug_is_for_the_climate_too() -> None:
    def watts(body: Body) -> float:
        return sum(readings.charge_ac_a(body, phase) * 230.0 for phase in (1, 2, 3))

    cold = replace(WARM, outside_celsius=-5.0, cabin_celsius=-5.0, climate_on=True)
    full = plug_in(replace(cold, charge_percent=100.0), Station())
    assert readings.charge_ac_v(full, 1) == 230.0
    climate_w = watts(full) * ARDEN_7.ac_efficiency
    assert 700.0 < climate_w < 3_000.0
    charging = plug_in(cold, Station())
    assert watts(charging) == pytest.approx(11_000.0, rel=0.01)
    assert readings.charge_w(charging) == pytest.approx(10_120.0 - climate_w, rel=0.01)
    tapering = replace(charging, charge_percent=98.9)
    assert watts(tapering) * ARDEN_7.ac_efficiency == pytest.approx(
        readings.charge_w(tapering) + climate_w, rel=0.01
    )
    weak = plug_in(replace(cold, outside_celsius=-20.0), Station(AC, 1_200.0))
    assert watts(weak) == pytest.approx(1_200.0, rel=0.01)
    assert watts(replace(full, climate_on=False)) == 0.0
    assert readings.charge_ac_v(replace(full, climate_on=False), 1) == 0.0


def test_a_fast_charger_is_live_while_it_warms_an_unfit_battery() -> None:
    unfit = replace(AT_FAST, battery_celsius=-25.0)
    drawn_w = readings.charge_dc_a(unfit) * readings.charge_dc_v(unfit)
    assert drawn_w == pytest.approx(4_000.0, rel=0.01)
    assert readings.battery_w(unfit) == readings.charge_w(unfit) == 0.0
    heated = replace(unfit, climate_on=True, outside_celsius=-5.0)
    assert readings.charge_dc_a(heated) > readings.charge_dc_a(unfit)
    weak = replace(heated, station=Station(DC, 1_000.0))
    assert readings.battery_w(weak) < 0.0

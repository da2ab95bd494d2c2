"""The physics of a car: what its formulas promise, for one car and for many."""

from dataclasses import astuple, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.body.logic.physics import (
    amounts,
    battery,
    charging,
    low_voltage,
    road,
    tyres,
)
from monocoque.car.body.logic.physics.condition import Condition, Doing, pass_on
from monocoque.car.body.logic.physics.vehicle import ARDEN_7, MODEL_3

MINUTE_S = 60.0
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S
YEAR_S = 365.25 * DAY_S
WARM = Condition(battery_celsius=25.0, cabin_celsius=21.0)
SPEEDS = st.floats(0.1, 50.0)
SLOPES = st.floats(-0.12, 0.12)
GAINS = st.floats(-3.0, 3.0)
CELSIUS = st.floats(-25.0, 45.0)


def drawn_w(vehicle, speed, gain, slope):
    return road.drive_w(vehicle, road.wheel_w(vehicle, speed, gain, slope))


@given(SPEEDS, GAINS, SLOPES, st.floats(0.0, 0.1))
def test_more_slope_never_costs_less(speed, gain, slope, more) -> None:
    assert (
        drawn_w(ARDEN_7, speed, gain, slope + more) >= drawn_w(ARDEN_7, speed, gain, slope) - 1e-6
    )


@given(SPEEDS, st.floats(0.0, 10.0), SLOPES)
def test_more_speed_never_needs_less_force(speed, more, slope) -> None:
    slow, fast = (road.load_n(ARDEN_7, each, 0.0, slope) for each in (speed, speed + more))
    assert fast >= slow


@given(SPEEDS, GAINS, SLOPES)
def test_braking_returns_less_than_it_takes_and_driving_takes_more_than_it_gives(
    speed, gain, slope
) -> None:
    wheels_w = road.wheel_w(ARDEN_7, speed, gain, slope)
    assert road.drive_w(ARDEN_7, wheels_w) >= wheels_w


def test_what_was_put_into_speed_comes_back_in_part() -> None:
    up = drawn_w(ARDEN_7, 10.0, 2.0, 0.0)
    back = -drawn_w(ARDEN_7, 10.0, -2.0, 0.0)
    assert 0.5 * up < back < 0.9 * up


def test_a_hill_gives_back_what_its_slope_has_and_the_road_does_not_take() -> None:
    down = drawn_w(ARDEN_7, 15.0, 0.0, -0.08)
    weight_w = ARDEN_7.mass_kg * road.GRAVITY_M_PER_S2 * 0.08 * 15.0
    assert -weight_w < down < 0.0


def test_what_the_motor_cannot_take_the_brakes_do() -> None:
    hard, harder = (road.drive_w(ARDEN_7, -each) for each in (100_000.0, 300_000.0))
    assert hard == harder


def test_a_car_that_stands_needs_nothing_for_its_wheels() -> None:
    assert drawn_w(ARDEN_7, 0.0, 0.0, 0.1) == 0.0


@given(st.floats(0.05, 0.95), CELSIUS, st.floats(0.0, 35.0), GAINS, SLOPES)
def test_no_energy_is_lost_but_as_heat(charge, celsius, speed, gain, slope) -> None:
    was = Condition(charge=charge, battery_celsius=celsius)
    after = pass_on(ARDEN_7, was, Doing(speed, gain, slope), 1.0)
    from_inside_wh = (was.charge - after.charge) * ARDEN_7.capacity_wh
    assert from_inside_wh == pytest.approx(
        after.given_wh - after.taken_wh + after.heat_wh, abs=1e-6
    )
    assert after.heat_wh >= 0.0


@given(st.floats(0.0, 0.99), st.floats(0.001, 1.0))
def test_a_fuller_battery_has_more_volts(charge, more) -> None:
    fuller = min(1.0, charge + more)
    low, high = (battery.open_circuit_v(ARDEN_7, each) for each in (charge, fuller))
    assert high > low


@given(CELSIUS, st.floats(0.1, 20.0))
def test_cold_makes_resistance(celsius, more) -> None:
    cold, warm = (battery.resistance_ohm(ARDEN_7, each, 1.0) for each in (celsius, celsius + more))
    assert cold > warm


def test_an_old_battery_has_more_resistance() -> None:
    assert battery.resistance_ohm(ARDEN_7, 25.0, 0.8) > battery.resistance_ohm(ARDEN_7, 25.0, 1.0)


def test_a_battery_that_is_asked_for_too_much_gives_the_most_that_it_can() -> None:
    current = battery.current_a(400.0, 0.1, 1e9)
    assert current == pytest.approx(400.0 / 0.2)


def test_the_current_gives_the_power_at_the_poles() -> None:
    for power_w in (-50_000.0, 0.0, 80_000.0):
        current = battery.current_a(400.0, 0.1, power_w)
        assert 400.0 * current - battery.heat_w(0.1, current) == pytest.approx(power_w)


def test_a_cold_battery_and_an_empty_one_give_less() -> None:
    most_w = battery.discharge_w_max(ARDEN_7, 0.6, 25.0)
    assert battery.discharge_w_max(ARDEN_7, 0.6, -15.0) < most_w
    assert battery.discharge_w_max(ARDEN_7, 0.03, 25.0) < most_w
    assert battery.discharge_w_max(ARDEN_7, 0.0, 25.0) == 0.0


def test_a_battery_takes_less_when_cold_when_hot_and_when_full() -> None:
    most_w = battery.charge_w_max(ARDEN_7, 0.4, 25.0)
    for charge, celsius in ((0.4, 0.0), (0.4, 55.0), (0.8, 25.0)):
        assert battery.charge_w_max(ARDEN_7, charge, celsius) < most_w
    assert battery.charge_w_max(ARDEN_7, 1.0, 25.0) == 0.0


def test_a_battery_becomes_as_cold_as_the_night() -> None:
    after = battery.temperature_after(ARDEN_7, 30.0, -5.0, 0.0, 5 * DAY_S)
    assert after == pytest.approx(-5.0, abs=0.1)
    assert battery.temperature_after(ARDEN_7, 10.0, 10.0, 500.0, HOUR_S) > 10.0


def test_fast_charging_tapers() -> None:
    powers_w = [charging.dc_w(ARDEN_7, percent / 100, 25.0, 350_000.0) for percent in range(101)]
    assert powers_w == sorted(powers_w, reverse=True)
    assert powers_w[20] > 100_000.0
    assert powers_w[80] < powers_w[20] / 2
    assert powers_w[100] == 0.0


def test_an_outlet_gives_what_it_has_and_no_more_than_the_charger_takes() -> None:
    assert charging.ac_w(ARDEN_7, 0.5, 20.0, 3_700.0) == 3_700.0 * ARDEN_7.ac_efficiency
    assert charging.ac_w(ARDEN_7, 0.5, 20.0, 22_000.0) == 11_000.0 * ARDEN_7.ac_efficiency


def test_a_cold_battery_charges_more_slowly() -> None:
    warm_s, cold_s = (charging.dc_s(ARDEN_7, 0.1, 0.8, each, 350_000.0) for each in (25.0, -5.0))
    assert 15 * MINUTE_S < warm_s < 45 * MINUTE_S
    assert cold_s > 1.5 * warm_s


def test_a_charge_at_an_outlet_takes_a_night() -> None:
    assert 5 * HOUR_S < charging.ac_s(ARDEN_7, 0.1, 0.8, 20.0, 11_000.0) < 7 * HOUR_S
    assert charging.ac_s(ARDEN_7, 0.8, 0.8, 20.0, 11_000.0) == 0.0
    assert charging.ac_s(ARDEN_7, 0.1, 0.8, 20.0, 0.0) == charging.NEVER_S


def test_a_battery_is_warmed_before_a_fast_charge_until_it_is_warm() -> None:
    assert charging.preheating_w(-10.0, True) == charging.PREHEATING_W
    assert charging.preheating_w(24.0, True) == charging.PREHEATING_W / 2
    assert charging.preheating_w(30.0, True) == 0.0
    assert charging.preheating_w(-10.0, False) == 0.0
    cold = Condition(battery_celsius=-5.0)
    heats = pass_on(ARDEN_7, cold, Doing(outside_celsius=-5.0, preheats=True), MINUTE_S)
    rests = pass_on(ARDEN_7, cold, Doing(outside_celsius=-5.0), MINUTE_S)
    assert heats.battery_celsius > rests.battery_celsius
    assert heats.charge < rests.charge


def test_charging_ends_at_its_limit_and_does_not_go_through_the_poles_beyond_it() -> None:
    plugged = Doing(awake=False, outlet_w=11_000.0, limit=0.8)
    below = pass_on(ARDEN_7, replace(WARM, charge=0.5), plugged, MINUTE_S)
    above = pass_on(ARDEN_7, replace(WARM, charge=0.8), plugged, MINUTE_S)
    assert below.charge > 0.5
    assert below.taken_wh == pytest.approx(11_000.0 * ARDEN_7.ac_efficiency / 60.0)
    assert above.charge == 0.8
    fast = pass_on(ARDEN_7, replace(WARM, charge=0.5), Doing(charger_w=350_000.0), MINUTE_S)
    assert fast.taken_wh > 5 * below.taken_wh


def test_a_full_battery_takes_nothing_from_a_hill() -> None:
    down = Doing(15.0, 0.0, -0.1)
    assert pass_on(ARDEN_7, replace(WARM, charge=1.0), down, 1.0).taken_wh == 0.0
    assert pass_on(ARDEN_7, replace(WARM, charge=0.5), down, 1.0).taken_wh > 0.0


def test_the_climate_costs_range() -> None:
    winter = Condition(charge=0.9, battery_celsius=0.0, cabin_celsius=0.0)
    without = Doing(20.0, outside_celsius=0.0)
    cold, warm = (
        pass_on(ARDEN_7, winter, replace(without, climate_on=on), 600.0) for on in (False, True)
    )
    assert warm.charge < cold.charge
    assert warm.cabin_celsius > 15.0 > cold.cabin_celsius


def test_the_12_v_battery_of_a_parked_car_dies_slowly() -> None:
    month, quarter = (low_voltage.charge_after(ARDEN_7, 1.0, False, n * DAY_S) for n in (30, 90))
    assert 0.3 < month < 0.9
    assert quarter == 0.0
    assert low_voltage.volts(quarter, False) < 12.0 < low_voltage.volts(month, False)
    assert low_voltage.charge_after(ARDEN_7, quarter, True, 5 * HOUR_S) > 0.95
    assert low_voltage.volts(0.1, True) == low_voltage.CONVERTER_V


@given(st.floats(0.0, 1.0), st.booleans(), st.floats(1.0, DAY_S), st.floats(1.0, DAY_S))
def test_two_steps_of_the_12_v_battery_are_one(charge, supplied, first_s, second_s) -> None:
    half = low_voltage.charge_after(ARDEN_7, charge, supplied, first_s)
    by_steps = low_voltage.charge_after(ARDEN_7, half, supplied, second_s)
    at_once = low_voltage.charge_after(ARDEN_7, charge, supplied, first_s + second_s)
    assert by_steps == pytest.approx(at_once)


def test_a_tyre_has_more_pressure_when_warm_and_loses_air_slowly() -> None:
    warmth = tyres.temperature_celsius(20.0, 30.0)
    assert tyres.pressure_kpa(260.0, warmth) > tyres.pressure_kpa(260.0, 20.0)
    assert tyres.pressure_kpa(260.0, 20.0) == pytest.approx(260.0)
    # The rule of thumb of every garage: 0.1 bar for ten degrees.
    assert tyres.pressure_kpa(260.0, 10.0) == pytest.approx(250.0, abs=3.0)
    assert 250.0 < tyres.air_after(260.0, tyres.LEAK_PER_MONTH, tyres.MONTH_S) < 258.0
    assert tyres.air_after(260.0, 0.5, tyres.MONTH_S) < 150.0


def test_a_battery_ages_by_time_and_more_in_warmth_and_when_full() -> None:
    one, nine = (battery.calendar_loss_after(0.0, 0.5, 25.0, n * YEAR_S) for n in (1, 9))
    assert one == pytest.approx(battery.CALENDAR_PER_ROOT_YEAR)
    assert nine == pytest.approx(3 * one)
    assert battery.calendar_loss_after(0.0, 0.5, 35.0, YEAR_S) > one
    assert battery.calendar_loss_after(0.0, 0.9, 25.0, YEAR_S) > one


def test_a_battery_ages_by_use() -> None:
    once = battery.cycle_loss_after(ARDEN_7, 0.0, 2 * ARDEN_7.capacity_wh)
    assert once == pytest.approx(battery.CYCLE_PER_FULL)
    assert battery.health_of(0.02, 0.03) == pytest.approx(0.95)
    assert battery.health_of(0.7, 0.7) == 0.0
    worn = Condition(calendar_loss=0.1, cycle_loss=0.1)
    same = Doing(25.0)
    worn_after = pass_on(ARDEN_7, worn, same, 600.0).charge
    assert worn_after < pass_on(ARDEN_7, Condition(), same, 600.0).charge


@given(st.lists(st.floats(60.0, 30 * DAY_S), min_size=1, max_size=6))
def test_ageing_at_rest_is_the_same_by_many_steps(steps_s) -> None:
    by_steps = 0.01
    for step_s in steps_s:
        by_steps = battery.calendar_loss_after(by_steps, 0.6, 20.0, step_s)
    at_once = battery.calendar_loss_after(0.01, 0.6, 20.0, sum(steps_s))
    assert by_steps == pytest.approx(at_once)


def test_a_fleet_and_single_cars_come_to_the_same() -> None:
    cars, random = 40, np.random.default_rng(6)
    doing = Doing(
        speed_m_per_s=random.uniform(0.0, 35.0, cars),
        gain_m_per_s2=random.uniform(-2.5, 2.5, cars),
        slope=random.uniform(-0.1, 0.1, cars),
        awake=random.random(cars) < 0.5,
        outlet_w=np.where(random.random(cars) < 0.3, 11_000.0, 0.0),
        charger_w=np.where(random.random(cars) < 0.1, 150_000.0, 0.0),
        limit=random.uniform(0.5, 1.0, cars),
        outside_celsius=random.uniform(-25.0, 40.0, cars),
        climate_on=random.random(cars) < 0.5,
        target_celsius=random.uniform(16.0, 26.0, cars),
        sun_w_per_m2=random.uniform(0.0, 900.0, cars),
        people=random.integers(0, 5, cars).astype(float),
        recirculated=random.uniform(0.0, 1.0, cars),
        preheats=random.random(cars) < 0.2,
        chills=random.random(cars) < 0.2,
        leak_per_month=random.uniform(0.01, 0.5, cars),
    )
    began = Condition(
        charge=random.uniform(0.01, 1.0, cars),
        battery_celsius=random.uniform(-20.0, 50.0, cars),
        calendar_loss=random.uniform(0.0, 0.2, cars),
        cycle_loss=random.uniform(0.0, 0.1, cars),
        cabin_celsius=random.uniform(-20.0, 60.0, cars),
        low_voltage=random.uniform(0.0, 1.0, cars),
        tyre_kpa=random.uniform(150.0, 300.0, cars),
        given_wh=np.zeros(cars),
        taken_wh=np.zeros(cars),
        heat_wh=np.zeros(cars),
    )
    fleet = began
    for _ in range(30):
        fleet = pass_on(ARDEN_7, fleet, doing, 1.0)
    for car in range(cars):
        one = Condition(*(float(value[car]) for value in astuple(began)))
        own = Doing(*(getattr(doing, each.name)[car].item() for each in fields(Doing)))
        for _ in range(30):
            one = pass_on(ARDEN_7, one, own, 1.0)
        assert np.allclose(astuple(one), [value[car] for value in astuple(fleet)], rtol=1e-9)


def test_the_small_functions_mean_the_same_for_numbers_and_arrays() -> None:
    array = np.array([1.0, 4.0])
    assert amounts.root(array).tolist() == [amounts.root(1.0), amounts.root(4.0)]
    assert amounts.logarithm(array)[0] == amounts.logarithm(1.0) == 0.0
    assert amounts.between(array, 2.0, 3.0).tolist() == [2.0, 3.0]
    assert amounts.between(9.0, 2.0, 3.0) == 3.0


@given(st.sampled_from([ARDEN_7, MODEL_3]), st.floats(5.0, 40.0))
def test_a_steady_drive_costs_what_such_cars_cost(vehicle, speed) -> None:
    wh_per_km = (drawn_w(vehicle, speed, 0.0, 0.0) + vehicle.auxiliary_w) / speed / 3.6
    assert 50.0 < wh_per_km < 300.0


def test_an_empty_battery_gives_nothing() -> None:
    assert pass_on(ARDEN_7, replace(WARM, charge=0.0), Doing(20.0), 1.0).given_wh == 0.0

"""The cabin's heat: it approaches what is wanted, and a step of any length is exact."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.body.logic.physics.cabin import (
    Air,
    cop,
    electric_w,
    holding_w,
    warm,
)
from monocoque.car.body.logic.physics.vehicle import ARDEN_7

HOUR_S = 3_600.0
WINTER = Air(outside_celsius=0.0, climate_on=True, target_celsius=21.0)
SUMMER = Air(outside_celsius=33.0, climate_on=True, target_celsius=21.0, sun_w_per_m2=700.0)


@pytest.mark.parametrize(("air", "celsius"), [(WINTER, 0.0), (SUMMER, 50.0), (WINTER, 21.5)])
def test_a_cabin_approaches_what_is_wanted(air, celsius) -> None:
    course = [warm(ARDEN_7, celsius, air, minutes * 60.0).celsius for minutes in range(60)]
    far = [abs(each - 21.0) for each in course]
    assert far == sorted(far, reverse=True)
    assert far[-1] < 0.1


def test_a_cabin_without_climate_becomes_like_the_air_outside_or_warmer_in_the_sun() -> None:
    off = replace(WINTER, climate_on=False)
    assert warm(ARDEN_7, 21.0, off, 24 * HOUR_S).celsius == pytest.approx(0.0, abs=0.1)
    assert warm(ARDEN_7, 21.0, off, HOUR_S).electric_j == 0.0
    parked_in_the_sun = replace(SUMMER, climate_on=False)
    assert warm(ARDEN_7, 33.0, parked_in_the_sun, 6 * HOUR_S).celsius > 45.0


def test_a_cold_too_deep_is_heated_as_far_as_it_goes() -> None:
    arctic = replace(WINTER, outside_celsius=-80.0)
    at_rest = warm(ARDEN_7, 21.0, arctic, 24 * HOUR_S).celsius
    assert -20.0 < at_rest < 15.0
    assert warm(ARDEN_7, -80.0, arctic, 24 * HOUR_S).celsius == pytest.approx(at_rest, abs=0.1)
    assert holding_w(ARDEN_7, arctic) == ARDEN_7.heating_w_max


@given(
    st.floats(-30.0, 60.0),
    st.floats(-35.0, 45.0),
    st.booleans(),
    st.floats(0.0, 900.0),
    st.lists(st.floats(0.5, 2 * HOUR_S), min_size=1, max_size=6),
)
def test_many_steps_warm_as_one_does(celsius, outside, climate_on, sun, steps_s) -> None:
    air = Air(outside, climate_on, 21.0, sun)
    by_steps, heat_j = celsius, 0.0
    for step_s in steps_s:
        warmed = warm(ARDEN_7, by_steps, air, step_s)
        by_steps, heat_j = warmed.celsius, heat_j + warmed.heat_j
    at_once = warm(ARDEN_7, celsius, air, sum(steps_s))
    assert by_steps == pytest.approx(at_once.celsius, abs=1e-6)
    assert heat_j == pytest.approx(at_once.heat_j, rel=1e-6, abs=1.0)


def test_the_heat_of_the_climate_is_in_the_cabin_or_went_out() -> None:
    sealed = replace(ARDEN_7, cabin_loss_w_per_k=1e-6)
    warmed = warm(sealed, 0.0, replace(WINTER, recirculated=1.0), HOUR_S)
    assert warmed.heat_j == pytest.approx(warmed.celsius * ARDEN_7.cabin_heat_j_per_k, rel=1e-3)


def test_a_heat_pump_gives_more_than_it_takes_and_a_heater_in_deep_cold_does_not() -> None:
    assert 1.5 < cop(21.0, 0.0) < 4.5
    assert cop(21.0, 15.0) > cop(21.0, 0.0)
    assert cop(21.0, -15.0) == 1.0


def test_old_air_again_costs_less_and_people_warm() -> None:
    fresh, again = (electric_w(ARDEN_7, replace(WINTER, recirculated=each)) for each in (0.0, 1.0))
    assert again < fresh
    assert electric_w(ARDEN_7, replace(WINTER, people=4.0)) < electric_w(ARDEN_7, WINTER)
    assert electric_w(ARDEN_7, replace(WINTER, climate_on=False)) == 0.0

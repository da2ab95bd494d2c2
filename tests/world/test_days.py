"""People buy cars, drive them and press buttons; and whatever fails, what must hold does hold."""

import re

import numpy as np
import pytest

from monocoque.sim.diary import PIECE_S
from monocoque.sim.driving import DrivingConfig
from monocoque.sim.faults import Faults
from monocoque.sim.loop import run_virtual
from monocoque.sim.page import page_of
from monocoque.sim.report import WorldReport, figures
from monocoque.sim.setting import CALM_S, Setting
from monocoque.sim.world import World, live
from tests.world.hurried import HURRIED, hurried, troubled

DAY_S = 86_400.0
SEEDS = 12
"""Worlds of some minutes for each change; whole days are proven apart."""
JOINS_IN_THE_DARK = 104
"""Of the world in which a car leaves the line while the cell has no power."""


@pytest.fixture(scope="module")
def world() -> tuple[World, WorldReport]:
    return lived(HURRIED)


@pytest.fixture(scope="module")
def calm(world: tuple[World, WorldReport]) -> WorldReport:
    return world[1]


def lived(setting: Setting) -> tuple[World, WorldReport]:
    """The world of this setting when it is over, and what came of it."""

    async def main() -> tuple[World, WorldReport]:
        world = World(setting)
        return world, await world.run()

    return run_virtual(main())


def test_people_buy_cars_drive_them_and_press_buttons(calm: WorldReport) -> None:
    assert calm.violations == ()
    assert calm.orders == 1, "those of the prologue are not counted"
    assert calm.deliveries == calm.hand_overs == calm.cars == 3
    assert calm.commands > 10
    assert 0 < calm.commands_done <= calm.commands
    assert calm.drive_km > 1.0
    assert calm.restarts == calm.kills == calm.power_cuts == calm.path_cuts == 0
    assert calm.virtual_seconds == calm.prologue_seconds + HURRIED.duration_s + CALM_S


def test_a_car_makes_a_frame_every_ten_seconds_and_fewer_while_it_charges(
    world: tuple[World, WorldReport],
) -> None:
    frames = world[0].judges.measured().frames_since(0)
    moving_s = frames.until_next_s[frames.is_moving]
    charging_s = frames.until_next_s[frames.is_charging & np.isfinite(frames.until_next_s)]
    assert len(moving_s) > 10
    assert moving_s.max() < 11.0
    assert charging_s.max() < 61.0
    assert (charging_s > 59.0).any(), "nobody else is at the car"
    assert world[1].frames > 20


def test_a_report_has_names_of_violations_and_its_page_has_plots(calm: WorldReport) -> None:
    told = figures(calm)
    assert told["violations"] == []
    assert "diary" not in told
    page = page_of(calm)
    assert len(re.findall("<svg ", page)) == 3 + calm.cars
    assert page.count('class="speed"') >= 2
    assert page.count('class="charge"') >= calm.cars
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"(src|href)=|https?:", page), "nothing is asked for from elsewhere"


def test_the_diary_has_every_frame_command_and_order_in_its_piece(calm: WorldReport) -> None:
    diary = calm.diary
    pieces = round((HURRIED.duration_s + CALM_S) / PIECE_S)
    assert len(diary.frames) == len(diary.commands) == len(diary.orders) == pieces
    assert sum(diary.commands) == calm.commands
    assert sum(diary.orders) == calm.orders
    assert abs(sum(diary.frames) - calm.frames) <= calm.cars
    assert len(diary.cars) == calm.cars
    for car in diary.cars:
        assert all(0.0 < percent <= 100.0 for percent in car.charge_percent if percent is not None)
    assert any(speed for car in diary.cars for speed in car.speed_kmh)


@pytest.mark.parametrize("seed", [*range(SEEDS), JOINS_IN_THE_DARK])
def test_no_trouble_breaks_an_invariant(seed: int) -> None:
    report = troubled(seed)
    assert report.violations == ()
    assert report.deliveries >= 2
    assert report.orders >= 1
    assert report.commands > 0
    assert report.drive_km > 0.0


def test_a_world_is_told_when_its_buyers_cannot_be_served() -> None:
    report = hurried(seed=7, duration_s=10.0, calm_s=1.0, prologue_s_max=30.0)
    assert report.violated == ["never_delivered"]


def test_a_day_has_forty_minutes_on_the_road() -> None:
    driving = DrivingConfig()
    # In any day whole slots lie one less than it has.
    slots = DAY_S // driving.slot_s - 1
    assert slots * driving.leg_s_min >= 40 * 60.0


def world_of(seed: int, cars: int, hours: float) -> WorldReport:
    faults = Faults.usual()
    duration_s = hours * 3_600.0
    setting = Setting(
        seed=seed, cars=0, buyers=cars, late_buyers=1, duration_s=duration_s, faults=faults
    )
    return live(setting)


@pytest.mark.prove
@pytest.mark.timeout(36_000)
def test_no_trouble_breaks_an_invariant_in_a_hundred_quarters_of_a_day() -> None:
    broken = {}
    for seed in range(100):
        report = world_of(seed, cars=3, hours=6.0)
        if report.violations:
            broken[seed] = report.violations
    assert broken == {}


@pytest.mark.prove
@pytest.mark.timeout(360_000)
def test_no_trouble_breaks_an_invariant_in_a_thousand_days() -> None:
    broken = {}
    for seed in range(1_000, 2_000):
        report = world_of(seed, cars=1, hours=24.0)
        if report.violations:
            broken[seed] = report.violations
    assert broken == {}

"""People buy cars, drive them and press buttons; and whatever fails, what must hold does hold."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import Connection, update

from monocoque.roles.table import MachineKind
from monocoque.sim.buyers import CANCELLED, PAID, UNPAID
from monocoque.sim.diary import PIECE_S
from monocoque.sim.driving import DrivingConfig
from monocoque.sim.faults import Faults
from monocoque.sim.loop import run_virtual
from monocoque.sim.page import page_of
from monocoque.sim.report import WorldReport, figures
from monocoque.sim.sabotage import MeddlingRecords
from monocoque.sim.setting import CALM_S, Setting
from monocoque.sim.tables import ORDERS, table_of
from monocoque.sim.world import World, run_world
from tests.world.hurried import HURRIED, hurried, troubled

DAY_S = 86_400.0
SEEDS = 8
"""Worlds of some minutes at production's pace."""
MISSED_ITS_COMING = (1382, 1504)
"""In these worlds a car has no power while it parks at home, and drives off hours later; in the
first it is next seen at the very place where it was seen last."""
QUARTERS = 100
QUARTER_HOURS = 6.0
"""Worlds of a quarter of a day for each change; whole days are proven apart."""
JOINS_IN_THE_DARK = 104
"""Of the world in which a car leaves the line while the cell has no power."""


@pytest.fixture(scope="module")
def world() -> tuple[World, WorldReport]:
    return lived(HURRIED)


@pytest.fixture(scope="module")
def calm(world: tuple[World, WorldReport]) -> WorldReport:
    return world[1]


def _to_nobody(_hours: float) -> None:
    """Nobody waits."""


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
    assert calm.updates_installed > 0
    assert calm.scenes_fired > 2
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
    assert frames.is_door_open.any()
    assert not (frames.is_door_open & frames.is_moving).any()


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


def test_a_car_whose_door_was_forgotten_refuses_to_be_locked() -> None:
    driving = replace(HURRIED.driving, forget_share=1.0)
    world, report = lived(replace(HURRIED, driving=driving))
    assert report.violations == ()
    assert "door_open" in {
        sent.receipt.answer.reason
        for person in world.people
        for sent in person.memory.commands
        if sent.receipt is not None
    }


def test_who_calls_an_order_off_has_the_money_back_and_buys_another_car() -> None:
    shopping = replace(HURRIED.shopping, call_off_share=1.0)
    world, report = lived(replace(HURRIED, late_call_off_share=1.0, shopping=shopping))
    assert report.violations == ()
    assert report.deliveries == report.cars == 3
    assert world.crowd is not None
    bought = [buyer.memory.purchases for buyer in world.crowd.buyers]
    called_off = [each for each, *_ in bought if each.called_off_s is not None]
    assert {each.unwanted_when for each in called_off} == {UNPAID, PAID}
    assert {each.state for each in called_off} == {CANCELLED}


def test_an_order_that_goes_on_though_it_was_called_off_is_found_out() -> None:
    shopping = replace(HURRIED.shopping, call_off_share=1.0)
    report = hurried(
        seed=0,
        shopping=shopping,
        duration_s=60.0,
        prologue_s_max=400.0,
        sabotage=MeddlingRecords(MachineKind.CELL, revive),
    )
    assert "called_off_in_vain" in report.violated


def revive(connection: Connection) -> None:
    orders = table_of(connection, ORDERS)
    ended = orders.c.state == CANCELLED
    connection.execute(update(orders).where(ended).values(state="placed"))


def test_a_world_is_told_when_its_buyers_cannot_be_served() -> None:
    report = hurried(seed=7, duration_s=10.0, calm_s=1.0, prologue_s_max=30.0)
    assert report.violated == ["never_delivered"]


def test_a_day_has_forty_minutes_on_the_road() -> None:
    driving = DrivingConfig()
    # In any day whole slots lie one less than it has.
    slots = DAY_S // driving.slot_s - 1
    assert slots * driving.leg_s_min >= 40 * 60.0


@pytest.mark.parametrize("seed", range(QUARTERS))
def test_no_trouble_breaks_an_invariant_in_a_quarter_of_a_day(seed: int) -> None:
    report = run_world(3, QUARTER_HOURS, seed, Faults.usual(), _to_nobody)
    assert report.violations == ()
    assert report.deliveries >= 3
    assert report.orders >= 1
    assert report.commands > 0
    assert report.drive_km > 0.0
    assert 0.0 < report.sleep_hours < report.cars * (QUARTER_HOURS + 1.0)
    assert report.kills + report.power_cuts + report.path_cuts > 30


@pytest.mark.parametrize("seed", MISSED_ITS_COMING)
def test_a_car_that_missed_its_own_coming_home_does_not_come_home_when_it_leaves(
    seed: int,
) -> None:
    report = run_world(1, 24.0, seed, Faults.usual(), _to_nobody)
    assert report.violations == ()
    assert report.scenes_fired > 0


@pytest.mark.prove
@pytest.mark.timeout(360_000)
def test_no_trouble_breaks_an_invariant_in_a_thousand_days() -> None:
    broken = {}
    for seed in range(1_000, 2_000):
        report = run_world(1, 24.0, seed, Faults.usual(), _to_nobody)
        if report.violations:
            broken[seed] = report.violations
    assert broken == {}


def test_cars_that_are_lied_to_take_what_both_companies_signed_and_nothing_else() -> None:
    habits = replace(HURRIED.habits, decline_share=0.0, later_share=0.0)
    report = hurried(3, faults=replace(Faults.none(), lie_share=0.2), habits=habits)
    assert report.violations == ()
    assert report.update_lies > 3
    assert report.updates_installed > 0, "who was refused something false takes what is true"
    assert report.updates_rolled_back == 0


def test_control_units_that_take_nothing_new_leave_every_car_as_it_was() -> None:
    habits = replace(HURRIED.habits, decline_share=0.0, later_share=0.0)
    report = hurried(3, faults=replace(Faults.none(), unit_break_share=1.0), habits=habits)
    assert report.violations == ()
    assert report.updates_installed == 0
    assert report.updates_rolled_back >= 1

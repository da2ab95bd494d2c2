"""Worlds in which everybody is in a hurry: they buy, build, drive and command within minutes."""

from dataclasses import replace
from typing import Any

from monocoque.contracts.weeks import WeekConfig
from monocoque.sim.buyers import BuyersConfig
from monocoque.sim.driving import DrivingConfig
from monocoque.sim.faults import Faults
from monocoque.sim.habits import HabitsConfig
from monocoque.sim.people import PeopleConfig
from monocoque.sim.report import WorldReport
from monocoque.sim.setting import Setting
from monocoque.sim.world import live

HURRIED = Setting(
    seed=0,
    cars=0,
    buyers=2,
    late_buyers=1,
    duration_s=300.0,
    prologue_s_max=7_200.0,
    weeks=WeekConfig(week_duration_s=60.0, slots_per_week=2),
    people=PeopleConfig(begin_s_max=10.0, pause_s_min=5.0, pause_s_max=60.0),
    shopping=BuyersConfig(begin_s_max=5.0),
    habits=HabitsConfig(away_s_min=60, valid_for_s=60, warm_within_s=120.0),
    driving=DrivingConfig(slot_s=200.0, leg_s_min=30.0, leg_s_max=60.0, braking_s_max=20.0),
)


def hurried(seed: int, **changes: Any) -> WorldReport:
    """A world of two cars, and a third that is bought while they drive; nothing fails."""
    return live(replace(HURRIED, seed=seed, **changes))


def troubled(seed: int, **changes: Any) -> WorldReport:
    """The same with the usual faults."""
    return hurried(seed, faults=Faults.usual(), **changes)

"""The product broken on purpose in a world's wiring: each time it is found out, and named."""

from dataclasses import replace
from typing import Any

import pytest

from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.topics import CAR_HELLO
from monocoque.sim.chance import chance
from monocoque.sim.habits import HabitsConfig
from monocoque.sim.invariants import Invariants
from monocoque.sim.judges import NAMES
from monocoque.sim.people import PeopleConfig
from monocoque.sim.power import LIVING, Life
from monocoque.sim.report import WorldReport
from monocoque.sim.sabotage import NOTHING_BROKEN, SABOTAGES, Sabotage, find_sabotage
from monocoque.sim.setting import CALM_S
from monocoque.sim.world import CELL, live, memory_records
from tests.world.hurried import HURRIED

OF_ISSUE = {
    "done_twice",
    "done_without_act",
    "order_lost",
    "order_doubled",
    "slot_sold_twice",
    "ledger_unbalanced",
    "charge_out_of_range",
    "foreign_topic",
    "spool_never_emptied",
    "half_updated",
    "release_unsigned",
    "update_unagreed",
    "scene_twice",
    "scene_late",
    "called_off_in_vain",
}
BESIDE = {
    "done_twice": {"line_twice", "never_settled"},
    "order_lost": {"never_delivered"},
    "order_doubled": {"slot_sold_twice"},
    "half_updated": {"update_unagreed"},
    "two_campaigns": {"campaign_miscounted"},
}
"""What else is found out with it."""
SHORT = replace(
    HURRIED,
    seed=5,
    buyers=3,
    late_buyers=0,
    duration_s=60.0,
    prologue_s_max=200.0,
    people=PeopleConfig(begin_s_max=5.0, pause_s_min=5.0, pause_s_max=20.0),
)


SOON = replace(HURRIED.habits, valid_for_s=10, warm_within_s=61.0)
NEEDS: dict[str, dict[str, Any]] = {
    "scene_twice": {"habits": SOON},
    "scene_late": {"habits": SOON},
    "update_unagreed": {"habits": HabitsConfig(decline_share=1.0)},
    "called_off_in_vain": {"late_buyers": 1, "late_call_off_share": 1.0},
}
"""What must happen so that it can be found out."""


def sabotaged(sabotage: Sabotage, calm_s: float, **changes: Any) -> WorldReport:
    return live(replace(SHORT, sabotage=sabotage, calm_s=calm_s, **changes))


def test_the_same_world_without_sabotage_is_good() -> None:
    assert sabotaged(NOTHING_BROKEN, CALM_S).violated == []


def test_each_thing_that_must_hold_has_its_sabotage() -> None:
    assert set(SABOTAGES) >= OF_ISSUE
    assert set(SABOTAGES) <= set(NAMES)


@pytest.mark.parametrize("name", SABOTAGES)
def test_a_sabotage_is_found_out_and_named(name: str) -> None:
    calm_s = CALM_S if name == "spool_never_emptied" else 60.0
    report = sabotaged(SABOTAGES[name], calm_s, **NEEDS.get(name, {}))
    assert name in report.violated
    assert set(report.violated) <= {name} | BESIDE.get(name, set())


def test_a_sabotage_that_is_not_there_is_refused_with_those_that_are() -> None:
    assert find_sabotage("") is NOTHING_BROKEN
    with pytest.raises(SettingInvalid) as refused:
        find_sabotage("order_stolen")
    assert "order_lost" in refused.value.hint


async def test_a_car_that_speaks_as_another_on_the_cells_bus_is_found_out() -> None:
    invariants = Invariants(memory_records(CELL, chance(1)), lambda: 0, RegistryConfig())
    for car_id in ("car_one", "car_two"):
        invariants.add_car(car_id, memory_records(car_id, chance(1)))
    LIVING.set(Life("car_one", "link", 1))
    invariants.observe(CELL, CAR_HELLO.subject(car_id="car_one"), b"")
    assert invariants.violations == []
    invariants.observe(CELL, CAR_HELLO.subject(car_id="car_two"), b"")
    assert [violation.invariant for violation in invariants.violations] == ["foreign_topic"]

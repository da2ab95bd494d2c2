"""The guard: what the state of the car forbids, whoever asks."""

from pathlib import Path

import pytest

from monocoque.car.commands.logic import BODY_SILENT, JAMMED, TOO_MANY_KEYS
from monocoque.car.guard.logic import ACTION_UNKNOWN, ACTIONS, INTERLOCKS, judge
from monocoque.car.signals.logic.embodied import ACTUATIONS
from tests.car.guard_cases import CASES, FAST, SLOW

OF_SIGNALS_ALONE = {
    "charging", "child_lock", "not_built", "out_of_reach", "pinch", "too_warm", "locked",
    "battery_cold", "battery_hot", "out_of_range", "unplugged", "plug_unlocked",
}  # fmt: skip
"""Reasons that no command of an owner can meet; docs/protocol/guard.md has them all."""


@pytest.mark.parametrize(("action", "arguments", "body", "reason"), CASES)
def test_the_state_of_the_car_decides(action, arguments, body, reason) -> None:
    assert judge(action, arguments, body) == reason


def test_every_interlock_is_about_something_that_a_car_can_do() -> None:
    assert {interlock.action for interlock in INTERLOCKS} <= set(ACTIONS)
    assert SLOW.speed_m_per_s * 3.6 < 5.0 < FAST.speed_m_per_s * 3.6


def test_the_specification_names_every_reason_that_a_car_has_of_its_own() -> None:
    page = Path(__file__).parents[2] / "docs/protocol/commands.md"
    text = page.read_text(encoding="utf-8")
    reasons = {interlock.reason for interlock in INTERLOCKS} - OF_SIGNALS_ALONE
    for reason in reasons | {ACTION_UNKNOWN, BODY_SILENT, JAMMED, TOO_MANY_KEYS}:
        assert f"| `{reason}` |" in text


def test_whatever_can_be_asked_of_a_body_is_an_action_of_the_guard() -> None:
    words = {actuation.action(wish) for actuation in ACTUATIONS for wish in (0, 1, True, False)}
    assert words <= set(ACTIONS)


def test_every_action_and_every_interlock_has_a_case_that_meets_it() -> None:
    assert {action for action, *_ in CASES} >= set(ACTIONS)
    met = {(action, reason) for action, _, _, reason in CASES}
    assert {(row.action, row.reason) for row in INTERLOCKS} <= met

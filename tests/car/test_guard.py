"""The guard: what the state of the car forbids, whoever asks."""

from dataclasses import replace
from pathlib import Path

import pytest

from monocoque.car.body.logic import Body, Drive, step
from monocoque.car.commands.logic import BODY_SILENT, JAMMED, TOO_MANY_KEYS
from monocoque.car.guard.logic import ACTION_UNKNOWN, ACTIONS, INTERLOCKS, judge

SECOND_US = 1_000_000
STANDING = Body(at_us=0)
ON = {"on": True, "temperature_decicelsius": 210}
OFF = ON | {"on": False}


def driving(for_s: float) -> Body:
    drive = Drive(began_us=0, brakes_us=60 * SECOND_US, began_m=0.0)
    return step(replace(STANDING, drive=drive, plugged=False), round(for_s * SECOND_US))


SLOW, FAST = driving(0.4), driving(20.0)
OPEN = replace(STANDING, doors_open=("row1_left",))
UPDATING = replace(STANDING, updating=True)
NEEDS_20 = {"needs_charge_percent": 20}
LOW = replace(STANDING, charge_percent=9.9, plugged=False)


@pytest.mark.parametrize(
    ("action", "arguments", "body", "reason"),
    [
        ("lock", {}, STANDING, None),
        ("lock", {}, FAST, None),
        ("lock", {}, OPEN, "door_open"),
        ("unlock", {}, STANDING, None),
        ("unlock", {}, OPEN, None),
        ("unlock", {}, SLOW, "gear"),
        ("unlock", {}, FAST, "moving"),
        ("climate", ON, STANDING, None),
        ("climate", ON, FAST, None),
        ("climate", ON, LOW, "charge_low"),
        ("climate", ON, replace(LOW, plugged=True), None),
        ("climate", ON, replace(LOW, charge_percent=10.0), None),
        ("climate", OFF, LOW, None),
        ("charge_limit", {"percent": 90}, FAST, None),
        ("charge_limit", {"percent": 90}, LOW, None),
        ("update", {"release_number": 7, "agreed": True}, UPDATING, None),
        ("drive", {}, STANDING, None),
        ("drive", {}, UPDATING, "updating"),
        ("install", NEEDS_20, STANDING, None),
        ("install", NEEDS_20, SLOW, "gear"),
        ("install", NEEDS_20, FAST, "moving"),
        ("install", NEEDS_20, LOW, "charge_low"),
        ("install", NEEDS_20, replace(LOW, charge_percent=20.0), None),
        ("lock", {}, UPDATING, None),
        ("unlock", {}, UPDATING, None),
        ("unlock", {}, replace(UPDATING, doors_open=("row1_left",)), None),
        ("open_trunk", {}, STANDING, ACTION_UNKNOWN),
        ("", {}, STANDING, ACTION_UNKNOWN),
    ],
)
def test_the_state_of_the_car_decides(action, arguments, body, reason) -> None:
    assert judge(action, arguments, body) == reason


def test_every_interlock_is_about_something_that_a_car_can_do() -> None:
    assert {interlock.action for interlock in INTERLOCKS} <= set(ACTIONS)
    assert SLOW.speed_m_per_s * 3.6 < 5.0 < FAST.speed_m_per_s * 3.6


def test_the_specification_names_every_reason_that_a_car_has_of_its_own() -> None:
    page = Path(__file__).parents[2] / "docs/protocol/commands.md"
    text = page.read_text(encoding="utf-8")
    reasons = {interlock.reason for interlock in INTERLOCKS}
    for reason in reasons | {ACTION_UNKNOWN, BODY_SILENT, JAMMED, TOO_MANY_KEYS}:
        assert f"| `{reason}` |" in text

"""What becomes of a genuine command: every question, and the order in which they are asked."""

from dataclasses import replace

import pytest

from monocoque.car.commands.logic import (
    BODY_SILENT,
    JAMMED,
    TOO_MANY_KEYS,
    Ending,
    Known,
    after_act,
    decide,
    owner_of,
    setting_of,
    without_body,
)
from monocoque.trust.commands import open_envelope
from monocoque.trust.outcomes import Outcome, Reason
from monocoque.trust.windows import CounterWindow
from tests.vectors import people

NOW_US = people.NOW_S * 1_000_000
GENUINE = open_envelope(
    people.command().encode(), [people.makers().encode()], people.ROOT.public_jwk, people.CAR_ID
)
OWNER = owner_of(GENUINE)
KNOWN = Known(
    epoch=people.EPOCH,
    owner=OWNER,
    window=CounterWindow(),
    has_room=True,
    is_replaced=False,
)
TAKEN = CounterWindow(highest=1)
LATE_US = NOW_US + 600 * 1_000_000
STRANGER = ("grant", "key")


@pytest.mark.parametrize(
    ("arguments", "known", "now_us", "reason", "window"),
    [
        ({}, KNOWN, NOW_US, None, TAKEN),
        ({}, KNOWN, LATE_US - 1, None, TAKEN),
        ({}, KNOWN, LATE_US, Reason.DEADLINE_PASSED, None),
        ({}, replace(KNOWN, epoch="another"), NOW_US, Reason.EPOCH_OTHER, None),
        ({}, replace(KNOWN, epoch="another"), LATE_US, Reason.DEADLINE_PASSED, None),
        ({}, replace(KNOWN, owner=STRANGER), NOW_US, Reason.OWNER_KNOWN, None),
        ({}, replace(KNOWN, owner=(OWNER[0], "key")), NOW_US, Reason.OWNER_KNOWN, None),
        ({}, replace(KNOWN, owner=("grant", OWNER[1])), NOW_US, Reason.OWNER_KNOWN, None),
        ({}, replace(KNOWN, has_room=False), NOW_US, TOO_MANY_KEYS, None),
        ({}, replace(KNOWN, window=TAKEN), NOW_US, Reason.COUNTER_USED, None),
        ({}, replace(KNOWN, is_replaced=True), NOW_US, Reason.REPLACED, TAKEN),
        ({}, KNOWN, NOW_US - 121 * 1_000_000, Reason.NOT_YET_VALID, TAKEN),
        (Reason.ARGUMENTS_WRONG, KNOWN, NOW_US, Reason.ARGUMENTS_WRONG, TAKEN),
        (Reason.ARGUMENTS_UNREADABLE, KNOWN, NOW_US, Reason.ARGUMENTS_UNREADABLE, TAKEN),
        (Reason.ARGUMENTS_WRONG, replace(KNOWN, is_replaced=True), NOW_US, Reason.REPLACED, TAKEN),
    ],
)
def test_the_first_reason_against_it_counts(arguments, known, now_us, reason, window) -> None:
    verdict = decide(GENUINE, arguments, known, now_us)
    assert (verdict.ending.reason if verdict.ending else None) == reason
    assert verdict.window == window
    assert not verdict.pins_owner
    if reason is not None:
        late = reason is Reason.DEADLINE_PASSED
        assert verdict.ending.outcome is (Outcome.EXPIRED if late else Outcome.REFUSED)


def test_the_first_command_that_is_taken_makes_the_owner() -> None:
    unowned = replace(KNOWN, owner=None)
    assert decide(GENUINE, {}, unowned, NOW_US).pins_owner
    assert not decide(GENUINE, Reason.ARGUMENTS_WRONG, unowned, NOW_US).pins_owner
    assert not decide(GENUINE, {}, unowned, LATE_US).pins_owner


def test_a_scope_of_a_later_version_is_refused_before_its_arguments_are_looked_at() -> None:
    later = replace(GENUINE, scope="open_trunk")
    verdict = decide(later, Reason.SCOPE_UNKNOWN, KNOWN, NOW_US)
    assert verdict.ending == Ending(Outcome.REFUSED, Reason.SCOPE_UNKNOWN)


@pytest.mark.parametrize(
    ("scope", "arguments", "actuator", "target"),
    [
        ("lock", {}, "locks", {"locked": True}),
        ("unlock", {}, "locks", {"locked": False}),
        (
            "climate",
            {"on": False, "temperature_decicelsius": 180},
            "climate",
            {"climate_on": False, "climate_target_decicelsius": 180},
        ),
        ("charge_limit", {"percent": 55}, "charge_limit", {"charge_limit_percent": 55}),
    ],
)
def test_every_scope_sets_one_actuator(scope, arguments, actuator, target) -> None:
    setting = setting_of(scope, arguments)
    assert (setting.actuator, dict(setting.target)) == (actuator, target)


def test_what_the_body_shows_is_what_is_said() -> None:
    assert after_act(has_arrived=True) == Ending(Outcome.DONE)
    assert after_act(has_arrived=False) == Ending(Outcome.FAILED, JAMMED)
    assert without_body(may_have_happened=True) == Ending(Outcome.UNKNOWN, BODY_SILENT)
    assert without_body(may_have_happened=False) == Ending(Outcome.FAILED, BODY_SILENT)

"""Whether a scene runs after all: in time, alone, and with room for what it asks."""

import pytest

from monocoque.car.guard.logic import ACTIONS as GUARDED
from monocoque.car.scenes.logic import runs
from monocoque.car.scenes.logic.runs import Finding, Judgement
from monocoque.contracts.scenes import ACTIONS, CAR, Action, AtTime, Scene

SECOND_US = 1_000_000
CAME_US = 1_000 * SECOND_US
LAMP = Action(ACTIONS["home.lamp.turn_on"], {})
SCENE = Scene("scene_0123456789abcdefghjkmnpqrs", "Light", AtTime(0, ("mon",), "UTC"), (LAMP,), 60)


def settled(late_s=0.0, is_running=False, has_room=True, judgement=None):
    now_us = CAME_US + round(late_s * SECOND_US)
    judged = judgement or runs.of_time(CAME_US, now_us)
    return runs.settled(judged, SCENE, now_us, is_running=is_running, has_room=has_room)


def test_a_minute_that_has_come_runs_its_scene():
    assert settled() == Judgement(True, "time_came", CAME_US, (Finding("late_s", "0", fits=True),))


@pytest.mark.parametrize(
    ("late_s", "reason"), [(59, "time_came"), (59.999999, "time_came"), (60, "too_late")]
)
def test_a_scene_runs_in_its_time_or_not_at_all(late_s, reason):
    found = settled(late_s)
    assert (found.ran, found.reason) == (reason == "time_came", reason)
    assert runs.ends_us(SCENE, CAME_US) == CAME_US + 60 * SECOND_US


def test_a_scene_runs_alone_and_within_what_there_is_room_for():
    assert settled(is_running=True).reason == "still_running"
    assert settled(has_room=False).reason == "too_much_waits"
    assert not settled(has_room=False).ran
    assert settled(is_running=True).findings[-1] == Finding("runs_already", "yes", fits=False)


def test_what_does_not_run_is_asked_nothing_more():
    short = Judgement(False, "away_too_short", CAME_US)
    assert settled(late_s=99, is_running=True, judgement=short) == short


def test_the_guard_knows_every_word_that_the_car_does_itself_and_none_of_them_opens_it():
    assert set(runs.SCOPE_OF) == {name for name, row in ACTIONS.items() if row.done_by == CAR}
    assert set(runs.SCOPE_OF.values()) == {"climate", "lock", "charge_limit"} < set(GUARDED)

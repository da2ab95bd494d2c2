"""What the desk makes of what cars and homes say."""

from typing import Any

import pytest

from monocoque.cloud.homes import logic
from monocoque.cloud.homes.logic import Asked, Standing, State
from monocoque.contracts.errors import HomeWordRefused, SceneRequestRefused
from monocoque.contracts.homes import Reason
from monocoque.contracts.wire import home_pb2

CAR = "car_0123456789abcdefghjkmnpqrs"
HOME = "home_0123456789abcdefghjkmnpqrs"
NOW_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
FUTURE_US = NOW_US + 3_600 * SECOND_US


def scenes(count: int = 1, **changes: Any) -> home_pb2.CarScenes:
    members: dict[str, Any] = {
        "request_id": "request_0123456789abcdefghjkmnpqrs",
        "car_id": CAR,
        "scene_id": "scene_0123456789abcdefghjkmnpqrs",
        "action": "{}",
        "occurred_at_us": NOW_US,
        "expires_at_us": NOW_US + SECOND_US,
    }
    request = home_pb2.HomeRequest(**(members | changes))
    return home_pb2.CarScenes(requests=[request] * count)


def test_a_request_of_the_right_form_counts():
    [asked] = logic.read_requests(CAR, scenes(), 1, NOW_US)
    assert (asked.expires_us, asked.occurred_us, asked.action) == (NOW_US + SECOND_US, NOW_US, "{}")


def test_a_request_counts_for_a_day_at_most():
    [asked] = logic.read_requests(CAR, scenes(expires_at_us=NOW_US + 9 * DAY_US), 1, NOW_US)
    assert asked.expires_us == NOW_US + DAY_US


@pytest.mark.parametrize(
    "changes",
    [
        {"car_id": "car_1123456789abcdefghjkmnpqrs"},
        {"request_id": "request_x"},
        {"scene_id": CAR},
        {"action": "x" * 1_025},
        {"occurred_at_us": FUTURE_US},
        {"count": 2},
    ],
)
def test_a_request_that_cannot_be_is_refused(changes):
    with pytest.raises(SceneRequestRefused):
        logic.read_requests(CAR, scenes(**changes), 1, NOW_US)


@pytest.mark.parametrize(
    ("has_home", "is_home_there", "expires_us", "standing"),
    [
        (False, False, NOW_US + 1, Standing(State.REFUSED, Reason.NO_HOME)),
        (True, True, NOW_US, Standing(State.EXPIRED, Reason.NOT_SAID)),
        (True, True, NOW_US + 1, Standing(State.SAID)),
        (True, False, NOW_US + 1, Standing(State.WAITING)),
    ],
)
def test_how_a_new_request_stands(has_home, is_home_there, expires_us, standing):
    asked = Asked("request", "scene", "{}", NOW_US, expires_us)
    found = logic.standing_at_first(asked, NOW_US, has_home=has_home, is_home_there=is_home_there)
    assert found == standing


def test_how_time_and_untying_close_a_request():
    expired = Standing(State.EXPIRED, Reason.NOT_SAID)
    unknown = Standing(State.UNKNOWN, Reason.NOT_ANSWERED)
    assert logic.standing_by_time(State.WAITING) == expired
    assert logic.standing_by_time(State.SAID) == unknown
    assert logic.standing_untied(State.WAITING) == Standing(State.REFUSED, Reason.NO_HOME)
    assert logic.standing_untied(State.SAID) == unknown


def test_when_time_closes_a_request():
    assert logic.due_us(Standing(State.WAITING), NOW_US, 5) == NOW_US
    assert logic.due_us(Standing(State.SAID), NOW_US, 5) == NOW_US + 5
    assert logic.due_us(Standing(State.DONE), NOW_US, 5) is None


@pytest.mark.parametrize("outcome", ["done", "failed", "expired", "refused"])
def test_a_home_answers_with_one_of_its_words(outcome):
    message = home_pb2.HomeOutcome(outcome=outcome, reason="x", decided_at_us=NOW_US)
    assert logic.read_outcome(message, NOW_US) == (State(outcome), "x")


@pytest.mark.parametrize(
    "members",
    [
        {"outcome": "opened"},
        {"outcome": "unknown"},
        {"outcome": "said"},
        {"outcome": ""},
        {"outcome": "done", "reason": "x" * 33},
        {"outcome": "done", "decided_at_us": FUTURE_US},
    ],
)
def test_any_other_answer_is_refused(members):
    with pytest.raises(HomeWordRefused):
        logic.read_outcome(home_pb2.HomeOutcome(**members), NOW_US)


def test_a_home_answers_for_its_own_requests_at_times_that_can_be():
    logic.check_answer(HOME, HOME, NOW_US, NOW_US - 30 * SECOND_US)
    for asked_of, decided_us in ((None, NOW_US), ("home_x", NOW_US), (HOME, NOW_US - DAY_US)):
        with pytest.raises(HomeWordRefused):
            logic.check_answer(HOME, asked_of, NOW_US, decided_us)


@pytest.mark.parametrize(
    "devices",
    [
        [{"name": "lamp"}, {"name": "lamp"}],
        [{"name": ""}],
        [{"name": "x" * 65}],
        [{"name": "lamp", "changed_at_us": FUTURE_US}],
        [{"name": f"lamp {number}"} for number in range(3)],
    ],
)
def test_devices_that_cannot_be_are_refused(devices):
    told = [home_pb2.HomeDevice(**members) for members in devices]
    with pytest.raises(HomeWordRefused):
        logic.check_state(told, 2, NOW_US)


def test_devices_that_can_be_are_taken():
    logic.check_state([home_pb2.HomeDevice(name="lamp", changed_at_us=NOW_US)], 2, NOW_US)


def test_a_home_is_there_for_a_while_after_its_hello():
    assert logic.is_there(NOW_US, NOW_US + 29, 30)
    assert not logic.is_there(NOW_US, NOW_US + 30, 30)
    assert not logic.is_there(None, NOW_US, 30)

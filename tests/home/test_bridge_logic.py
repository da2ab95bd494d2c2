"""What a home makes of a request, before any device moves."""

from typing import Any

import pytest

from monocoque.contracts.errors import SceneRequestRefused
from monocoque.contracts.homes import Outcome, Reason
from monocoque.contracts.wire import home_pb2
from monocoque.home.bridge.logic import (
    Asked,
    Verdict,
    Wanted,
    decide_at_once,
    read_request,
    wanted_of,
)

NOW_US = 1_800_000_000_000_000
DAY_US = 86_400_000_000
LAMP_ON = '{"action":"home.lamp.turn_on"}'
DEVICES = ("lamp", "heat_pump")


def message(**changes: Any) -> home_pb2.HomeRequest:
    members: dict[str, Any] = {
        "request_id": "request_0123456789abcdefghjkmnpqrs",
        "car_id": "car_0123456789abcdefghjkmnpqrs",
        "scene_id": "scene_0123456789abcdefghjkmnpqrs",
        "action": LAMP_ON,
        "expires_at_us": NOW_US + 1,
    }
    return home_pb2.HomeRequest(**(members | changes))


def asked(action: str = LAMP_ON, expires_us: int = NOW_US + 1) -> Asked:
    return Asked("car", "request", "scene", action, expires_us)


def test_a_request_with_a_name_is_read():
    assert read_request(message(), NOW_US).expires_us == NOW_US + 1
    assert read_request(message(expires_at_us=NOW_US + 9 * DAY_US), NOW_US).expires_us == (
        NOW_US + DAY_US
    )


@pytest.mark.parametrize(
    "changes",
    [{"car_id": ""}, {"request_id": "x"}, {"scene_id": "x"}, {"action": "x" * 1_025}],
)
def test_a_request_without_a_name_is_none(changes):
    with pytest.raises(SceneRequestRefused):
        read_request(message(**changes), NOW_US)


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        (LAMP_ON, Wanted("lamp", is_on=True)),
        ('{"action":"home.lamp.turn_off"}', Wanted("lamp", is_on=False)),
        (
            '{"action":"home.heat_pump.set","target_decicelsius":205}',
            Wanted("heat_pump", is_on=True, decicelsius=205),
        ),
        ('{"action":"car.lock"}', None),
        ('{"action":"home.lamp.open"}', None),
        ('{"action":"unlock"}', None),
        ("junk", None),
    ],
)
def test_what_an_action_wants_of_a_home(action, wanted):
    assert wanted_of(action) == wanted


@pytest.mark.parametrize(
    ("request_", "devices", "waiting", "found"),
    [
        (asked(), DEVICES, 0, Wanted("lamp", is_on=True)),
        (asked(expires_us=NOW_US), DEVICES, 0, Verdict(Outcome.EXPIRED, Reason.TOO_LATE)),
        (asked("junk"), DEVICES, 0, Verdict(Outcome.REFUSED, Reason.WORD_UNKNOWN)),
        (asked(), ("heat_pump",), 0, Verdict(Outcome.REFUSED, Reason.NO_DEVICE)),
        (asked(), DEVICES, 5, Verdict(Outcome.REFUSED, Reason.TOO_MANY)),
    ],
)
def test_what_is_decided_at_once(request_, devices, waiting, found):
    assert decide_at_once(request_, devices, waiting, 5, NOW_US) == found

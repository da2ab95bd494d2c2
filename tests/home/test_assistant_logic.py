"""What Home Assistant is told of a home's cars, and what it never is."""

import json
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts import identifiers
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.wire.home_pb2 import HomeCar
from monocoque.home.assistant import logic
from monocoque.home.assistant.logic import Discovery, messages, remains, shown_cars

HOME_ID = HomeId(identifiers.make("home", Random(1).getrandbits))
CAR_ID, OTHER_ID = (identifiers.make("car", Random(seed).getrandbits) for seed in (2, 3))
SECOND_US = 1_000_000


def car(car_id: str = CAR_ID, **changes) -> HomeCar:
    """A locked car that charges at home."""
    values = {
        "locked": True,
        "charge_percent": 73.04,
        "range_km": 341.26,
        "plugged": True,
        "charging": True,
        "climate_target_celsius": 21.0,
        "cabin_celsius": 18.5,
        "latitude_degrees": 52.52,
        "longitude_degrees": 13.405,
        "said_at_us": 1_800_000_000 * SECOND_US,
    }
    return HomeCar(car_id=car_id, **(values | changes))


def said(*cars: HomeCar, discovery: Discovery = Discovery.DEVICE) -> dict[str, bytes]:
    """What is to be retained for these cars."""
    return messages(HOME_ID, cars, discovery, "1.2.3")


def state_of(one: HomeCar) -> dict:
    """The state of a car, as it is said."""
    return json.loads(said(one)[f"homeassistant/monocoque/{one.car_id}/state"])


def components(discovery: Discovery) -> dict[str, dict]:
    """What is announced of a car, by the key of each thing, with the platform of each."""
    announced = {
        topic: json.loads(payload)
        for topic, payload in said(car(), discovery=discovery).items()
        if topic.endswith("/config")
    }
    if discovery is Discovery.DEVICE:
        [(topic, whole)] = announced.items()
        assert topic == f"homeassistant/device/{CAR_ID}/config"
        common = {key: value for key, value in whole.items() if key != "components"}
        return {key: {**common, **one} for key, one in whole["components"].items()}
    return {
        topic.split("/")[3]: {"platform": topic.split("/")[1], **one}
        for topic, one in announced.items()
    }


@pytest.mark.parametrize("discovery", Discovery)
def test_both_forms_announce_the_same_things(discovery: Discovery):
    found = components(discovery)
    kinds = {key: (one["platform"], one.get("device_class")) for key, one in found.items()}
    assert kinds == {
        "lock": ("binary_sensor", "lock"),
        "charge_percent": ("sensor", "battery"),
        "range_km": ("sensor", "distance"),
        "plug": ("binary_sensor", "plug"),
        "charging": ("binary_sensor", "battery_charging"),
        "climate": ("binary_sensor", "running"),
        "climate_target_celsius": ("sensor", "temperature"),
        "cabin_celsius": ("sensor", "temperature"),
        "said_at": ("sensor", "timestamp"),
        "place": ("device_tracker", None),
    }
    for one in found.values():
        assert one["device"]["identifiers"] == [CAR_ID]
        assert one["origin"] == {"name": "Monocoque", "sw_version": "1.2.3"}
        assert one["availability_topic"] == f"homeassistant/monocoque/{HOME_ID}/presence"


@pytest.mark.parametrize("discovery", Discovery)
def test_nothing_that_is_announced_can_be_commanded(discovery: Discovery):
    for key, one in components(discovery).items():
        assert one["platform"] in {"binary_sensor", "sensor", "device_tracker"}, key
        assert not [name for name in one if "command" in name or "unlock" in name], key


@pytest.mark.parametrize("discovery", Discovery)
def test_no_two_things_have_one_name(discovery: Discovery):
    two = said(car(), car(OTHER_ID), discovery=discovery)
    names = []
    for topic, payload in two.items():
        if topic.endswith("/config"):
            whole = json.loads(payload)
            names += [one["unique_id"] for one in whole.get("components", {"": whole}).values()]
    assert len(names) == len(set(names)) == 2 * len(logic.ENTITIES)


def test_a_car_is_shown_as_it_is():
    assert state_of(car()) == {
        "unlocked": False,
        "charge_percent": 73.0,
        "range_km": 341.3,
        "plugged": True,
        "charging": True,
        "climate_on": False,
        "climate_target_celsius": 21.0,
        "cabin_celsius": 18.5,
        "said_at": "2027-01-15T08:00:00+00:00",
    }
    assert state_of(car(locked=False))["unlocked"] is True
    place = json.loads(said(car())[f"homeassistant/monocoque/{CAR_ID}/place"])
    assert place == {"latitude": 52.52, "longitude": 13.405, "gps_accuracy": 10}


def test_of_a_car_that_has_never_said_how_it_is_nothing_is_said():
    topics = set(said(car(said_at_us=0)))
    assert topics == {logic.presence_topic(HOME_ID), f"homeassistant/device/{CAR_ID}/config"}


def test_everything_lies_where_the_door_lets_it_through():
    for discovery in Discovery:
        for topic, payload in said(car(), discovery=discovery).items():
            assert topic.startswith("homeassistant/")
            assert payload, "an empty one would take itself away"


def test_equal_cars_give_equal_bytes():
    assert said(car()) == said(car())
    assert said(car()) != said(car(locked=False))


def test_cars_that_cannot_be_shown_are_left_out_and_counted():
    bad = [
        car("no identifier"),
        car(HOME_ID),
        car(OTHER_ID, charge_percent=math.nan),
        car(OTHER_ID, latitude_degrees=math.inf),
        car(OTHER_ID, said_at_us=2**62),
    ]
    shown, left_out = shown_cars([*bad, car()], 10)
    assert [one.car_id for one in shown] == [CAR_ID]
    assert left_out == len(bad)


def test_a_car_is_shown_once_and_no_more_cars_than_may():
    newer = car(locked=False)
    assert shown_cars([car(), newer], 10) == ([newer], 1)
    shown, left_out = shown_cars([car(), car(OTHER_ID)], 1)
    assert ([one.car_id for one in shown], left_out) == ([min(CAR_ID, OTHER_ID)], 1)


@pytest.mark.parametrize("discovery", Discovery)
def test_what_is_retained_of_ours_is_known_again(discovery: Discovery):
    before = said(car(), discovery=discovery)
    found: dict[str, bytes] = {}
    for topic, payload in before.items():
        if topic.endswith("/config"):
            found |= remains(topic, payload)
    assert set(found) == set(before) - {logic.presence_topic(HOME_ID)}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (f"homeassistant/device/{CAR_ID}/config", b'{"origin":{"name":"zigbee"}}'),
        (f"homeassistant/device/{CAR_ID}/config", b'{"origin":"Monocoque"}'),
        (f"homeassistant/device/{CAR_ID}/config", b"{}"),
        (f"homeassistant/device/{CAR_ID}/config", b"[]"),
        (f"homeassistant/device/{CAR_ID}/config", b"\xff"),
        (f"homeassistant/device/{CAR_ID}/config", b"[" * 60_000),
        (f"homeassistant/device/{CAR_ID}/config", b" " * 100_000),
        ("homeassistant/device/lamp/config", b'{"origin":{"name":"Monocoque"}}'),
        ("homeassistant", b'{"origin":{"name":"Monocoque"}}'),
    ],
)
def test_what_others_announced_is_left_alone(topic: str, payload: bytes):
    assert remains(topic, payload) == {}


@given(st.text(max_size=60), st.binary(max_size=200))
def test_nothing_that_is_retained_can_break_us(topic: str, payload: bytes):
    remains(topic, payload)

"""The apps at the root of the repository, each on a stand with virtual time."""

import json
from pathlib import Path

import pytest

from monocoque.app import loading, manifest_of, signals
from monocoque.app.testing import Stand
from monocoque.contracts.apps import check_for_car, read_manifest, write_manifest

APPS = Path(__file__).parents[2] / "apps"
HOUR_S = 3_600
POWER = "Vehicle.Powertrain.TractionBattery.CurrentPower"


def kind_of(name):
    return loading.find(APPS / name)


@pytest.mark.parametrize("folder", sorted(path.name for path in APPS.iterdir()))
def test_every_app_has_a_manifest_that_a_car_takes(folder):
    manifest = manifest_of(kind_of(folder))
    assert read_manifest(write_manifest(manifest)) == manifest
    assert manifest.name == folder.replace("_", "-")
    check_for_car(manifest, "DE", {each.path: each for each in signals.SIGNALS}.get)


@pytest.fixture
def camp(tmp_path):
    with Stand(kind_of("camp_mode"), tmp_path) as stand:
        stand.tell(signals.IS_MOVING, False)
        stand.tell(signals.IS_CLIMATE_ON, False)
        stand.tell(signals.CHARGE, 60.0)
        stand.tell(signals.CABIN_TEMPERATURE, 20.0)
        stand.pass_time(60)
        yield stand


def test_camp_mode_switches_at_the_edge_of_its_band_and_off_in_the_middle(camp):
    assert camp.asked == []
    camp.tell(signals.CABIN_TEMPERATURE, 18.6)
    camp.pass_time(60)
    assert camp.asked == []
    camp.tell(signals.CABIN_TEMPERATURE, 18.4)
    camp.pass_time(60)
    assert camp.asked == [(signals.IS_CLIMATE_ON.path, True)]
    camp.tell(signals.CABIN_TEMPERATURE, 19.0)
    camp.pass_time(8 * HOUR_S)
    assert len(camp.asked) == 1
    camp.tell(signals.CABIN_TEMPERATURE, 19.8)
    camp.pass_time(60)
    assert camp.asked[1:] == [(signals.IS_CLIMATE_ON.path, False)]


def test_camp_mode_ends_at_the_floor_says_why_and_begins_well_above_it(camp, tmp_path):
    camp.tell(signals.CABIN_TEMPERATURE, 10.0)
    camp.pass_time(60)
    camp.tell(signals.CHARGE, 19.9)
    camp.pass_time(60)
    assert camp.value(signals.IS_CLIMATE_ON) is False
    assert "floor" in json.loads((tmp_path / "why.json").read_text())["why"]
    camp.tell(signals.CHARGE, 22.0)
    camp.pass_time(HOUR_S)
    assert camp.value(signals.IS_CLIMATE_ON) is False
    camp.tell(signals.CHARGE, 26.0)
    camp.pass_time(60)
    assert camp.value(signals.IS_CLIMATE_ON) is True


def test_camp_mode_leaves_the_climate_of_others_alone(camp):
    camp.tell(signals.IS_CLIMATE_ON, True)
    camp.tell(signals.CHARGE, 10.0)
    camp.pass_time(HOUR_S)
    assert camp.asked == []


def test_camp_mode_says_why_the_car_refuses(camp):
    camp.refuse(signals.IS_CLIMATE_ON, "updating")
    camp.tell(signals.CABIN_TEMPERATURE, 5.0)
    camp.pass_time(60)
    assert camp.log[-1] == "the car refuses: updating"


def test_parked_guard_keeps_the_time_before_and_after_an_alarm(tmp_path):
    with Stand(kind_of("parked_guard"), tmp_path) as stand:
        stand.tell(signals.IS_MOVING, False)
        stand.tell(signals.IS_LOCKED, True)
        stand.tell(signals.IS_DOOR_OPEN, False)
        stand.tell(signals.CABIN_TEMPERATURE, 8.0)
        stand.pass_time(60)
        stand.tell(signals.CABIN_TEMPERATURE, 9.0)
        stand.pass_time(10)
        stand.tell(signals.IS_DOOR_OPEN, True)
        assert len(list(tmp_path.glob("alarm-*.json"))) == 1  # known at once, whatever follows
        stand.pass_time(20)
        stand.tell(signals.SPEED, 3.0)
        stand.pass_time(60)
        stand.tell(signals.SPEED, 9.0)
        (file,) = tmp_path.glob("alarm-*.json")
        alarm = json.loads(file.read_text())
        assert alarm["cause"] == "a door was opened while the car was locked"
        told = [(row["path"], row["value"]) for row in alarm["rows"]]
        assert told == [
            (signals.CABIN_TEMPERATURE.path, 9.0),
            (signals.IS_DOOR_OPEN.path, True),
            (signals.SPEED.path, 3.0),
        ]
        for _ in range(25):
            stand.tell(signals.IS_DOOR_OPEN, False)
            stand.pass_time(1)
            stand.tell(signals.IS_DOOR_OPEN, True)
            stand.pass_time(60)
        assert len(list(tmp_path.glob("alarm-*.json"))) == 20


def test_parked_guard_lets_the_owner_in(tmp_path):
    with Stand(kind_of("parked_guard"), tmp_path) as stand:
        stand.tell(signals.IS_LOCKED, True)
        stand.tell(signals.IS_LOCKED, False)
        stand.tell(signals.IS_DOOR_OPEN, True)
        stand.tell(signals.IS_MOVING, True)
        stand.pass_time(60)
        assert list(tmp_path.iterdir()) == []


def drive(stand, minutes, percent_per_minute, m_per_minute=1_000):
    for _ in range(minutes):
        stand.pass_time(60)
        odometer = stand.value(signals.TRAVELED_DISTANCE) + m_per_minute
        stand.tell(signals.TRAVELED_DISTANCE, odometer)
        stand.tell(signals.CHARGE, stand.value(signals.CHARGE) - percent_per_minute)


def begin(stand):
    stand.tell(signals.TRAVELED_DISTANCE, 1_000_000)
    stand.tell(signals.CHARGE, 80.0)
    stand.tell(signals.IS_CLIMATE_ON, True)
    stand.tell(signals.IS_MOVING, True)


def test_trip_log_writes_a_line_per_trip_with_its_reason(tmp_path):
    with Stand(kind_of("trip_log"), tmp_path) as stand:
        begin(stand)
        drive(stand, 10, 0.5)
        drive(stand, 4, -0.5)
        stand.pass_time(2)
        stand.tell(signals.IS_MOVING, False)
        stand.pass_time(180)
        (line,) = map(json.loads, (tmp_path / "trips.jsonl").read_text().splitlines())
    assert line["distance_km"] == 14.0
    assert line["used_percent"] == 5.0
    assert line["recuperated_percent"] == pytest.approx(2.0)
    assert line["climate_share"] == 1.0
    assert line["used_kwh"] is None
    assert line["why"] == "the climate was on most of the time, much came back when braking"


def test_trip_log_counts_kilowatt_hours_where_the_car_says_its_power(tmp_path):
    with Stand(kind_of("trip_log"), tmp_path) as stand:
        stand.tell(POWER, -18_000.0)
        begin(stand)
        stand.pass_time(600)
        stand.tell(POWER, 6_000.0)
        stand.pass_time(300)
        stand.tell(POWER, 0.0)
        stand.tell(signals.IS_MOVING, False)
        stand.pass_time(180)
        (line,) = map(json.loads, (tmp_path / "trips.jsonl").read_text().splitlines())
    assert line["used_kwh"] == pytest.approx(3.0, abs=0.02)
    assert line["recuperated_kwh"] == pytest.approx(0.5, abs=0.02)


def test_trip_log_closes_a_trip_that_was_cut(tmp_path):
    with Stand(kind_of("trip_log"), tmp_path) as stand:
        begin(stand)
        drive(stand, 5, 0.5)
    with Stand(kind_of("trip_log"), tmp_path) as stand:
        stand.pass_time(10)
        assert "the end was not seen" in stand.log[0]
        assert not (tmp_path / "open.json").exists()

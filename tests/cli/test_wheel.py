"""``monocoque car drive`` and ``park``: somebody at the wheel, in a process of its own."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from monocoque.car.body import service as body
from monocoque.car.body.logic import AC, DC, WALLBOX
from monocoque.cli import wheel
from monocoque.contracts.errors import CarRefuses, NotFound, RequestMalformed
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import migrate_connection

CAR_ID = CarId("car_0123456789abcdefghjkmnpqrs")
MONOCOQUE = Path(sys.executable).with_name("monocoque")
ROUTE = Path(__file__).parents[2] / "docs" / "guide" / "routes" / "lake-to-hill.gpx"


@pytest.fixture
def car(tmp_path):
    """The records of a car that was started once, as its own process has them open."""
    place = Layout(tmp_path).car(CAR_ID)
    place.make()
    records = SqliteRecords(place.records, Random(1))
    records.transact_once(migrate_connection)
    yield records
    records.close_now()


def now(car):
    return car.transact_once(lambda c: body.present(c, CAR_ID, SystemClock().now_us()))


def test_a_car_drives_and_parks_and_is_plugged_in(tmp_path, car, capsys) -> None:
    assert now(car).gear == "park"
    wheel.drive(tmp_path, CAR_ID)
    assert now(car).gear == "drive"
    wheel.park(tmp_path, CAR_ID)
    said = capsys.readouterr().out
    assert "180 s" in said
    assert "brakes" in said
    stands_us = now(car).at_us + 60_000_000
    parked = car.transact_once(lambda c: body.present(c, CAR_ID, stands_us))
    assert (parked.gear, parked.plugged) == ("park", False)


def test_a_car_that_stands_is_plugged_in(tmp_path, car, capsys) -> None:
    wheel.park(tmp_path, CAR_ID)
    assert now(car).plugged
    assert "plug" in capsys.readouterr().out


def test_a_car_is_plugged_into_the_station_that_was_named(tmp_path, car) -> None:
    assert now(car).station == WALLBOX
    wheel.park(tmp_path, CAR_ID, wheel.station_of(None, 150.0))
    assert (now(car).station.kind, now(car).station.power_w) == (DC, 150_000.0)
    wheel.park(tmp_path, CAR_ID, wheel.station_of(3.7, None))
    assert (now(car).station.kind, now(car).station.power_w) == (AC, 3_700.0)
    wheel.park(tmp_path, CAR_ID, wheel.station_of(None, None))
    assert now(car).station == WALLBOX


def test_a_car_drives_along_the_route_of_a_file(tmp_path, car, capsys) -> None:
    wheel.drive(tmp_path, CAR_ID, ROUTE)
    said = capsys.readouterr().out
    assert "km" in said
    begun = now(car)
    assert begun.route is not None
    later = car.transact_once(lambda c: body.present(c, CAR_ID, begun.at_us + 60_000_000))
    assert later.place_degrees[0] < begun.place_degrees[0] - 0.005


def test_a_car_that_drives_already_says_that_it_does_not_take_the_route(tmp_path, car) -> None:
    wheel.drive(tmp_path, CAR_ID)
    with pytest.raises(CarRefuses, match="drives already") as refused:
        wheel.drive(tmp_path, CAR_ID, ROUTE)
    assert "car park" in refused.value.hint
    assert now(car).route is None


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        (None, "cannot be read: No such file", "--route"),
        (b"", "The route is neither GPX nor JSON.", "GPX with a track"),
        (b"\x00\xff", "The route is neither GPX nor JSON.", "GPX with a track"),
        (ROUTE.read_bytes()[:500], "The route is no XML", "GPX with a track"),
        (b"<svg/>", "no GPX: it is <svg>", "GPX with a track"),
        (b'{"type": "Point"}', "no LineString", "GPX with a track"),
        (b'{"type": "LineString", "coordinates": [[8.5, 47.3]]}', "2 to 1000", "GPX with a track"),
        (b'{"type": "LineString", "coordinates": [[8, 90], [8, 47]]}', "on the map", "Latitudes"),
    ],
)
def test_a_file_that_is_no_route_is_refused_by_its_name_with_a_hint(
    tmp_path, car, text, what, hint
) -> None:
    file = tmp_path / "way.gpx"
    if text is not None:
        file.write_bytes(text)
    with pytest.raises((RequestMalformed, NotFound)) as refused:
        wheel.drive(tmp_path, CAR_ID, file)
    assert what in refused.value.what
    assert "way.gpx" in refused.value.what
    assert hint in refused.value.hint
    assert now(car).drive is None


def test_a_file_that_is_no_route_ends_the_command_with_1_and_two_lines(tmp_path, car) -> None:
    file = tmp_path / "way.gpx"
    file.write_bytes(b"my way")
    done = subprocess.run(
        [MONOCOQUE, "car", "drive", CAR_ID, "--route", file, "--data", tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    what, hint = done.stderr.splitlines()
    assert "way.gpx" in what
    assert "GPX with a track" in hint


@pytest.mark.parametrize(("ac_kw", "dc_kw"), [(1.0, 1.0), (0.0, None), (None, 401.0), (-1.0, None)])
def test_a_station_that_nobody_built_is_refused(ac_kw, dc_kw) -> None:
    with pytest.raises(RequestMalformed) as refused:
        wheel.station_of(ac_kw, dc_kw)
    assert "--dc-kw" in refused.value.hint or "400 kW" in refused.value.hint


def test_a_car_that_is_being_updated_does_not_drive_off(tmp_path, car) -> None:
    now_us = SystemClock().now_us()
    car.transact_once(lambda c: body.begin_update(c, CAR_ID, now_us, lambda _: None))
    with pytest.raises(CarRefuses, match="updating"):
        wheel.drive(tmp_path, CAR_ID)
    assert now(car).gear == "park"
    car.transact_once(lambda c: body.end_update(c, CAR_ID, now_us))
    wheel.drive(tmp_path, CAR_ID)
    assert now(car).gear == "drive"
    begun = car.transact_once(lambda c: body.begin_update(c, CAR_ID, now_us, lambda b: b.gear))
    assert begun == "drive", "the gate's reason"
    assert not now(car).updating


def test_a_car_that_never_started_is_not_found_and_not_made(tmp_path) -> None:
    with pytest.raises(NotFound):
        wheel.drive(tmp_path, CAR_ID)
    place = Layout(tmp_path).car(CAR_ID)
    assert not place.path.exists()
    place.make()
    SqliteRecords(place.records, Random(1)).transact_once(lambda _: None)
    with pytest.raises(NotFound):
        wheel.park(tmp_path, CAR_ID)

"""Routes out of GPX and GeoJSON, and a body that drives along one."""

import contextlib
import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    ACCELERATION_M_PER_S2,
    HOME,
    HOME_HEIGHT_M,
    LOOP_M,
    Body,
    begin_drive,
    begin_route,
    of_text,
    step,
    to_text,
)
from monocoque.car.body.logic.routes import (
    FILE_BYTES_MAX,
    LENGTH_M_MAX,
    POINTS_MAX,
    make_route,
    offset_m,
    read_route,
)
from monocoque.contracts.errors import RequestMalformed

SECOND_US = 1_000_000
EXAMPLES = Path(__file__).parents[2] / "docs/guide/routes"
LINE = {"type": "LineString", "coordinates": [[8.54, 47.37], [8.55, 47.37, 410], [8.55, 47.38]]}
ROUTE = read_route(json.dumps(LINE).encode())


@pytest.mark.parametrize(
    "found",
    [
        LINE,
        {"type": "Feature", "properties": {}, "geometry": LINE},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": LINE}]},
    ],
)
def test_a_line_is_read_in_each_form(found) -> None:
    route = read_route(json.dumps(found).encode())
    assert route.places[0] == (47.37, 8.54)
    assert 1_800 < route.length_m < 1_900


@pytest.mark.parametrize(
    "found",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b" " * (FILE_BYTES_MAX + 1),
        5,
        {"type": "Point", "coordinates": [8, 47]},
        {"type": "FeatureCollection", "features": []},
        {"type": "Feature", "geometry": None},
        {"type": "LineString", "coordinates": 5},
        {"type": "LineString", "coordinates": []},
        {"type": "LineString", "coordinates": [[8, 47]]},
        {"type": "LineString", "coordinates": [[8, 47], [8, 47]]},
        {"type": "LineString", "coordinates": [[8, 47], [8]]},
        {"type": "LineString", "coordinates": [[8, 47], [8, 91]]},
        {"type": "LineString", "coordinates": [[8, 47], [181, 47]]},
        {"type": "LineString", "coordinates": [[8, 47], [8, float("nan")]]},
        {"type": "LineString", "coordinates": [[8, 47], [8, 47.1, "400"]]},
        {"type": "LineString", "coordinates": [[8, 47], [8, 47.1, 9001]]},
        {"type": "LineString", "coordinates": [[8, 47], [8, 47.1, float("inf")]]},
        {"type": "LineString", "coordinates": [[8, 47], [True, 47]]},
        {"type": "LineString", "coordinates": [[8, 47], ["8", 47]]},
        {"type": "LineString", "coordinates": [[8, 47], [18, 47]]},
        {"type": "LineString", "coordinates": [[8 + n / 1e4, 47] for n in range(POINTS_MAX + 1)]},
        {"type": "LineString", "coordinates": [[8, 47]] * (POINTS_MAX * 10 + 1)},
    ],
)
def test_what_is_no_route_is_refused(found) -> None:
    data = found if isinstance(found, bytes) else json.dumps(found).encode()
    with pytest.raises(RequestMalformed):
        read_route(data)


@given(st.recursive(
    st.none() | st.floats() | st.text(max_size=5) | st.sampled_from(["LineString", "Feature"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["type", "coordinates", "geometry", "features"]), inner, max_size=4
    ),
    max_leaves=15,
))  # fmt: skip
def test_no_json_brings_the_reader_down(value) -> None:
    with contextlib.suppress(RequestMalformed):
        read_route(json.dumps(value).encode())


def test_a_place_on_the_way_is_between_its_points() -> None:
    assert ROUTE.place_at(-5) == ROUTE.places[0]
    assert ROUTE.place_at(1e9) == ROUTE.places[-1]
    half = ROUTE.place_at(ROUTE.along_m[1] / 2)
    assert half == pytest.approx((47.37, 8.545), abs=1e-6)
    assert ROUTE.heading_at(10) == pytest.approx(90.0)
    assert ROUTE.heading_at(ROUTE.length_m - 10) == pytest.approx(0.0)


def test_a_body_drives_along_and_stands_at_the_end() -> None:
    body = begin_route(Body(at_us=0), ROUTE, 20.0)
    before, seen_m = body, 0.0
    now = body
    for second in range(1, 200):
        now = step(body, second * SECOND_US)
        if now.drive is None:
            break
        seen_m += math.hypot(*offset_m(before.place_degrees, now.place_degrees))
        assert now.speed_m_per_s <= 20.0
        assert abs(now.speed_m_per_s - before.speed_m_per_s) <= ACCELERATION_M_PER_S2 + 1e-6
        before = now
    assert now.drive is None
    assert now.odometer_m == pytest.approx(ROUTE.length_m, abs=1.0)
    assert now.place_degrees == pytest.approx(ROUTE.places[-1], abs=1e-5)
    assert seen_m == pytest.approx(ROUTE.length_m, rel=0.05)


def test_the_loop_goes_on_from_where_a_route_led() -> None:
    parked = step(begin_route(Body(at_us=0), ROUTE, 20.0), 600 * SECOND_US)
    looping = begin_drive(parked, 60 * SECOND_US)
    assert looping.place_degrees == pytest.approx(ROUTE.places[-1], abs=1e-5)
    places = [step(looping, (600 + s) * SECOND_US).place_degrees for s in range(60)]
    assert all(math.hypot(*offset_m(a, b)) < 15.0 for a, b in pairwise(places))


def test_a_short_route_is_driven_no_faster_than_it_can_be_braked() -> None:
    short = make_route([(47.0, 8.0, None), (47.0001, 8.0, None)])
    parked = step(begin_route(Body(at_us=0), short, 50.0), 60 * SECOND_US)
    assert parked.odometer_m == pytest.approx(short.length_m, abs=0.2)


def test_a_car_that_drives_already_goes_on_with_its_drive() -> None:
    driving = begin_drive(Body(at_us=0), 60 * SECOND_US)
    assert begin_route(driving, ROUTE, 20.0) is driving


def test_a_route_is_in_the_record_while_it_is_driven() -> None:
    driving = step(begin_route(Body(at_us=0), ROUTE, 20.0), 20 * SECOND_US)
    again = of_text(to_text(driving))
    assert again == driving
    parked = step(driving, 900 * SECOND_US)
    assert of_text(to_text(parked)) == parked
    assert parked.base_degrees != HOME
    assert parked.route is None


def test_a_route_has_limits() -> None:
    with pytest.raises(RequestMalformed, match="km long"):
        make_route([(0.0, 0.0, None), (0.0, LENGTH_M_MAX / 100_000, None)])
    with pytest.raises(RequestMalformed):
        make_route([])


def gpx(inner: str) -> bytes:
    return f'<gpx xmlns="http://www.topografix.com/GPX/1/1">{inner}</gpx>'.encode()


def point(latitude: object, longitude: object, inner: str = "", name: str = "trkpt") -> str:
    return f'<{name} lat="{latitude}" lon="{longitude}">{inner}</{name}>'


TWO = point(47, 8, "<ele> 400.5 </ele>") + point(47.001, 8, "<time>now</time><ele>410</ele>")


def test_the_examples_of_the_guide_lead_up_and_down_the_same_hill() -> None:
    up = read_route((EXAMPLES / "lake-to-hill.gpx").read_bytes())
    down = read_route((EXAMPLES / "hill-to-lake.geojson").read_bytes())
    assert up.places == down.places[::-1]
    assert (up.height_at(0.0, 1.0), down.height_at(0.0, 1.0)) == (408.0, 600.0)
    assert up.length_m == pytest.approx(down.length_m)
    assert 3_000 < up.length_m < 4_000


def test_a_gpx_file_gives_its_first_track_with_heights() -> None:
    inner = f"<wpt lat='1' lon='1'><ele>5</ele></wpt><trk><trkseg>{TWO}</trkseg><trkseg>"
    inner += point(47.002, 8, "<ele>-1.5</ele>") + "</trkseg></trk>"
    inner += f"<trk><trkseg>{point(1, 1, '<ele>5</ele>')}</trkseg></trk>"
    for data in (gpx(inner), b"\xef\xbb\xbf" + gpx(inner)):
        route = read_route(data)
        assert route.places == ((47.0, 8.0), (47.001, 8.0), (47.002, 8.0))
        assert route.heights_m == (400.5, 410.0, -1.5)
    half = read_route(gpx(f"<trk>{TWO}</trk>"))
    assert half.height_at(half.length_m / 2, 0.0) == pytest.approx(405.2, abs=0.1)


def test_a_gpx_route_is_read_where_there_is_no_track() -> None:
    ways = "".join(point(47 + n / 1_000, 8, name="rtept") for n in range(3))
    route = read_route(gpx(f"<rte>{ways}</rte><rte>{ways}</rte><ele>x</ele><trk></trk>"))
    assert len(route.places) == 3
    assert route.height_at(1.0, 7.0) == 7.0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<", "no XML"),
        (b'<?xml version="1.0" encoding="of mine"?><gpx/>', "no XML"),
        (b'<?xml version="1.0" encoding="shift_jis"?><gpx/>', "no XML"),
        (b"<kml></kml>", "no GPX"),
        (b'<!DOCTYPE gpx [<!ENTITY a "b">]><gpx>&a;</gpx>', "document type"),
        (gpx(""), "different points"),
        (gpx(f"<trk>{point(47, 8)}</trk>"), "different points"),
        (gpx(f"<trk>{point('nan', 8)}</trk>"), "latitude of point 1"),
        (gpx(f"<trk>{TWO}{point(47, '1_0')}</trk>"), "longitude of point 3"),
        (gpx(f"<trk>{TWO}<trkpt/></trk>"), "latitude of point 3"),
        (gpx(f"<trk>{TWO}{point(47, 8, '<ele>high</ele>')}</trk>"), "height of point 3"),
        (gpx(f"<trk>{TWO}{point(47, 8, '<ele>' + '1' * 99 + '</ele>')}</trk>"), "height of"),
        (gpx(f"<trk>{TWO}{point(85.1, 8)}</trk>"), "not on the map"),
        (gpx(f"<trk>{TWO}{point(47, -180.1)}</trk>"), "not on the map"),
        (gpx(f"<trk>{TWO}{point(47.1, 8, '<ele>-501</ele>')}</trk>"), "no height"),
        (gpx(f"<trk>{point(47, 8) * 10_001}</trk>"), "10000 points"),
        (b"<gpx>" + b"<a>" * 100_000, "no XML"),
    ],
)
def test_what_is_no_gpx_is_refused_by_what_is_wrong(data: bytes, says: str) -> None:
    with pytest.raises(RequestMalformed, match=says):
        read_route(data)


PIECES = (
    *("<gpx>", "</gpx>", "<trk>", "</trk>", "<rte>", "</rte>", "<ele>", "</ele>", "7", "x"),
    *('<trkpt lat="47" lon="8">', '<trkpt lat="48"/>', "</trkpt>", '<rtept lat="1" lon="2"/>'),
)


@given(st.lists(st.sampled_from(PIECES), max_size=20), st.booleans())
def test_no_xml_brings_the_reader_down(pieces: list[str], is_whole: bool) -> None:
    text = "".join(pieces)
    with contextlib.suppress(RequestMalformed):
        read_route(f"<gpx>{text}</gpx>".encode() if is_whole else text.encode())


@given(st.binary(max_size=60))
def test_no_bytes_bring_the_reader_down(data: bytes) -> None:
    with contextlib.suppress(RequestMalformed):
        read_route(b"<gpx>" + data)


def test_heights_that_only_some_points_have_are_passed_over() -> None:
    assert ROUTE.heights_m == ()
    body = step(begin_route(Body(at_us=0), ROUTE, 20.0), 30 * SECOND_US)
    assert body.height_m == HOME_HEIGHT_M
    assert step(body, 900 * SECOND_US).height_m == HOME_HEIGHT_M


def test_a_body_climbs_with_its_route_and_stays_up() -> None:
    route = read_route((EXAMPLES / "lake-to-hill.gpx").read_bytes())
    body = begin_route(Body(at_us=0), route, 14.0)
    steps = [step(body, second * SECOND_US) for second in range(0, 200, 10)]
    heights = [each.height_m for each in steps]
    assert min(heights) == 407.0
    assert all(of_text(to_text(each)) == each for each in steps)
    parked = step(body, 900 * SECOND_US)
    assert (parked.height_m, parked.gear) == (600.0, "park")
    assert of_text(to_text(parked)).height_m == 600.0


def test_a_body_looks_where_it_drives() -> None:
    on_route = step(begin_route(Body(at_us=0), ROUTE, 20.0), 20 * SECOND_US)
    assert on_route.heading_degrees == pytest.approx(90.0)
    assert Body(at_us=0).heading_degrees == 90.0
    quarter = Body(at_us=0, odometer_m=LOOP_M / 4)
    assert quarter.heading_degrees == pytest.approx(0.0)
    assert Body(at_us=0, odometer_m=LOOP_M / 2).heading_degrees == pytest.approx(270.0)


def test_the_loop_crosses_the_line_where_longitudes_begin_again() -> None:
    body = Body(at_us=0, odometer_m=LOOP_M / 4, base_degrees=(-17.0, 180.0))
    assert -180.0 < body.place_degrees[1] < -179.99
    west = Body(at_us=0, odometer_m=LOOP_M * 3 / 4, base_degrees=(-17.0, -180.0))
    assert 179.99 < west.place_degrees[1] < 180.0


def test_a_body_that_a_route_led_home_keeps_its_odometer_there() -> None:
    route = make_route([(47.3769, 8.5517, None), (*HOME, None)])
    parked = step(begin_route(Body(at_us=0), route, 14.0), 900 * SECOND_US)
    assert parked.base_degrees == HOME
    assert of_text(to_text(parked)) == parked

"""Routes out of GeoJSON, and a body that drives along one."""

import contextlib
import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    ACCELERATION_M_PER_S2,
    HOME,
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
    short = make_route([(47.0, 8.0), (47.0001, 8.0)])
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
        make_route([(0.0, 0.0), (0.0, LENGTH_M_MAX / 100_000)])
    with pytest.raises(RequestMalformed):
        make_route([])

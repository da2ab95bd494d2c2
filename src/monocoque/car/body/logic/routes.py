"""A route: points on the earth that a car drives along, one after another.

Rules:

* a route is read out of GPX (gpx.py), or out of GeoJSON (RFC 7946): a ``LineString``, alone, in a
  ``Feature`` or the first of a ``FeatureCollection``; longitude comes first, as that wants it;
* heights count when every point has one, and are passed over otherwise;
* it is short enough for a car's record: ``POINTS_MAX`` points and ``LENGTH_M_MAX`` metres;
* between two points the way is straight, on a flat map of the place.

Left out on purpose: streets, turns and traffic; a car keeps one speed along its route.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from monocoque.car.body.logic.gpx import Point, points_of_gpx
from monocoque.car.body.logic.slopes import Slopes, slopes_of
from monocoque.contracts.errors import RequestMalformed

FILE_BYTES_MAX: Final = 1_048_576
POINTS_MAX: Final = 1_000
READ_POINTS_MAX: Final = 10_000
"""Of a file, in which points may follow on themselves."""
LENGTH_M_MAX: Final = 200_000.0
METRES_PER_DEGREE: Final = 111_320.0
DEGREE_DIGITS: Final = 6
HEIGHT_DIGITS: Final = 1
LATITUDE_DEGREES_MAX: Final = 85.0
"""No road leads nearer to a pole, and there the map would no longer be flat."""
LONGITUDE_DEGREES_MAX: Final = 180.0
HEIGHT_M_MIN: Final = -500.0
HEIGHT_M_MAX: Final = 9_000.0
GPX_MAY_BEGIN_WITH: Final = b"\xef\xbb\xbf \t\r\n"

Place = tuple[float, float]
"""Latitude and longitude in degrees (WGS 84)."""


@dataclass(frozen=True, slots=True)
class Route:
    """Points, and how far along the way each of them is, in metres."""

    places: tuple[Place, ...]
    along_m: tuple[float, ...]
    heights_m: tuple[float, ...] = ()
    """Of each point, above the sea; empty when nobody knows."""

    @property
    def length_m(self) -> float:
        """From its beginning to its end."""
        return self.along_m[-1]

    def place_at(self, metres: float) -> Place:
        """Where somebody is who came so far; its ends beyond its ends."""
        first, last = self._segment(metres)
        share = self._share(metres, first, last)
        a, b = self.places[first], self.places[last]
        return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)

    def height_at(self, metres: float, otherwise_m: float) -> float:
        """How high above the sea the way is there, in metres; or else this."""
        if not self.heights_m:
            return otherwise_m
        first, last = self._segment(metres)
        a, b = self.heights_m[first], self.heights_m[last]
        return a + (b - a) * self._share(metres, first, last)

    @property
    def slopes(self) -> Slopes | None:
        """How steep it is where; None when nobody knows."""
        return slopes_of(self.along_m, self.heights_m) if self.heights_m else None

    def heading_at(self, metres: float) -> float:
        """Where the way leads there, in degrees from north, clockwise."""
        first, last = self._segment(metres)
        east_m, north_m = offset_m(self.places[first], self.places[last])
        return math.degrees(math.atan2(east_m, north_m)) % 360.0

    def _share(self, metres: float, first: int, last: int) -> float:
        """How much of the way between these two points is behind."""
        begin, end = self.along_m[first], self.along_m[last]
        return min(1.0, max(0.0, (metres - begin) / (end - begin)))

    def _segment(self, metres: float) -> tuple[int, int]:
        """The two points around this place on the way."""
        low, high = 0, len(self.along_m) - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.along_m[middle] <= metres else (low, middle)
        return low, high


def offset_m(a: Place, b: Place) -> tuple[float, float]:
    """How far b is to the east and to the north of a."""
    middle = math.radians((a[0] + b[0]) / 2)
    east_m = (b[1] - a[1]) * METRES_PER_DEGREE * math.cos(middle)
    return east_m, (b[0] - a[0]) * METRES_PER_DEGREE


def make_route(points: Sequence[Point]) -> Route:
    """The route through these points: latitude, longitude, and a height or None.

    Raises RequestMalformed.
    """
    rounded = [_rounded(*point) for point in points]
    apart = [point for before, point in pairwise(rounded) if point[0] != before[0]]
    distinct = [*rounded[:1], *apart]
    if not 2 <= len(distinct) <= POINTS_MAX:
        raise RequestMalformed(f"A route has 2 to {POINTS_MAX} different points.")
    places = tuple(place for place, _ in distinct)
    along_m = [0.0]
    for before, place in pairwise(places):
        along_m.append(along_m[-1] + math.hypot(*offset_m(before, place)))
    if along_m[-1] > LENGTH_M_MAX:
        raise RequestMalformed(f"A route is at most {LENGTH_M_MAX / 1_000:.0f} km long.")
    heights_m = tuple(height for _, height in distinct if height is not None)
    is_known = len(heights_m) == len(places)
    return Route(places, tuple(along_m), heights_m if is_known else ())


def points_of(route: Route) -> list[list[float]]:
    """Its points as lists, for a record; ``route_of`` makes the route of them again."""
    heights_m = route.heights_m or (None,) * len(route.places)
    pairs = zip(route.places, heights_m, strict=True)
    return [[*place] if height is None else [*place, height] for place, height in pairs]


def route_of(points: Sequence[Sequence[float]]) -> Route:
    """The route out of a record, which may have no heights. Raises RequestMalformed."""
    return make_route([(each[0], each[1], each[2] if len(each) > 2 else None) for each in points])


def read_route(data: bytes) -> Route:
    """The route of a GPX or GeoJSON file. Raises RequestMalformed, which says what is wrong."""
    if len(data) > FILE_BYTES_MAX:
        raise RequestMalformed(f"A route is a file of at most {FILE_BYTES_MAX} bytes.")
    if data.lstrip(GPX_MAY_BEGIN_WITH).startswith(b"<"):
        points = points_of_gpx(data, READ_POINTS_MAX)
    else:
        points = [_point(each) for each in _coordinates(data)]
    for latitude, longitude, height_m in points:
        _check(latitude, longitude, height_m)
    return make_route(points)


def _check(latitude: float, longitude: float, height_m: float | None) -> None:
    is_on_map = abs(latitude) <= LATITUDE_DEGREES_MAX and abs(longitude) <= LONGITUDE_DEGREES_MAX
    if not is_on_map:
        raise RequestMalformed(
            f"A point of the route is not on the map: latitude {latitude}, longitude {longitude}.",
            hint=f"Latitudes end at {LATITUDE_DEGREES_MAX:.0f} degrees; GeoJSON has them second.",
        )
    if height_m is not None and not HEIGHT_M_MIN <= height_m <= HEIGHT_M_MAX:
        raise RequestMalformed(f"A point of the route has no height on earth: {height_m} m.")


def _rounded(
    latitude: float, longitude: float, height_m: float | None
) -> tuple[Place, float | None]:
    place = (round(latitude, DEGREE_DIGITS), round(longitude, DEGREE_DIGITS))
    return place, None if height_m is None else round(height_m, HEIGHT_DIGITS)


def _coordinates(data: bytes) -> Sequence[Any]:
    try:
        return _line(json.loads(data))
    except (ValueError, RecursionError):
        raise RequestMalformed("The route is neither GPX nor JSON.") from None


def _line(found: Any) -> Sequence[Any]:
    kind = found.get("type") if isinstance(found, dict) else None
    if kind == "FeatureCollection":
        features = found.get("features")
        if isinstance(features, list) and features:
            return _line(features[0])
    elif kind == "Feature":
        return _line(found.get("geometry"))
    elif kind == "LineString":
        coordinates = found.get("coordinates")
        if isinstance(coordinates, list) and len(coordinates) <= READ_POINTS_MAX:
            return coordinates
    raise RequestMalformed("The route is no LineString of GeoJSON.")


def _point(found: Any) -> Point:
    if isinstance(found, list) and len(found) in (2, 3) and all(map(_is_number, found)):
        longitude, latitude = found[:2]
        return latitude, longitude, found[2] if len(found) > 2 else None
    raise RequestMalformed("A point of the route is no longitude and latitude in degrees.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

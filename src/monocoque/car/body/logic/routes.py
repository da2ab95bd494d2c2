"""A route: points on the earth that a car drives along, one after another.

Rules:

* a route is read out of GeoJSON (RFC 7946): a ``LineString``, alone, in a ``Feature`` or the first
  of a ``FeatureCollection``; longitude comes first, as that wants it; a height is passed over;
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

from monocoque.contracts.errors import RequestMalformed

FILE_BYTES_MAX: Final = 1_048_576
POINTS_MAX: Final = 1_000
LENGTH_M_MAX: Final = 200_000.0
METRES_PER_DEGREE: Final = 111_320.0
DEGREE_DIGITS: Final = 6

Place = tuple[float, float]
"""Latitude and longitude in degrees (WGS 84)."""


@dataclass(frozen=True, slots=True)
class Route:
    """Points, and how far along the way each of them is, in metres."""

    places: tuple[Place, ...]
    along_m: tuple[float, ...]

    @property
    def length_m(self) -> float:
        """From its beginning to its end."""
        return self.along_m[-1]

    def place_at(self, metres: float) -> Place:
        """Where somebody is who came so far; its ends beyond its ends."""
        first, last = self._segment(metres)
        begin, end = self.along_m[first], self.along_m[last]
        share = min(1.0, max(0.0, (metres - begin) / (end - begin)))
        a, b = self.places[first], self.places[last]
        return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)

    def heading_at(self, metres: float) -> float:
        """Where the way leads there, in degrees from north, clockwise."""
        first, last = self._segment(metres)
        east_m, north_m = offset_m(self.places[first], self.places[last])
        return math.degrees(math.atan2(east_m, north_m)) % 360.0

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


def make_route(places: Sequence[Place]) -> Route:
    """The route through these places. Raises RequestMalformed."""
    rounded = [(round(a, DEGREE_DIGITS), round(b, DEGREE_DIGITS)) for a, b in places]
    apart = [place for before, place in pairwise(rounded) if place != before]
    distinct = (rounded[0], *apart) if rounded else ()
    if not 2 <= len(distinct) <= POINTS_MAX:
        raise RequestMalformed(f"A route has 2 to {POINTS_MAX} different points.")
    along_m = [0.0]
    for before, place in pairwise(distinct):
        along_m.append(along_m[-1] + math.hypot(*offset_m(before, place)))
    if along_m[-1] > LENGTH_M_MAX:
        raise RequestMalformed(f"A route is at most {LENGTH_M_MAX / 1_000:.0f} km long.")
    return Route(distinct, tuple(along_m))


def read_route(data: bytes) -> Route:
    """The route of a GeoJSON file. Raises RequestMalformed, which says what is wrong."""
    if len(data) > FILE_BYTES_MAX:
        raise RequestMalformed(f"A route is at most {FILE_BYTES_MAX} bytes of GeoJSON.")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise RequestMalformed("The route is no JSON.") from None
    coordinates = _line(found)
    return make_route([_place(each) for each in coordinates])


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
        if isinstance(coordinates, list) and len(coordinates) <= POINTS_MAX * 10:
            return coordinates
    raise RequestMalformed("The route is no LineString of GeoJSON.")


def _place(found: Any) -> Place:
    if isinstance(found, list) and len(found) in (2, 3):
        longitude, latitude = found[:2]
        if _is_within(latitude, 90) and _is_within(longitude, 180):
            return float(latitude), float(longitude)
    raise RequestMalformed("A point of the route is no longitude and latitude in degrees.")


def _is_within(value: Any, limit: int) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and -limit <= value <= limit
    )

"""Points of a GPX file (version 1.0 or 1.1, Topografix), in whatever namespace.

Rules:

* the points of the first track, or else of the first route, in their order, with their heights;
* numbers are plain decimals; anything else refuses the file and says which point it was;
* a file with a document type is refused, since that can hold entities that grow without end.

Left out on purpose: times, waypoints, and every extension.
"""

import re
from typing import Any, Final
from xml.parsers import expat

from monocoque.contracts.errors import RequestMalformed

NUMBER: Final = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{0,20})?")
NUMBER_CHARACTERS_MAX: Final = 32
WAYS: Final = {"trk": "trkpt", "rte": "rtept"}
"""What holds points, and the name of a point in it."""
POINTS: Final = frozenset(WAYS.values())

Point = tuple[float, float, float | None]
"""Latitude and longitude in degrees (WGS 84), and metres above the sea or None."""


def points_of_gpx(data: bytes, points_max: int) -> list[Point]:
    """The points of the way in this file. Raises RequestMalformed."""
    reader = _Reader(points_max)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise RequestMalformed(f"The route is no XML: {error}.") from None
    except (LookupError, ValueError):
        raise RequestMalformed("The route is no XML: its encoding is unknown.") from None
    return reader.points["trkpt"] or reader.points["rtept"]


def _refuse_doctype(*_: Any) -> None:
    raise RequestMalformed("The route is XML with a document type, which no GPX file needs.")


class _Reader:
    """What was read so far."""

    def __init__(self, points_max: int) -> None:
        self.points: dict[str, list[Point]] = {name: [] for name in POINTS}
        self._points_max = points_max
        self._path: list[str] = []
        self._ended: set[str] = set()
        self._height: str | None = None

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = qualified.rpartition(" ")[2]
        if not self._path and name != "gpx":
            raise RequestMalformed(f"The route is XML, but no GPX: it is <{name[:32]}>.")
        self._path.append(name)
        if name in POINTS and self._is_read():
            points = self.points[name]
            if len(points) == self._points_max:
                raise RequestMalformed(f"A route file has at most {self._points_max} points.")
            where = f"point {len(points) + 1}"
            latitude = _number(attributes.get("lat", ""), f"latitude of {where}")
            longitude = _number(attributes.get("lon", ""), f"longitude of {where}")
            points.append((latitude, longitude, None))
        elif name == "ele" and self._is_of_point():
            self._height = ""

    def text(self, text: str) -> None:
        """Characters, which count within a height."""
        if self._height is not None:
            self._height = (self._height + text)[: NUMBER_CHARACTERS_MAX + 1]

    def end(self, qualified: str) -> None:
        """An element ends."""
        name = self._path.pop()
        if self._height is not None and name == "ele":
            points = self.points[self._path[-1]]
            height_m = _number(self._height.strip(), f"height of point {len(points)}")
            points[-1] = (*points[-1][:2], height_m)
            self._height = None
        if len(self._path) == 1 and name in WAYS and self.points[WAYS[name]]:
            self._ended.add(name)

    def _is_read(self) -> bool:
        """Whether the point that begins is one of the first way of its kind."""
        way = self._path[1] if len(self._path) > 2 else ""
        return WAYS.get(way) == self._path[-1] and way not in self._ended

    def _is_of_point(self) -> bool:
        parent = self._path[-2] if len(self._path) > 1 else ""
        way = self._path[1] if len(self._path) > 2 else ""
        return WAYS.get(way) == parent and way not in self._ended


def _number(text: str, what: str) -> float:
    if len(text) > NUMBER_CHARACTERS_MAX or NUMBER.fullmatch(text) is None:
        raise RequestMalformed(f"The {what} of the route is no number.")
    return float(text)

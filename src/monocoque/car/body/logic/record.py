"""A body as JSON, for its record, and back.

Rules: what most cars never have is left out; an older record lacks members, and a body has usual
values for them.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from monocoque.car.body.logic.drives import Drive
from monocoque.car.body.logic.motions import Motion, motion_members
from monocoque.car.body.logic.parts import of_members, to_members
from monocoque.car.body.logic.routes import points_of, route_of
from monocoque.car.body.logic.state import HOME, HOME_HEIGHT_M, Body
from monocoque.car.body.logic.stations import WALLBOX, Station
from monocoque.car.body.logic.weather import Weather

BODIES_REMEMBERED_MAX: Final = 256
"""A car has one body, and a world so many at once."""


def to_text(body: Body) -> str:
    """The body as JSON, for its record."""
    members = {name: getattr(body, name) for name in Body.__slots__}
    members["doors_open"] = list(body.doors_open)
    members["jammed"] = sorted(body.jammed)
    members["motions"] = [motion_members(motion) for motion in body.motions]
    # What most cars never have is left out of their records.
    members["parts"] = to_members(body.parts)
    members["route"] = None if body.route is None else points_of(body.route)
    members["station"] = [body.station.kind, body.station.power_w]
    members["weather"] = _of_weather(body.weather)
    for name, usual in _USUAL.items():
        if members[name] == usual:
            del members[name]
    if body.drive is not None:
        members["drive"] = {name: getattr(body.drive, name) for name in Drive.__slots__}
    return json.dumps(members, separators=(",", ":"), sort_keys=True)


def _of_weather(weather: Weather | None) -> list[float] | None:
    if weather is None:
        return None
    return [weather.mean_celsius, weather.swing_k, weather.change_k, weather.seed]


_USUAL: Final[Mapping[str, Any]] = {
    "parts": {}, "route": None, "base_degrees": HOME, "base_m": 0.0, "base_height_m": HOME_HEIGHT_M,
    "station": [WALLBOX.kind, WALLBOX.power_w], "weather": None,
    "awaits_weather": False,
}  # fmt: skip


@functools.lru_cache(maxsize=BODIES_REMEMBERED_MAX)
def of_text(text: str) -> Body:
    """The body out of its record, which is read more often than it changes."""
    members = json.loads(text)
    for name, read in _READ.items():
        if name in members:
            members[name] = read(members[name])
    return Body(**members)


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "doors_open": tuple,
    "tyres_kpa": tuple,
    "jammed": frozenset,
    "motions": lambda motions: tuple(Motion(**motion) for motion in motions),
    "drive": lambda drive: None if drive is None else Drive(**drive),
    "parts": of_members,
    "route": route_of,
    "base_degrees": tuple,
    "station": lambda station: Station(*station),
    "weather": lambda weather: Weather(*weather),
}
"""How those members are read that JSON does not hold as they are; an older record lacks some."""

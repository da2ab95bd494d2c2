"""The body as physics: how a car is at one moment, and how it becomes that of a later one.

Rules:

* a body is a value at a time; ``step`` carries it to a later time and never back. A body that
  nobody touches jumps from event to event, so that a parked week costs nothing;
* an actuator that was set moves for a while; when it is jammed then, it is found where it was;
* a drive is a loop of a known shape: the car gathers speed, holds it, brakes and parks, so that
  speed, place and distance follow from the time alone;
* it does what it is told. Whether it may, the guard says.

Units stand in the names. Left out on purpose: steering, traffic, weather and the battery's
chemistry; this is a stand-in for a car, and only as exact as its owner's page.
"""

import functools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from monocoque.car.body.logic.parts import (
    AS_BUILT,
    NAMES,
    between,
    obstruct,
    of_members,
    set_parts,
    speed_of,
    to_members,
    where,
)
from monocoque.car.body.logic.parts import MOVING as MOVING
from monocoque.car.body.logic.parts import Parts as Parts
from monocoque.car.body.logic.routes import METRES_PER_DEGREE as METRES_PER_DEGREE
from monocoque.car.body.logic.routes import Place as Place
from monocoque.car.body.logic.routes import Route as Route
from monocoque.car.body.logic.routes import make_route

SECOND_US: Final = 1_000_000
ACTUATORS: Final = ("locks", "climate", "charge_limit")
"""What can be set, takes time, and can jam."""

OUTSIDE_CELSIUS: Final = 9.0
CABIN_REACTION_S: Final = 420.0
"""In this time the cabin comes within 37 % of where it is heading."""
CHARGE_PERCENT_PER_S: Final = 11.0 / 77.0 / 3_600.0 * 100.0
"""11 kW into 77 kWh."""
RANGE_KM_PER_PERCENT: Final = 4.3
SPEED_M_PER_S_MAX: Final = 50.0 / 3.6
ACCELERATION_M_PER_S2: Final = 2.5
DRIVER_DOOR: Final = "row1_left"
LOOP_M: Final = 2_500.0
"""One lap: as long as a drive of 180 s at 50 km/h, so that such a drive ends where it began."""
LOOP_RADIUS_M: Final = LOOP_M / (2 * math.pi)
HOME_LATITUDE_DEGREES: Final = 47.3769
HOME_LONGITUDE_DEGREES: Final = 8.5417
HOME: Final[Place] = (HOME_LATITUDE_DEGREES, HOME_LONGITUDE_DEGREES)
BODIES_REMEMBERED_MAX: Final = 256
"""A car has one body, and a world so many at once."""


@dataclass(frozen=True, slots=True)
class Motion:
    """An actuator on its way."""

    actuator: str
    target: Mapping[str, int | bool]
    ends_us: int
    began_us: int = 0
    start: int = 0
    """Where a part that moves by and by began."""


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive: when it began, and when the brakes are put on."""

    began_us: int
    brakes_us: int
    began_m: float
    """The odometer at its beginning."""
    speed_m_per_s_max: float = SPEED_M_PER_S_MAX
    """How fast the car is once it has gathered speed."""


@dataclass(frozen=True, slots=True)
class Body:
    """A car at one moment."""

    at_us: int
    locked: bool = True
    doors_open: tuple[str, ...] = ()
    climate_on: bool = False
    climate_target_decicelsius: int = 210
    cabin_celsius: float = OUTSIDE_CELSIUS
    charge_percent: float = 62.0
    charge_limit_percent: int = 80
    plugged: bool = True
    odometer_m: float = 0.0
    place_measured_us: int = 0
    place_accuracy_m: float = 5.0
    """How far from its true place it may believe to be."""
    touched_us: int = 0
    """When somebody set something in motion, drove off or plugged in, last."""
    drive: Drive | None = None
    motions: tuple[Motion, ...] = ()
    jammed: frozenset[str] = field(default_factory=frozenset)
    updating: bool = False
    """Whether control units are being updated."""
    parts: Parts = AS_BUILT
    route: Route | None = None
    """The way of this drive; None on the loop."""
    base_degrees: Place = HOME
    """Where the loop begins, its southernmost point."""
    base_m: float = 0.0
    """The odometer there."""

    @property
    def gear(self) -> str:
        """``park`` or ``drive``."""
        return "park" if self.drive is None else "drive"

    @property
    def speed_m_per_s(self) -> float:
        """How fast it moves."""
        return 0.0 if self.drive is None else _speed(self.drive, self.at_us)

    @property
    def is_charging(self) -> bool:
        """Whether the battery is being filled."""
        return self.plugged and self.charge_percent < self.charge_limit_percent

    @property
    def range_km(self) -> float:
        """How far the charge reaches."""
        return self.charge_percent * RANGE_KM_PER_PERCENT

    @property
    def place_degrees(self) -> tuple[float, float]:
        """Latitude and longitude (WGS 84): a point of the route, or of the loop."""
        if self.route is not None and self.drive is not None:
            return self.route.place_at(self.odometer_m - self.drive.began_m)
        angle = (self.odometer_m - self.base_m) / LOOP_RADIUS_M
        latitude, longitude = self.base_degrees
        north_m = LOOP_RADIUS_M * (1.0 - math.cos(angle))
        east_m = LOOP_RADIUS_M * math.sin(angle)
        east_m_per_degree = METRES_PER_DEGREE * math.cos(math.radians(latitude))
        return (
            latitude + north_m / METRES_PER_DEGREE,
            longitude + east_m / east_m_per_degree,
        )

    def level(self, part: str) -> int:
        """Where a part is that moves by and by, or how a switch stands."""
        for motion in self.motions:
            if motion.actuator == part and part in MOVING and part not in self.jammed:
                target = int(motion.target[part])
                if where(self.parts, part, motion.start, target) == motion.start:
                    return motion.start
                return between(motion.start, target, motion.began_us, motion.ends_us, self.at_us)
        return int(getattr(self.parts, part))


def step(body: Body, now_us: int) -> Body:
    """The body at a later time; the same body when the time is not later."""
    while True:
        event_us = next_event_us(body)
        if event_us is None or event_us > now_us:
            return _flow(body, now_us)
        body = _settle(_flow(body, event_us))


def next_event_us(body: Body) -> int | None:
    """When something ends that is under way, or None."""
    ends = [motion.ends_us for motion in body.motions]
    if body.drive is not None:
        ends.append(_ends_us(body.drive))
    return min(ends, default=None)


def begin_motion(body: Body, motion: Motion) -> Body:
    """The body with this on its way; what the actuator was on its way to before is forgotten.

    A part that moves by and by goes on from where it is now.
    """
    others = tuple(other for other in body.motions if other.actuator != motion.actuator)
    if motion.actuator in MOVING:
        body = _halted(body, motion.actuator)
        motion = replace(motion, began_us=body.at_us, start=body.level(motion.actuator))
    return replace(body, motions=(*others, motion), touched_us=body.at_us)


def travel_s(body: Body, part: str, target: int, percent_per_s: float, mm_per_s: float) -> float:
    """How long a part takes from where it is to its target."""
    return abs(target - body.level(part)) / speed_of(part, percent_per_s, mm_per_s)


def is_at(body: Body, target: Mapping[str, int | bool]) -> bool:
    """Whether the body is as this target says."""
    return all(
        getattr(body.parts if name in NAMES else body, name) == value
        for name, value in target.items()
    )


def begin_drive(
    body: Body,
    holds_us: int,
    speed_m_per_s_max: float = SPEED_M_PER_S_MAX,
    route: Route | None = None,
) -> Body:
    """The body on a drive that brakes after so long; doors shut, plug out.

    A car that drives already goes on with its drive.
    """
    if body.drive is not None:
        return body
    drive = Drive(body.at_us, body.at_us + holds_us, body.odometer_m, speed_m_per_s_max)
    return replace(
        body, drive=drive, plugged=False, doors_open=(), touched_us=body.at_us, route=route
    )


def begin_route(body: Body, route: Route, speed_m_per_s_max: float) -> Body:
    """The body on its way along a route, so fast at most, to stand at its end.

    A car that drives already goes on with its drive. A route begins where its first point is: the
    car was brought there.
    """
    top = min(speed_m_per_s_max, math.sqrt(route.length_m * ACCELERATION_M_PER_S2))
    holds_s = route.length_m / top
    return begin_drive(body, round(holds_s * SECOND_US), top, route)


def open_door(body: Body, door: str) -> Body:
    """The body with this door open, unlocked by the handle or the blade of a key if need be.

    What the locks were on their way to is forgotten. A car that drives keeps its doors shut.
    """
    if body.drive is not None:
        return body
    motions = tuple(motion for motion in body.motions if motion.actuator != "locks")
    doors = tuple(sorted({*body.doors_open, door}))
    return replace(body, doors_open=doors, locked=False, motions=motions, touched_us=body.at_us)


def shut_doors(body: Body) -> Body:
    """The body with every door shut."""
    return replace(body, doors_open=(), touched_us=body.at_us)


def begin_park(body: Body) -> Body:
    """The body with its brakes on, or plugged in when it stands already."""
    if body.drive is None:
        return replace(body, plugged=True, touched_us=body.at_us)
    brakes_us = min(body.drive.brakes_us, body.at_us)
    return replace(body, drive=replace(body.drive, brakes_us=brakes_us))


def with_jam(body: Body, actuators: frozenset[str]) -> Body:
    """The body with these actuators stuck, and no others; a part on its way stays where it is."""
    for part in actuators & set(MOVING):
        body = _halted(body, part)
    return replace(body, jammed=actuators)


def with_obstacles(body: Body, parts: tuple[str, ...]) -> Body:
    """The body with something in the way of these windows or the trunk, and of no others."""
    return replace(body, parts=obstruct(body.parts, parts))


def _halted(body: Body, part: str) -> Body:
    """The body with this part where it is now, whatever it was on its way to."""
    return replace(body, parts=set_parts(body.parts, {part: body.level(part)}))


def to_text(body: Body) -> str:
    """The body as JSON, for its record."""
    members = {name: getattr(body, name) for name in Body.__slots__}
    members["doors_open"] = list(body.doors_open)
    members["jammed"] = sorted(body.jammed)
    members["motions"] = [
        {"actuator": m.actuator, "target": dict(m.target), "ends_us": m.ends_us}
        | ({"began_us": m.began_us, "start": m.start} if m.actuator in MOVING else {})
        for m in body.motions
    ]
    # What most cars never have is left out of their records.
    members["parts"] = to_members(body.parts)
    members["route"] = None if body.route is None else list(body.route.places)
    for name in ("parts", "route"):
        if not members[name]:
            del members[name]
    if body.base_degrees == HOME:
        del members["base_degrees"], members["base_m"]
    if body.drive is not None:
        members["drive"] = {name: getattr(body.drive, name) for name in Drive.__slots__}
    return json.dumps(members, separators=(",", ":"), sort_keys=True)


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
    "jammed": frozenset,
    "motions": lambda motions: tuple(Motion(**motion) for motion in motions),
    "drive": lambda drive: None if drive is None else Drive(**drive),
    "parts": of_members,
    "route": lambda places: make_route([(a, b) for a, b in places]),
    "base_degrees": tuple,
}
"""How those members are read that JSON does not hold as they are."""


def _flow(body: Body, now_us: int) -> Body:
    """What changes by time alone, up to a moment before which no event lies."""
    if now_us <= body.at_us:
        return body
    elapsed_s = (now_us - body.at_us) / SECOND_US
    heading = body.climate_target_decicelsius / 10 if body.climate_on else OUTSIDE_CELSIUS
    left = math.exp(-elapsed_s / CABIN_REACTION_S)
    charge = body.charge_percent
    if body.is_charging:
        full = float(body.charge_limit_percent)
        charge = min(full, charge + elapsed_s * CHARGE_PERCENT_PER_S)
    odometer_m, place_us = body.odometer_m, body.place_measured_us
    if body.drive is not None:
        odometer_m = body.drive.began_m + _distance_m(body.drive, now_us)
        place_us = now_us
        driven_km = (odometer_m - body.odometer_m) / 1_000
        charge = max(0.0, charge - driven_km / RANGE_KM_PER_PERCENT)
    return replace(
        body,
        at_us=now_us,
        cabin_celsius=heading + (body.cabin_celsius - heading) * left,
        charge_percent=charge,
        odometer_m=odometer_m,
        place_measured_us=place_us,
    )


def _settle(body: Body) -> Body:
    """What ends at this very moment has ended."""
    changes: dict[str, Any] = {}
    parts: dict[str, int | bool] = {}
    for motion in body.motions:
        if motion.ends_us > body.at_us or motion.actuator in body.jammed:
            continue
        if motion.actuator in MOVING:
            part, target = motion.actuator, int(motion.target[motion.actuator])
            parts[part] = where(body.parts, part, motion.start, target)
        elif motion.actuator in NAMES:
            parts |= motion.target
        else:
            changes |= motion.target
    if parts:
        changes["parts"] = set_parts(body.parts, parts)
    drive = body.drive
    if drive is not None and _ends_us(drive) <= body.at_us:
        drive = None
        if body.route is not None:  # the loop goes on from where the route led
            end = body.route.places[-1]
            changes |= {"base_degrees": end, "base_m": body.odometer_m, "route": None}
    under_way = tuple(motion for motion in body.motions if motion.ends_us > body.at_us)
    return replace(body, **changes, motions=under_way, drive=drive)


def _speed(drive: Drive, at_us: int) -> float:
    gathered = _gathered(drive, min(at_us, drive.brakes_us))
    braked_s = max(0, at_us - drive.brakes_us) / SECOND_US
    return max(0.0, gathered - ACCELERATION_M_PER_S2 * braked_s)


def _gathered(drive: Drive, at_us: int) -> float:
    """The speed, while the brakes are off."""
    elapsed_s = (at_us - drive.began_us) / SECOND_US
    return min(drive.speed_m_per_s_max, ACCELERATION_M_PER_S2 * elapsed_s)


def _distance_m(drive: Drive, at_us: int) -> float:
    until_us = min(at_us, drive.brakes_us)
    elapsed_s = (until_us - drive.began_us) / SECOND_US
    gathered = _gathered(drive, until_us)
    gathering_s = gathered / ACCELERATION_M_PER_S2
    before_m = gathered * (elapsed_s - gathering_s / 2)
    left = _speed(drive, at_us) if at_us > drive.brakes_us else gathered
    return before_m + (gathered**2 - left**2) / (2 * ACCELERATION_M_PER_S2)


def _ends_us(drive: Drive) -> int:
    """When it stands again."""
    braking_s = _gathered(drive, drive.brakes_us) / ACCELERATION_M_PER_S2
    return drive.brakes_us + math.ceil(braking_s * SECOND_US)

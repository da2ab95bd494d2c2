"""The body as physics: how a car is at one moment, and how it becomes that of a later one.

Rules:

* a body is a value at a time; ``step`` carries it to a later time and never back. A body that
  nobody touches jumps from event to event, so that a parked week costs nothing;
* an actuator that was set moves for a while; when it is jammed then, it is found where it was;
* a drive is a loop of a known shape: the car gathers speed, holds it, brakes and parks, so that
  speed, place, distance and energy follow from the time alone;
* what heats, charges, drains and ages follows closed forms (flow.py) of ``physics``;
* it does what it is told. Whether it may, the guard says.

Units stand in the names. Left out on purpose: steering, traffic and a changing weather.
"""

import functools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from monocoque.car.body.logic import flow
from monocoque.car.body.logic.drives import ACCELERATION_M_PER_S2 as ACCELERATION_M_PER_S2
from monocoque.car.body.logic.drives import SECOND_US as SECOND_US
from monocoque.car.body.logic.drives import SPEED_M_PER_S_MAX as SPEED_M_PER_S_MAX
from monocoque.car.body.logic.drives import Drive as Drive
from monocoque.car.body.logic.drives import distance_m, drive_ends_us, speed_in, spent_in
from monocoque.car.body.logic.loops import LOOP_M as LOOP_M
from monocoque.car.body.logic.loops import heading_on_loop, place_on_loop
from monocoque.car.body.logic.motions import Motion as Motion
from monocoque.car.body.logic.motions import ended, motion_members
from monocoque.car.body.logic.parts import (
    AS_BUILT,
    NAMES,
    OF_PARTS,
    between,
    doors_after,
    obstruct,
    of_members,
    pinches,
    set_parts,
    speed_of,
    to_members,
    turned,
)  # fmt: skip
from monocoque.car.body.logic.parts import DOOR_PARTS as DOOR_PARTS
from monocoque.car.body.logic.parts import MOVING as MOVING
from monocoque.car.body.logic.parts import Parts as Parts
from monocoque.car.body.logic.physics import battery, cabin, low_voltage, tyres
from monocoque.car.body.logic.physics.vehicle import ARDEN_7
from monocoque.car.body.logic.routes import Place as Place
from monocoque.car.body.logic.routes import Route as Route
from monocoque.car.body.logic.routes import points_of, route_of

ACTUATORS: Final = ("locks", "climate", "charge_limit")
"""What can be set, takes time, and can jam."""

OUTSIDE_CELSIUS: Final = 9.0
RANGE_KM_PER_PERCENT: Final = 4.3
"""Of a new battery, without climate: as far as it reaches on a motorway, and further elsewhere."""
RANGE_SPEED_KMH: Final = 80.0
"""The mean speed with which the range is told; the slower, the more the climate costs."""
RECIRCULATED: Final = 0.7
"""The share of the air that is not fresh, unless all of it shall come from inside."""
DRIVER_DOOR: Final = "row1_left"
HOME_LATITUDE_DEGREES: Final = 47.3769
HOME_LONGITUDE_DEGREES: Final = 8.5417
HOME_HEIGHT_M: Final = 408.0
HOME: Final[Place] = (HOME_LATITUDE_DEGREES, HOME_LONGITUDE_DEGREES)
BODIES_REMEMBERED_MAX: Final = 256
"""A car has one body, and a world so many at once."""


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
    outside_celsius: float = OUTSIDE_CELSIUS
    battery_celsius: float = OUTSIDE_CELSIUS
    calendar_loss: float = 0.0
    """The share of the battery's capacity that time has taken."""
    cycle_loss: float = 0.0
    """And that use has taken."""
    low_voltage: float = 1.0
    """The charge of the 12 V battery, as a share."""
    tyres_kpa: tuple[float, ...] = (ARDEN_7.tyre_kpa,) * 4
    """At 20 °C: front left, front right, rear left, rear right."""
    trip_given_wh: float = 0.0
    """What the battery gave in the drive that goes on, or the last one."""
    trip_taken_wh: float = 0.0
    """What braking brought back in it."""
    parts: Parts = AS_BUILT
    route: Route | None = None
    """The way of this drive; None on the loop."""
    base_degrees: Place = HOME
    """Where the loop begins, its southernmost point."""
    base_m: float = 0.0
    """The odometer there."""
    base_height_m: float = HOME_HEIGHT_M  # the loop is flat

    @property
    def gear(self) -> str:
        """``park`` or ``drive``."""
        return "park" if self.drive is None else "drive"

    @property
    def speed_m_per_s(self) -> float:
        """How fast it moves."""
        return 0.0 if self.drive is None else speed_in(self.drive, self.at_us)

    @property
    def is_charging(self) -> bool:
        """Whether the battery is being filled."""
        return self.plugged and self.charge_percent < self.charge_limit_percent

    @property
    def range_km(self) -> float:
        """How far the charge reaches."""
        reaches_km = self.charge_percent * RANGE_KM_PER_PERCENT * self.health
        if not self.climate_on:
            return reaches_km
        new_wh_per_km = ARDEN_7.capacity_wh / 100 / RANGE_KM_PER_PERCENT
        climate_wh_per_km = cabin.electric_w(ARDEN_7, self.cabin_air) / RANGE_SPEED_KMH
        return float(reaches_km / (1.0 + climate_wh_per_km / new_wh_per_km))

    @property
    def health(self) -> float:
        """What is left of the battery's capacity, as a share."""
        return float(battery.health_of(self.calendar_loss, self.cycle_loss))

    @property
    def is_supplied(self) -> bool:
        """Whether the converter feeds the 12 V battery."""
        return self.drive is not None or self.climate_on or self.plugged

    @property
    def cabin_air(self) -> cabin.Air:
        """What the cabin meets, and what is wanted of it."""
        return cabin.Air(
            self.outside_celsius,
            self.climate_on,
            self.climate_target_decicelsius / 10,
            recirculated=1.0 if self.parts.recirculation else RECIRCULATED,
        )

    @property
    def place_degrees(self) -> tuple[float, float]:
        """Latitude and longitude (WGS 84): a point of the route, or of the loop."""
        if self.route is not None and self.drive is not None:
            return self.route.place_at(self.odometer_m - self.drive.began_m)
        return place_on_loop(self.base_degrees, self.odometer_m - self.base_m)

    @property
    def heading_degrees(self) -> float:
        """Where it looks, from north, clockwise; the loop is driven to the left."""
        if self.route is not None and self.drive is not None:
            return self.route.heading_at(self.odometer_m - self.drive.began_m)
        return heading_on_loop(self.odometer_m - self.base_m)

    @property
    def height_m(self) -> float:
        """How high above the sea; on a route without heights, as before it."""
        if self.route is None or self.drive is None:
            return self.base_height_m
        return self.route.height_at(self.odometer_m - self.drive.began_m, self.base_height_m)

    def level(self, part: str) -> int:
        """Where a part is that moves by and by, or how a switch stands."""
        for motion in self.motions:
            if motion.actuator == part and part in MOVING and part not in self.jammed:
                target = int(motion.target[part])
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
        ends.append(drive_ends_us(body.drive))
    return min(ends, default=None)


def begin_motion(body: Body, motion: Motion) -> Body:
    """The body with this on its way; what the actuator was on its way to before is forgotten.

    A part that moves by and by goes on from where it is now; one that is jammed, or would close on
    something, stays there.
    """
    part = motion.actuator
    if part not in MOVING:
        others = tuple(other for other in body.motions if other.actuator != part)
        return replace(body, motions=(*others, motion), touched_us=body.at_us)
    body, start = replace(_halted(body, part), touched_us=body.at_us), body.level(part)
    if part in body.jammed or pinches(body.parts, part, start, int(motion.target[part])):
        return body
    motion = replace(motion, began_us=body.at_us, start=start)
    return replace(body, motions=(*body.motions, motion))


def travel_s(body: Body, part: str, target: int, percent_per_s: float, mm_per_s: float) -> float:
    """How long a part takes from where it is to its target."""
    return abs(target - body.level(part)) / speed_of(part, percent_per_s, mm_per_s)


def is_at(body: Body, target: Mapping[str, int | bool]) -> bool:
    """Whether the body is as this target says."""
    if not DOOR_PARTS.keys().isdisjoint(target):
        return doors_after(body.doors_open, target) == body.doors_open
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
        body, drive=drive, plugged=False, doors_open=(), touched_us=body.at_us, route=route,
        motions=tuple(motion for motion in body.motions if motion.actuator not in DOOR_PARTS),
        trip_given_wh=0.0, trip_taken_wh=0.0,
    )  # fmt: skip


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


def turn_child_lock(body: Body, door: str) -> Body:
    """The body with the child lock of this door in its other position."""
    return replace(body, parts=turned(body.parts, door))


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
    """The body with something in the way of these windows or the trunk, and of no others.

    What was closing on it goes back, as fast as it came.
    """
    body = replace(body, parts=obstruct(body.parts, parts))
    motions = tuple(_turned_back(body, motion) for motion in body.motions)
    return replace(body, motions=motions)


def _turned_back(body: Body, motion: Motion) -> Motion:
    part = motion.actuator
    if part not in MOVING:
        return motion
    if not pinches(body.parts, part, motion.start, int(motion.target[part])):
        return motion
    took_us = body.at_us - motion.began_us
    return Motion(
        part, {part: motion.start}, body.at_us + took_us, body.at_us, start=body.level(part)
    )


def _halted(body: Body, part: str) -> Body:
    """The body with this part where it is now; what it was on its way to is forgotten."""
    motions = tuple(motion for motion in body.motions if motion.actuator != part)
    parts = set_parts(body.parts, {part: body.level(part)})
    return replace(body, motions=motions, parts=parts)


def to_text(body: Body) -> str:
    """The body as JSON, for its record."""
    members = {name: getattr(body, name) for name in Body.__slots__}
    members["doors_open"] = list(body.doors_open)
    members["jammed"] = sorted(body.jammed)
    members["motions"] = [motion_members(motion) for motion in body.motions]
    # What most cars never have is left out of their records.
    members["parts"] = to_members(body.parts)
    members["route"] = None if body.route is None else points_of(body.route)
    for name, usual in _USUAL.items():
        if members[name] == usual:
            del members[name]
    if body.drive is not None:
        members["drive"] = {name: getattr(body.drive, name) for name in Drive.__slots__}
    return json.dumps(members, separators=(",", ":"), sort_keys=True)


_USUAL: Final[Mapping[str, Any]] = {
    "parts": {}, "route": None, "base_degrees": HOME, "base_m": 0.0, "base_height_m": HOME_HEIGHT_M,
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
}
"""How those members are read that JSON does not hold as they are; an older record lacks some."""


def _flow(body: Body, now_us: int) -> Body:
    """What changes by time alone, up to a moment before which no event lies."""
    if now_us <= body.at_us:
        return body
    if body.drive is not None:
        return _drive_on(body, body.drive, now_us)
    if body.is_charging:
        return _charge_on(body, now_us)
    return _rest(body, now_us)


def _drive_on(body: Body, drive: Drive, now_us: int) -> Body:
    elapsed_s = (now_us - body.at_us) / SECOND_US
    odometer_m = drive.began_m + distance_m(drive, now_us)
    spent = spent_in(drive, now_us).since(spent_in(drive, body.at_us))
    warmed = _warm(body, elapsed_s)
    beside_wh = (ARDEN_7.auxiliary_w * elapsed_s + warmed.electric_j) / 3_600.0
    driven = _pass(body, now_us, warmed, -spent.inside_wh - beside_wh, spent.heat_wh)
    return replace(
        driven,
        odometer_m=odometer_m,
        place_measured_us=now_us,
        trip_given_wh=body.trip_given_wh + spent.given_wh + beside_wh,
        trip_taken_wh=body.trip_taken_wh + spent.taken_wh,
    )


def _charge_on(body: Body, now_us: int) -> Body:
    """Up to the limit of the charge, and then at rest."""
    comes_w = flow.outlet_w(body.battery_celsius)
    stored_w = flow.stored_w(comes_w, body.battery_celsius)
    missing = (body.charge_limit_percent - body.charge_percent) / 100
    elapsed_s = (now_us - body.at_us) / SECOND_US
    warmed = _warm(body, elapsed_s)
    stored_wh = (stored_w * elapsed_s - warmed.electric_j) / 3_600.0
    if stored_wh <= missing * _capacity_wh(body):
        heat_wh = (comes_w - stored_w) * elapsed_s / 3_600.0
        return _pass(body, now_us, warmed, stored_wh, heat_wh)
    # The climate's share varies; over the whole of it, the mean is near enough.
    mean_w = stored_wh / elapsed_s * 3_600.0
    full_s = missing * _capacity_wh(body) / mean_w * 3_600.0
    full_us = min(now_us, body.at_us + max(1, math.ceil(full_s * SECOND_US)))
    warmed = _warm(body, (full_us - body.at_us) / SECOND_US)
    heat_wh = (comes_w - stored_w) * full_s / 3_600.0
    full = _pass(body, full_us, warmed, missing * _capacity_wh(body), heat_wh)
    return _flow(replace(full, charge_percent=float(body.charge_limit_percent)), now_us)


def _rest(body: Body, now_us: int) -> Body:
    """At rest, the outlet feeds the climate when there is one, and else the battery does."""
    warmed = _warm(body, (now_us - body.at_us) / SECOND_US)
    return _pass(body, now_us, warmed, 0.0 if body.plugged else -warmed.electric_j / 3_600.0, 0.0)


def _pass(body: Body, now_us: int, warmed: cabin.Warmed, stored_wh: float, heat_wh: float) -> Body:
    """The body at that moment, when its battery holds so much more and was heated by so much."""
    elapsed_s = (now_us - body.at_us) / SECOND_US
    charge_percent = max(0.0, body.charge_percent + stored_wh / _capacity_wh(body) * 100)
    heat_w = heat_wh * 3_600.0 / elapsed_s

    def battery_celsius(share: float) -> float:
        begins, outside = body.battery_celsius, body.outside_celsius
        after_s = elapsed_s * share
        return float(battery.temperature_after(ARDEN_7, begins, outside, heat_w, after_s))

    return replace(
        body,
        at_us=now_us,
        cabin_celsius=warmed.celsius,
        charge_percent=charge_percent,
        battery_celsius=battery_celsius(1.0),
        calendar_loss=battery.calendar_loss_over(
            body.calendar_loss,
            (body.charge_percent / 100, charge_percent / 100),
            battery_celsius,
            elapsed_s,
        ),
        cycle_loss=battery.cycle_loss_after(ARDEN_7, body.cycle_loss, abs(stored_wh)),
        low_voltage=low_voltage.charge_after(
            ARDEN_7, body.low_voltage, body.is_supplied, elapsed_s
        ),
        tyres_kpa=tuple(
            tyres.air_after(kpa, tyres.LEAK_PER_MONTH, elapsed_s) for kpa in body.tyres_kpa
        ),
    )  # fmt: skip


def _capacity_wh(body: Body) -> float:
    return ARDEN_7.capacity_wh * body.health


def _warm(body: Body, elapsed_s: float) -> cabin.Warmed:
    return cabin.warm(ARDEN_7, body.cabin_celsius, body.cabin_air, elapsed_s)


def _settle(body: Body) -> Body:
    """What ends at this very moment has ended."""
    reached = ended(body.motions, body.at_us, body.jammed)
    changes: dict[str, Any] = {name: reached[name] for name in reached if name not in OF_PARTS}
    if not NAMES.isdisjoint(reached):
        changes["parts"] = set_parts(body.parts, reached)
    if not DOOR_PARTS.keys().isdisjoint(reached):
        changes["doors_open"] = doors_after(body.doors_open, reached)
    drive = body.drive
    if drive is not None and drive_ends_us(drive) <= body.at_us:
        drive = None
        if body.route is not None:  # the loop goes on from where the route led
            height_m = body.route.height_at(body.route.length_m, body.base_height_m)
            changes |= {"base_degrees": body.route.places[-1], "base_height_m": height_m}
            changes |= {"base_m": body.odometer_m, "route": None}
    under_way = tuple(motion for motion in body.motions if motion.ends_us > body.at_us)
    return replace(body, **changes, motions=under_way, drive=drive)

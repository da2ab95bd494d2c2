"""What people and actuators do to a body: set parts in motion, drive off, park, open, jam.

Rules:

* each gives the body as it is right after; what time makes of that is passing.py's;
* it does what it is told. Whether it may, the guard says.

Left out on purpose: steering and traffic.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monocoque.car.body.logic.drives import (
    ACCELERATION_M_PER_S2,
    SECOND_US,
    SPEED_M_PER_S_MAX,
    Drive,
)
from monocoque.car.body.logic.motions import Motion
from monocoque.car.body.logic.parts import (
    DOOR_PARTS,
    MOVING,
    NAMES,
    OF_PARTS,
    Speeds,
    doors_after,
    obstruct,
    pinches,
    set_parts,
    speed_of,
    turned,
)
from monocoque.car.body.logic.routes import Route
from monocoque.car.body.logic.state import Body
from monocoque.car.body.logic.stations import WALLBOX, Station


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


def travel_s(body: Body, part: str, target: int, speeds: Speeds) -> float:
    """How long a part takes from where it is to its target."""
    return abs(target - body.level(part)) / speed_of(part, speeds)


def is_at(body: Body, target: Mapping[str, int | bool]) -> bool:
    """Whether the body is as this target says."""
    if not DOOR_PARTS.keys().isdisjoint(target):
        return doors_after(body.doors_open, target) == body.doors_open
    return all(
        getattr(body.parts if name in NAMES else body, name) == value
        for name, value in target.items()
    )


def reach(body: Body, reached: Mapping[str, int | bool]) -> Body:
    """The body when all of this target is as it says, at once."""
    changes: dict[str, Any] = {name: reached[name] for name in reached if name not in OF_PARTS}
    if not NAMES.isdisjoint(reached):
        changes["parts"] = set_parts(body.parts, reached)
    if not DOOR_PARTS.keys().isdisjoint(reached):
        changes["doors_open"] = doors_after(body.doors_open, reached)
    return replace(body, **changes) if changes else body


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


def begin_park(body: Body, station: Station = WALLBOX) -> Body:
    """The body with its brakes on, or plugged in when it stands already."""
    if body.drive is None:
        return plug_in(body, station)
    brakes_us = min(body.drive.brakes_us, body.at_us)
    return replace(body, drive=replace(body.drive, brakes_us=brakes_us))


def plug_in(body: Body, station: Station) -> Body:
    """The body with its plug in this station and held there, where it begins to charge anew.

    What a person said about charging and the plug before was about another one. A car that drives
    has none.
    """
    if body.drive is not None:
        return body
    anew = {"charging": True, "plug_lock": True}
    parts = set_parts(body.parts, anew)
    motions = tuple(motion for motion in body.motions if motion.actuator not in anew)
    return replace(
        body, plugged=True, station=station, parts=parts, motions=motions, touched_us=body.at_us
    )


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

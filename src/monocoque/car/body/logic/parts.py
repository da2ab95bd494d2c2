"""Windows, seats, trunk and switches of the body: what takes time to move, and can jam or pinch.

Rules:

* a part is a number or a switch in ``Parts``; its name is its actuator's name;
* a part that moves is anywhere between where it began and its target, in proportion to the time;
  a new wish goes on from where it is then, and a jam leaves it there;
* something in the way of a window or the trunk that closes makes it go back to where it began, as
  fast as it came.

Left out on purpose: locks and climate, which the body has itself; and what may be done,
which the guard says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

DOORS: Final = ("row1_left", "row1_right", "row2_left", "row2_right")
"""The driver sits on the left."""
DOOR_PARTS: Final = {f"door_{door}": door for door in DOORS}
"""What opens and shuts each door, and which door that is."""
WINDOWS: Final = ("window_row1_left", "window_row1_right", "window_row2_left", "window_row2_right")
SEATS_ALONG: Final = ("seat_driver_mm", "seat_passenger_mm")
SEATS_UP: Final = ("seat_driver_height_mm", "seat_passenger_height_mm")
BACKRESTS: Final = ("seat_driver_recline_decidegrees", "seat_passenger_recline_decidegrees")
SEATS: Final = (*SEATS_ALONG, *SEATS_UP, *BACKRESTS)
DRIVERS_SEAT: Final = (SEATS_ALONG[0], SEATS_UP[0], BACKRESTS[0])
TRUNK: Final = "trunk"
MOVING: Final = (*WINDOWS, *SEATS, TRUNK)
"""What takes time in proportion to its way."""
CLOSING: Final = (*WINDOWS, TRUNK)
"""What can pinch: 0 is shut."""


@dataclass(frozen=True, slots=True)
class Parts:
    """How they are. Windows and trunk: how far open, in percent."""

    window_row1_left: int = 0
    window_row1_right: int = 0
    window_row2_left: int = 0
    window_row2_right: int = 0
    trunk: int = 0
    seat_driver_mm: int = 150
    """How far back."""
    seat_passenger_mm: int = 150
    seat_driver_height_mm: int = 30
    """Above its lowest."""
    seat_passenger_height_mm: int = 30
    seat_driver_recline_decidegrees: int = 200
    """How far its back leans back from upright, in tenths of a degree."""
    seat_passenger_recline_decidegrees: int = 200
    seat_heat_driver: int = 0
    """In percent; so is the next, and the fan."""
    seat_heat_passenger: int = 0
    fan: int = 40
    defroster: bool = False
    recirculation: bool = False
    hazard: bool = False
    plug_lock: bool = True
    """Whether the plug is held in its socket."""
    charging: bool = True
    """Whether the battery shall be filled while a plug is in; each plug begins anew."""
    window_child_lock: bool = False
    """Whether the rear windows shall not be opened."""
    obstructed: tuple[str, ...] = ()
    """In what of ``CLOSING`` something is in the way."""
    child_locks: tuple[str, ...] = ()
    """Doors that open from outside alone; a hand turns these."""


NAMES: Final = frozenset(Parts.__slots__) - {"obstructed", "child_locks"}
"""Every part, which is an actuator of this name too."""
OF_PARTS: Final = NAMES | DOOR_PARTS.keys()
"""What a motion reaches that the body does not keep under the same name."""
AS_BUILT: Final = Parts()


@dataclass(frozen=True, slots=True)
class Speeds:
    """How fast parts move."""

    percent_per_s: float
    """Windows and the trunk."""
    mm_per_s: float
    """Seats, back and forth."""
    height_mm_per_s: float
    """Seats, up and down."""
    degrees_per_s: float
    """Backrests."""


def speed_of(part: str, speeds: Speeds) -> float:
    """How fast a part moves, in its own unit a second."""
    if part in BACKRESTS:
        return speeds.degrees_per_s * 10
    if part in SEATS_UP:
        return speeds.height_mm_per_s
    return speeds.mm_per_s if part in SEATS_ALONG else speeds.percent_per_s


def between(start: int, target: int, began_us: int, ends_us: int, at_us: int) -> int:
    """Where a part is on its way from start to target."""
    if at_us >= ends_us or ends_us <= began_us:
        return target
    return start + round((target - start) * max(0, at_us - began_us) / (ends_us - began_us))


def pinches(parts: Parts, part: str, start: int, target: int) -> bool:
    """Whether a part that goes from start to target closes on something."""
    return part in parts.obstructed and target < start


def turned(parts: Parts, door: str) -> Parts:
    """The parts with this door's child lock in its other position."""
    locks = set(parts.child_locks) ^ {door}
    return replace(parts, child_locks=tuple(name for name in DOORS if name in locks))


def set_parts(parts: Parts, values: Mapping[str, int | bool]) -> Parts:
    """The parts with these values."""
    known: dict[str, Any] = {name: value for name, value in values.items() if name in NAMES}
    return replace(parts, **known)


def obstruct(parts: Parts, these: tuple[str, ...]) -> Parts:
    """The parts with something in the way of these, and of no others."""
    return replace(parts, obstructed=tuple(part for part in CLOSING if part in these))


def to_members(parts: Parts) -> dict[str, Any]:
    """What differs from a car as it was built, for its record."""
    return {
        name: getattr(parts, name)
        for name in Parts.__slots__
        if getattr(parts, name) != getattr(AS_BUILT, name)
    }


def of_members(members: Mapping[str, Any]) -> Parts:
    """The parts out of a record; one that a later version wrote and we do not know is left out."""
    known = {name: value for name, value in members.items() if name in Parts.__slots__}
    for name in {"obstructed", "child_locks"} & known.keys():
        known[name] = tuple(known[name])
    return Parts(**known)


def doors_after(doors_open: tuple[str, ...], reached: Mapping[str, int | bool]) -> tuple[str, ...]:
    """The doors that stand open, when these have come to where they were sent."""
    after = set(doors_open)
    for part, door in DOOR_PARTS.items():
        if part in reached:
            after = after | {door} if reached[part] else after - {door}
    return tuple(sorted(after))

"""A motion: an actuator on its way, from a moment to a moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from monocoque.car.body.logic.parts import MOVING


@dataclass(frozen=True, slots=True)
class Motion:
    """An actuator on its way."""

    actuator: str
    target: Mapping[str, int | bool]
    ends_us: int
    began_us: int = 0
    start: int = 0
    """Where a part that moves by and by began."""


def ended(motions: Iterable[Motion], at_us: int, jammed: frozenset[str]) -> dict[str, int | bool]:
    """What is reached by those whose time is over; what is jammed reaches nothing."""
    reached: dict[str, int | bool] = {}
    for motion in motions:
        if motion.ends_us <= at_us and motion.actuator not in jammed:
            reached |= motion.target
    return reached


def motion_members(motion: Motion) -> dict[str, Any]:
    """A motion for the body's record; where it began is of parts alone that move by and by."""
    members: dict[str, Any] = {
        "actuator": motion.actuator,
        "target": dict(motion.target),
        "ends_us": motion.ends_us,
    }
    if motion.actuator in MOVING:
        members |= {"began_us": motion.began_us, "start": motion.start}
    return members

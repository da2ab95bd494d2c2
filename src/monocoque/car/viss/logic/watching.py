"""When a subscription says a value: decided from its filter and what it said before.

Rules: a value that cannot be compared (a text, an array) changes, or does not; only ``eq`` and
``ne`` mean something for it. Curve logging keeps first and last and whatever is further from the
line between them than the error that is allowed.
"""

from collections.abc import Sequence
from typing import Final

from monocoque.car.viss.logic.requests import Boundary, Change, Range
from monocoque.contracts.signals import Value

Point = tuple[int, Value]
"""A time in microseconds, and the value then."""
_HOLDS: Final = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def is_told(when: Change | Range, value: Value, told: Value | None) -> bool:
    """Whether this value is said. told: what was said last of this signal, or None."""
    if isinstance(when, Range):
        return _is_within(when, value)
    if told is None:
        return True
    if isinstance(value, int | float) and isinstance(told, int | float):
        return bool(_HOLDS[when.operation](value - told, when.difference))
    changed = value != told
    return changed if when.operation != "eq" else not changed


def reduced(points: Sequence[Point], error_max: float) -> list[Point]:
    """So few of these points that the curve through them is within ``error_max`` of all."""
    if len(points) < 3 or not all(isinstance(value, int | float) for _, value in points):
        return list(points)
    keep = {0, len(points) - 1}
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        worst, place = 0.0, None
        for between in range(first + 1, last):
            error = _distance(points[first], points[last], points[between])
            if error > max(worst, error_max):
                worst, place = error, between
        if place is not None:
            keep.add(place)
            waiting += [(first, place), (place, last)]
    return [points[place] for place in sorted(keep)]


def _is_within(when: Range, value: Value) -> bool:
    if not isinstance(value, int | float):
        return False
    held = [_holds(each, value) for each in when.boundaries]
    return all(held) if when.combination == "AND" else any(held)


def _holds(boundary: Boundary, value: float) -> bool:
    return bool(_HOLDS[boundary.operation](value, boundary.boundary))


def _distance(first: Point, last: Point, between: Point) -> float:
    """How far a value is from the line, in its own unit."""
    (first_us, first_value), (last_us, last_value), (time_us, value) = first, last, between
    assert isinstance(first_value, int | float)
    assert isinstance(last_value, int | float)
    assert isinstance(value, int | float)
    share = (time_us - first_us) / max(1, last_us - first_us)
    return abs(first_value + (last_value - first_value) * share - value)

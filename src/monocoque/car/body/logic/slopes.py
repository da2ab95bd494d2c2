"""Slopes of a route, and what they cost: a way as pieces of one slope each.

Rules:

* heights out of files are noisy, so the height at a place is the mean over ``SMOOTHED_M`` of the
  way around it; towards its ends so much less that the way begins and ends as high as it says, and
  what it climbs in all is kept;
* a way has at most ``PIECES_MAX`` pieces, and none is steeper than ``SLOPE_MAX``;
* what a drive spent at a place of its way is a sum over pieces; what one speed costs on every piece
  is remembered.

Left out on purpose: a hill that slows a car down, since the motor climbs any road at the speeds
driven here; and bends.
"""

import functools
import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from monocoque.car.body.logic.flow import NOTHING, Spent, spent_between, spent_each_m

SMOOTHED_M: Final = 200.0
"""As far as a satellite receiver needs for its errors of height to even out."""
PIECE_M: Final = 50.0
PIECES_MAX: Final = 1_000
SLOPE_MAX: Final = 0.25
"""Hardly any road is steeper; what a file says beyond it is an error of its heights."""
WAYS_REMEMBERED_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Slopes:
    """Pieces of a way, each as long as the others."""

    piece_m: float
    slopes: tuple[float, ...]
    """Height over way, of each piece."""

    def at(self, metres: float) -> float:
        """The slope there; that of its ends beyond its ends."""
        return self.slopes[self.piece(metres)]

    def piece(self, metres: float) -> int:
        """The number of the piece around this place."""
        return max(0, min(len(self.slopes) - 1, math.floor(metres / self.piece_m)))


@functools.lru_cache(maxsize=WAYS_REMEMBERED_MAX)
def slopes_of(along_m: tuple[float, ...], heights_m: tuple[float, ...]) -> Slopes:
    """The slopes of a way, out of how far along it each point is and how high."""
    length_m = along_m[-1]
    pieces = max(1, min(PIECES_MAX, round(length_m / PIECE_M)))
    piece_m = length_m / pieces
    way = _Way(along_m, heights_m)
    smooth_m = [way.mean_height_m(number * piece_m) for number in range(pieces + 1)]
    return Slopes(
        piece_m,
        tuple(
            max(-SLOPE_MAX, min(SLOPE_MAX, (later - before) / piece_m))
            for before, later in pairwise(smooth_m)
        ),
    )


class _Way:
    """Heights along a way, straight between its points."""

    def __init__(self, along_m: tuple[float, ...], heights_m: tuple[float, ...]) -> None:
        self._along_m = along_m
        self._heights_m = heights_m
        points = zip(pairwise(along_m), pairwise(heights_m), strict=True)
        areas = ((b - a) * (low + high) / 2 for (a, b), (low, high) in points)
        self._areas = (0.0, *accumulate(areas))
        """The integral of the height from the beginning to each point."""

    def mean_height_m(self, metres: float) -> float:
        """Of so much way to both sides as there is."""
        half_m = min(SMOOTHED_M / 2, metres, self._along_m[-1] - metres)
        if half_m <= 0.0:
            return self._heights_m[0] if metres <= 0.0 else self._heights_m[-1]
        return (self._area(metres + half_m) - self._area(metres - half_m)) / (2 * half_m)

    def _area(self, metres: float) -> float:
        """The integral of the height from the beginning to this place."""
        along_m, heights_m = self._along_m, self._heights_m
        first = max(0, min(len(along_m) - 2, bisect_right(along_m, metres) - 1))
        way_m = metres - along_m[first]
        rise = (heights_m[first + 1] - heights_m[first]) / (along_m[first + 1] - along_m[first])
        return self._areas[first] + way_m * (heights_m[first] + rise * way_m / 2)


def spent_changing(
    slopes: Slopes, from_m: float, until_m: float, begins_m_per_s: float, gain_m_per_s2: float
) -> Spent:
    """What a part of the way costs on which the speed grows or falls evenly."""
    total, here_m, speed = NOTHING, from_m, begins_m_per_s
    last = slopes.piece(until_m)
    for number in range(slopes.piece(from_m), last + 1):
        ends_m = until_m if number == last else (number + 1) * slopes.piece_m
        squared = speed**2 + 2 * gain_m_per_s2 * max(0.0, ends_m - here_m)
        later = math.sqrt(max(0.0, squared))
        slope = slopes.slopes[number]
        total = total.plus(spent_between(speed, later, gain_m_per_s2, slope))
        here_m, speed = max(here_m, ends_m), later
    return total


def spent_holding(slopes: Slopes, from_m: float, until_m: float, speed_m_per_s: float) -> Spent:
    """What a part of the way costs that is driven at one speed."""
    table = _held(slopes, speed_m_per_s)
    return _until(table, slopes, until_m).since(_until(table, slopes, from_m))


_Held = tuple[tuple[Spent, ...], tuple[Spent, ...]]
"""What each piece costs for each metre, and what all before it cost."""


@functools.lru_cache(maxsize=WAYS_REMEMBERED_MAX)
def _held(slopes: Slopes, speed_m_per_s: float) -> _Held:
    each_m = tuple(spent_each_m(speed_m_per_s, slope) for slope in slopes.slopes)
    before = accumulate((one.times(slopes.piece_m) for one in each_m), Spent.plus, initial=NOTHING)
    return each_m, tuple(before)


def _until(table: _Held, slopes: Slopes, metres: float) -> Spent:
    """From the beginning of the way to this place."""
    each_m, before = table
    piece = slopes.piece(metres)
    return before[piece].plus(each_m[piece].times(metres - piece * slopes.piece_m))

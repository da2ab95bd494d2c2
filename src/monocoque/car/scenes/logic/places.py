"""Whether the car is at a place or gone from it, out of places that are measured with errors.

Rules:

* the car is *there* within the smaller radius and *gone* beyond the larger; between the two it
  stays what it was. So a car that moves along one radius is there, or gone, for good;
* it takes several measured places in a row to change sides, so that one wrong place changes none;
* a place that was measured long ago, or with an error of more than half the smaller radius, is not
  looked at;
* a car that was out of sight and was moved meanwhile is on neither side until it is seen again;
  then it has not been seen to come or to go.

Left out on purpose: speed and heading. A car that passes through a place is there.
"""

import enum
import math
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.scenes import Place

SECOND_US: Final = 1_000_000
EARTH_RADIUS_M: Final = 6_371_000.0
ACCURACY_PER_RADIUS_MAX: Final = 0.5
E7: Final = 10_000_000


class Side(enum.StrEnum):
    """Where the car is with respect to a place."""

    UNKNOWN = "unknown"
    THERE = "there"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Fix:
    """A place of the car as it was measured: one value, never half of one."""

    latitude_degrees: float
    longitude_degrees: float
    accuracy_m: float
    measured_us: int
    odometer_m: int = 0
    """How far the car had driven until then; 0 when that is not known."""


@dataclass(frozen=True, slots=True)
class Standing:
    """On which side of a place the car is, and since when it is known to be."""

    side: Side = Side.UNKNOWN
    since_us: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of one place, with the measured places that speak against it.

    A new one is also what is left after the car was out of sight.
    """

    standing: Standing = Standing()
    seen: Side = Side.UNKNOWN
    """The other side, on which the car was seen last."""
    seen_count: int = 0
    seen_since_us: int = 0


@dataclass(frozen=True, slots=True)
class Crossing:
    """The car has changed sides."""

    before: Standing
    after: Standing
    began_us: int
    """When it was first seen on the other side."""
    distance_m: float
    accuracy_m: float

    @property
    def stayed_s(self) -> float:
        """How long it had been on the side that it was on before."""
        return (self.began_us - self.before.since_us) / SECOND_US


def look(watch: Watch, place: Place, fix: Fix, fixes_needed: int) -> tuple[Watch, Crossing | None]:
    """What is known after this measured place, and whether the car has changed sides by it."""
    if not 0 < fix.accuracy_m <= place.enter_radius_m * ACCURACY_PER_RADIUS_MAX:
        return watch, None
    away_m = distance_m(fix, place.latitude_e7 / E7, place.longitude_e7 / E7)
    side = _side_of(away_m, place)
    if side in (Side.UNKNOWN, watch.standing.side):
        return Watch(watch.standing), None
    is_first = side is not watch.seen
    since_us = fix.measured_us if is_first else watch.seen_since_us
    count = 1 if is_first else watch.seen_count + 1
    if count < fixes_needed:
        return Watch(watch.standing, side, count, since_us), None
    after = Standing(side, fix.measured_us)
    crossing = Crossing(watch.standing, after, since_us, away_m, fix.accuracy_m)
    return Watch(after), crossing


def is_usable(fix: Fix, now_us: int, age_s_max: float) -> bool:
    """Whether it is a place on earth, and says where the car is now."""
    is_place = abs(fix.latitude_degrees) <= 90 and abs(fix.longitude_degrees) <= 180
    return is_place and abs(now_us - fix.measured_us) <= age_s_max * SECOND_US


def is_out_of_sight(last: Fix | None, fix: Fix, gap_s_max: float, jump_m_max: float) -> bool:
    """Whether the car was moved without being seen between these two.

    It may have come back to where it was seen last; then its odometer tells.
    """
    if last is None or fix.measured_us - last.measured_us <= gap_s_max * SECOND_US:
        return False
    driven_m = fix.odometer_m - last.odometer_m if last.odometer_m and fix.odometer_m else 0
    away_m = distance_m(fix, last.latitude_degrees, last.longitude_degrees)
    return max(driven_m, away_m) > jump_m_max


def distance_m(fix: Fix, latitude_degrees: float, longitude_degrees: float) -> float:
    """How far a measured place is from a point, along the ground (the haversine formula)."""
    here, there = math.radians(fix.latitude_degrees), math.radians(latitude_degrees)
    half_north = (there - here) / 2
    half_east = math.radians(longitude_degrees - fix.longitude_degrees) / 2
    part = math.sin(half_north) ** 2
    part += math.cos(here) * math.cos(there) * math.sin(half_east) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(part)))


def _side_of(away_m: float, place: Place) -> Side:
    """UNKNOWN between the two radii."""
    if away_m <= place.enter_radius_m:
        return Side.THERE
    return Side.GONE if away_m > place.exit_radius_m else Side.UNKNOWN

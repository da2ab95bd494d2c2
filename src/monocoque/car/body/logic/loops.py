"""The loop: a circle to the left that a car without a route drives, from its southernmost point."""

import math
from typing import Final

from monocoque.car.body.logic.routes import METRES_PER_DEGREE, Place

LOOP_M: Final = 2_500.0
"""One lap: as long as a drive of 180 s at 50 km/h, so that such a drive ends where it began."""
LOOP_RADIUS_M: Final = LOOP_M / (2 * math.pi)


def place_on_loop(base: Place, driven_m: float) -> Place:
    """Where a car is that drove so far from the loop's southernmost point."""
    angle = driven_m / LOOP_RADIUS_M
    latitude, longitude = base
    north_m = LOOP_RADIUS_M * (1.0 - math.cos(angle))
    east_m = LOOP_RADIUS_M * math.sin(angle)
    east_m_per_degree = METRES_PER_DEGREE * math.cos(math.radians(latitude))
    east = longitude + east_m / east_m_per_degree
    if abs(east) > 180.0:
        east -= math.copysign(360.0, east)
    return latitude + north_m / METRES_PER_DEGREE, east


def heading_on_loop(driven_m: float) -> float:
    """Where it looks then, in degrees from north, clockwise."""
    return (90.0 - math.degrees(driven_m / LOOP_RADIUS_M)) % 360.0

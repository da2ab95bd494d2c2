"""A drive: a course of a known shape, from which speed, way and energy follow by the time alone.

Rules:

* the car gathers speed evenly, holds it, and brakes evenly until it stands;
* a drive has pieces, counted from its beginning: each slope that is driven at one speed, and each
  second in which the speed changes. In a piece energy flows one way, so that a battery that becomes
  full or empty in it does so whoever looks, and how often.

Left out on purpose: where it is, which the body says. The way's slopes change what a drive costs
(slopes.py), and never its course.
"""

import math
from dataclasses import dataclass
from typing import Final

from monocoque.car.body.logic.flow import Spent, spent_in_drive
from monocoque.car.body.logic.slopes import Slopes, spent_changing, spent_holding

SECOND_US: Final = 1_000_000
SPEED_M_PER_S_MAX: Final = 50.0 / 3.6
ACCELERATION_M_PER_S2: Final = 2.5


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive: when it began, and when the brakes are put on."""

    began_us: int
    brakes_us: int
    began_m: float
    """The odometer at its beginning."""
    speed_m_per_s_max: float = SPEED_M_PER_S_MAX
    """How fast the car is once it has gathered speed."""


def speed_in(drive: Drive, at_us: int) -> float:
    """How fast it is at that moment."""
    gathered = _gathered(drive, min(at_us, drive.brakes_us))
    braked_s = max(0, at_us - drive.brakes_us) / SECOND_US
    return max(0.0, gathered - ACCELERATION_M_PER_S2 * braked_s)


def _gathered(drive: Drive, at_us: int) -> float:
    """The speed, while the brakes are off."""
    elapsed_s = (at_us - drive.began_us) / SECOND_US
    return min(drive.speed_m_per_s_max, ACCELERATION_M_PER_S2 * elapsed_s)


def distance_m(drive: Drive, at_us: int) -> float:
    """How far it led until then."""
    until_us = min(at_us, drive.brakes_us)
    elapsed_s = (until_us - drive.began_us) / SECOND_US
    gathered = _gathered(drive, until_us)
    gathering_s = gathered / ACCELERATION_M_PER_S2
    before_m = gathered * (elapsed_s - gathering_s / 2)
    left = speed_in(drive, at_us) if at_us > drive.brakes_us else gathered
    return before_m + (gathered**2 - left**2) / (2 * ACCELERATION_M_PER_S2)


def drive_ends_us(drive: Drive) -> int:
    """When it stands again."""
    braking_s = _gathered(drive, drive.brakes_us) / ACCELERATION_M_PER_S2
    return drive.brakes_us + math.ceil(braking_s * SECOND_US)


def piece_ends_us(drive: Drive, at_us: int, slopes: Slopes | None = None) -> int:
    """When the piece of the drive ends in which this moment is; later than the moment."""
    top = _gathered(drive, drive.brakes_us)
    held_from_us = drive.began_us + round(top / ACCELERATION_M_PER_S2 * SECOND_US)
    if at_us >= drive.brakes_us:
        return _next_second_us(drive.brakes_us, at_us)
    if at_us < held_from_us:
        return min(held_from_us, _next_second_us(drive.began_us, at_us), drive.brakes_us)
    if slopes is None:
        return drive.brakes_us
    gathers_m = top**2 / (2 * ACCELERATION_M_PER_S2)
    border_m = (slopes.piece(distance_m(drive, at_us)) + 1) * slopes.piece_m
    border_us = held_from_us + math.ceil((border_m - gathers_m) / top * SECOND_US)
    return min(max(border_us, at_us + 1), drive.brakes_us)


def _next_second_us(from_us: int, at_us: int) -> int:
    """The next moment that is whole seconds after the first one."""
    return from_us + ((at_us - from_us) // SECOND_US + 1) * SECOND_US


def spent_in(drive: Drive, at_us: int, slopes: Slopes | None = None) -> Spent:
    """The energy of a drive up to a moment of it; None for a flat way."""
    if slopes is not None:
        return _spent_on(drive, at_us, slopes)
    until_us = min(at_us, drive.brakes_us)
    gathered = _gathered(drive, until_us)
    held_s = (until_us - drive.began_us) / SECOND_US - gathered / ACCELERATION_M_PER_S2
    left = speed_in(drive, at_us) if at_us > drive.brakes_us else gathered
    return spent_in_drive(gathered, held_s, left, ACCELERATION_M_PER_S2)


def _spent_on(drive: Drive, at_us: int, slopes: Slopes) -> Spent:
    """The same on a way with slopes, phase by phase."""
    gathered = _gathered(drive, min(at_us, drive.brakes_us))
    gathers_m = gathered**2 / (2 * ACCELERATION_M_PER_S2)
    holds_until_m = distance_m(drive, min(at_us, drive.brakes_us))
    spent = spent_changing(slopes, 0.0, gathers_m, 0.0, ACCELERATION_M_PER_S2)
    if gathered >= drive.speed_m_per_s_max and holds_until_m > gathers_m:
        spent = spent.plus(spent_holding(slopes, gathers_m, holds_until_m, gathered))
    if at_us > drive.brakes_us:
        until_m, gain = distance_m(drive, at_us), -ACCELERATION_M_PER_S2
        spent = spent.plus(spent_changing(slopes, holds_until_m, until_m, gathered, gain))
    return spent


def gain_m_per_s2(drive: Drive, at_us: int) -> float:
    """How fast the speed grows at that moment; negative while it brakes."""
    if at_us >= drive.brakes_us:
        return -ACCELERATION_M_PER_S2
    return ACCELERATION_M_PER_S2 if _gathered(drive, at_us) < drive.speed_m_per_s_max else 0.0

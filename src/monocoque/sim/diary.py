"""A world's days in pieces of ten minutes: what the cars told, and what people did.

Rules: what a car did is read out of the lake, so a piece without frames is empty: the car slept, or
could not measure.

Left out on purpose: how it looks (page.py).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monocoque.contracts import signals
from monocoque.sim.frames import Measured

PIECE_S: Final = 600.0
SECOND_US: Final = 1_000_000


@dataclass(frozen=True)
class CarDiary:
    """One car, piece by piece; None where it told nothing."""

    car_id: str
    speed_kmh: tuple[float | None, ...]
    """The highest of each piece."""
    charge_percent: tuple[float | None, ...]
    """The last of each piece."""


@dataclass(frozen=True)
class Diary:
    """What happened in each piece of the days."""

    begins_us: int
    cars: tuple[CarDiary, ...]
    commands: tuple[int, ...]
    orders: tuple[int, ...]
    frames: tuple[int, ...]


@dataclass(frozen=True)
class Days:
    """The time that a diary is of, in virtual seconds since the world's beginning."""

    start_us: int
    begin_s: float
    end_s: float

    @property
    def begins_us(self) -> int:
        """Their beginning on the clock."""
        return self.start_us + round(self.begin_s * SECOND_US)

    @property
    def pieces(self) -> int:
        """How many pieces they have."""
        lasts_us = round((self.end_s - self.begin_s) * SECOND_US)
        return max(1, math.ceil(lasts_us / (PIECE_S * SECOND_US)))


def diary_of(
    days: Days, measured: Measured, commands_s: Iterable[float], orders_s: Iterable[float]
) -> Diary:
    """The diary of these days. commands_s, orders_s: when each was sent."""
    piece = (measured.measured_us - days.begins_us) // round(PIECE_S * SECOND_US)
    is_in_days = (piece >= 0) & (piece < days.pieces)
    _, firsts = np.unique(measured.frame, return_index=True)
    told = piece[firsts][is_in_days[firsts]]
    return Diary(
        begins_us=days.begins_us,
        cars=tuple(
            _car(car_id, number, measured, np.where(is_in_days, piece, -1), days.pieces)
            for number, car_id in enumerate(measured.car_ids)
        ),
        commands=_counted(commands_s, days),
        orders=_counted(orders_s, days),
        frames=tuple(np.bincount(told, minlength=days.pieces).tolist()),
    )


def _car(
    car_id: str, number: int, measured: Measured, piece: NDArray[np.int64], pieces: int
) -> CarDiary:
    def rows(signal: int) -> NDArray[np.int64]:
        wanted = (measured.car == number) & (measured.signal == signal) & (piece >= 0)
        found = np.flatnonzero(wanted)
        return found[np.argsort(measured.measured_us[found], kind="stable")]

    speed: list[float | None] = [None] * pieces
    for row in rows(signals.SPEED.number):
        at = int(piece[row])
        speed[at] = max(speed[at] or 0.0, float(measured.value[row]))
    charge: list[float | None] = [None] * pieces
    for row in rows(signals.CHARGE.number):
        charge[int(piece[row])] = float(measured.value[row])
    return CarDiary(car_id, tuple(speed), tuple(charge))


def _counted(moments_s: Iterable[float], days: Days) -> tuple[int, ...]:
    counts = [0] * days.pieces
    for moment_s in moments_s:
        at = int((moment_s - days.begin_s) // PIECE_S)
        if 0 <= at < days.pieces:
            counts[at] += 1
    return tuple(counts)

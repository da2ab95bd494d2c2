"""What is in a world's lake: how many frames, and how the cars were by them.

Left out on purpose: what a car measured and lost. It is not in the lake.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monocoque.car.link.config import LinkConfig
from monocoque.cloud.telemetry.service.table import VALUES
from monocoque.contracts import signals
from monocoque.contracts.signals import Signal
from monocoque.plumbing.lake.file import FileLake
from monocoque.plumbing.lake.port import Column, Texts

SECOND_US: Final = 1_000_000
SEQUENCES_MAX: Final = 1 << 40
"""More frames than one car ever makes; keeps cars apart in one number."""


@dataclass(frozen=True)
class Measured:
    """Every value in the lake, as columns."""

    car_ids: tuple[str, ...]
    car: NDArray[np.int64]
    """Which of them each value is of."""
    signal: NDArray[np.int64]
    measured_us: NDArray[np.int64]
    value: NDArray[np.float64]
    frame: NDArray[np.int64]
    """Which frame each value is of; equal numbers are the same frame."""

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(np.unique(self.frame))

    @property
    def doubled(self) -> int:
        """How many values of a frame are there twice."""
        signal_max = int(self.signal.max(initial=0)) + 1
        return len(self.frame) - len(np.unique(self.frame * signal_max + self.signal))

    def frames_since(self, begins_us: int) -> "Frames":
        """The frames since then, car by car and in the order in which they were measured."""

        def of(signal: Signal) -> NDArray[np.float64]:
            told = (self.signal == signal.number) & (self.measured_us >= begins_us)
            car, at_us = self.car[told], self.measured_us[told]
            order = np.lexsort((self.frame[told], at_us, car))
            return np.stack([car[order], at_us[order], self.value[told][order]])

        car, at_us, charges = of(signals.IS_CHARGING)
        until_next_s = np.full(len(car), np.inf)
        until_next_s[:-1] = np.where(np.diff(car) == 0, np.diff(at_us) / SECOND_US, np.inf)
        is_moving, is_door_open = of(signals.IS_MOVING)[2] > 0, of(signals.IS_DOOR_OPEN)[2] > 0
        return Frames(until_next_s, is_moving, charges > 0, is_door_open)

    def charges(self) -> NDArray[np.float64]:
        """Every charge that a car told, in percent."""
        found: NDArray[np.float64] = self.value[self.signal == signals.CHARGE.number]
        return found


@dataclass(frozen=True)
class Frames:
    """Frames, one after another."""

    until_next_s: NDArray[np.float64]
    """How long after each the same car made another; infinite for its last."""
    is_moving: NDArray[np.bool_]
    is_charging: NDArray[np.bool_]
    is_door_open: NDArray[np.bool_]

    def measured_s(self, link: LinkConfig) -> float:
        """For how long the cars were measured, all together.

        A frame stands for the time until the next, but for no longer than the pause that belongs
        to it.
        """
        pause_s = np.where(self.is_charging, link.charging_frame_interval_s, link.frame_interval_s)
        return float(np.minimum(pause_s, self.until_next_s).sum())


def measured_in(lake: FileLake) -> Measured:
    """All of it."""
    batches = [batch.columns for _, batch in lake.batches(VALUES)]
    car_ids: dict[str, int] = {}
    cars = [_cars(columns["car_id"], car_ids) for columns in batches]

    def joined(name: str, kind: type) -> NDArray[Any]:
        parts = [columns[name] for columns in batches]
        return np.concatenate([np.empty(0, kind), *parts]) if parts else np.empty(0, kind)

    car = np.concatenate([np.empty(0, np.int64), *cars]).astype(np.int64)
    return Measured(
        car_ids=tuple(car_ids),
        car=car,
        signal=joined("signal_id", np.int64),
        measured_us=joined("measured_at", np.int64),
        value=joined("value", np.float64),
        frame=car * SEQUENCES_MAX + joined("sequence", np.int64),
    )


def _cars(column: Column, car_ids: dict[str, int]) -> NDArray[np.int64]:
    """The number of the car of each row; new ones are given a number."""
    assert isinstance(column, Texts)
    numbers = [car_ids.setdefault(str(word), len(car_ids)) for word in column.words]
    return np.array(numbers, np.int64)[column.places]

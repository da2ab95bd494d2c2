"""What is in a world's lake: how many frames, and how the cars were by them.

Left out on purpose: what a car measured and lost. It is not in the lake.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from monocoque.cloud.telemetry.service.table import VALUES
from monocoque.contracts import signals
from monocoque.plumbing.lake.file import FileLake
from monocoque.plumbing.lake.port import Column, Texts

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

    def charges(self) -> NDArray[np.float64]:
        """Every charge that a car told, in percent."""
        found: NDArray[np.float64] = self.value[self.signal == signals.CHARGE.number]
        return found


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

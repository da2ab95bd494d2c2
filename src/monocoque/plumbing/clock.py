"""The clock: what time it is, as an argument.

Rules:

* ``now_us`` is UTC in microseconds since 1970 and never goes back within one process: when the
  machine's clock is set back, ours goes on from where it was, at the pace of the monotonic clock,
  and ``setbacks`` counts it. A process that starts later begins at ``not_before_us``, so that it
  agrees with those that have gone on;
* waiting is asyncio's: a world runs on a loop whose time is virtual.

Left out on purpose: local time; a schedule that needs it brings its zone.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

SETBACK_US_MAX = 1_000_000
"""A wall clock this far behind ours counts as set back; less is ordinary correction."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(time_us: int) -> datetime:
    """A time of a clock as people write it, to the microsecond."""
    # Not by a fraction of seconds, which would round.
    return _EPOCH + timedelta(microseconds=time_us)


class Clock(Protocol):
    """Tells the time."""

    def now_us(self) -> int:
        """UTC, microseconds since 1970-01-01, never less than at the call before."""

    @property
    def setbacks(self) -> int:
        """How often the wall clock was found set back by more than ``SETBACK_US_MAX``."""


class SystemClock:
    """The machine's clock; a world brings the two sources of a virtual machine."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        not_before_us: int = 0,
    ) -> None:
        """Begin now, or at ``not_before_us`` when the machine's clock is not there yet."""
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._last_us = max(wall_ns() // 1_000, not_before_us)
        self._last_monotonic_us = monotonic_ns() // 1_000
        self.is_behind = False
        """Whether the wall clock was behind ours when it was last looked at."""
        self.setbacks = 0

    def now_us(self) -> int:
        """See Clock."""
        wall_us = self._wall_ns() // 1_000
        monotonic_us = self._monotonic_ns() // 1_000
        expected_us = self._last_us + (monotonic_us - self._last_monotonic_us)
        was_behind, self.is_behind = self.is_behind, wall_us < expected_us - SETBACK_US_MAX
        if self.is_behind and not was_behind:
            self.setbacks += 1
        self._last_us = max(expected_us if self.is_behind else wall_us, self._last_us)
        self._last_monotonic_us = monotonic_us
        return self._last_us

"""The clock of an installation's processes: none begins before what another has put on record.

Rules:

* ``last_time`` is the latest time that is known to be on record. The cell writes it, now and then
  while all is well and every few seconds while the machine's clock is behind;
* a process that starts while the clock is set back begins at ``last_time``, and therefore agrees
  with those that went on counting: about who was heard when, and what has expired;
* whoever runs for long tells, once for each time, that the clock was set back.

Left out on purpose: setting the clock of the machine. That is its owner's, or a time source's.
"""

import asyncio

import structlog

from monocoque.contracts.errors import ClockWentBack, DatabaseCorrupted
from monocoque.plumbing.clock import Clock, SystemClock
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.metrics import Metrics
from monocoque.roles.layout import Layout

CLOCK_LOOK_S = 5.0
"""How often a process looks whether the machine's clock was set back."""


def read_last_time(layout: Layout) -> int:
    """The latest time on record, UTC microseconds; 0 when there is none.

    Raises DatabaseCorrupted when the file is damaged.
    """
    with storage_errors(layout.last_time):
        try:
            content = layout.last_time.read_bytes()
        except FileNotFoundError:
            return 0
    try:
        return int(content)
    except ValueError as error:
        raise DatabaseCorrupted(
            f"{layout.last_time} is damaged.",
            hint="Compare the clock with a time source, then remove the file.",
        ) from error


def clock_of(layout: Layout) -> SystemClock:
    """The clock of a process that works on this data directory; raises as read_last_time does."""
    return SystemClock(not_before_us=read_last_time(layout))


class ClockWatch:
    """Tells of each time that the clock was set back."""

    def __init__(
        self, clock: Clock, metrics: Metrics, where: str, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._clock, self._metrics, self._where, self._log = clock, metrics, where, log
        self._told = 0

    def look(self) -> int:
        """The time, after a word about it where one is due."""
        now_us = self._clock.now_us()
        if self._clock.setbacks > self._told:
            self._told = self._clock.setbacks
            error = ClockWentBack("The clock was set back; this process goes on counting forward.")
            self._metrics.errors.labels(where=self._where, code=error.code).inc()
            self._log.warning(
                "the clock was set back", error_code=error.code, what=error.what, hint=error.hint
            )
        return now_us

    async def keep_looking(self) -> None:
        """Look again and again until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(CLOCK_LOOK_S)

"""The clock of a virtual machine: production's clock, fed with virtual time.

Rules:

* true time starts at ``START_US`` unless a world says otherwise, and goes on with the loop;
* a machine's own clock may be off by ``offset_us``; a fault sets it back or forward, and the
  process on that machine behaves as production's SystemClock does, since it is that clock.

Left out on purpose: drift. Clocks of machines with a time source are off by steps, not by rates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from monocoque.plumbing.clock import SystemClock

START_US: Final = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC, at which worlds start."""


@dataclass
class MachineTime:
    """What the hardware of one machine believes."""

    elapsed_s: Callable[[], float]
    """True virtual seconds since the world began: the loop's ``time``."""
    start_us: int = START_US
    offset_us: int = 0
    """How far this machine's wall clock is ahead of true time."""

    def true_us(self) -> int:
        """True time, UTC microseconds since 1970."""
        return self.start_us + self.monotonic_ns() // 1_000

    def wall_ns(self) -> int:
        """What the machine's wall clock shows, nanoseconds since 1970."""
        return (self.start_us + self.offset_us) * 1_000 + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """What the machine's monotonic clock shows; no fault touches it."""
        return round(self.elapsed_s() * 1_000_000_000)


class VirtualClock(SystemClock):
    """The clock of one process on a virtual machine."""

    def __init__(self, machine: MachineTime) -> None:
        super().__init__(wall_ns=machine.wall_ns, monotonic_ns=machine.monotonic_ns)

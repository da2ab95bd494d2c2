"""How bad a world is: every fault that chance may bring, in one place.

Rules: shares are of 1; intervals are means of an exponential spread, and 0 means never; a world
ends with a time of ``Faults.none()``, so that what was begun can be brought to its end.

Left out on purpose: faults on purpose. A test that wants one at a certain moment asks the world's
Power or Link itself.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Faults:
    """One profile."""

    delay_s_min: float = 0.0
    delay_s_max: float = 0.0
    """How long a message travels between a machine and another machine's bus, one way."""
    loss_share: float = 0.0
    """Of messages that never reach the bus."""
    unknown_share: float = 0.0
    """Of messages whose acknowledgement gets lost; half of them were taken."""
    duplicate_share: float = 0.0
    """Of messages that arrive twice."""
    cut_interval_s: float = 0.0
    """Between two cuts of one connection."""
    cut_s_max: float = 0.0
    """How long a connection stays cut, at most."""
    disk_delay_s_max: float = 0.0
    """How long a transaction waits before, and its caller after, at most."""
    records_unavailable_share: float = 0.0
    """Of transactions that are refused, and of those whose outcome nobody learns."""
    work_twice_share: float = 0.0
    """Of transactions whose work runs twice, as it does when it loses a race."""
    kill_interval_s: float = 0.0
    """Between two kills of one service, anywhere in the world."""
    power_cut_interval_s: float = 0.0
    """Between two losses of power of one machine, anywhere in the world."""
    power_cut_s_max: float = 0.0
    """How long a machine stays without power, at most."""
    clock_fault_interval_s: float = 0.0
    """Between two jumps of one machine's wall clock, anywhere in the world."""
    clock_offset_s_max: float = 0.0
    """How far such a jump leaves the clock from true time, at most."""
    device_jam_interval_s: float = 0.0
    """Between two moments at which a device of a home fails, anywhere in the world."""
    device_jam_s_max: float = 0.0
    """How long it does, at most."""
    lie_share: float = 0.0
    """Of files of updates that a car asks for: somebody on its way answers something else."""
    unit_break_share: float = 0.0
    """Of cars, at each release: one control unit does not take the new image, or not start it."""

    @classmethod
    def none(cls) -> "Faults":
        """A perfect world."""
        return cls()

    @classmethod
    def usual(cls) -> "Faults":
        """What a fleet meets, made so frequent that minutes show it."""
        return cls(
            delay_s_min=0.02,
            delay_s_max=0.4,
            loss_share=0.02,
            unknown_share=0.02,
            duplicate_share=0.05,
            cut_interval_s=300.0,
            cut_s_max=60.0,
            disk_delay_s_max=0.01,
            records_unavailable_share=0.002,
            work_twice_share=0.05,
            kill_interval_s=120.0,
            power_cut_interval_s=600.0,
            power_cut_s_max=90.0,
            clock_fault_interval_s=900.0,
            clock_offset_s_max=100.0,
            device_jam_interval_s=300.0,
            device_jam_s_max=120.0,
            lie_share=0.1,
            unit_break_share=0.25,
        )

    def rarer(self, times: float) -> "Faults":
        """The same faults; what strikes at intervals strikes so many times less often."""
        return replace(
            self,
            cut_interval_s=self.cut_interval_s * times,
            kill_interval_s=self.kill_interval_s * times,
            power_cut_interval_s=self.power_cut_interval_s * times,
            clock_fault_interval_s=self.clock_fault_interval_s * times,
            device_jam_interval_s=self.device_jam_interval_s * times,
        )


@dataclass
class Weather:
    """The faults of the present moment, shared by everything in a world that can fail."""

    faults: Faults

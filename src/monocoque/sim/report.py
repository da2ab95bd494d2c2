"""What came of a world: counters of its days, and what did not hold.

Rules: whatever is counted is counted in the days and the calm after them, not in the prologue; the
digest is of everything.

Left out on purpose: how it looks (page.py).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from monocoque.sim.diary import Diary
from monocoque.sim.invariants import Violation


@dataclass(frozen=True)
class WorldReport:
    """What came of a world."""

    seed: int
    cars: int
    """How many there are at the end."""
    digest: str
    virtual_seconds: float
    prologue_seconds: float
    """How much of it passed until the first cars were their buyers'."""
    wall_seconds: float
    events: int
    """How many steps the loop took."""
    messages: int
    """How many messages the buses accepted."""
    requests: int
    """How many the cell's HTTP was asked."""
    orders: int
    """How many cars were ordered, by their buyers' own lists of what the shop acknowledged."""
    deliveries: int
    """How many of all orders ended with a car that is its buyer's."""
    hand_overs: int
    """How many of all cars have their owner."""
    commands: int
    """How many commands the cell acknowledged, by their senders' own lists."""
    commands_done: int
    """How many of them were done, by a receipt of the car."""
    updates_installed: int
    """How many times a car said that all its control units have a new release."""
    updates_rolled_back: int
    """How many times a car went back from one in all its control units."""
    update_lies: int
    """How often a car that asked for a file of an update was told something false."""
    scenes_fired: int
    """How many times a scene ran in a car."""
    frames: int
    """How many frames of the cars are in the lake."""
    drive_km: float
    """What the odometers of the buyers' cars gained."""
    sleep_hours: float
    """In which the cars made no frames, all together."""
    questions: int
    answers: int
    restarts: int
    """How often a service began again, after a kill, a cut or an error."""
    kills: int
    power_cuts: int
    path_cuts: int
    violations: tuple[Violation, ...]
    """The first of them; none in a good world."""
    violations_counted: int
    diary: Diary

    @property
    def violated(self) -> list[str]:
        """The names of what did not hold."""
        return sorted({violation.invariant for violation in self.violations})


def figures(report: WorldReport) -> dict[str, Any]:
    """The report as one flat object, without the diary; ``violations`` are names."""
    shown = {
        field.name: getattr(report, field.name)
        for field in dataclasses.fields(report)
        if field.name != "diary"
    }
    shown["violations"] = report.violated
    shown["first_violations"] = [
        f"{violation.invariant}: {violation.what}" for violation in report.violations
    ]
    return shown

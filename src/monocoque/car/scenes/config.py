"""Limits of the scenes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ScenesConfig:
    """When the car believes where it is, and how much waits."""

    fixes_needed: int = 3
    """So many measured places in a row must say that the car is there, or gone, until it is."""
    fix_age_s_max: float = 10.0
    """A place that was measured longer ago says nothing about now."""
    sight_gap_s_max: float = 120.0
    """When the car did not know its place for longer, and was moved meanwhile, it has not seen
    itself come or go, and nothing is done because of it."""
    sight_jump_m_max: float = 50.0
    """A car that is found no farther than this from where it was last was not moved."""
    sight_write_s: float = 60.0
    """The last place is written down at most so often while the car drives, and when it parks."""
    look_s_min: float = 5.0
    """While the car drives, its scenes are read again at most so often."""
    requests_waiting_max: int = 32
    """Things that scenes have asked for and that are neither done nor over."""
    traces_kept: int = 20
    """How many of the last runs, and of what was no run, can be looked at."""
    records_retry_s: float = 0.5
    """Pause before the records, or the bus, are asked again when they did not answer."""

"""The limits of the supervisor."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SupervisorConfig:
    """How soon a service that ended is started again."""

    restart_pause_s_min: float = 0.1
    """Pause before the first restart of a service."""
    restart_pause_s_max: float = 30.0
    """Longest pause between two starts of a service that keeps failing."""
    healthy_after_s: float = 60.0
    """A service that ran this long starts again after the shortest pause."""

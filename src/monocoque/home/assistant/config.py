"""Limits of what a home says to Home Assistant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AssistantConfig:
    """How often it is said, and how soon it is tried again."""

    look_interval_s: float = 2.0
    """How soon a home that has no assistant finds out that it was given one."""
    state_interval_s: float = 1.0
    """What changes is said at most so often; of what changed more often the last is said."""
    retry_s_min: float = 0.5
    retry_s_max: float = 30.0
    """Pauses before another connection double from the first to the second, and are spread by
    chance."""
    cars_max: int = 50
    """Cars of one home that are shown; further ones are left out, and counted."""

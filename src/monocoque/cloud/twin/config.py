"""Limits of the twin."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TwinConfig:
    """How the twin batches what it hears, and how its live pages tick."""

    flush_interval_s: float = 0.05
    """What is heard within this time is written in one transaction."""
    heard_cars_max: int = 200_000
    """Cars whose news may wait to be written; a car beyond that is heard when it speaks again."""
    retry_s: float = 0.5
    """Pause after bus or records were away; what was not written waits."""
    tick_interval_s: float = 5.0
    """How often a live page is told the time, and whether the car is still there."""

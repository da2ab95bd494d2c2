"""The limits of what every process does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LogConfig:
    """What is written to the log."""

    level: str = "WARNING"
    """The lowest level that is written: ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``. With
    ``INFO`` every request is a line."""

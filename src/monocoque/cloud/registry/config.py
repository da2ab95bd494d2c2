"""Limits of the registry."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RegistryConfig:
    """How long silence may last, and how the registry batches what it hears."""

    online_window_s: int = 30
    """A car counts as online when its authenticated hello came within this time."""
    flush_interval_s: float = 0.2
    """What is heard within this time is written in one transaction."""
    silence_check_s: float = 2.0
    """How often the registry looks for cars that fell silent, at most: a car's silence is known
    beforehand, and waited for."""
    heard_cars_max: int = 200_000
    """Cars whose news may wait to be written; a car beyond that is heard at its next hello."""
    events_batch_messages: int = 500
    """How many events of cars are recorded in one transaction."""
    builds_batch_messages: int = 20
    """How many events of builds are taken from the bus at once; some carry a whole record."""
    events_wait_s: float = 30.0
    """How long one look for events waits for the first."""
    retry_s: float = 0.5
    """Pause after bus or records were away; what was not written waits."""
    tick_interval_s: float = 5.0
    """How often a live page is told the time, so that it knows that it is still connected."""

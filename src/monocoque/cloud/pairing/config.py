"""Limits of hand-overs at the cell."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PairingConfig:
    """How many hand-overs one person may ask for, and how they travel."""

    requests_per_day_max: int = 50
    """Hand-overs that one person may ask for in 24 hours."""
    kept_days: int = 30
    """How long a request that was refused, or never answered, is kept."""
    send_interval_s: float = 5.0
    """How often it is looked for requests that did not reach the bus at once."""
    send_batch_requests: int = 100
    """How many of them are sent at once."""
    answers_batch_messages: int = 20
    """How many answers of the factory are recorded in one go."""
    answers_wait_s: float = 30.0
    """How long one look for answers waits for the first."""
    retry_s: float = 1.0
    """Pause after bus or records were away."""

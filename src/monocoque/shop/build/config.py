"""Limits of the factory."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildConfig:
    """How the factory answers hand-overs."""

    wrong_tries_max: int = 10
    """Hand-overs of one car with a wrong code; after that nobody can take it over."""
    requests_batch_messages: int = 20
    """How many requests are taken from the bus at once."""
    requests_wait_s: float = 5.0
    """How long one look for requests waits for the first."""
    retry_s: float = 1.0
    """Pause after bus or records were away; what was not answered waits."""

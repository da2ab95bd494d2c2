"""Limits of the factory."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildConfig:
    """How the factory answers hand-overs."""

    wrong_tries_max: int = 10
    """Hand-overs of one car with a wrong code that are borne within the window."""
    wrong_tries_window_s: int = 3_600
    """How long a wrong code counts. After too many nobody can take the car over until the first of
    them is so old; a code of 128 bits bears ten guesses an hour for ever."""
    requests_batch_messages: int = 20
    """How many requests are taken from the bus at once."""
    requests_wait_s: float = 5.0
    """How long one look for requests waits for the first."""
    retry_s: float = 1.0
    """Pause after bus or records were away; what was not answered waits."""

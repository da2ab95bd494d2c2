"""Limits of the factory."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildConfig:
    """How the factory answers hand-overs and builds what was paid."""

    wrong_tries_max: int = 10
    """Hand-overs of one car with a wrong code that are borne within the window."""
    wrong_tries_window_s: int = 3_600
    """How long a wrong code counts. After too many nobody can take the car over until the first of
    them is so old; a code of 128 bits bears ten guesses an hour for ever."""
    requests_batch_messages: int = 20
    """How many requests are taken from the bus at once."""
    requests_wait_s: float = 30.0
    """How long one look for requests waits for the first."""
    retry_s: float = 1.0
    """Pause after bus or records were away; what was not answered waits."""
    vin_serials_max: int = 999_999
    """Serial numbers that one plant gives in a model year; six digits hold no more."""
    orders_batch_messages: int = 50
    """How many events of orders are taken from the bus at once."""
    orders_wait_s: float = 30.0
    """How long one look for events of orders waits for the first."""
    look_interval_s: float = 30.0
    """The longest pause between two looks for cars that are due; a week's begin is waited for."""
    line_retry_s: float = 5.0
    """Pause before a car that could not be made is tried again; the others go on."""
    due_cars_max: int = 100
    """How many cars that are due one look takes up."""
    outbox_batch_messages: int = 100
    """How many events of builds one look takes out of the outbox."""

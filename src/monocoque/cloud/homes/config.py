"""Limits of the cell's desk for homes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HomesConfig:
    """How homes are taken, and how much scenes may ask of them."""

    code_lifetime_s: float = 604_800.0
    """How long the code of a home can be used, once, to take it."""
    wrong_codes_per_day_max: int = 10
    """Wrong codes that one person may give in 24 hours."""
    homes_per_person_max: int = 5
    """Homes that may belong to one person."""
    cars_per_home_max: int = 5
    """Cars that may belong to one home."""

    requests_per_message_max: int = 64
    """Requests that a car may have open in one message; one with more is refused whole."""
    requests_per_minute_max: int = 60
    """New requests of one car within a minute; what comes beyond waits in the car."""
    waiting_per_car_max: int = 100
    """Requests of one car without an outcome; what comes beyond waits in the car."""
    answer_grace_s: float = 30.0
    """A request that was said may be answered so long after its time before it counts as not
    answered."""
    kept_s: float = 2_592_000.0
    """How long after its time a request is kept."""
    forget_batch_requests: int = 100
    """How many older ones of a car are forgotten when it asks for something new."""
    shown_requests_max: int = 100
    """Requests of one car that a page is shown, the newest first."""

    scenes_batch_messages: int = 200
    """How many cars' words are put on record in one transaction."""
    scenes_cars_max: int = 10_000
    """Cars whose news may wait to be told to their homes; one beyond that is told with its next."""
    hello_flush_s: float = 0.05
    """Hellos and states of homes within this time are put on record together."""
    hello_homes_max: int = 10_000
    """Homes whose hello or state may wait; one beyond that is heard at its next."""
    waiting_batch_requests: int = 500
    """How many requests are said again, or closed, in one go."""
    look_s_max: float = 60.0
    """How often it is looked for requests whose time is over, at least; what is known to be over is
    closed in its time."""
    devices_max: int = 32
    """Devices that a home may have; a home with more is not shown."""
    ties_look_s: float = 60.0
    """How often it is looked which cars belong to homes. A home may be told of a car that left it
    for so long, when the one who untied it was stopped before saying so."""
    cars_flush_s: float = 0.5
    """News of the cars of homes within this time are told together."""
    outcomes_batch_messages: int = 200
    """How many outcomes are put on record in one transaction."""
    outcomes_wait_s: float = 30.0
    """How long one look for outcomes waits for the first."""
    rate_homes_max: int = 10_000
    """Homes whose rate of outcomes is remembered."""
    online_window_s: float = 30.0
    """A home is there when its hello came within this time."""
    retry_s: float = 0.5
    """Pause after bus or records were away."""
    tick_interval_s: float = 5.0
    """How often a live page is told the time, so that it knows that it is still connected."""

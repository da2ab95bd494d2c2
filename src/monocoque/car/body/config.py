"""How long the body takes, and how often it tells."""

from dataclasses import dataclass

from monocoque.car.body.logic.weather import USUAL


@dataclass(frozen=True)
class BodyConfig:
    """Times of the actuators, of a drive, and of what is said about them."""

    locks_s: float = 0.3
    """How long locking and unlocking take."""
    climate_s: float = 0.1
    """How long it takes to switch the climate."""
    charge_limit_s: float = 0.001
    """How long a new limit of the charge takes: no part moves."""
    doors_s: float = 2.0
    """How long a door takes that opens or shuts by itself."""
    switches_s: float = 0.1
    """How long a switch takes: of fan, defroster, seat heating and the like."""
    parts_percent_per_s: float = 25.0
    """How fast windows and the trunk move."""
    seats_mm_per_s: float = 20.0
    """How fast seats move back and forth."""
    seats_height_mm_per_s: float = 10.0
    """How fast seats rise and sink."""
    backrests_degrees_per_s: float = 5.0
    """How fast the backs of seats lean."""
    drive_s: float = 180.0
    """How long ``monocoque car drive`` lasts before the brakes."""
    drive_speed_kmh: float = 50.0
    """How fast it is then."""
    weather_mean_celsius: float = USUAL.mean_celsius
    """How warm the air around a new car is, on the whole; one that was built keeps its weather."""
    weather_swing_k: float = USUAL.swing_k
    """How much warmer than its mean a day is in the afternoon, and colder at night."""
    weather_change_k: float = USUAL.change_k
    """How much the mean of a day may differ from that of all days."""
    weather_seed: int = USUAL.seed
    """Which days those are."""
    look_interval_s: float = 2.0
    """Pause between two looks at a body that stands; a command tells of itself sooner."""
    look_moving_interval_s: float = 1.0
    """The same for a body that moves."""
    attentive_s: float = 60.0
    """So long after somebody did something with a body that stands, it is looked at sooner."""
    look_attentive_interval_s: float = 1.0
    """Pause between two looks in that time, after which one that drives off is seen doing so."""
    write_interval_s: float = 1_800.0
    """A body that only time changes is written so often."""
    say_interval_s_min: float = 0.5
    """The body is said at most so often."""
    say_interval_s_max: float = 60.0
    """The body is said at least so often, changed or not."""
    acts_kept: int = 10_000
    """How many acts are remembered; the oldest go first."""

"""How closely the body is looked at for its signals, and how much of the past is kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SignalsConfig:
    """Times and limits of signals in the car."""

    look_interval_s: float = 0.2
    """Pause between two looks at a body that moves, or that somebody asked something of."""
    look_parked_interval_s: float = 1.0
    """The same for a body that stands."""
    retry_s: float = 1.0
    """Pause before what did not answer is asked again."""
    time_ahead_s_max: float = 60.0
    """So far ahead of the car's clock a value may say that it was measured; further is refused."""
    acts_kept: int = 10_000
    """How many acts are remembered on record; the oldest go first."""
    history_paths: str = "Vehicle.Speed Vehicle.Powertrain.TractionBattery Vehicle.Cabin.HVAC"
    """Signals or branches whose past is kept, separated by spaces; empty for none."""
    history_interval_s: float = 1.0
    """Of each signal, a value is kept at most so often."""
    history_write_s: float = 10.0
    """What was heard is written so often; a loss of power loses so much."""
    history_hours: float = 12.0
    """So long a value is kept."""
    history_rows_max: int = 500_000
    """So many values at most; the oldest go first."""

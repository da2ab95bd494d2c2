"""Limits of the commands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CommandsConfig:
    """How many commands wait, how often one key may ask, and how the log is told."""

    waiting_max: int = 64
    """Commands that wait for the one under way; what comes beyond that is counted and left out,
    and the mailbox says it again."""
    waiting_per_key_max: int = 8
    """The same for one key, so that nobody keeps the others waiting."""
    per_key_per_minute_max: int = 60
    """Commands of one key that are looked at in a minute."""
    keys_counted_max: int = 1_000
    """Keys whose pace is remembered; beyond that the one that was silent longest is forgotten."""
    lines_kept: int = 10_000
    """Lines of the log that are kept when the cell has them too."""
    lines_unconfirmed_max: int = 50_000
    """Lines that the cell may be behind. One more is never written: then nothing is done, since
    there is no act without a line."""
    repeat_lines: int = 32
    """Lines that are said again at once."""
    repeat_pause_s_min: float = 2.0
    repeat_pause_s_max: float = 300.0
    """While the cell is behind, the pause between repetitions doubles from the first to the
    second of these; whatever the cell says begins it anew."""
    records_retry_s: float = 0.5
    """Pause before the records are asked again when they did not answer."""
    body_pause_s: float = 0.1
    """How long after an act the body is said; acts within this time are told of together."""
    refusal_log_interval_s: float = 10.0
    """What is not genuine is logged at most so often for each reason."""

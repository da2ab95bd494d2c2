"""Limits of the updates."""

from dataclasses import dataclass


@dataclass(frozen=True)
class UpdatesConfig:
    """How often the car asks, what it takes from a line, and how long its units try."""

    poll_interval_s: float = 300.0
    """The car says what it has at least this often; the director answers with fresh directions."""
    silence_s_max: float = 3_600.0
    """Without directions for so long, a car that had some says so."""
    say_interval_s_min: float = 1.0
    """What the car has is said at most so often, however much of a download has come."""
    look_interval_s: float = 60.0
    """Pause between two looks whether what waits may be installed, when nothing says so sooner."""
    retry_pause_s_min: float = 5.0
    retry_pause_s_max: float = 300.0
    """After a download that failed, the pause doubles from the first to the second of these."""
    records_retry_s: float = 0.5
    """Pause before the records, or a unit that must be finished, are tried again."""
    bytes_per_s_min: int = 1_024
    """A line that brings less than this, over ``rate_window_s``, is slow on purpose."""
    rate_window_s: float = 30.0
    """Over so long a line is judged."""
    sync_bytes: int = 1_048_576
    """After so many bytes what was downloaded is on disk for good; a cut costs no more."""
    copy_bytes: int = 262_144
    """How much of an image is copied or checked at once."""
    disk_share_max: int = 2
    """So many times its length must be free before an update is downloaded."""
    roots_max: int = 256
    """New roots of the image repository that are followed at once."""
    tries_max: int = 3
    """Starts of a new image that may fail, before the unit falls back."""
    boot_s: float = 0.5
    """How long a start of a control unit takes."""
    watchdog_s: float = 2.0
    """How long a start that does not confirm is waited for."""

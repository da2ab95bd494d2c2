"""What all apps of a car together may take, and when one is given up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AppsConfig:
    """Limits of the car; those of one app are in its manifest."""

    market: str = "DE"
    """Where the car is, by two letters: an app that is not for there is not taken."""
    apps_max: int = 16
    """Installed at once."""
    publishers_max: int = 32
    """Trusted at once."""
    look_interval_s: float = 0.5
    """The records and the running apps are looked at so often."""
    processes_max: int = 3
    """Of one app, with what it starts."""
    data_mb_max: int = 64
    """What one app may keep in its folder."""
    memory_slack_mb: int = 128
    """So much more than its limit can an app ask the kernel for before the kernel refuses."""
    cpu_window_s: float = 5.0
    """How much of the processor an app takes is counted over so long."""
    silence_s_max: float = 10.0
    """An app that has not said for so long that it is alive hangs."""
    lines_per_s_max: int = 200
    """So much may an app say to the car, apart from its log."""
    log_bytes_max: int = 262_144
    """Of the log of one app; as much again of the one before is kept."""
    log_bytes_per_s_max: int = 65_536
    """What an app writes beyond this is left out of its log, and counted there."""
    end_s_max: float = 2.0
    """How long the end of a process is waited for, once it was ended."""
    pause_s_min: float = 1.0
    """After a crash, an app is started again after this pause."""
    pause_s_max: float = 60.0
    """The pause doubles with every crash, up to this."""
    crashes_max: int = 5
    """So many crashes within ``crash_window_s``, and the app is given up."""
    crash_window_s: float = 600.0
    """Crashes that lie longer back are forgotten."""
    token_s: float = 600.0
    """How long a token of an app lives; a new one comes at half of it."""

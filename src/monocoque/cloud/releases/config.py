"""Limits of releases."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReleasesConfig:
    """How the repository is kept fresh, and how much people may say."""

    look_interval_s: float = 30.0
    """How often the service looks for what was published, and for what is about to expire."""
    timestamp_left_s_min: float = 302_400.0
    """A timestamp that is good for less than this is signed anew; a new one is good for a week."""
    snapshot_left_s_min: float = 864_000.0
    """So is a snapshot, whenever a timestamp is; a new one is good for 30 days."""
    targets_left_s_min: float = 2_592_000.0
    """The log warns when what the companies signed is good for less than this."""
    thought_characters_max: int = 1_000
    """The longest thought under a release."""
    thoughts_per_hour_max: int = 5
    """Thoughts of one person within an hour, under all releases together."""
    thoughts_per_release_max: int = 20
    """Thoughts of one person under one release."""
    thoughts_shown_max: int = 200
    """A page gets so many thoughts, the newest."""

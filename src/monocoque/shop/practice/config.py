"""Limits of the practice provider."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PracticeConfig:
    """How it behaves; what it is asked to do badly, it does by these numbers."""

    notice_delay_s_max: float = 2.0
    """Events are told after a pause of chance up to this."""
    slow_notice_s: float = 20.0
    """What the token for slow events takes until its charge is decided and told."""
    late_notice_s: float = 604_800.0
    """What the token for late events takes until they are told: a week."""
    duplicate_share: float = 0.2
    """How many of the events are told twice, of all."""
    retry_s: float = 5.0
    """An event that the shop did not take is told again after this time."""
    tries_max: int = 50
    """How often an event is told that the shop does not take."""
    look_s_max: float = 30.0
    """How often it looks for events that are due, at least."""
    gather_s: float = 0.1
    """How long after news the look waits, so that it finds all that came at once."""
    batch_notices: int = 100
    """How many events are told in one go."""

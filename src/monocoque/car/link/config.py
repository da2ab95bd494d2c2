"""Limits of the link."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkConfig:
    """How often the car speaks, and how long it waits."""

    hello_interval_s: float = 10.0
    """Pause between two hellos while connected; the registry counts a car for three of them."""
    hello_retry_s: float = 1.0
    """Pause before a hello is tried again while there is no connection."""
    state_interval_s: float = 60.0
    """The state is published at least this often, and at every connect."""
    outbox_retry_s: float = 2.0
    """Pause before an event that was not acknowledged is published again."""
    outbox_events_max: int = 10_000
    """Events that may wait; the oldest stay, and what happens beyond that is counted and lost."""
    records_retry_s: float = 1.0
    """Pause before the records are asked again when they did not answer."""
    outbox_batch_messages: int = 100
    """How many waiting events are published at once."""
    crossing_retry_s: float = 1.0
    """Pause before what could not cross is tried again."""
    last_value_pause_s: float = 0.5
    """Pause between two values of the body that cross; the newest is the one that does."""
    frame_interval_s: float = 10.0
    """Pause between two frames of an awake car; what was confirmed leaves the spool with them."""
    charging_frame_interval_s: float = 60.0
    """Pause between two frames of a car that does nothing but charge."""
    asleep_look_s: float = 60.0
    """How often it is asked whether a car that sleeps is awake, when nothing says so sooner."""
    spool_frames_max: int = 10_000
    """Frames that may wait to be confirmed, a day of driving; beyond that the oldest are lost."""
    spool_bytes_max: int = 16 * 1024 * 1024
    """The same, in bytes of frames."""
    spool_batch_frames: int = 50
    """How many waiting frames are sent at once."""
    spool_retry_s: float = 2.0
    """Pause before frames that could not be sent are tried again; spread by chance."""
    resend_after_s_min: float = 30.0
    resend_after_s_max: float = 600.0
    """When the cell confirmed nothing for so long, what was sent is sent again; the time doubles
    from the first to the second of these."""

"""Limits of the taker of frames."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TelemetryConfig:
    """How frames are gathered into batches, and what is taken."""

    batch_interval_s: float = 5.0
    """What comes within this time after a first frame is written together; a car waits so long
    for its confirmation."""
    batch_frames_max: int = 5_000
    """So many frames are written at once, and no more."""
    few_frames: int = 100
    """When no more than these came first, it looks for the others once, at the end."""
    fetch_wait_s: float = 30.0
    """How long one wait for a first frame lasts; then another begins."""
    retry_s: float = 1.0
    """Pause after bus, records or lake were away; what was not written comes again."""
    frame_span_s_max: float = 3_600.0
    """How long after its beginning a frame may still have measured."""
    ahead_frames_max: int = 1_000
    """Frames of one car that are taken while one before them is missing; further ones wait in the
    car's spool."""
    confirmations_at_once: int = 500
    """How many cars are told at once."""

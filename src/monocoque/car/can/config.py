"""The limits of the vehicle bus in the car, each with its unit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CanConfig:
    """How much is gathered at once, and how large the files that describe a bus may be."""

    batch_frames_max: int = 256
    """So many frames are translated and published at once."""
    batch_gather_s: float = 0.005
    """After a frame, more are gathered for so long."""
    look_s: float = 0.05
    """How often values that were held back, and acts that wait for the bus, are looked at."""
    database_bytes_max: int = 8 * 1_024 * 1_024
    """Of one DBC file."""
    mapping_bytes_max: int = 256 * 1_024
    """Of one mapping file."""
    mapping_rows_max: int = 2_000
    """Of one mapping file, both directions together."""
    silent_after_s: float = 5.0
    """A bus on which nothing that counts was heard for so long does not say how the car is."""
    reopen_s: float = 1.0
    """Pause before a bus that has gone is opened again."""
    unknown_kept_max: int = 1_000
    """Of identifiers that no row wants, so many are counted apart; the others together."""

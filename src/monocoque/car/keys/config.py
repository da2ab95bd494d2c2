"""Limits of the memory of keys."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KeysConfig:
    """How much is remembered."""

    keys_max: int = 1_000
    """Keys whose counters are remembered; one more is refused until another was forgotten, a day
    after its last command, when none of its old commands can be fresh any more."""

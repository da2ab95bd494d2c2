"""Limits of the devices of a home."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DevicesConfig:
    """How much the virtual devices remember."""

    acts_kept: int = 10_000
    """How many of their last acts are remembered, each with what it was for."""

"""What the apps of a car need from its machine.

Rules: it is an adapter in ``Context.ports``, by its class.

Left out on purpose: the signals themselves; an app reaches them through the door, as anybody does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AppsPlace:
    """Where the apps of a car are, and where they find its signals."""

    folder: Path
    """One folder per app."""
    door_address: Callable[[], str | None]
    """``HOST:PORT`` of the door for kuksa.val.v2; None while it is not open."""

"""What the apps of a car need from its machine.

Rules: each is an adapter in ``Context.ports``, by its class or its protocol.

Left out on purpose: the signals themselves; an app reaches them through the door, as anybody does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from monocoque.contracts.apps import Manifest


@dataclass(frozen=True)
class AppsPlace:
    """Where the apps of a car are, and where they find its signals."""

    folder: Path
    """One folder per app."""
    door_address: Callable[[], str | None]
    """``HOST:PORT`` of the door for kuksa.val.v2; None while it is not open."""


class Passes(Protocol):
    """Makes the tokens of apps."""

    async def issue(self, manifest: Manifest, lifetime_s: float) -> str:
        """A token that lets its bearer do what the manifest says, for so long."""
        ...


def scopes(manifest: Manifest) -> str:
    """What the manifest says, as a scope of KUKSA's tokens: ``read:Vehicle.Speed ...``."""
    return " ".join(f"{wish.access.value}:{wish.path}" for wish in manifest.signals)

"""The port between an app and the signals of its car.

Rules: signals are named by path, as VSS names them; a value that was never said is None.

Left out on purpose: tokens, and what goes over the wire (kuksa.py).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from monocoque.contracts.signals import Value


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of something that an app asked for."""

    done: bool
    reason: str = ""
    """Why it was refused or failed, in the car's own word, such as ``moving``; empty when done."""


class Line(Protocol):
    """A connection to the signals of one car, with the rights of one app."""

    async def read(self, paths: Sequence[str]) -> list[Value | None]:
        """The present values, in this order. Raises SignalDenied, UnavailableError."""
        ...

    def follow(
        self, paths: Sequence[str]
    ) -> AbstractAsyncContextManager[AsyncIterator[Mapping[str, Value]]]:
        """Hear these signals: first the present values, then what changes. Raises SignalDenied."""
        ...

    async def ask(self, path: str, value: Value, timeout_s: float) -> Outcome:
        """Ask an actuator for this, and wait for what comes of it.

        Raises SignalDenied when the manifest does not say so.
        """
        ...

    async def say(self, values: Mapping[str, Value]) -> None:
        """Say what these signals are. Raises SignalDenied, SignalValueRefused, SignalClaimed."""
        ...

"""When a value of the bus is worth saying: on a change, not too often, and not for a flicker.

Rules: the first value is said. What came too soon is held back and said when its time has come, if
nothing newer came; so the last value of a signal is never lost to an interval.

Left out on purpose: clocks. Time is that of the frames, or of who asks what was held back.
"""

from dataclasses import dataclass

from monocoque.contracts.signals import Value


@dataclass(frozen=True, slots=True)
class Transition:
    """What one row of the mapping says about it."""

    is_every: bool
    """Each value is said, changed or not."""
    interval_us: int = 0
    hysteresis: float = 0
    """A number that moved less than this has not changed."""


class Passed:
    """What was said of one signal, and what is held back."""

    __slots__ = ("_held", "_said", "_said_us", "_transition")

    def __init__(self, transition: Transition) -> None:
        """Nothing was said yet."""
        self._transition = transition
        self._said: Value | None = None
        self._said_us = 0
        self._held: Value | None = None

    def offer(self, value: Value, time_us: int) -> bool:
        """Whether this value is to be said now."""
        transition = self._transition
        if not transition.is_every and not self._is_change(value):
            self._held = None
            return False
        if self._is_too_soon(time_us):
            self._held = value
            return False
        self._said, self._said_us, self._held = value, time_us, None
        return True

    def due(self, time_us: int) -> Value | None:
        """The value that was held back, when its time has come; it is said then."""
        held = self._held
        if held is None or self._is_too_soon(time_us):
            return None
        self._said, self._said_us, self._held = held, time_us, None
        return held

    def rest(self) -> Value | None:
        """The value that was held back, when nothing more will come."""
        held, self._held = self._held, None
        return held

    def _is_too_soon(self, time_us: int) -> bool:
        interval_us = self._transition.interval_us
        # A clock that was set back must not silence the signal.
        return self._said is not None and 0 <= time_us - self._said_us < interval_us

    def _is_change(self, value: Value) -> bool:
        said = self._said
        hysteresis = self._transition.hysteresis
        if hysteresis and isinstance(said, int | float) and isinstance(value, int | float):
            return abs(value - said) >= hysteresis
        return value != said

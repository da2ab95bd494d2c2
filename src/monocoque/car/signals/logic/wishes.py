"""How often anybody wants to hear each signal, and what a supplier is told and asked.

Rules: the most frequent wish counts. Who wants every value wants it as often as the supplier said
that it has new ones.

Left out on purpose: who has the wishes, and how they reach a supplier (service/supplies.py).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

EVERY_VALUE_MS = 0
"""The interval of who wants every value."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """News for a supplier: how often its signals are wanted from now on."""

    intervals_ms: Mapping[int, int | None]
    """By signal; None when nobody wants it any more."""


@dataclass(frozen=True, slots=True)
class Question:
    """A supplier is asked what these signals are now."""

    question_id: int
    """Different for each that is open, and never 0."""
    numbers: tuple[int, ...]


class Wishes:
    """How often each signal is wanted, by all together."""

    def __init__(self) -> None:
        """None yet."""
        self._counts: dict[int, Counter[int]] = {}

    def add(self, numbers: Iterable[int], interval_ms: int) -> None:
        """Somebody wants these so often."""
        for number in numbers:
            self._counts.setdefault(number, Counter())[interval_ms] += 1

    def drop(self, numbers: Iterable[int], interval_ms: int) -> None:
        """Somebody does not any more."""
        for number in numbers:
            counts = self._counts[number]
            counts[interval_ms] -= 1
            if not counts[interval_ms]:
                del counts[interval_ms]
            if not counts:
                del self._counts[number]

    def fastest_ms(self, number: int, own_ms: int) -> int | None:
        """How often this signal is wanted; None when nobody wants it.

        own_ms: how often its supplier has new values.
        """
        counts = self._counts.get(number)
        if counts is None:
            return None
        return min(own_ms if each == EVERY_VALUE_MS else each for each in counts)

"""The signals that a car has, by path and by number.

Rules:

* a path is matched by character; ``*`` stands for one level and ``**`` for any number of levels; a
  branch stands for all below it;
* patterns are as long as ``PATH_CHARACTERS_MAX`` at most.

Left out on purpose: reading a catalogue out of a file (vss.py).
"""

import functools
import re
from collections.abc import Iterable
from typing import Final

from monocoque.contracts.errors import SignalUnknown
from monocoque.contracts.signals import SIGNALS, Signal

PATH_CHARACTERS_MAX: Final = 1_000
SHOWN_CHARACTERS_MAX: Final = 80
"""So much of a path that nobody knows is repeated in an error."""


class Catalogue:
    """All signals of one car; never changes."""

    def __init__(self, signals: Iterable[Signal]) -> None:
        """Take these; each path and each number may come once."""
        self.signals: tuple[Signal, ...] = tuple(sorted(signals, key=lambda each: each.path))
        self._by_path = {each.path: each for each in self.signals}
        self._by_number = {each.number: each for each in self.signals}
        assert len(self._by_path) == len(self._by_number) == len(self.signals)
        self.numbers = frozenset(self._by_number)
        self._below: dict[str, list[Signal]] = {}
        for each in self.signals:
            names = each.path.split(".")
            for depth in range(1, len(names)):
                self._below.setdefault(".".join(names[:depth]), []).append(each)

    def find(self, path: str) -> Signal | None:
        """The signal of this path, or None."""
        return self._by_path.get(path)

    def at(self, path: str) -> Signal:
        """The signal of this path. Raises SignalUnknown."""
        found = self._by_path.get(path)
        if found is None:
            raise SignalUnknown(f"There is no signal {path[:SHOWN_CHARACTERS_MAX]!r}.")
        return found

    def find_number(self, number: int) -> Signal | None:
        """The signal of this number, or None."""
        return self._by_number.get(number)

    def numbered(self, number: int) -> Signal:
        """The signal of this number. Raises SignalUnknown."""
        found = self._by_number.get(number)
        if found is None:
            raise SignalUnknown(f"There is no signal with the number {number}.")
        return found

    def matching(self, pattern: str) -> tuple[Signal, ...]:
        """The signals of a path, a branch or a pattern, in order of path; empty when none fits.

        ``Vehicle.Cabin`` and ``Vehicle.Cabin.**`` are all below it, ``Vehicle.*.IsOpen`` those one
        level below. A pattern with ``*`` in it that ends at a branch stands for all below too.
        """
        if pattern in ("", "**"):
            return self.signals
        if len(pattern) > PATH_CHARACTERS_MAX:
            return ()
        if "*" not in pattern:
            exact = self._by_path.get(pattern)
            return (exact,) if exact is not None else tuple(self._below.get(pattern, ()))
        fits = _expression(pattern).fullmatch
        return tuple(each for each in self.signals if fits(each.path))


@functools.cache
def own_catalogue() -> Catalogue:
    """The catalogue that comes with the product."""
    return Catalogue(SIGNALS)


def _expression(pattern: str) -> re.Pattern[str]:
    """One level is anything without a dot; each pattern covers what is below it."""
    levels: list[str] = []
    for name in pattern.split("."):
        if name == "**":
            # Runs of it mean the same as one, and would make matching slow.
            if not levels or levels[-1] is not _ANY:
                levels.append(_ANY)
        else:
            levels.append("[^.]*".join(re.escape(part) for part in re.split(r"\*+", name)))
    return re.compile(r"\.".join(levels).replace(r"\." + _ANY, r"(?:\.[^.]+)*") + r"(?:\..+)?")


_ANY: Final = r"[^.]+(?:\.[^.]+)*"

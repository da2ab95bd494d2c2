"""Whose numbers are whose: a broker outside has its own for the signals that we know.

Rules: a signal is the same when path, type and kind are. Signals that only the broker has keep its
numbers, unless a signal of ours has that one; then they get numbers that none of ours have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.contracts.signals import Signal

FOREIGN_FROM: Final = 1_000_000_000
"""From here on are the numbers of signals whose own numbers were taken."""
REMEMBERED_MAX: Final = 256

Numbers = tuple[int, ...]


@dataclass(frozen=True)
class Names:
    """One number for another."""

    theirs: Mapping[int, int]
    """By ours."""
    ours: Mapping[int, int]
    """By theirs."""
    _remembered: dict[Numbers, Numbers] = field(default_factory=dict)

    def ours_of(self, theirs: Numbers) -> Numbers:
        """Ours, for many of theirs. Raises KeyError for a number that the broker did not list."""
        found = self._remembered.get(theirs)
        if found is None:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            found = self._remembered[theirs] = tuple([self.ours[number] for number in theirs])
        return found


def match(own: Catalogue | None, listed: Sequence[Signal]) -> tuple[Catalogue, Names]:
    """The broker's signals under our numbers, and both numbers of each.

    listed: with the broker's numbers. Of signals that we know, what no broker says is ours: how
    long they stay fresh, and how they change.
    """
    theirs: dict[int, int] = {}
    signals = []
    taken = own.numbers if own is not None else frozenset()
    for signal in listed:
        mine = None if own is None else own.find(signal.path)
        number = signal.number
        if mine is not None and _is_same(mine, signal):
            number = mine.number
            signal = replace(signal, fresh_s=mine.fresh_s, change_type=mine.change_type)
        elif number in taken:
            number = FOREIGN_FROM + len(theirs)
        theirs[number] = signal.number
        signals.append(replace(signal, number=number))
    return Catalogue(signals), Names(theirs, {their: our for our, their in theirs.items()})


def _is_same(one: Signal, other: Signal) -> bool:
    return (one.data_type, one.entry_type) == (other.data_type, other.entry_type)

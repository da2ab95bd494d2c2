"""What is known of signals at a moment, and what is said of them together.

Rules:

* a reading says how fresh it is; a value that nobody stands behind any more is not passed off as
  one that is true now;
* a batch is what one provider said at once. It is shared by all who hear it, and encoded once for
  each form in which they want it, so nobody may change it.

Left out on purpose: waiting for batches (service/port.py).
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from monocoque.contracts.signals import Value

Encoded = TypeVar("Encoded")


class Freshness(enum.Enum):
    """How far a value can be trusted to be true now."""

    NEVER = "never"
    """No value was ever said."""
    FRESH = "fresh"
    STALE = "stale"
    """Older than this signal may be."""
    PROVIDER_GONE = "provider_gone"
    """The last value of a provider that is not there any more."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A datapoint: the value of one signal, since when, and by whom."""

    number: int
    value: Value | None
    """None when there never was one."""
    time_us: int
    """When it was measured; 0 when it never was."""
    source: str
    """The name of the provider; empty when there never was one."""
    freshness: Freshness


@dataclass(slots=True)
class Batch:
    """Several values, said at once."""

    numbers: tuple[int, ...]
    values: Sequence[Value]
    """As many as numbers."""
    times_us: Sequence[int]
    """As many as numbers: when each was measured."""
    source: str
    """Empty when they come from several."""
    not_fresh: Mapping[int, Freshness] = field(default_factory=dict)
    """Of each value that is not fresh, how it is; empty for most batches."""
    lost: int = 0
    """How many values newer ones replaced, since this reader was too slow to take them."""
    _encodings: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def number_set(self) -> frozenset[int]:
        """Its numbers; made once for all who ask."""
        return self.encoded(_NUMBER_SET, lambda batch: frozenset(batch.numbers))

    def encoded(self, form: Any, encode: Callable[["Batch"], Encoded]) -> Encoded:
        """This batch in one form; whoever asks second gets what was made for the first."""
        found = self._encodings.get(form)
        if found is None:
            found = self._encodings[form] = encode(self)
        made: Encoded = found
        return made


_NUMBER_SET = object()


def conflate(batches: Sequence[Batch]) -> Batch:
    """One batch that says the newest of each signal.

    How many values newer ones replaced is in its ``lost``, with what was lost before.
    """
    newest: dict[int, tuple[Batch, int]] = {}
    said = 0
    for batch in batches:
        said += len(batch.numbers) + batch.lost
        for index, number in enumerate(batch.numbers):
            newest[number] = (batch, index)
    kept = newest.values()
    sources = {batch.source for batch, _ in kept}
    return Batch(
        tuple(newest),
        [batch.values[index] for batch, index in kept],
        [batch.times_us[index] for batch, index in kept],
        sources.pop() if len(sources) == 1 else "",
        {n: batch.not_fresh[n] for n, (batch, _) in newest.items() if n in batch.not_fresh},
        lost=said - len(newest),
    )


def places_of(wanted: frozenset[int], numbers: Sequence[int]) -> list[int] | None:
    """Where those that are wanted stand among these; None when all are."""
    places = [place for place, number in enumerate(numbers) if number in wanted]
    return None if len(places) == len(numbers) else places


def cut(batch: Batch, places: Sequence[int]) -> Batch:
    """What stands at these places of a batch, as a batch of its own."""
    numbers = tuple(batch.numbers[place] for place in places)
    return Batch(
        numbers,
        [batch.values[place] for place in places],
        [batch.times_us[place] for place in places],
        batch.source,
        {n: batch.not_fresh[n] for n in numbers if n in batch.not_fresh},
    )


def news_among(
    readings: Sequence[Reading], values: Sequence[Value], times_us: Sequence[int]
) -> list[int]:
    """Places of those values that say more than the present readings of their signals."""
    places = []
    for place, (known, value, time_us) in enumerate(zip(readings, values, times_us, strict=True)):
        is_known = known.freshness in (Freshness.FRESH, Freshness.STALE)
        is_later = (time_us, value) != (known.time_us, known.value) and time_us >= known.time_us
        if not is_known or is_later:
            places.append(place)
    return places

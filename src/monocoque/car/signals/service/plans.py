"""What is done with every batch of the same signals, worked out once, and who hears of it.

Left out on purpose: doing it (hub.py).
"""

from collections.abc import Sequence

from monocoque.car.signals.logic.checks import Bounds, bounds_of
from monocoque.car.signals.service.queues import Queue
from monocoque.contracts.signals import Signal

Numbers = tuple[int, ...]


class Channel:
    """The readers of one set of signals."""

    __slots__ = ("numbers", "queues")

    def __init__(self, numbers: frozenset[int]) -> None:
        """Nobody yet."""
        self.numbers = numbers
        self.queues: list[Queue] = []


class Plan:
    """What is done with a batch of these signals, in this order."""

    __slots__ = ("bounds", "number_set", "routes", "routes_made", "signals")

    def __init__(self, signals: Sequence[Signal]) -> None:
        """Nobody hears it yet."""
        self.signals = signals
        self.bounds: list[Bounds] = [bounds_of(each) for each in signals]
        self.number_set = frozenset(each.number for each in signals)
        self.routes: list[tuple[Channel, list[int] | None]] = []
        """Who hears it, and which places of the batch; None for all of them."""
        self.routes_made = -1

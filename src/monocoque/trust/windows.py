"""Which counters of one key were seen: a sliding window, so that no command is taken twice.

Rules:

* a counter is taken once, and never again;
* within the window any order is taken, since networks reorder;
* what lies below the window counts as seen.

The window is 64 wide: the highest counter and the 63 below it. ``bits`` therefore fits into a
signed column of 64 bits.

Left out on purpose: whose key it is, and the records that keep the window.
"""

from dataclasses import dataclass
from typing import Final

WINDOW_WIDTH: Final = 64
_MASK: Final = 2 ** (WINDOW_WIDTH - 1) - 1


@dataclass(frozen=True, slots=True)
class CounterWindow:
    """What was seen of one key. ``CounterWindow()`` has seen nothing."""

    highest: int = 0
    """The highest counter that was seen; 0 for none."""
    bits: int = 0
    """Bit n says whether ``highest - 1 - n`` was seen; always below 2**63."""


def accept(window: CounterWindow, counter: int) -> CounterWindow | None:
    """The window that has seen this counter too, or None when the counter must not be taken.

    counter: 1 or more; anything less is never taken.
    """
    if counter < 1:
        return None
    if counter > window.highest:
        step = counter - window.highest
        if step >= WINDOW_WIDTH:
            return CounterWindow(highest=counter, bits=0)
        seen = window.bits << 1 | (window.highest > 0)
        return CounterWindow(highest=counter, bits=seen << (step - 1) & _MASK)
    place = window.highest - counter - 1
    if not 0 <= place < WINDOW_WIDTH - 1 or window.bits >> place & 1:
        return None
    return CounterWindow(highest=window.highest, bits=window.bits | 1 << place)

"""Rate limits: a bucket of tokens for each caller, in a table of bounded size.

Rules: a bucket fills at a steady rate up to its burst, by the clock that it is given; a request
takes one; an empty bucket refuses. When the table is full, the caller who was not seen for the
longest time is forgotten.
"""

from collections import OrderedDict

from monocoque.contracts.errors import TooManyRequests
from monocoque.plumbing.clock import Clock


class Rates:
    """One table of buckets."""

    def __init__(self, clock: Clock, *, per_s: float, burst_requests: float, keys_max: int) -> None:
        """Build the table.

        per_s: requests per second that a bucket gains. burst_requests: the most it holds.
        keys_max: how many callers are remembered.
        """
        self._clock = clock
        self._per_us = per_s / 1_000_000
        self._burst = burst_requests
        self._keys_max = keys_max
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one request of this caller; raises TooManyRequests."""
        now_us = self._clock.now_us()
        held, since_us = self._buckets.get(key, (self._burst, now_us))
        held = min(self._burst, held + (now_us - since_us) * self._per_us)
        is_allowed = held >= 1.0
        self._buckets[key] = (held - 1.0 if is_allowed else held, now_us)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._keys_max:
            self._buckets.popitem(last=False)
        if not is_allowed:
            raise TooManyRequests("More requests came than this caller may send.")

    def __len__(self) -> int:
        """How many callers are remembered."""
        return len(self._buckets)

"""How often a publisher may speak: a bucket of tokens for each subject.

Rules:

* a bucket holds one minute's worth of its topic's ``rate_per_minute_max`` and fills at that rate;
  every message takes a token, and what finds too few takes none;
* the tokens of a batch are taken together or not at all, so that a batch that is tried again
  later does not use up what it waits for;
* a clock that is set back gives nothing and takes nothing;
* the table is bounded; beyond the bound the subject that was silent for the longest time is
  forgotten, and begins anew with a full bucket.

Left out on purpose: streams and last values at the receiver. What was acknowledged is never
left out there (docs/decisions/0035).
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from monocoque.contracts.errors import TooManyRequests
from monocoque.contracts.topics import Topic
from monocoque.plumbing.clock import Clock

MINUTE_US: Final = 60_000_000
RECEIVED_TIMES_MAX: Final = 2
"""A receiver allows so many times the rate, since a message may arrive twice."""


def taken_after(taken: int, elapsed_us: int, count: int, rate_per_minute: int) -> int | None:
    """What is taken out of a bucket once so many more are; None when it holds too few.

    taken: in tokens times MINUTE_US, so that no fraction is lost; it flows back with time.
    """
    left = max(0, taken - max(0, elapsed_us) * rate_per_minute)
    wanted = left + count * MINUTE_US
    return wanted if wanted <= rate_per_minute * MINUTE_US else None


class Rates:
    """The buckets of one publisher or of one reader."""

    def __init__(self, clock: Clock, subjects_max: int, times: int = 1) -> None:
        """Build it. times: this many times the topic's rate is allowed."""
        self._clock = clock
        self._subjects_max = subjects_max
        self._times = times
        self._buckets: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """By subject: what was taken, and when that was so."""

    def __len__(self) -> int:
        """How many subjects are remembered."""
        return len(self._buckets)

    def take(self, topic: Topic[Any], counts: Mapping[str, int]) -> None:
        """Count so many messages on each subject.

        Raises TooManyRequests when one is too many, and then none is counted.
        """
        now_us = self._clock.now_us()
        rate = topic.rate_per_minute_max * self._times
        after: dict[str, tuple[int, int]] = {}
        for subject, count in counts.items():
            taken, since_us = self._buckets.get(subject, (0, now_us))
            wanted = taken_after(taken, now_us - since_us, count, rate)
            if wanted is None:
                if subject in self._buckets:  # who is refused is not silent
                    self._buckets.move_to_end(subject)
                raise TooManyRequests(
                    f"{topic.name} takes {rate} messages a minute on one subject.",
                    hint="Publish less often; docs/protocol/topics.md gives each topic's rate.",
                )
            after[subject] = (wanted, now_us)
        for subject, bucket in after.items():
            self._buckets[subject] = bucket
            self._buckets.move_to_end(subject)
        while len(self._buckets) > self._subjects_max:
            self._buckets.popitem(last=False)

"""What the memory adapter keeps of a stream, and the place of each durable consumer in it.

Rules: a message is handed out in the order in which it came; once handed out it is owed again
after a wait, until it is acknowledged; messages older than the topic's retention are gone.
Times here are the event loop's, in seconds; ages are the clock's, in microseconds.
"""

import asyncio
import heapq
from collections import deque
from dataclasses import dataclass, field

STREAM_MESSAGES_MAX = 1_000_000
"""A bound for a stream in memory; the oldest goes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One message in a stream."""

    sequence: int
    subject: str
    data: bytes
    kept_at_us: int
    available_at_s: float


@dataclass
class Place:
    """Where one durable consumer is; outlives every connection."""

    next_sequence: int
    attempts: dict[int, int] = field(default_factory=dict)
    """How often each message that is not acknowledged was handed out."""
    due_at_s: dict[int, float] = field(default_factory=dict)
    order: list[tuple[float, int]] = field(default_factory=list)
    """A heap of what is owed when; an entry that ``due_at_s`` does not confirm is void."""

    def owe(self, sequence: int, due_at_s: float) -> None:
        """Hand this message out again at that time."""
        self.due_at_s[sequence] = due_at_s
        heapq.heappush(self.order, (due_at_s, sequence))

    def settle(self, sequence: int) -> None:
        """This message is acknowledged."""
        self.due_at_s.pop(sequence, None)
        self.attempts.pop(sequence, None)

    def next_due_s(self) -> float | None:
        """When the next message is owed again, or None."""
        while self.order and self.due_at_s.get(self.order[0][1]) != self.order[0][0]:
            heapq.heappop(self.order)
        return self.order[0][0] if self.order else None


class MemoryStream:
    """One topic's messages, and its consumers."""

    def __init__(self, retention_s: int, unacknowledged_max: int) -> None:
        self._retention_us = retention_s * 1_000_000
        self._unacknowledged_max = unacknowledged_max
        self._messages: deque[Kept] = deque()
        self._next_sequence = 1
        self._last_available_at_s = 0.0
        self.places: dict[str, Place] = {}
        self.changed = asyncio.Event()
        """Set, and replaced by another, whenever there may be something to hand out."""

    def wake(self) -> None:
        """Let every waiting consumer of this stream look again."""
        self.changed.set()
        self.changed = asyncio.Event()

    def append(self, subject: str, data: bytes, now_us: int, available_at_s: float) -> None:
        """Keep a message; it is never available before one that came earlier."""
        self._last_available_at_s = max(available_at_s, self._last_available_at_s)
        self._messages.append(
            Kept(self._next_sequence, subject, data, now_us, self._last_available_at_s)
        )
        self._next_sequence += 1
        self._forget_old(now_us)

    def place(self, name: str) -> Place:
        """The place of the consumer of that name; a new one starts at the oldest message."""
        return self.places.setdefault(name, Place(next_sequence=1))

    def take(
        self, place: Place, count_max: int, now_s: float, now_us: int
    ) -> list[tuple[Kept, int]]:
        """Hand out up to so many messages with the number of this attempt: owed ones first."""
        self._forget_old(now_us)
        taken = self._take_owed(place, count_max, now_s)
        while len(taken) < count_max and len(place.due_at_s) < self._unacknowledged_max:
            message = self._get(place.next_sequence)
            if message is None or message.available_at_s > now_s:
                break
            place.next_sequence = message.sequence + 1
            place.due_at_s[message.sequence] = now_s
            taken.append(message)
        for message in taken:
            place.attempts[message.sequence] = place.attempts.get(message.sequence, 0) + 1
        return [(message, place.attempts[message.sequence]) for message in taken]

    def next_event_s(self, place: Place) -> float | None:
        """When there may be something to hand out without anybody publishing, or None."""
        times = [due for due in (place.next_due_s(),) if due is not None]
        message = self._get(place.next_sequence)
        if message is not None and len(place.due_at_s) < self._unacknowledged_max:
            times.append(message.available_at_s)
        return min(times, default=None)

    def _take_owed(self, place: Place, count_max: int, now_s: float) -> list[Kept]:
        taken: list[Kept] = []
        while len(taken) < count_max:
            due_at_s = place.next_due_s()
            if due_at_s is None or due_at_s > now_s:
                break
            _, sequence = heapq.heappop(place.order)
            message = self._get(sequence)
            if message is None or message.sequence != sequence:
                place.settle(sequence)
            else:
                taken.append(message)
        return taken

    def _get(self, sequence: int) -> Kept | None:
        """The message of that number, or the oldest that is left after it."""
        if not self._messages:
            return None
        index = max(0, sequence - self._messages[0].sequence)
        return self._messages[index] if index < len(self._messages) else None

    def _forget_old(self, now_us: int) -> None:
        while self._messages and (
            len(self._messages) > STREAM_MESSAGES_MAX
            or self._messages[0].kept_at_us < now_us - self._retention_us
        ):
            self._messages.popleft()

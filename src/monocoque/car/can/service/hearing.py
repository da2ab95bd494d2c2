"""From frames to publications: translated, counted, held back where the mapping says so.

Rules:

* a list of frames becomes one publication; a value that a row holds back is said when it is due;
* whatever is wrong with a frame or a value is counted, by its kind, and stops nothing;
* who looks is shown each value of a signal, published or not, and also that it has none now.

Left out on purpose: where frames come from; a bus (gateway.py) and a log (replay.py) are the same.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.transitions import Passed
from monocoque.car.can.logic.translation import MessageIn, Rule, Translation
from monocoque.car.signals.service.port import Provision
from monocoque.contracts.errors import CanFrameBroken, SignalValueRefused
from monocoque.contracts.signals import Signal, Value, check
from monocoque.plumbing.can.port import Frame

Look = Callable[[Rule, Value | None, int], None]
"""What is done with each value, published or not, or None for one without meaning; and its time."""
Said = Callable[[Sequence[int], Sequence[Value], Sequence[int], Container[int]], None]
"""Is told what was published: numbers, values, times in us, and which numbers were refused."""


@dataclass
class Tally:
    """What became of frames and values."""

    frames: int = 0
    decoded_frames: int = 0
    broken_frames: int = 0
    """Shorter than their message, or nothing in their bits."""
    unknown_frames: int = 0
    """Of identifiers that no row wants."""
    values: int = 0
    """Found in frames."""
    meaningless_values: int = 0
    """Of which no table knows the meaning, or which stand for no number."""
    published_values: int = 0
    unknown: Counter[int] = field(default_factory=Counter)
    """Frames by identifier that no row wants, for so many of those as there is room."""
    refused: Counter[str] = field(default_factory=Counter)
    """Values that did not fit their signal, by path."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why the last of these was refused, by path."""


class Hearing:
    """One stream of frames, on its way to the signals."""

    def __init__(
        self,
        translation: Translation,
        provision: Provision,
        config: CanConfig,
        look: Look | None = None,
        said: Said | None = None,
    ) -> None:
        """Nothing was heard yet."""
        self.tally = Tally()
        self._translation = translation
        self._provision = provision
        self._config = config
        self._look = look
        self._said = said
        self._passed = {r.signal.number: Passed(r.transition) for r in translation.rules}
        self._signals = {r.signal.number: r.signal for r in translation.rules}
        self._slow = [r.signal.number for r in translation.rules if r.transition.interval_us]

    async def take(self, frames: Iterable[Frame]) -> None:
        """Publish what these say."""
        numbers: list[int] = []
        values: list[Value] = []
        times_us: list[int] = []
        messages, tally, passed = self._translation.messages, self.tally, self._passed
        for frame in frames:
            tally.frames += 1
            message = messages.get((frame.identifier, frame.is_extended))
            if message is None:
                self._note_unknown(frame.identifier)
                continue
            time_us = frame.time_us
            for rule, value in self._decoded(message, frame.data):
                tally.values += 1
                if self._look is not None:
                    self._look(rule, value, time_us)
                if value is None:
                    tally.meaningless_values += 1
                    continue
                if passed[rule.signal.number].offer(value, time_us):
                    numbers.append(rule.signal.number)
                    values.append(value)
                    times_us.append(time_us)
        await self._publish(numbers, values, times_us)

    async def take_due(self, time_us: int) -> None:
        """Publish what was held back until now."""
        await self._publish_held(lambda number: self._passed[number].due(time_us), time_us)

    async def take_rest(self, time_us: int) -> None:
        """Publish whatever is held back, since nothing more comes."""
        await self._publish_held(lambda number: self._passed[number].rest(), time_us)

    async def _publish_held(self, held: Callable[[int], Value | None], time_us: int) -> None:
        found = [(number, value) for number in self._slow if (value := held(number)) is not None]
        numbers, values = [number for number, _ in found], [value for _, value in found]
        await self._publish(numbers, values, [time_us] * len(found))

    def _decoded(self, message: MessageIn, data: bytes) -> Sequence[tuple[Rule, Value | None]]:
        try:
            found = message.decode(data)
        except CanFrameBroken:
            self.tally.broken_frames += 1
            return ()
        self.tally.decoded_frames += 1
        return found

    def _note_unknown(self, identifier: int) -> None:
        tally = self.tally
        tally.unknown_frames += 1
        if identifier in tally.unknown or len(tally.unknown) < self._config.unknown_kept_max:
            tally.unknown[identifier] += 1

    async def _publish(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: Sequence[int]
    ) -> None:
        if not numbers:
            return
        refused = await self._provision.publish(numbers, values, times_us)
        if self._said is not None:
            self._said(numbers, values, times_us, refused)
        count = len(numbers)
        for number, error in refused.items():
            signal = self._signals[number]
            # Of one signal, several may be in one publication; the broker names it once.
            times = sum(
                n == number and not _fits(signal, value)
                for n, value in zip(numbers, values, strict=True)
            )
            count -= max(1, times)
            self.tally.refused[signal.path] += max(1, times)
            self.tally.reasons[signal.path] = error.what
        self.tally.published_values += count


def _fits(signal: Signal, value: Value) -> bool:
    try:
        check(signal, value)
    except SignalValueRefused:
        return False
    return True

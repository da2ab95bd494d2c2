"""Providers that can be asked for values, and that hear how often anybody wants them.

Rules:

* of several that supply one signal, the last that said so is asked, so that one whose lost
  connection was not noticed yet is in nobody's way; all of them hear what is wanted;
* a signal is asked for once at a time: whoever wants it meanwhile waits for the same answer;
* a question has a deadline, whoever asked it: a reader in a hurry waits less, and takes no time
  from others. Once it has passed, nobody waits for that answer any more, and the signal is asked
  for again only after ``AGAIN_FACTOR`` times as long: who never answers costs one reader one wait,
  now and then;
* wishes that come while a supplier does not listen become one piece of news.

Left out on purpose: the answers' values, which are said like any other (hub.py).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from monocoque.car.signals.logic.wishes import EVERY_VALUE_MS, Question, Wanted, Wishes
from monocoque.contracts.errors import MonocoqueError

QUESTIONS_WAITING_MAX: Final = 256
"""Questions that wait for one supplier to take them; the oldest go first."""
ANSWER_S_MAX: Final = 1.0
"""Until a question's deadline, unless whoever brings the supplier says otherwise."""
AGAIN_FACTOR: Final = 10
INTERVAL_MS_MAX: Final = 2**32 - 1
QUESTION_IDS: Final = 2**32 - 1
"""Then they begin at 1 again."""


@dataclass(eq=False)
class _Open:
    """A question without an answer."""

    question: Question
    due_s: float
    again_s: float
    left: set[int]
    is_over: asyncio.Event = field(default_factory=asyncio.Event)


class Supplies:
    """All suppliers of one hub, and all that is wanted of them."""

    def __init__(self) -> None:
        """None yet."""
        self._wishes = Wishes()
        self._of: dict[int, list[HubSupply]] = {}

    @contextlib.contextmanager
    def wished(self, numbers: Sequence[int], interval_s: float) -> Iterator[None]:
        """Somebody wants these signals so often while the block lasts; 0 for every value."""
        each = frozenset(numbers)
        interval_ms = EVERY_VALUE_MS
        if interval_s > 0:
            interval_ms = min(max(1, round(interval_s * 1_000)), INTERVAL_MS_MAX)
        self._wishes.add(each, interval_ms)
        self._note(each)
        try:
            yield
        finally:
            self._wishes.drop(each, interval_ms)
            self._note(each)

    @contextlib.contextmanager
    def opened(self, check: Callable[[Sequence[int]], None]) -> Iterator["HubSupply"]:
        """A supplier is there while the block lasts. check: raises for what it may not supply."""
        supply = HubSupply(self, check)
        try:
            yield supply
        finally:
            for number in supply.intervals_ms:
                self._of[number].remove(supply)
                if not self._of[number]:
                    del self._of[number]
            supply.leave()

    @property
    def are_there(self) -> bool:
        """Whether anybody supplies anything."""
        return bool(self._of)

    async def ask(self, numbers: Sequence[int], wait_s: float) -> None:
        """Have their suppliers say these signals anew; returns when they have, or in time."""
        asked: dict[HubSupply, list[int]] = {}
        for number in numbers:
            supplies = self._of.get(number)
            if supplies:
                asked.setdefault(supplies[-1], []).append(number)
        until_s = asyncio.get_running_loop().time() + wait_s
        for each in [each for supply, its in asked.items() for each in supply.ask(its)]:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(until_s, each.due_s)):
                    await each.is_over.wait()

    def join(self, supply: "HubSupply", number: int) -> None:
        """This one supplies this signal."""
        self._of.setdefault(number, []).append(supply)

    def fastest_ms(self, number: int, own_ms: int) -> int | None:
        """See ``Wishes.fastest_ms``."""
        return self._wishes.fastest_ms(number, own_ms)

    def _note(self, numbers: Iterable[int]) -> None:
        for number in numbers if self._of else ():
            for supply in self._of.get(number, ()):
                supply.note(number)


class HubSupply:
    """The port ``Supply``, on a hub in this process."""

    def __init__(self, supplies: Supplies, check: Callable[[Sequence[int]], None]) -> None:
        """See ``HubConnection.supply``."""
        self.intervals_ms: dict[int, int] = {}
        """How often it has new values, by signal."""
        self.answer_s_max = ANSWER_S_MAX
        """How long anybody waits for one answer of it."""
        self._supplies = supplies
        self._check = check
        self._told: dict[int, int | None] = {}
        self._noted: set[int] = set()
        """Signals for which the wish may have changed."""
        self._asked: deque[Question] = deque(maxlen=QUESTIONS_WAITING_MAX)
        self._open: dict[int, _Open] = {}
        self._questions = 0
        self._has_news = asyncio.Event()
        self._error: MonocoqueError | None = None

    def cover(self, intervals_ms: Mapping[int, int]) -> None:
        """See ``Supply.cover``."""
        self._check(tuple(intervals_ms))
        for number in intervals_ms:
            if number not in self.intervals_ms:
                self._supplies.join(self, number)
        self.intervals_ms.update(intervals_ms)
        self._noted.update(intervals_ms)
        self._has_news.set()

    async def next(self) -> Wanted | Question:
        """See ``Supply.next``."""
        while True:
            if self._error is not None:
                raise self._error
            if self._asked:
                return self._asked.popleft()
            news = self._take_news()
            if news:
                return Wanted(news)
            self._has_news.clear()
            await self._has_news.wait()

    def answer(self, question_id: int, numbers: Iterable[int]) -> None:
        """See ``Supply.answer``."""
        named = [n for n, each in self._open.items() if each.question.question_id == question_id]
        for number in (*numbers, *named):
            found = self._open.pop(number, None)
            if found is not None:
                found.left.discard(number)
                if not found.left:
                    found.is_over.set()

    def ask(self, numbers: Sequence[int]) -> list[_Open]:
        """Ask for these signals; the questions, new and old, whose answers can be waited for."""
        now_s = asyncio.get_running_loop().time()
        found: list[_Open] = []
        unasked: list[int] = []
        for number in dict.fromkeys(numbers):
            before = self._open.get(number)
            if before is None or now_s >= before.again_s:
                unasked.append(number)
            elif now_s < before.due_s:
                found.append(before)
        if unasked:
            self._questions = self._questions % QUESTION_IDS + 1
            question = Question(self._questions, tuple(unasked))
            due_s = now_s + self.answer_s_max
            again_s = now_s + self.answer_s_max * AGAIN_FACTOR
            made = _Open(question, due_s, again_s, set(unasked))
            self._open.update(dict.fromkeys(unasked, made))
            self._asked.append(question)
            self._has_news.set()
            found.append(made)
        return found

    def note(self, number: int) -> None:
        """How often this signal is wanted may have changed."""
        self._noted.add(number)
        self._has_news.set()

    def leave(self) -> None:
        """It is gone: nobody waits for it any more."""
        for each in self._open.values():
            each.is_over.set()

    def end(self, error: MonocoqueError) -> None:
        """It supplies nothing more, for this reason."""
        self._error = error
        self._has_news.set()

    def _take_news(self) -> dict[int, int | None]:
        """What it was not told yet; then it was."""
        news: dict[int, int | None] = {}
        for number in sorted(self._noted):
            wanted = self._supplies.fastest_ms(number, self.intervals_ms[number])
            if wanted != self._told.get(number):
                news[number] = wanted
        self._noted.clear()
        self._told |= news
        return news

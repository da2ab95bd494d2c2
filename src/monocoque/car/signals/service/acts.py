"""The acts of one broker: what was asked, how far it is, and who waits for it.

Rules:

* one act at a time for one actuator: a newer wish ends the older as ``replaced``;
* an act ends by its deadline, whatever its provider does;
* how ended acts ended is remembered for the last ``ACTS_KEPT`` of them.

Left out on purpose: keeping them over a restart. Who acts keeps that (embodying.py).
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from monocoque.car.signals.logic.acts import DEADLINE, REPLACED, Act, ActState, follow
from monocoque.car.signals.service.inbox import Inbox
from monocoque.contracts.errors import SignalUnknown
from monocoque.contracts.signals import Value

ACTS_KEPT: Final = 1_000


class _Followed:
    """One act, and those who wait for it."""

    def __init__(self, act: Act) -> None:
        self.act = act
        self.is_answered = asyncio.Event()
        self.has_ended = asyncio.Event()
        self.deadline: asyncio.TimerHandle | None = None


class Acts:
    """All acts of one broker."""

    def __init__(self) -> None:
        """None yet."""
        self._followed: dict[str, _Followed] = {}
        self._open: dict[int, str] = {}
        """By signal, the act that has not ended."""
        self._watchers: list[tuple[frozenset[int], Inbox[Act]]] = []

    @property
    def open_numbers(self) -> set[int]:
        """Signals that something is asked of."""
        return set(self._open)

    def open_act(self, number: int) -> Act | None:
        """What is asked of this signal, or None."""
        act_id = self._open.get(number)
        return None if act_id is None else self._followed[act_id].act

    def begin(self, act: Act, timeout_s: float) -> None:
        """Follow this act from now on."""
        before = self._open.get(act.number)
        if before is not None:
            self.tell(before, ActState.FAILED, REPLACED)
        followed = _Followed(act)
        self._followed[act.act_id] = followed
        self._open[act.number] = act.act_id
        loop = asyncio.get_running_loop()
        followed.deadline = loop.call_later(
            timeout_s, self.tell, act.act_id, ActState.FAILED, DEADLINE
        )
        self._forget_old()
        for numbers, asked in self._watchers:
            if act.number in numbers:
                asked.put(act)

    @contextlib.contextmanager
    def watched(self, numbers: Iterable[int], waiting_max: int) -> Iterator[Inbox[Act]]:
        """Hear what is asked of these signals, as it is asked; of too much, the newest."""
        watcher = frozenset(numbers), Inbox[Act](waiting_max)
        self._watchers.append(watcher)
        try:
            yield watcher[1]
        finally:
            self._watchers.remove(watcher)

    def tell(self, act_id: str, state: ActState, reason: str = "") -> None:
        """An act is so far; ignored when that cannot follow, or when nobody knows the act."""
        followed = self._followed.get(act_id)
        if followed is None:
            return
        before, followed.act = followed.act, follow(followed.act, state, reason)
        if followed.act is before:
            return
        followed.is_answered.set()
        if followed.act.has_ended:
            followed.has_ended.set()
            if followed.deadline is not None:
                followed.deadline.cancel()
            if self._open.get(before.number) == act_id:
                del self._open[before.number]

    def note_value(self, number: int, value: Value) -> None:
        """The doer of this actuator says that it is at this value; an act that met it is done."""
        act = self.open_act(number)
        if act is not None and act.state is ActState.ACCEPTED and is_met(act.target, value):
            self.tell(act.act_id, ActState.DONE)

    async def answered(self, act_id: str) -> Act:
        """The act, once it was accepted or has ended."""
        followed = self._find(act_id)
        await followed.is_answered.wait()
        return followed.act

    async def ended(self, act_id: str) -> Act:
        """The act, once it has ended. Raises SignalUnknown when it is not remembered."""
        followed = self._find(act_id)
        await followed.has_ended.wait()
        return followed.act

    def end_where(self, belongs: Callable[[Act], bool], reason: str) -> None:
        """Every open act of those has failed, for this reason."""
        for act_id in list(self._open.values()):
            if belongs(self._followed[act_id].act):
                self.tell(act_id, ActState.FAILED, reason)

    def _find(self, act_id: str) -> _Followed:
        followed = self._followed.get(act_id)
        if followed is None:
            raise SignalUnknown(
                "Nobody remembers such an act.", hint="Ask for its outcome soon after it."
            )
        return followed

    def _forget_old(self) -> None:
        while len(self._followed) > ACTS_KEPT:
            oldest = next(
                (i for i, followed in self._followed.items() if followed.act.has_ended), None
            )
            if oldest is None:
                return
            del self._followed[oldest]


def is_met(target: Value, value: Value) -> bool:
    """Whether a value is the target; of fractions, as near as a float of 32 bits holds it."""
    if isinstance(target, float) and isinstance(value, int | float):
        return math.isclose(target, value, rel_tol=1e-6, abs_tol=1e-6)
    return target == value

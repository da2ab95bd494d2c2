"""The body as a provider of signals: says what it is like, and does what is asked of it.

Rules:

* what is asked goes through the guard and the body, as a command does; it is on record before the
  body is asked, and so is what came of it afterwards;
* wishes of one request for one part of the body are one act of it, and the guard is asked about
  each of them; a wish for another signal of a part that is busy waits, and a new wish for the same
  signal takes its place at once;
* what an earlier life left open "may have happened" and is never tried again;
* what the bus of the vehicle brings (``Carried``), the body neither says nor does;
* values that have not changed are said again only where a signal grows stale.

Left out on purpose: who may ask, which the broker has checked.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from monocoque.car.body import service as body
from monocoque.car.body.logic import Body, Motion
from monocoque.car.guard.logic import judge as guard
from monocoque.car.signals import records
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.acts import DEADLINE, REPLACED, Act, ActState
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.embodied import (
    ACTUATION_OF,
    READINGS,
    GuardArguments,
    values_of,
)
from monocoque.car.signals.service.port import Broker, Brokers, Carried, Provision
from monocoque.contracts.signals import Signal, Value
from monocoque.plumbing.insisting import AWAY, insist
from monocoque.plumbing.service import Context

NAME: Final = "body"
JAMMED: Final = "jammed"
PINCHED: Final = "pinched"
"""Of what met something while it closed, and went back."""
MAY_HAVE_HAPPENED: Final = "may_have_happened"
SAY_AGAIN_S_MAX: Final = 2.0
"""A value of a signal that grows stale is said again so often."""
MICROSECONDS: Final = 1_000_000


async def run(context: Context) -> None:
    """Be the body for whoever asks signals, until cancelled."""
    broker: Broker = context.port(Brokers).connect(NAME)
    config = context.config(SignalsConfig)
    now_us = context.clock.now_us()
    await insist(
        context, lambda c: records.end_open_acts(c, MAY_HAVE_HAPPENED, now_us), config.retry_s
    )
    carried: Carried = context.ports.get(Carried, Carried())
    there = [
        signal.number
        for signal, _ in READINGS
        if signal.number not in carried.numbers and _is_there(broker.catalogue, signal)
    ]
    doing = [number for number in ACTUATION_OF if number in there]
    async with broker.provide(there, doing) as provision, asyncio.TaskGroup() as group:
        embodied = _Embodied(context, provision, broker, frozenset(there))
        group.create_task(embodied.say_for_ever())
        group.create_task(embodied.do_for_ever(group))


def _is_there(catalogue: Catalogue, wanted: Signal) -> bool:
    """Whether this car's catalogue, which may be somebody's own, has the signal as we know it."""
    found = catalogue.find_number(wanted.number)
    return found is not None and (found.path, found.data_type, found.entry_type) == (
        wanted.path,
        wanted.data_type,
        wanted.entry_type,
    )


class _Embodied:
    """The body, told and heard."""

    def __init__(
        self, context: Context, provision: Provision, broker: Broker, there: frozenset[int]
    ) -> None:
        self._context = context
        self._config = context.config(SignalsConfig)
        self._provision = provision
        self._catalogue = broker.catalogue
        self._there = there
        self._said: dict[int, tuple[Value, int]] = {}
        """What was said last of each signal, and when."""
        self._look = asyncio.Event()
        self._busy: dict[str, tuple[frozenset[int], asyncio.Event]] = {}
        """Parts that move, the signals for which they do, and when that is over."""

    async def say_for_ever(self) -> None:
        """Look and say, again and again."""
        while True:
            self._look.clear()
            pause_s = self._config.retry_s
            try:
                pause_s = await self._say()
            except AWAY as error:
                self._context.count_error(error, error.what)
            try:
                async with asyncio.timeout(pause_s):
                    await self._look.wait()
            except TimeoutError:
                continue

    async def do_for_ever(self, group: asyncio.TaskGroup) -> None:
        """Take what is asked, and do it."""
        while True:
            acts = await self._provision.next_acts()
            parts: dict[tuple[str, str], list[Act]] = {}
            for act in acts:
                actuation = ACTUATION_OF[act.number]
                key = (actuation.actuator, actuation.action(act.target))
                parts.setdefault(key, []).append(act)
            await self._note(acts)
            for (actuator, action), wishes in parts.items():
                group.create_task(self._do_in_turn(actuator, action, wishes))

    async def _say(self) -> float:
        """Say what is news; returns the pause before the next look."""
        context = self._context
        now_us = context.clock.now_us()
        seen = await context.records.transact(lambda c: body.present(c, context.machine_id, now_us))
        news = {
            number: value
            for number, value in values_of(seen).items()
            if self._is_news(number, value, now_us)
        }
        if news:
            refused = await self._provision.publish(list(news), list(news.values()), now_us)
            for number, error in refused.items():
                context.count_error(error, error.what)
                news.pop(number)
            self._said |= {number: (value, now_us) for number, value in news.items()}
        is_still = seen.drive is None and not seen.motions and not self._busy
        return self._config.look_parked_interval_s if is_still else self._config.look_interval_s

    def _is_news(self, number: int, value: Value, now_us: int) -> bool:
        if number not in self._there:
            return False
        signal = self._catalogue.numbered(number)
        said = self._said.get(number)
        if said is None or said[0] != value:
            return True
        grows_stale = signal.fresh_s is not None
        return grows_stale and now_us - said[1] >= SAY_AGAIN_S_MAX * MICROSECONDS

    async def _note(self, acts: Sequence[Act]) -> None:
        named = [(act, self._catalogue.numbered(act.number).path) for act in acts]
        kept = self._config.acts_kept
        await insist(
            self._context, lambda c: records.add_acts(c, named, kept), self._config.retry_s
        )

    async def _do_in_turn(self, actuator: str, action: str, acts: list[Act]) -> None:
        numbers = frozenset(act.number for act in acts)
        while (busy := self._busy.get(actuator)) is not None and busy[0] != numbers:
            await busy[1].wait()
        if acts[0].deadline_us <= self._context.clock.now_us():
            await self._end(acts, ActState.FAILED, DEADLINE)
            return
        mine = self._busy[actuator] = (numbers, asyncio.Event())
        try:
            state, reason = await self._do(actuator, action, acts)
        finally:
            is_last = self._busy.get(actuator) is mine  # the newer may have ended first
            if is_last:
                del self._busy[actuator]
            mine[1].set()
            self._look.set()
        if not is_last:
            state, reason = ActState.FAILED, REPLACED
        await self._end(acts, state, reason)

    async def _do(self, actuator: str, action: str, acts: list[Act]) -> tuple[ActState, str]:
        """Have it done; returns how it ended, and why."""
        target: dict[str, int | bool] = {}
        for act in acts:
            target |= ACTUATION_OF[act.number].target(act.target)
        wanted = body.Act(acts[0].act_id, actuator, target)
        gate = partial(_refusal, action, [_arguments(act) for act in acts])
        try:
            begun = await body.begin(self._context, wanted, gate)
        except AWAY as error:
            return ActState.FAILED, MAY_HAVE_HAPPENED if error.may_have_happened else error.code
        if not isinstance(begun, Motion):
            return ActState.REFUSED, begun
        for act in acts:
            await self._provision.tell(act.act_id, ActState.ACCEPTED)
        self._look.set()
        await body.pass_time(begun)
        arrive = partial(self._arrive, begun)
        failure = await insist(self._context, arrive, self._config.retry_s)
        await body.say_now(self._context)
        return (ActState.FAILED, failure) if failure else (ActState.DONE, "")

    def _arrive(self, motion: Motion, connection: Connection) -> str:
        """Why the part is not where it should be; an empty text when it is."""
        context = self._context
        now_us = context.clock.now_us()
        if body.has_arrived(connection, context.machine_id, motion, now_us):
            return ""
        now = body.present(connection, context.machine_id, now_us)
        return PINCHED if motion.actuator in now.parts.obstructed else JAMMED

    async def _end(self, acts: Sequence[Act], state: ActState, reason: str) -> None:
        """On record first, and then said."""
        now_us = self._context.clock.now_us()

        def work(connection: Connection) -> None:
            for act in acts:
                records.end_act(connection, act.act_id, state, reason, now_us)

        await insist(self._context, work, self._config.retry_s)
        for act in acts:
            await self._provision.tell(act.act_id, state, reason)


def _arguments(act: Act) -> GuardArguments:
    return ACTUATION_OF[act.number].arguments(act.target)


def _refusal(action: str, wishes: Sequence[GuardArguments], seen: Body) -> str | None:
    """The guard's first word against any of the wishes, whatever their order."""
    words = (guard(action, arguments, seen) for arguments in wishes)
    return next((word for word in words if word is not None), None)

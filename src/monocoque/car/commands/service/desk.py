"""The desk: one genuine command at a time, from its arrival to its line in the log.

Rules: see the package. Two transactions frame the act: the first writes the intent with the
counter, or the line of a command that is not done; the second writes outcome and line together.
Both are asked until the records answer, and may have been done before. What is only a record is
done by a doer, in one transaction with its line: there is no intent, since nothing lies between.

Left out on purpose: the order of the questions (logic.py) and the form of a line (log.py).
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

import structlog
from sqlalchemy import Connection

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.body.service import Act
from monocoque.car.commands import logic, records
from monocoque.car.commands.config import CommandsConfig
from monocoque.car.commands.logic import Ending, Known
from monocoque.car.commands.records import Intent
from monocoque.car.commands.service.log import Log
from monocoque.car.guard.logic import judge as guard
from monocoque.car.keys import service as keys
from monocoque.car.keys.config import KeysConfig
from monocoque.contracts.errors import QueueFull
from monocoque.contracts.wire.command_pb2 import CarReceipt
from monocoque.contracts.wire.header_pb2 import Header
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context
from monocoque.trust.commands import AuthenticCommand, read_arguments
from monocoque.trust.keys import PrivateKey
from monocoque.trust.outcomes import Outcome, Reason
from monocoque.trust.receipts import Answer
from monocoque.trust.scopes import SCOPES, Arguments

FindEnding = Callable[[Connection], Ending]
"""Says what became of a command, once that is to be written down."""

Doer = Callable[[Connection, str, Arguments, int], str | None]
"""Does what is only a record: connection, car id, arguments, the time now in microseconds.

Says why it does not, or None. It does SQL alone and may run twice, like any work of ``transact``.
"""


class Desk:
    """The desk of one car."""

    def __init__(
        self, context: Context, log: Log, seal_key: PrivateKey, doers: Mapping[str, Doer]
    ) -> None:
        """doers: who does what is only a record, by its scope; the body does all the rest."""
        self._context = context
        self._doers = doers
        self._config = context.config(CommandsConfig)
        self._car_id = context.machine_id
        self._log = log
        self._seal_key = seal_key
        self.has_acted = asyncio.Event()
        """The body may have changed, and nobody was told yet."""

    async def begin(self) -> None:
        """Begin the memory, and close what was begun in an earlier life: nobody knows."""
        epoch = keys.make_epoch(self._context.random)

        def work(connection: Connection) -> list[Intent]:
            keys.begin(connection, self._car_id, epoch)
            return records.open_intents(connection)

        for intent in await self._log.insist(work):
            await self._close(intent, lambda _: Ending(Outcome.UNKNOWN, Reason.POWER_LOST))

    async def tell_of_body_for_ever(self) -> None:
        """Say how the body is after it was changed, until cancelled.

        The receipt goes first, since a person waits for it; of several acts the last one counts,
        and the body is said no more often than it says itself.
        """
        while True:
            await self.has_acted.wait()
            await asyncio.sleep(self._config.body_pause_s)
            self.has_acted.clear()
            await body.say_now(self._context)
            await asyncio.sleep(self._context.config(BodyConfig).say_interval_s_min)

    async def carry_out(self, command: AuthenticCommand, trace_id: str) -> None:
        """Do it, or say why not; either way there is a line in the log when this returns.

        When the log is full there is none, and nothing was done.
        """
        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            arguments = self._arguments(command)
            begin = partial(self._begin, command, arguments, self._header(trace_id))
            try:
                intent, message, ending = await self._log.insist(begin)
            except QueueFull as error:
                self._log.count(error)
                return
            if intent is not None:
                assert not isinstance(arguments, Reason)
                await self._close(intent, await self._act(intent, arguments))
                self.has_acted.set()
            if ending is not None:
                self._count(ending)
                if command.scope in self._doers:
                    self.has_acted.set()
            if message is not None:
                await self._log.say(message)

    def _arguments(self, command: AuthenticCommand) -> Arguments | Reason:
        """As they were sealed, or why they are not taken."""
        if command.scope not in SCOPES:
            return Reason.SCOPE_UNKNOWN
        return read_arguments(command, self._seal_key)

    def _begin(
        self,
        command: AuthenticCommand,
        arguments: Arguments | Reason,
        header: Header,
        connection: Connection,
    ) -> tuple[Intent | None, bytes | None, Ending | None]:
        """Write down that it begins, and return its intent; or its line, when it shall not.

        The third is its ending when the line is new.
        """
        intent = Intent(
            command_sha256=command.digest,
            command_id=command.command_id,
            key_id=command.key_id,
            scope=command.scope,
            replaces=command.replaces,
            trace_id=header.trace_id,
        )
        known_line = records.message_of(connection, command.digest)
        if known_line is not None:
            return None, known_line, None
        if records.has_intent(connection, command.digest):
            return intent, None, None  # by an attempt a moment ago, whose outcome was not heard
        self._log.check_room(connection)
        known, now_us = self._recall(connection, command)
        verdict = logic.decide(command, arguments, known, now_us)
        keys.see_time(connection, self._car_id, now_us)
        if verdict.window is not None:
            keys.keep_window(connection, command.key_id, verdict.window, now_us)
        if verdict.pins_owner:
            keys.pin_owner(connection, self._car_id, *logic.owner_of(command))
        ending = verdict.ending
        if ending is None and command.scope in self._doers:
            assert not isinstance(arguments, Reason)
            ending = self._do(connection, command.scope, arguments, now_us)
        if ending is None:
            records.add_intent(connection, intent)
            return intent, None, None
        message = self._log.write(
            connection, _answer(intent, ending), command.replaces, header, now_us
        )
        return None, message, ending

    def _do(self, connection: Connection, scope: str, arguments: Arguments, now_us: int) -> Ending:
        """What is only a record, as far as the guard and its doer let it be."""
        present = body.present(connection, self._car_id, now_us)
        refusal = guard(scope, arguments, present)
        if refusal is None:
            refusal = self._doers[scope](connection, self._car_id, arguments, now_us)
        return Ending(Outcome.DONE) if refusal is None else Ending(Outcome.REFUSED, refusal)

    def _recall(self, connection: Connection, command: AuthenticCommand) -> tuple[Known, int]:
        """What the car remembers that bears on this command, and what time it is."""
        memory, now_us = self._memory(connection)
        keys_max = self._context.config(KeysConfig).keys_max
        known = Known(
            epoch=memory.epoch,
            owner=memory.owner,
            window=keys.window_of(connection, command.key_id),
            has_room=keys.has_room_for(connection, command.key_id, now_us, keys_max),
            is_replaced=records.is_replaced(connection, command.key_id, command.command_id),
        )
        return known, now_us

    def _memory(self, connection: Connection) -> tuple[keys.Memory, int]:
        """The memory, and the time: never earlier than one that was seen."""
        memory = keys.recall(connection, self._car_id)
        assert memory is not None
        return memory, max(self._context.clock.now_us(), memory.latest_us)

    async def _act(self, intent: Intent, arguments: Arguments) -> FindEnding:
        """The act itself; returns how to find out what came of it."""
        setting = logic.setting_of(intent.scope, arguments)
        act = Act(intent.command_sha256, setting.actuator, setting.target)
        try:
            begun = await body.act(self._context, act, partial(guard, intent.scope, arguments))
        except AWAY as error:
            self._log.count(error)
            without = logic.without_body(error.may_have_happened)
            return lambda _: without
        if isinstance(begun, str):
            refused = Ending(Outcome.REFUSED, begun)
            return lambda _: refused

        def find(connection: Connection) -> Ending:
            now_us = self._context.clock.now_us()
            has_arrived = body.has_arrived(connection, self._car_id, begun, now_us)
            return logic.after_act(has_arrived)

        return find

    async def _close(self, intent: Intent, find_ending: FindEnding) -> None:
        """Write outcome and line together, and say the line."""
        header = self._header(intent.trace_id)

        def work(connection: Connection) -> tuple[bytes, Ending | None]:
            known_line = records.message_of(connection, intent.command_sha256)
            if known_line is not None:
                return known_line, None
            ending = find_ending(connection)
            _, now_us = self._memory(connection)
            keys.see_time(connection, self._car_id, now_us)
            records.remove_intent(connection, intent.command_sha256)
            answer = _answer(intent, ending)
            message = self._log.write(connection, answer, intent.replaces, header, now_us)
            return message, ending

        message, ending = await self._log.insist(work)
        if ending is not None:
            self._count(ending)
        await self._log.say(message)

    def _header(self, trace_id: str) -> Header:
        """The header of the line that will be said."""
        message = CarReceipt()
        stamp(message, self._context.clock, self._context.random, trace_id=trace_id)
        return message.header

    def _count(self, ending: Ending) -> None:
        self._context.metrics.commands.labels(outcome=ending.outcome).inc()


def _answer(intent: Intent, ending: Ending) -> Answer:
    return Answer(
        command_id=intent.command_id,
        key_id=intent.key_id,
        scope=intent.scope,
        command_sha256=intent.command_sha256,
        outcome=ending.outcome,
        reason=ending.reason,
    )

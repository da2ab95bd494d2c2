"""The car's log: its lines are signed here, said at once, and again while the cell is behind.

Rules:

* ``write`` belongs into the caller's transaction: a line is there with what it tells of, or not at
  all. It is signed there, since it names the line before it; signing is mathematics on values;
* a line is the message that is said, header included, so that saying it again is the same message;
* the cell says how far it has the log; a smaller number than before is believed too, since a cell
  may have lost what it had;
* while the cell is behind, the oldest lines that it lacks are said again, after pauses that double;
  without any sign from it only one, as a question;
* the log keeps ``lines_kept`` lines at least, and whatever the cell lacks. A log that cannot keep
  another line writes none, and then nothing is done.

Left out on purpose: whether the cell says the truth. A line that it claims to have is kept all the
same, and the owner's page compares both logs.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from monocoque.car.commands import records
from monocoque.car.commands.config import CommandsConfig
from monocoque.car.commands.records import Line
from monocoque.contracts.errors import MonocoqueError, QueueFull
from monocoque.contracts.topics import CAR_RECEIPTS
from monocoque.contracts.wire.command_pb2 import CarReceipt
from monocoque.contracts.wire.header_pb2 import Header
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context
from monocoque.trust.documents import signing_digest
from monocoque.trust.ports import Signer
from monocoque.trust.receipts import Answer, LogPlace, sign_receipt

SECOND_US: Final = 1_000_000
SEQUENCE_MAX: Final = 2**63 - 1
Result = TypeVar("Result")


class Log:
    """The log of one car."""

    def __init__(self, context: Context, identity: Signer) -> None:
        self._context = context
        self._config = context.config(CommandsConfig)
        self._identity = identity
        self._heard = asyncio.Event()
        """The cell said how far it is."""
        self._news = asyncio.Event()
        """The cell said so, or there is a new line."""

    def write(
        self,
        connection: Connection,
        answer: Answer,
        replaces: str | None,
        header: Header,
        now_us: int,
    ) -> bytes:
        """Write the next line; returns the message to say. header: of that message."""
        place = _place(connection)
        confirmed = records.confirmed_up_to(connection, self._context.machine_id)
        car_id = self._context.machine_id
        receipt = sign_receipt(answer, place, car_id, now_us // SECOND_US, self._identity)
        message = CarReceipt(header=header, receipt=receipt).SerializeToString()
        line = Line(
            sequence=place.sequence + 1,
            command_sha256=answer.command_sha256,
            key_id=answer.key_id,
            replaces=replaces,
            receipt_sha256=signing_digest(receipt),
            message=message,
        )
        oldest_kept = min(line.sequence - self._config.lines_kept, confirmed)
        records.add_line(connection, line, remove_up_to=oldest_kept)
        return message

    def check_room(self, connection: Connection) -> None:
        """Raises QueueFull when the log can keep no line for another command."""
        confirmed = records.confirmed_up_to(connection, self._context.machine_id)
        if _place(connection).sequence - confirmed >= self._config.lines_unconfirmed_max:
            raise QueueFull(
                "The log is full of lines that the cell does not have.",
                hint="Let the car reach its cell, so that it can hand over its log.",
            )

    async def say(self, message: bytes) -> None:
        """Say a line; when that fails now, it is said again with what the cell lacks."""
        self._news.set()
        try:
            await self._publish(message)
        except AWAY as error:
            self.count(error)

    async def confirm(self, sequence: int) -> None:
        """The cell has the log up to here, as it says."""
        car_id = self._context.machine_id

        def work(connection: Connection) -> None:
            known = min(sequence, _place(connection).sequence)
            if known != records.confirmed_up_to(connection, car_id):
                records.set_confirmed(connection, car_id, known)

        await self.insist(work)
        self._heard.set()
        self._news.set()

    async def repeat_for_ever(self) -> None:
        """Say again what the cell lacks, until cancelled.

        A line that is newer than the last look is left for the next: the cell needs a moment.
        """
        shortest_s, longest_s = self._config.repeat_pause_s_min, self._config.repeat_pause_s_max
        pause_s, count, seen = shortest_s, self._config.repeat_lines, SEQUENCE_MAX
        while True:
            await asyncio.sleep(shortest_s)
            await self._hears_cell(pause_s - shortest_s)
            if self._heard.is_set():
                self._heard.clear()
                pause_s, count = shortest_s, self._config.repeat_lines
            lacking, last = await self.insist(partial(self._lacking, count))
            messages = [message for sequence, message in lacking if sequence <= seen]
            if messages:
                await self._say_again(messages)
                pause_s, count = min(pause_s * 2, longest_s), 1
            elif not lacking:
                await self._news.wait()
                self._news.clear()
                pause_s, count = shortest_s, self._config.repeat_lines
            seen = last

    async def insist(self, work: Callable[[Connection], Result]) -> Result:
        """Ask the records until they answer; the work may have been done before."""
        while True:
            try:
                return await self._context.records.transact(work)
            except QueueFull:
                raise
            except AWAY as error:
                self.count(error)
            await asyncio.sleep(self._config.records_retry_s)

    def count(self, error: MonocoqueError) -> None:
        """An error that passes by itself is counted and logged."""
        self._context.count_error(error, error.what)

    def _lacking(self, count: int, connection: Connection) -> tuple[list[tuple[int, bytes]], int]:
        """The oldest lines that the cell lacks, and the last line that there is."""
        confirmed = records.confirmed_up_to(connection, self._context.machine_id)
        last = _place(connection).sequence
        return records.messages_after(connection, confirmed, count), last

    async def _hears_cell(self, pause_s: float) -> None:
        """Wait until the cell says how far it is, but no longer than this."""
        try:
            async with asyncio.timeout(pause_s):
                await self._heard.wait()
        except TimeoutError:
            return

    async def _say_again(self, messages: list[bytes]) -> None:
        try:
            for message in messages:
                await self._publish(message)
        except AWAY as error:
            self.count(error)

    async def _publish(self, message: bytes) -> None:
        receipt = CarReceipt.FromString(message)
        await self._context.bus.publish(CAR_RECEIPTS, receipt, car_id=self._context.machine_id)


def _place(connection: Connection) -> LogPlace:
    """Where the log stands."""
    last = records.last_place(connection)
    return LogPlace() if last is None else LogPlace(*last)

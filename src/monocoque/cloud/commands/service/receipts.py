"""Takes the cars' receipts: each answers its command, and together they are the car's log.

Rules:

* a receipt counts when the car's key signed it, as the maker's grant of this car names the key; it
  answers a command when it speaks of that very document;
* a line is put on record when it follows on the one before. After a gap the car is told how far its
  log is here, and says the rest again;
* on record first, told and acknowledged second. The car is told a moment later how far its log is
  here, once for all that came meanwhile; until it knows, it keeps the rest and says it again;
* a genuine line that contradicts the log as it is here is kept beside it, once.

Left out on purpose: mending such a log; the page shows both.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from monocoque.cloud.commands import logic
from monocoque.cloud.commands import records as rows
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.service.keeping import (
    Book,
    columns_of,
    named,
    pace_of,
    standing_of,
)
from monocoque.cloud.commands.service.saying import confirm, tell_changed
from monocoque.cloud.pairing.service import maker_root, owner_of
from monocoque.contracts import topics
from monocoque.contracts.errors import (
    CredentialsRefused,
    DocumentRefused,
    KeyUnknown,
    MonocoqueError,
)
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.port import Delivery
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context
from monocoque.trust.grants import car_keys, read_chain
from monocoque.trust.receipts import Receipt, answers, verify_receipt


@dataclass
class _Outcome:
    """What one batch of receipts came to."""

    confirmed: dict[str, int] = field(default_factory=dict)
    changed: list[tuple[str, str]] = field(default_factory=list)
    """Cars and commands that changed."""
    contradicted: list[str] = field(default_factory=list)
    """Cars whose log is not what is on record here."""


class Receipts:
    """The receiving half of the mailbox."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(MailboxConfig)
        self._pace = pace_of(self._config)
        self._car_keys: dict[str, Mapping[str, str]] = {}
        self._unconfirmed: dict[str, int] = {}
        """How far the logs are of cars that were not told so yet."""
        self._has_unconfirmed = asyncio.Event()

    async def take(self) -> None:
        """Take receipts until cancelled."""
        while True:
            try:
                await self._take()
            except AWAY as error:
                await self._wait_after(error)

    async def confirm(self) -> None:
        """Tell the cars how far their logs are on record here, until cancelled."""
        context = self._context
        while True:
            await self._has_unconfirmed.wait()
            await asyncio.sleep(self._config.confirm_pause_s)
            self._has_unconfirmed.clear()
            waiting, self._unconfirmed = self._unconfirmed, {}
            try:
                for car_id, sequence in waiting.items():
                    await confirm(context.bus, car_id, sequence, context.clock, context.random)
            except AWAY as error:
                await self._wait_after(error)  # the car says again what is not confirmed

    async def _take(self) -> None:
        config = self._config
        consumer = await self._context.bus.consumer(topics.CAR_RECEIPTS, "commands")
        while True:
            found = await consumer.fetch(config.receipts_batch_messages, config.receipts_wait_s)
            if not found:
                continue
            try:
                outcome = await self._record(found)
            except AWAY:
                await consumer.give_back(found)
                raise
            await self._tell(outcome)  # before the acknowledgement, for which nobody waits
            await consumer.acknowledge(found)

    async def _record(self, found: Sequence[Delivery[command_pb2.CarReceipt]]) -> _Outcome:
        genuine = [receipt for receipt in [await self._checked(each) for each in found] if receipt]
        if not genuine:
            return _Outcome()
        now_us = self._context.clock.now_us()

        def work(connection: Connection) -> _Outcome:
            outcome = _Outcome()
            books: dict[str, Book] = {}
            for receipt in genuine:
                car_id = receipt.car_id
                book = books.get(car_id) or Book(connection, car_id, now_us)
                books[car_id] = book
                self._keep(connection, book, receipt, outcome)
                self._answer(connection, book, receipt, now_us, outcome)
            for car_id, book in books.items():
                book.close()
                outcome.confirmed[car_id] = book.receipts.sequence
            return outcome

        return await self._context.records.transact(work)

    async def _checked(self, delivery: Delivery[command_pb2.CarReceipt]) -> Receipt | None:
        """The receipt, when the car signed it; what is forged is counted and left out."""
        context, car_id = self._context, delivery.identifiers["car_id"]
        try:
            return verify_receipt(delivery.message.receipt, car_id, await self._key_of(car_id))
        except (DocumentRefused, CredentialsRefused) as error:
            context.count_error(error, "receipt refused", car_id=car_id)
            return None

    async def _key_of(self, car_id: str) -> Mapping[str, str]:
        """The car's public key, out of the maker's grant; raises KeyUnknown."""
        known = self._car_keys.get(car_id)
        if known is not None:
            return known
        owner = await owner_of(self._context.records, car_id)
        if owner is None:
            raise KeyUnknown("Nobody has taken this car over here.")
        root = maker_root(self._context.keystore)
        found = car_keys(read_chain([owner.first_grant], root, car_id)[0]).sign
        if len(self._car_keys) >= self._config.keys_remembered_max:
            self._car_keys.clear()
        self._car_keys[car_id] = found
        return found

    def _keep(
        self, connection: Connection, book: Book, receipt: Receipt, outcome: _Outcome
    ) -> None:
        """Put the line on record, when it is the next one."""
        known = book.receipts
        if (receipt.sequence, receipt.previous_sha256) == (known.sequence + 1, known.sha256):
            book.keep(receipt)
            return
        kept = rows.find_receipt(connection, receipt.car_id, receipt.sequence)
        is_known = kept is not None and kept.sha256 == receipt.place.sha256
        if is_known or receipt.sequence > known.sequence + 1 or book.is_contradicted:
            return  # it came before, or a line before it is missing, or this was noted before
        book.contradict(receipt)
        outcome.contradicted.append(receipt.car_id)

    def _answer(
        self,
        connection: Connection,
        book: Book,
        receipt: Receipt,
        now_us: int,
        outcome: _Outcome,
    ) -> None:
        """The command that the receipt speaks of has its answer."""
        answer = receipt.answer
        row = rows.find_command(connection, answer.command_id)
        if row is None or row.car_id != receipt.car_id or row.is_answered:
            return
        if not answers(receipt, row.command_id, row.key_id, bytes(row.document)):
            return
        after = logic.answered(standing_of(row), answer.outcome.value, answer.reason)
        told = {"receipt": receipt.document, "answered_us": now_us}
        rows.save_command(connection, row.command_id, columns_of(after, self._pace) | told)
        book.write(
            "answered",
            outcome=answer.outcome.value,
            reason=answer.reason,
            sequence=receipt.sequence,
            receipt_sha256=receipt.place.sha256,
            **named(row),
        )
        outcome.changed.append((row.car_id, row.command_id))

    async def _tell(self, outcome: _Outcome) -> None:
        context = self._context
        for car_id, sequence in outcome.confirmed.items():
            if len(self._unconfirmed) < self._config.confirm_cars_max:
                self._unconfirmed[car_id] = sequence
                self._has_unconfirmed.set()
        for car_id in outcome.contradicted:
            context.log.error("the car's log contradicts the copy here", car_id=car_id)
        try:
            for car_id, command_id in outcome.changed:
                await tell_changed(context.bus, car_id, [command_id], context.clock, context.random)
        except AWAY as error:
            await self._wait_after(error)  # a page that comes back begins with the records

    async def _wait_after(self, error: MonocoqueError) -> None:
        self._context.count_error(error, "receipts wait")
        await asyncio.sleep(self._config.retry_s)

"""The till: payments of orders, between the book and the provider.

Rules:

* on record first, asked second, and what came of it on record third; whatever is cut off between
  two of them is found by ``look``, which asks the provider and never charges, however often the
  buyer asks meanwhile; a buyer who asks again is charged then, if the provider never heard of it;
* an event of the provider only makes the shop look; the event and its effect are one transaction;
* a payment that the provider never heard of is voided before it is given up, so that a question
  that is still under way cannot charge later;
* what is due to go back goes back by ``look``, with the payment's own identifier as its key.

Left out on purpose: partial payments and refunds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from sqlalchemy import Connection, Row

from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    CredentialsRefused,
    OrderConflict,
    PaymentDeclined,
    PaymentUnclear,
    ProviderUnavailable,
    RecordsContended,
    StorageError,
    UnavailableError,
)
from monocoque.contracts.strict_json import strict_object
from monocoque.contracts.weeks import SECOND_US
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.shop.orders.logic import PAYABLE, Event, State
from monocoque.shop.orders.service.book import Book, found_order, own_order
from monocoque.shop.payments import service as payments
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.payments.logic.events import (
    ProviderEvent,
    check_signature,
    read_event,
    signature_of,
)
from monocoque.shop.payments.logic.states import Finding, Found, Meaning, PaymentState, Treatment
from monocoque.shop.payments.service import Ask
from monocoque.shop.payments.service.port import Provider

Answered = TypeVar("Answered")
AWAY = (UnavailableError, RecordsContended, StorageError)
"""Errors of the records, after which the provider's word is not on record."""
Tell = Callable[[str, str], Awaitable[None]]
"""Tells whoever listens that an order changed: its identifier and state."""
EVENTS = {Meaning.CHARGED: Event.CHARGED, Meaning.DECLINED: Event.DECLINED}


@dataclass(frozen=True)
class _Noted:
    """What is on record after the provider's word."""

    treatment: Treatment
    order_id: str = ""
    state: str = ""
    """Of the order; both are empty when none changed."""


class Till:
    """Takes money and gives it back."""

    def __init__(
        self,
        book: Book,
        provider: Provider,
        keystore: KeyStore,
        random: Random,
        config: PaymentsConfig,
        tell: Tell,
    ) -> None:
        """keystore: holds the secret that shop and provider share. tell: that an order changed."""
        self._tell = tell
        self.book = book
        self.provider = provider
        self._keystore = keystore
        self._random = random
        self._config = config

    async def pay(
        self, order_id: str, person_id: str, token: str, idempotency_key: str
    ) -> Row[Any]:
        """Pay one's own order; returns it as it is then. Again with the same key is harmless.

        Raises NotFound, OrderConflict, PaymentOpen, PaymentDeclined, PaymentUnclear,
        ProviderUnavailable, TooManyRequests.
        """
        payment_id = identifiers.make("payment", self._random.getrandbits)
        now_us = self.book.clock.now_us()

        def work(connection: Connection) -> tuple[Ask, bool, bool]:
            order = own_order(connection, order_id, person_id)
            is_payable = State(order.state) in PAYABLE
            ask = Ask(
                payment_id, order_id, idempotency_key, token, order.total_minor, order.currency
            )
            known = payments.find_asked(connection, ask)
            if known is not None:
                is_undecided = known.state == PaymentState.ASKED.value
                return ask.known_as(known.payment_id), False, is_payable and is_undecided
            if not is_payable:
                raise OrderConflict(f"An order that is {order.state} cannot be paid.")
            payments.begin(connection, ask, now_us, self._config)
            self.book.write(connection, order, "payment_asked", now_us, {}, {})
            return ask, True, True

        ask, is_new, may_charge = await self.book.records.transact(work)
        if is_new:
            finding = await self._charge(ask)
        else:
            finding = await self._answer(self.provider.find(ask.payment_id))
            if may_charge and finding.found is Found.NOTHING:
                finding = await self._answer(self.provider.charge(ask))
        try:
            await self._note(ask.payment_id, finding)
            return await self._outcome(order_id, ask.payment_id)
        except AWAY as error:
            # The provider's word is known here and not on record: nobody may read "not charged".
            raise PaymentUnclear("What the provider answered could not be written down.") from error

    async def take_event(self, body: bytes, signature: str) -> Treatment:
        """An event of the provider; says what became of it.

        Raises SignatureInvalid, RequestMalformed, DocumentMalformed, CredentialsRefused,
        PaymentUnclear, ProviderUnavailable.
        """
        now_s = self.book.clock.now_us() // SECOND_US
        check_signature(self._secret(), body, signature, now_s, self._config.event_age_s_max)
        return await self._take(read_event(strict_object(body)))

    async def take_own_event(self, body: bytes) -> Treatment:
        """An event of a provider in this very process: signed here, then taken as any other."""
        sent_s = self.book.clock.now_us() // SECOND_US
        return await self.take_event(body, signature_of(self._secret(), body, sent_s))

    async def look(self) -> None:
        """Look at what is due: undecided payments, and refunds."""
        now_us, count_max = self.book.clock.now_us(), self.book.config.look_orders_max
        due = await self.book.records.transact(
            lambda connection: payments.due(connection, now_us, count_max)
        )
        for row in due:
            await self._tell_noted(await self._look_at(row))

    async def _take(self, event: ProviderEvent) -> Treatment:
        def read(connection: Connection) -> tuple[bool, bool]:
            is_known = payments.is_known_event(connection, event.event_id)
            return is_known, payments.find(connection, event.payment_id) is not None

        is_repeated, is_ours = await self.book.records.transact(read)
        if is_repeated:
            return Treatment.REPEATED
        finding = Finding(Found.NOTHING)
        if is_ours:
            finding = await self._answer(self.provider.find(event.payment_id))
        noted = await self._note(event.payment_id, finding, event)
        await self._tell_noted(noted)
        return noted.treatment

    async def _tell_noted(self, noted: _Noted) -> None:
        if noted.order_id:
            await self._tell(noted.order_id, noted.state)

    async def _look_at(self, row: Row[Any]) -> _Noted:
        """Ask the provider about one payment; what came of it."""
        try:
            if row.state == PaymentState.REFUND_DUE.value:
                finding = await self._answer(self.provider.refund(row.payment_id))
            else:
                finding = await self._found(row)
        except (PaymentUnclear, ProviderUnavailable):
            finding = Finding(Found.PENDING)
        return await self._note(row.payment_id, finding, is_look=True)

    async def _found(self, row: Row[Any]) -> Finding:
        finding = await self._answer(self.provider.find(row.payment_id))
        age_s = (self.book.clock.now_us() - row.asked_us) / SECOND_US
        is_stuck = finding.found is Found.PENDING and age_s > self._config.pending_s_max
        if finding.found is Found.NOTHING or is_stuck:
            return await self._answer(self.provider.void(row.payment_id))
        return finding

    async def _charge(self, ask: Ask) -> Finding:
        """Ask the provider to charge; when nobody knows whether it did, the order says so."""
        try:
            return await self._answer(self.provider.charge(ask))
        except PaymentUnclear:
            now_us = self.book.clock.now_us()

            def work(connection: Connection) -> None:
                order = found_order(connection, ask.order_id)
                self.book.write(connection, order, "payment_unclear", now_us, {}, {})

            with contextlib.suppress(*AWAY):  # the look finds it; "unclear" stays the answer
                await self.book.records.transact(work)
            raise

    async def _answer(self, question: Awaitable[Answered]) -> Answered:
        """The provider's answer in time; raises PaymentUnclear otherwise."""
        limit = asyncio.timeout(self._config.ask_s_max)
        try:
            async with limit:
                return await question
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise PaymentUnclear("The payment provider did not answer in time.") from error

    async def _note(
        self,
        payment_id: str,
        finding: Finding,
        event: ProviderEvent | None = None,
        *,
        is_look: bool = False,
    ) -> _Noted:
        """Put on record what the provider's word makes of payment and order.

        is_look: whether it was due; if it brought nothing new, the next look is later.
        """
        now_us = self.book.clock.now_us()

        def work(connection: Connection) -> _Noted:
            if event is not None and payments.is_known_event(connection, event.event_id):
                return _Noted(Treatment.REPEATED)
            noted = self._noted(connection, payment_id, finding, now_us)
            if event is not None:
                payments.note_event(connection, event, noted.treatment, now_us)
            if is_look and not noted.order_id:
                payments.look_later(connection, payment_id, now_us, self._config)
            return noted

        return await self.book.records.transact(work)

    def _noted(
        self, connection: Connection, payment_id: str, finding: Finding, now_us: int
    ) -> _Noted:
        row = payments.find(connection, payment_id)
        if row is None:
            return _Noted(Treatment.UNKNOWN_PAYMENT)
        found = payments.apply(connection, row, finding, now_us)
        order = found_order(connection, row.order_id)
        detail = {"payment_id": payment_id}
        if found.meaning in EVENTS:
            if found.treatment is Treatment.AMOUNT_DIFFERS:
                detail["reason"] = found.treatment.value
            event = EVENTS[found.meaning]
            self.book.apply(connection, order, event, now_us, payment_id=payment_id, detail=detail)
        elif found.meaning is Meaning.RETURNED:
            self.book.write(connection, order, "refunded", now_us, {}, detail)
        else:
            return _Noted(found.treatment)
        after = found_order(connection, row.order_id)
        return _Noted(found.treatment, after.order_id, after.state)

    async def _outcome(self, order_id: str, payment_id: str) -> Row[Any]:
        def read(connection: Connection) -> tuple[Row[Any], str]:
            row = payments.find(connection, payment_id)
            assert row is not None
            return found_order(connection, order_id), row.state

        order, state = await self.book.records.transact(read)
        if state in (PaymentState.DECLINED.value, PaymentState.VOIDED.value):
            raise PaymentDeclined("The payment provider declined.")
        return order

    def _secret(self) -> bytes:
        secret = self._keystore.read(payments.EVENT_SECRET)
        if secret is None:
            raise CredentialsRefused(
                "The shop lacks the secret that it shares with its payment provider.",
                hint="Start the cell with `monocoque up`, which makes it, or put it back.",
            )
        return secret

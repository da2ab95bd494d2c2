"""The intake: orders are put on record in one transaction with their place, list and event.

Many that come at once share a transaction: whoever comes while one is under way waits for it to
end, and then the first of the waiting takes all of them along. So a burst costs a few commits, one
process has one writer for the rows of the weeks, and nobody waits for a pause.

Rules:

* when ``place`` returns, the order is on disk; when it raises, there is none, except for
  RecordsOutcomeUnknown: then the same key asks again;
* one wish cannot spoil the others of its transaction;
* who gives up waiting leaves nothing half done: the others of the batch go on, by the next in line.

Left out on purpose: a background task; there is none to die, or to wait for.
"""

import asyncio
import base64
import hashlib
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts import identifiers
from monocoque.contracts.errors import MonocoqueError
from monocoque.contracts.weeks import SECOND_US
from monocoque.shop.orders import records as rows
from monocoque.shop.orders.logic import Intake, State, Wish, take_in
from monocoque.shop.orders.service.book import Book
from monocoque.shop.orders.service.events import change_row, event_row
from monocoque.shop.quotes.logic import Quote


@dataclass(frozen=True)
class Placed:
    """An order on record."""

    order: Row[Any]
    is_new: bool
    """False when an earlier request with the same key or quote had placed it."""


@dataclass
class _Waiting:
    """A wish that waits for its transaction."""

    wish: Wish
    quote: Quote
    document: bytes
    placed: Placed | None = None
    error: MonocoqueError | None = None

    @property
    def is_answered(self) -> bool:
        return self.placed is not None or self.error is not None


class Desk:
    """Takes orders."""

    def __init__(self, book: Book, random: Random) -> None:
        """One per process: those that come at once share its transactions."""
        self.book = book
        self._random = random
        self._waiting: deque[_Waiting] = deque()
        self._turn = asyncio.Lock()

    async def place(
        self, person_id: str, idempotency_key: str, quote: Quote, document: bytes
    ) -> Placed:
        """Order what the quote says; the quote was verified.

        Raises OrderConflict, QuoteUsed, NoWeekFree, and what ``transact`` raises.
        """
        wish = Wish(
            order_id=identifiers.make("order", self._random.getrandbits),
            person_id=person_id,
            idempotency_key=idempotency_key,
            request_sha256=_sha256(document),
            quote_id=quote.quote_id,
            wanted_week_us=quote.week_begins_us,
        )
        mine = _Waiting(wish, quote, document)
        self._waiting.append(mine)
        try:
            async with self._turn:
                await asyncio.sleep(0)  # whoever is here already comes along
                while not mine.is_answered:
                    await self._take_along()
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        if mine.error is not None:
            raise mine.error
        assert mine.placed is not None
        return mine.placed

    async def find(self, person_id: str, idempotency_key: str, document: bytes) -> Row[Any] | None:
        """The order that this very request placed before, whatever became of its quote since."""

        def work(connection: Connection) -> Row[Any] | None:
            return rows.find_request(connection, person_id, idempotency_key, _sha256(document))

        return await self.book.records.transact(work)

    async def find_key(self, person_id: str, idempotency_key: str) -> Row[Any] | None:
        """The order that was placed with this key, by whatever quote."""
        return await self.book.records.transact(
            lambda connection: rows.find_key(connection, person_id, idempotency_key)
        )

    async def _take_along(self) -> None:
        """Put the next of the waiting on record, as many as one transaction takes."""
        count = min(len(self._waiting), self.book.config.intake_batch_orders)
        batch = [self._waiting.popleft() for _ in range(count)]
        now_us = self.book.clock.now_us()
        try:
            intake, found = await self.book.records.transact(
                lambda connection: self._work(connection, batch, now_us)
            )
        except MonocoqueError as error:
            for one in batch:
                one.error = error
            return
        except BaseException:
            # Whoever led this batch was called away; the next in line takes the others along.
            self._waiting.extendleft(reversed(batch))
            raise
        for one, answer in zip(batch, intake.answers, strict=True):
            if isinstance(answer, str):
                one.placed = Placed(found[answer], is_new=answer == one.wish.order_id)
            else:
                one.error = answer

    def _work(
        self, connection: Connection, batch: Sequence[_Waiting], now_us: int
    ) -> tuple[Intake, dict[str, Row[Any]]]:
        wishes = [one.wish for one in batch]
        known = rows.similar(
            connection,
            [wish.idempotency_key for wish in wishes],
            [wish.quote_id for wish in wishes],
        )
        weeks = self.book.open_weeks(connection, now_us)
        intake = take_in(wishes, known, weeks)
        new = [one for one in batch if one.wish.order_id in intake.new]
        if new:
            orders = [self._order(one, intake.new[one.wish.order_id], now_us) for one in new]
            rows.add_orders(connection, orders)
            rows.add_changes(connection, [_placed_change(order) for order in orders])
            rows.add_events(connection, [_placed_event(order) for order in orders])
            rows.save_weeks(connection, weeks.changed.values())
        wanted = {answer for answer in intake.answers if isinstance(answer, str)}
        found = rows.find_orders(connection, sorted(wanted))
        return intake, {row.order_id: row for row in found}

    def _order(self, one: _Waiting, week_us: int, now_us: int) -> dict[str, Any]:
        quote = one.quote
        return {
            "order_id": one.wish.order_id,
            "person_id": one.wish.person_id,
            "idempotency_key": one.wish.idempotency_key,
            "request_sha256": one.wish.request_sha256,
            "quote_id": quote.quote_id,
            "quote": one.document,
            "catalogue_version": quote.catalogue_version,
            "market": quote.market,
            "options": json.dumps(quote.options),
            "currency": quote.price.total.currency,
            "total_minor": quote.price.total.amount_minor,
            "tax_minor": quote.price.tax.amount_minor,
            "quoted_week_us": quote.week_begins_us,
            "week_us": week_us,
            "state": State.PLACED.value,
            "placed_us": now_us,
            "expires_us": now_us + round(self.book.config.unpaid_s * SECOND_US),
            "changes": 1,
        }


def _placed_change(order: dict[str, Any]) -> dict[str, Any]:
    detail = {"quoted_week_us": order["quoted_week_us"], "week_us": order["week_us"]}
    return change_row(order["order_id"], 1, "placed", order["state"], order["placed_us"], detail)


def _placed_event(order: dict[str, Any]) -> dict[str, Any]:
    return event_row(
        order["order_id"],
        1,
        order["state"],
        order["placed_us"],
        catalogue_version=order["catalogue_version"],
        options=json.loads(order["options"]),
        week_us=order["week_us"],
    )


def _sha256(document: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(document).digest()).decode().rstrip("=")

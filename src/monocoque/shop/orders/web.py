"""HTTP routes of orders: order, pay, call off, follow; and the orders by state for the console.

Left out on purpose: the factory's view. It reads events on the bus.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row

from monocoque.contracts import topics
from monocoque.contracts.errors import (
    DocumentMalformed,
    LimitError,
    PaymentUnclear,
    QuoteOutdated,
    UnavailableError,
)
from monocoque.contracts.identifiers import order_id as parse_order_id
from monocoque.contracts.rights import ORDER_CAR, READ_ORDERS, READ_OWN_ORDERS, TELL_PAYMENT
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import moment_of
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.rules import needs
from monocoque.shop.orders.logic import PAYABLE, State, step
from monocoque.shop.orders.logic import Event as OrderEvent
from monocoque.shop.orders.service.book import Book, Story
from monocoque.shop.orders.service.intake import Desk
from monocoque.shop.orders.service.saying import tell_changed
from monocoque.shop.orders.service.till import AWAY, Till
from monocoque.shop.quotes.service import Quotes

QUOTE_CHARACTERS_MAX = 16_384
EVENT_BYTES_MAX = 16_384
"""The largest event of the provider that is taken."""
KEY_CHARACTERS_MAX = 64
TOKEN_CHARACTERS_MAX = 128
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=KEY_CHARACTERS_MAX,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="made by the page, once for each thing that the buyer wants; the same key with "
        "the same body is answered as the first time",
    ),
]


class OrderWanted(BaseModel):
    """What is ordered."""

    quote: Annotated[str, Field(max_length=QUOTE_CHARACTERS_MAX)] = Field(
        description="the document that `POST /api/shop/quotes` gave"
    )


class PaymentWanted(BaseModel):
    """How an order is paid."""

    token: Annotated[str, Field(min_length=1, max_length=TOKEN_CHARACTERS_MAX)] = Field(
        description="what the payment provider's page gave the buyer", examples=["practice-ok"]
    )


class PaymentToken(BaseModel):
    """Something to pay with, for practice."""

    token: str
    purpose: str


class PaymentWays(BaseModel):
    """How an order can be paid."""

    is_practice: bool = Field(description="true: no real money moves; a page says so")
    tokens: list[PaymentToken] = Field(description="those of the practice provider; else empty")


class Change(BaseModel):
    """Something that happened to an order; the list only grows."""

    number: int
    kind: str = Field(description="a word of docs/protocol/orders.md, such as `paid`")
    state: State = Field(description="of the order after it")
    at: datetime
    detail: dict[str, Any] = Field(
        description="such as `week_us` and `week_before_us`, or `reason`"
    )


class PaymentShown(BaseModel):
    """One payment of an order."""

    payment_id: str
    state: str = Field(description="asked, declined, voided, charged, refund_due or refunded")
    amount_minor: int
    currency: str
    asked_at: datetime


class Order(BaseModel):
    """An order."""

    order_id: str
    state: State
    catalogue_version: str
    market: str
    options: list[str]
    currency: str
    total_minor: int
    tax_minor: int
    quoted_week_begins_at: datetime = Field(description="as the quote said")
    week_begins_at: datetime = Field(description="the production week that is promised now")
    is_week_moved: bool = Field(
        description="another week than the quote said: its last place was sold, or it had begun; "
        "the order can be called off"
    )
    week_duration_s: float = Field(description="the factory's pace; a real week has 604800 s")
    placed_at: datetime
    expires_at: datetime | None = Field(description="unpaid by then, it ends; null once paid")
    car_id: str | None = Field(description="once the factory has given the car an identity")
    can_be_paid: bool
    can_be_called_off: bool = Field(description="all that was paid goes back then")


class OrderStory(BaseModel):
    """An order and all that happened to it; also the data of the live event ``order``."""

    order: Order
    changes: list[Change]
    payments: list[PaymentShown]
    is_practice: bool = Field(description="the payments are practice; no real money moved")
    quote: str = Field(description="the very document that was ordered by")
    now: datetime = Field(description="by the cell's clock")


class Orders(BaseModel):
    """One's own orders, the newest first."""

    orders: list[Order]
    now: datetime = Field(description="by the cell's clock")


class OrderTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class OrderEvents(BaseModel):
    """The live events, by name."""

    order: OrderStory
    tick: OrderTick


class WeekShown(BaseModel):
    """A production week."""

    begins_at: datetime
    slots: int
    taken: int
    states: dict[str, int] = Field(description="how many orders are in each state")


class OrderBook(BaseModel):
    """The orders by state and week, without names; also the data of the live event ``orders``."""

    states: dict[str, int] = Field(description="of all orders")
    weeks: list[WeekShown] = Field(description="the latest of those with orders, in their order")
    week_duration_s: float
    now: datetime = Field(description="by the cell's clock")


class OrderBookEvents(BaseModel):
    """The live events, by name."""

    orders: OrderBook
    tick: OrderTick


class EventTaken(BaseModel):
    """What became of the provider's event."""

    treatment: str = Field(description="a word of docs/protocol/orders.md, such as `taken`")


@dataclass(frozen=True)
class Shop:
    """All that the routes stand on."""

    book: Book
    desk: Desk
    till: Till
    quotes: Quotes
    bus: Bus
    """The cell's, as the book of orders."""
    pages: Bus
    """The cell's, as the shop's live pages."""
    console: Bus
    """The cell's, as the console."""
    random: Random

    async def order(
        self, person_id: str, idempotency_key: str, document: bytes
    ) -> tuple[Order, bool]:
        """Order what the quote says; the order, and whether it is new."""
        try:
            quote = self.quotes.read(document)
        except QuoteOutdated:
            # A buyer who had no answer asks again, perhaps when the quote is over.
            known = await self.desk.find(person_id, idempotency_key, document)
            if known is None:
                raise
            return self.shown(known), False
        placed = await self.desk.place(person_id, idempotency_key, quote, document)
        if placed.is_new:
            await self.tell(placed.order)
        return self.shown(placed.order), placed.is_new

    async def tell(self, order: Row[Any]) -> None:
        """Tell the book and the pages; who does not hear it reads the records."""
        with contextlib.suppress(UnavailableError, LimitError):
            changed = [(order.order_id, order.state)]
            await tell_changed(self.bus, changed, self.book.clock, self.random)

    async def story(self, order_id: str, person_id: str) -> OrderStory:
        """One of one's own orders; raises NotFound."""
        return self._story(await self.book.story(order_id, person_id))

    async def summary(self) -> OrderBook:
        """The orders by state and week."""
        counts = await self.book.counts()
        by_week: dict[int, dict[str, int]] = {}
        for row in counts.by_week:
            by_week.setdefault(row.week_us, {})[row.state] = row.orders_count
        return OrderBook(
            states={row.state: row.orders_count for row in counts.by_state},
            weeks=[
                WeekShown(
                    begins_at=moment_of(week.begins_us),
                    slots=week.slots,
                    taken=week.taken,
                    states=by_week.get(week.begins_us, {}),
                )
                for week in counts.weeks
            ],
            week_duration_s=self.book.weeks.week_duration_s,
            now=self.now(),
        )

    async def live(self, order_id: str, person_id: str) -> AsyncGenerator[Event, None]:
        """The order, then again whenever it changes, and ticks."""
        # The subscription is open before the records are read, so no change falls between.
        async with self.pages.listen(topics.ORDER_CHANGED, order_id=order_id) as subscription:
            yield Event("order", await self.story(order_id, person_id))
            while True:
                yield Event("tick", OrderTick(now=self.now()))
                if await subscription.next(self.book.config.tick_interval_s) is not None:
                    yield Event("order", await self.story(order_id, person_id))

    async def live_summary(self) -> AsyncGenerator[Event, None]:
        """The orders by state, then again when something changed, but not at each of many."""
        async with self.console.listen(topics.ORDER_CHANGED) as subscription:
            while True:
                yield Event("orders", await self.summary())
                yield Event("tick", OrderTick(now=self.now()))
                while await subscription.next(self.book.config.tick_interval_s) is None:
                    yield Event("tick", OrderTick(now=self.now()))
                # What changes meanwhile is in the next summary; what was said of it is dropped.
                await asyncio.sleep(self.book.config.summary_interval_s)
                while await subscription.next(0) is not None:
                    pass

    def now(self) -> datetime:
        """By the cell's clock."""
        return moment_of(self.book.clock.now_us())

    def shown(self, row: Row[Any]) -> Order:
        """An order as a page is shown it."""
        state = State(row.state)
        return Order(
            order_id=row.order_id,
            state=state,
            catalogue_version=row.catalogue_version,
            market=row.market,
            options=json.loads(row.options),
            currency=row.currency,
            total_minor=row.total_minor,
            tax_minor=row.tax_minor,
            quoted_week_begins_at=moment_of(row.quoted_week_us),
            week_begins_at=moment_of(row.week_us),
            is_week_moved=row.week_us != row.quoted_week_us,
            week_duration_s=self.book.weeks.week_duration_s,
            placed_at=moment_of(row.placed_us),
            expires_at=None if row.expires_us is None else moment_of(row.expires_us),
            car_id=row.car_id,
            can_be_paid=state in PAYABLE,
            can_be_called_off=step(state, OrderEvent.CALLED_OFF) is not None,
        )

    def _story(self, story: Story) -> OrderStory:
        return OrderStory(
            order=self.shown(story.order),
            changes=[
                Change(
                    number=row.number,
                    kind=row.kind,
                    state=State(row.state),
                    at=moment_of(row.at_us),
                    detail=json.loads(row.detail),
                )
                for row in story.changes
            ],
            payments=[
                PaymentShown(
                    payment_id=row.payment_id,
                    state=row.state,
                    amount_minor=row.amount_minor,
                    currency=row.currency,
                    asked_at=moment_of(row.asked_us),
                )
                for row in story.payments
            ],
            is_practice=self.till.provider.is_practice,
            quote=story.order.quote.decode(),
            now=self.now(),
        )


def routes(shop: Shop) -> APIRouter:
    """Every route of orders."""
    router = APIRouter(tags=["orders"])
    _add_ordering(router, shop)
    _add_paying(router, shop)
    _add_reading(router, shop)
    _add_console(router, shop)
    return router


def _add_ordering(router: APIRouter, shop: Shop) -> None:
    @router.post(
        "/api/shop/orders",
        status_code=201,
        responses={200: {"model": Order, "description": "It was placed before; this is it."}},
    )
    @needs(ORDER_CAR)
    async def place_order(
        body: OrderWanted, key: IdempotencyKey, session: CurrentSession, response: Response
    ) -> Order:
        """Order what a quote says. `week_begins_at` is promised from now on; when the quoted week
        was sold out meanwhile, it is the next one, and `is_week_moved` says so."""
        order, is_new = await shop.order(session.person_id, key, _bytes(body.quote))
        if not is_new:
            response.status_code = 200
        return order

    @router.post("/api/shop/orders/{order_id}/cancellation")
    @needs(ORDER_CAR)
    async def call_order_off(order_id: str, session: CurrentSession) -> Order:
        """End an order that the factory has not taken yet; all that was paid goes back."""
        row = await shop.book.call_off(parse_order_id(order_id), session.person_id)
        await shop.tell(row)
        return shop.shown(row)


def _add_paying(router: APIRouter, shop: Shop) -> None:
    @router.get("/api/shop/payment-ways")
    @needs(READ_OWN_ORDERS)
    async def read_payment_ways() -> PaymentWays:
        """How an order can be paid; with the practice provider, all that it can be made to do."""
        provider = shop.till.provider
        return PaymentWays(
            is_practice=provider.is_practice,
            tokens=[
                PaymentToken(token=token, purpose=purpose)
                for token, purpose in provider.tokens.items()
            ],
        )

    @router.post("/api/shop/orders/{order_id}/payments", status_code=201)
    @needs(ORDER_CAR)
    async def pay_order(
        order_id: str, body: PaymentWanted, key: IdempotencyKey, session: CurrentSession
    ) -> OrderStory:
        """Pay. 402 `payment_declined`: nothing was charged, pay otherwise. 504 `payment_unclear`:
        it may have been charged; do not pay again, follow the order. 201 with a payment that is
        still `asked`: the provider decides later."""
        own, person_id = parse_order_id(order_id), session.person_id
        try:
            await shop.till.pay(own, person_id, body.token, key)
        finally:
            with contextlib.suppress(*AWAY):  # what became of the payment stays the answer
                story = await shop.book.story(own, person_id)
                await shop.tell(story.order)
        try:
            return await shop.story(own, person_id)
        except AWAY as error:
            # It may be charged by now: nobody may read "not charged".
            raise PaymentUnclear("What became of the payment could not be read.") from error

    @router.post("/api/payments/events", status_code=202)
    @needs(TELL_PAYMENT, body_bytes_max=EVENT_BYTES_MAX)
    async def take_payment_event(
        request: Request,
        signature: Annotated[
            str, Header(alias="X-Payment-Signature", max_length=128, description="t=SECONDS,v1=HEX")
        ] = "",
    ) -> EventTaken:
        """The payment provider tells something; signed with the secret that it shares with us."""
        treatment = await shop.till.take_event(await request.body(), signature)
        return EventTaken(treatment=treatment.value)


def _add_reading(router: APIRouter, shop: Shop) -> None:
    @router.get("/api/shop/orders")
    @needs(READ_OWN_ORDERS)
    async def read_own_orders(session: CurrentSession) -> Orders:
        """One's own orders, the newest first."""
        found = await shop.book.orders_of(session.person_id)
        return Orders(orders=[shop.shown(row) for row in found], now=shop.now())

    @router.get("/api/shop/orders/{order_id}")
    @needs(READ_OWN_ORDERS)
    async def read_own_order(order_id: str, session: CurrentSession) -> OrderStory:
        """One order with all that happened to it."""
        return await shop.story(parse_order_id(order_id), session.person_id)

    @router.get(
        "/api/shop/orders/{order_id}/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": OrderEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_OWN_ORDERS)
    async def watch_own_order(
        order_id: str, request: Request, session: CurrentSession
    ) -> EventStream:
        """One order, then again whenever something about it changes."""
        own = parse_order_id(order_id)
        await shop.story(own, session.person_id)  # refuses before it streams
        return EventStream(request, shop.live(own, session.person_id))


def _add_console(router: APIRouter, shop: Shop) -> None:
    @router.get("/api/orders")
    @needs(READ_ORDERS)
    async def read_orders() -> OrderBook:
        """The orders by state and production week, without names."""
        return await shop.summary()

    @router.get(
        "/api/orders/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": OrderBookEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_ORDERS)
    async def watch_orders(request: Request) -> EventStream:
        """The orders by state, then again when something changes."""
        return EventStream(request, shop.live_summary())


def _bytes(document: str) -> bytes:
    try:
        return document.encode("ascii")
    except UnicodeEncodeError:
        raise DocumentMalformed("A document is not ASCII.") from None

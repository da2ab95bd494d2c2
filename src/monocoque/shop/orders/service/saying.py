"""What the book of orders says on the bus, and what it hears from the factory.

Rules:

* an event is a row in the outbox first, a message second, and the row goes when the bus has it;
* an order that says more than it may holds back its own later events, and nobody else's;
* an event of the factory is on record before it is acknowledged; one that comes twice, or late,
  changes nothing;
* that something changed is told to whoever listens now; who missed it reads the records.

Left out on purpose: deciding. logic.py does that.
"""

import contextlib
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts import topics
from monocoque.contracts.errors import LimitError
from monocoque.contracts.wire import order_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Delivery, Outgoing
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.insisting import say_each
from monocoque.shop.orders import records as rows
from monocoque.shop.orders.logic import Event
from monocoque.shop.orders.service.book import Book, found_order

BUILD_STATES = {
    "scheduled": Event.SCHEDULED,
    "built": Event.BUILT,
    "delivered": Event.DELIVERED,
    "refused": Event.REFUSED,
}
"""The states of a build, and what each means for its order."""
TEXT_CHARACTERS_MAX = 64


async def tell_changed(
    bus: Bus, changed: Iterable[tuple[str, str]], clock: Clock, random: Random
) -> None:
    """Tell that these orders changed: identifier and state of each; raises what the bus raises."""
    for order_id, state in changed:
        message = order_pb2.OrderChanged(state=state)
        stamp(message, clock, random)
        await bus.publish(topics.ORDER_CHANGED, message, order_id=order_id)


async def empty_outbox(bus: Bus, book: Book) -> int:
    """Say the oldest events that wait; returns how many there were.

    Raises LimitError after the others were said, when an order says more than it may.
    """
    count_max = book.config.outbox_batch_events
    waiting = await book.records.transact(
        lambda connection: rows.waiting_events(connection, count_max)
    )
    if waiting:
        said = await _say(bus, waiting)
        if said:
            await book.records.transact(lambda connection: rows.remove_events(connection, said))
        if len(said) < len(waiting):
            raise LimitError("An order says more than it may.")
    return len(waiting)


async def take_builds(
    book: Book, deliveries: Sequence[Delivery[order_pb2.BuildEvent]]
) -> list[tuple[str, str]]:
    """Put on record what the factory says; returns the orders that changed, and their state."""
    now_us = book.clock.now_us()

    def work(connection: Connection) -> list[tuple[str, str]]:
        changed = []
        for delivery in deliveries:
            order = rows.find_order(connection, delivery.identifiers["order_id"])
            event = BUILD_STATES.get(delivery.message.state)
            if order is None or event is None:
                continue
            if _apply(connection, book, order, event, delivery.message, now_us):
                changed.append((order.order_id, found_order(connection, order.order_id).state))
        return changed

    return await book.records.transact(work)


def _apply(
    connection: Connection,
    book: Book,
    order: Row[Any],
    event: Event,
    said: order_pb2.BuildEvent,
    now_us: int,
) -> bool:
    detail = {}
    if said.refusal_code:
        detail["reason"] = said.refusal_code[:TEXT_CHARACTERS_MAX]
    car_id = said.car_id[:TEXT_CHARACTERS_MAX]
    return book.apply(connection, order, event, now_us, car_id=car_id, detail=detail)


async def _say(bus: Bus, waiting: Sequence[Row[Any]]) -> list[tuple[str, int]]:
    """Say these events; returns orders and numbers of those that the bus has."""
    with contextlib.suppress(LimitError):
        await bus.publish_batch(topics.ORDER_EVENTS, [_outgoing(row) for row in waiting])
        return [(row.order_id, row.number) for row in waiting]
    said: list[tuple[str, int]] = []

    async def say(row: Row[Any]) -> None:
        await bus.publish(topics.ORDER_EVENTS, _outgoing(row).message, order_id=row.order_id)
        said.append((row.order_id, row.number))

    await say_each(waiting, lambda row: str(row.order_id), say)
    return said


def _outgoing(row: Row[Any]) -> Outgoing[order_pb2.OrderEvent]:
    event = order_pb2.OrderEvent.FromString(bytes(row.payload))
    return Outgoing(event, {"order_id": row.order_id})

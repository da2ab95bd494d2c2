"""The book of orders at work: it says what changed, hears the factory, and keeps the time."""

from typing import Any

import pytest

from monocoque.contracts import topics
from monocoque.contracts.errors import LimitError, PaymentUnclear
from monocoque.contracts.wire import order_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.shop.orders.service.saying import empty_outbox
from monocoque.shop.payments import service as payments
from monocoque.shop.payments.logic.ledger import Account
from tests.shop.stand import QUICK, Store, until

CAR = "car_0123456789abcdefghjkmnpqrs"


@pytest.fixture
def store(clients, records) -> Store:
    """A shop; the test runs once with each store of records."""
    return Store(clients, records)


async def say_build(store: Store, order_id: str, state: str, **said: Any) -> None:
    """What the factory says of the car of an order."""
    message = order_pb2.BuildEvent(state=state, **said)
    stamp(message, store.clock, store.random)
    await store.factory_bus.publish(topics.BUILD_EVENTS, message, order_id=order_id)


async def events_at_factory(store: Store, count: int) -> list[order_pb2.OrderEvent]:
    """The events that the factory hears, at least so many."""
    consumer = await store.factory_bus.consumer(topics.ORDER_EVENTS, "build")
    found: list[order_pb2.OrderEvent] = []

    async def are_there() -> bool:
        deliveries = await consumer.fetch(100, 0.1)
        await consumer.acknowledge(deliveries)
        found.extend(delivery.message for delivery in deliveries)
        return len(found) >= count

    await until(are_there)
    return found


async def test_the_factory_hears_each_change_once_in_order_even_of_a_time_before(
    store: Store,
) -> None:
    order_id = await store.placed("ann", "key", "tow-bar")
    await store.pay(order_id)
    async with store.living():
        heard = await events_at_factory(store, 3)
    assert [(event.sequence, event.state) for event in heard] == [
        (1, "placed"),
        (2, "placed"),
        (3, "paid"),
    ]
    assert heard[-1].week_begins_us == await store.week_us(order_id)
    assert "tow-bar" in heard[-1].options
    assert len({event.header.message_id for event in heard}) == 3


async def test_what_the_factory_says_moves_the_order_and_earns_the_money(store: Store) -> None:
    order_id = await store.placed()
    await store.pay(order_id)
    async with store.living():
        await say_build(store, order_id, "scheduled")
        await say_build(store, order_id, "built", car_id=CAR)
        for state in ("built", "scheduled", "delivered", "delivered", "painted"):
            await say_build(store, order_id, state)
        await say_build(store, "order_0123456789abcdefghjkmnpqrs", "built")

        async def is_delivered() -> bool:
            return await store.state(order_id) == "delivered"

        await until(is_delivered)
    assert (await store.kinds(order_id))[-3:] == ["scheduled", "built", "delivered"]
    story = await store.shop.book.story(order_id, "ann")
    assert story.order.car_id == CAR
    entries = await store.records.transact(payments.entries)
    owed = sum(it.amount_minor for it in entries if it.account is Account.DEPOSITS)
    assert owed == 0
    await store.assert_sound()


async def test_an_order_that_the_factory_cannot_build_ends_and_its_money_goes_back(
    store: Store,
) -> None:
    order_id = await store.placed()
    await store.pay(order_id)
    async with store.living():
        await say_build(store, order_id, "refused", refusal_code="serial_numbers_spent")

        async def is_refunded() -> bool:
            return await store.payment_states(order_id) == ["refunded"]

        await until(is_refunded)
    assert await store.state(order_id) == "cancelled"
    story = await store.shop.book.story(order_id, "ann")
    assert "serial_numbers_spent" in story.changes[-2].detail
    await store.assert_sound()


async def test_time_ends_an_unpaid_order_by_itself(store: Store) -> None:
    order_id = await store.placed()
    async with store.living():
        store.clock.advance(QUICK.unpaid_s)

        async def is_expired() -> bool:
            return await store.state(order_id) == "expired"

        await until(is_expired)
    await store.assert_sound()


async def test_a_lost_answer_is_cleared_up_by_the_service(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-after-charging")
    async with store.living():
        store.clock.advance(10)

        async def is_paid() -> bool:
            return await store.state(order_id) == "paid"

        await until(is_paid)
    await store.assert_sound()


async def test_without_a_bus_orders_are_taken_and_said_later(store: Store) -> None:
    await store.orders_bus.close()
    order_id = await store.placed()
    await store.pay(order_id)
    async with store.living():
        heard = await events_at_factory(store, 3)
    assert heard[-1].state == "paid"


async def test_an_order_that_says_more_than_it_may_holds_back_its_own_events_alone(
    store: Store,
) -> None:
    order_id = await store.placed()
    for number in range(20):
        await store.pay(order_id, "practice-other-amount", f"pay-{number}")
    await store.look(3)
    await store.shop.book.call_off(order_id, "ann")
    other_id = await store.placed("bob", "other")
    await store.pay(other_id, person_id="bob")
    consumer = await store.factory_bus.consumer(topics.ORDER_EVENTS, "build")
    with pytest.raises(LimitError):
        await empty_outbox(store.orders_bus, store.shop.book)
    found = list(await consumer.fetch(500, 0.1))
    assert [it.identifiers["order_id"] for it in found].count(other_id) == 3
    store.clock.advance(60)
    while await empty_outbox(store.orders_bus, store.shop.book):
        pass
    found += await consumer.fetch(500, 0.1)
    own = [it.message.sequence for it in found if it.identifiers["order_id"] == order_id]
    assert own == list(range(1, len(await store.kinds(order_id)) + 1))

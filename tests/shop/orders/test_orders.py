"""Taking orders on both stores: each once, each with its week, and weeks that go back."""

import asyncio
from dataclasses import replace

import pytest

from monocoque.contracts.errors import (
    NotFound,
    NoWeekFree,
    OrderConflict,
    QuoteUsed,
    RecordsUnavailable,
)
from monocoque.contracts.weeks import WeekConfig
from monocoque.plumbing.records.port import Records
from monocoque.shop.orders.logic import State
from monocoque.shop.orders.service.intake import Desk
from tests.fixtures.records import RecordsFactory
from tests.shop.stand import QUICK, WEEK_S, Store

SECOND_US = 1_000_000


@pytest.fixture
def store(clients, records) -> Store:
    """A shop; the test runs once with each store of records."""
    return Store(clients, records)


class RecordsAway:
    """Records that fail after so many transactions, until they are back."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.good = 1_000

    async def transact(self, work):
        """See Records."""
        self.good -= 1
        if self.good < 0:
            raise RecordsUnavailable("The records are away.")
        return await self._records.transact(work)

    async def close(self) -> None:
        """Somebody else closes them."""


async def test_the_same_order_twice_is_one_order(store: Store) -> None:
    offer = await store.offer()
    first = await store.shop.desk.place("ann", "key", offer.quote, offer.document)
    again = await store.shop.desk.place("ann", "key", offer.quote, offer.document)
    other_key = await store.shop.desk.place("ann", "other", offer.quote, offer.document)
    assert first.is_new
    assert not again.is_new
    assert {first.order.order_id} == {again.order.order_id, other_key.order.order_id}
    await store.assert_sound()


async def test_the_same_order_twice_at_once_is_one_order(store: Store) -> None:
    offer = await store.offer()
    found = await asyncio.gather(
        *(store.shop.desk.place("ann", "key", offer.quote, offer.document) for _ in range(5))
    )
    assert len({placed.order.order_id for placed in found}) == 1
    assert sum(placed.is_new for placed in found) == 1
    await store.assert_sound()


async def test_another_order_with_the_same_key_is_refused(store: Store) -> None:
    await store.placed("ann", "key")
    with pytest.raises(OrderConflict):
        await store.placed("ann", "key", "tow-bar")
    await store.assert_sound()


async def test_somebody_elses_quote_is_refused_once_it_is_ordered_by(store: Store) -> None:
    offer = await store.offer()
    await store.shop.desk.place("ann", "key", offer.quote, offer.document)
    with pytest.raises(QuoteUsed):
        await store.shop.desk.place("bob", "key", offer.quote, offer.document)


async def test_of_two_who_want_the_last_place_one_gets_it_and_the_other_the_next_week_at_once(
    store: Store,
) -> None:
    await store.placed("zoe")
    ann, bob = await store.offer(), await store.offer()
    assert ann.quote.week_begins_us == bob.quote.week_begins_us
    found = await asyncio.gather(
        store.shop.desk.place("ann", "key", ann.quote, ann.document),
        store.shop.desk.place("bob", "key", bob.quote, bob.document),
    )
    promised = ann.quote.week_begins_us
    weeks_us = [placed.order.week_us for placed in found]
    assert weeks_us == [promised, promised + round(WEEK_S * SECOND_US)]
    shown = [store.shop.shown(placed.order) for placed in found]
    assert [order.is_week_moved for order in shown] == [False, True]
    assert {order.quoted_week_begins_at for order in shown} == {shown[0].week_begins_at}
    await store.assert_sound()


async def test_two_processes_never_sell_a_place_twice(
    clients, records_factory: RecordsFactory
) -> None:
    where = await records_factory.new_where()
    stores = [Store(clients, records_factory.open(where), seed=seed) for seed in (1, 2)]
    stores[1].secrets.secrets = stores[0].secrets.secrets
    offers = [await stores[number % 2].offer() for number in range(16)]

    async def place(number: int) -> str:
        offer, desk = offers[number], stores[number % 2].shop.desk
        return (
            await desk.place("ann", f"key-{number}", offer.quote, offer.document)
        ).order.order_id

    assert len(set(await asyncio.gather(*map(place, range(16))))) == 16
    for store in stores:
        await store.assert_sound()


async def test_when_every_week_is_sold_nothing_is_promised_and_nothing_kept(
    clients, records: Records
) -> None:
    store = Store(clients, records, replace(QUICK, weeks_ahead_max=1))
    late = await store.offer()
    for person in ("ann", "bob"):
        await store.placed(person)
    with pytest.raises(NoWeekFree):
        await store.shop.desk.place("zoe", "key", late.quote, late.document)
    with pytest.raises(NoWeekFree):
        await store.offer()
    assert await store.shop.book.orders_of("zoe") == []
    await store.assert_sound()


async def test_an_unpaid_order_expires_and_its_place_is_sold_again(store: Store) -> None:
    order_id = await store.placed()
    week_us = await store.week_us(order_id)
    await store.placed("bob")
    store.clock.advance(QUICK.unpaid_s - 1)
    assert await store.shop.book.expire() == []
    store.clock.advance(1)
    assert len(await store.shop.book.expire()) == 2
    assert await store.state(order_id) == "expired"
    assert await store.shop.book.expire() == []
    assert await store.week_us(await store.placed("zoe"), "zoe") == week_us
    await store.assert_sound()


async def test_an_order_that_is_called_off_gives_its_place_back_once(store: Store) -> None:
    order_id = await store.placed()
    await store.placed("bob")
    await store.shop.book.call_off(order_id, "ann")
    again = await store.shop.book.call_off(order_id, "ann")
    assert again.state == "cancelled"
    assert await store.kinds(order_id) == ["placed", "called_off"]
    assert await store.week_us(await store.placed("zoe"), "zoe") == again.week_us
    await store.assert_sound()


async def test_somebody_elses_order_cannot_be_seen_called_off_or_paid(store: Store) -> None:
    order_id = await store.placed("ann")
    for ask in (
        store.shop.book.story(order_id, "bob"),
        store.shop.book.call_off(order_id, "bob"),
        store.shop.till.pay(order_id, "bob", "practice-ok", "key"),
    ):
        with pytest.raises(NotFound):
            await ask
    assert await store.kinds(order_id) == ["placed"]


async def test_an_order_whose_week_has_begun_gets_the_next_free_one_when_it_is_paid(
    clients, records: Records
) -> None:
    store = Store(clients, records, WeekConfig(week_duration_s=10.0, slots_per_week=2))
    order_id = await store.placed()
    before_us = await store.week_us(order_id)
    store.clock.advance(60)
    assert await store.pay(order_id) == "paid"
    after_us = await store.week_us(order_id)
    assert after_us > store.clock.now_us() > before_us
    story = await store.shop.book.story(order_id, "ann")
    assert '"week_before_us"' in story.changes[-1].detail
    await store.assert_sound()


async def test_a_paid_order_keeps_its_week_when_none_is_free_later(
    clients, records: Records
) -> None:
    store = Store(
        clients,
        records,
        WeekConfig(week_duration_s=10.0, slots_per_week=1),
        replace(QUICK, weeks_ahead_max=1),
    )
    order_id = await store.placed()
    week_us = await store.week_us(order_id)
    store.clock.advance(30)
    await store.placed("bob")
    assert await store.pay(order_id) == "paid"
    assert await store.week_us(order_id) == week_us
    await store.assert_sound()


async def test_a_batch_is_bounded_and_one_that_fails_says_so_to_each(
    clients, records: Records
) -> None:
    away = RecordsAway(records)
    store = Store(clients, away, replace(QUICK, intake_batch_orders=2))
    offers = [await store.offer() for _ in range(5)]
    away.good = 2

    async def place(number: int) -> object:
        offer = offers[number]
        return await store.shop.desk.place(f"person-{number}", "key", offer.quote, offer.document)

    found = await asyncio.gather(*map(place, range(5)), return_exceptions=True)
    assert [isinstance(it, RecordsUnavailable) for it in found] == [False] * 4 + [True]
    away.good = 1_000
    await store.assert_sound()


async def test_who_gives_up_waiting_leaves_the_others_their_orders(
    clients, records: Records
) -> None:
    store = Store(clients, records)
    offers = [await store.offer() for _ in range(3)]
    desk = Desk(store.shop.book, store.random)

    async def place(number: int) -> str:
        offer = offers[number]
        placed = await desk.place(f"person-{number}", "key", offer.quote, offer.document)
        return str(placed.order.state)

    tasks = [asyncio.create_task(place(number)) for number in range(3)]
    await asyncio.sleep(0)  # the first leads a batch now, the others wait for it
    tasks[0].cancel()
    tasks[2].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert found[1] == State.PLACED.value
    # The first asks again with its key, and finds its order or places it now; never two.
    await place(0)
    assert len(await store.shop.book.orders_of("person-0")) == 1
    await store.assert_sound()


async def test_what_was_ordered_is_found_again_by_the_same_request_alone(store: Store) -> None:
    offer = await store.offer()
    placed = await store.shop.desk.place("ann", "key", offer.quote, offer.document)
    desk = store.shop.desk
    found = await desk.find("ann", "key", offer.document)
    assert found is not None
    assert found.order_id == placed.order.order_id
    assert await desk.find("bob", "key", offer.document) is None
    assert await desk.find("ann", "other", offer.document) is None
    assert await desk.find("ann", "key", b"another") is None

"""The first cars are ordered and paid once, wherever a start is cut off, and are due at once."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Row, select

from monocoque.contracts.errors import RecordsUnavailable
from monocoque.plumbing.records.port import Records
from monocoque.roles.first_cars import CHOICES, FirstCars
from monocoque.shop.orders import records as order_rows
from tests.shop.stand import Store

Result = TypeVar("Result")
CARS = 3
STARTS_MAX = 10
HOUR_S = 3_600


class PowerCutError(Exception):
    """Nothing of ours: whoever meets it is dead."""


class CutRecords:
    """Records of a life that ends at one transaction, before it or after it."""

    def __init__(self, records: Records, lives: int, *, is_kept: bool) -> None:
        """lives: how many transactions end well. is_kept: whether the one after them is on disk."""
        self._records = records
        self._left = lives
        self._is_kept = is_kept

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        self._left -= 1
        if self._left >= 0:
            return await self._records.transact(work)
        if self._is_kept:
            await self._records.transact(work)
        raise PowerCutError

    async def close(self) -> None:
        """Nothing of its own is open."""


class AwayRecords:
    """Records that do not answer."""

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        raise RecordsUnavailable("They do not answer.")

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def store(clients, records) -> Store:
    """A shop with two places in each week; the test runs once with each store of records."""
    return Store(clients, records)


def first_cars(
    store: Store, records: Records | None = None, here: int = 0, wanted: int = CARS
) -> FirstCars:
    return FirstCars(
        records or store.records,
        store.secrets,
        store.clock,
        store.random,
        store.configs,
        here=here,
        wanted=wanted,
    )


async def tell_nobody(order_id: str, state: str) -> None:
    """Of an order."""


async def orders_of(store: Store) -> list[Row[Any]]:
    def read(connection: Connection) -> list[Row[Any]]:
        placed = select(order_rows.orders).order_by(order_rows.orders.c.idempotency_key)
        return list(connection.execute(placed).all())

    return await store.records.transact(read)


async def ordered(store: Store, here: int, wanted: int) -> None:
    """Starts, one after the other, until everything is paid; the shop's service looks meanwhile."""
    for _ in range(STARTS_MAX):
        cars = first_cars(store, None, here, wanted)
        await cars.order(tell_nobody)
        if cars.are_paid:
            return
        await store.look()
    raise AssertionError("The first cars are never paid.")


async def test_what_is_missing_is_ordered_and_paid_and_due_when_the_factory_hears_of_it(
    store: Store,
) -> None:
    told: list[tuple[str, str]] = []

    async def tell(order_id: str, state: str) -> None:
        told.append((order_id, state))

    begun_us = store.clock.now_us()
    cars = first_cars(store, wanted=5)
    await cars.order(tell)
    assert cars.are_paid
    orders = await orders_of(store)
    assert sorted(told) == sorted((order.order_id, "paid") for order in orders)
    assert len(orders) == 5
    assert len({order.person_id for order in orders}) == 1
    store.clock.advance(0.001)
    for order in orders:
        assert begun_us < order.week_us == order.quoted_week_us <= store.clock.now_us()
    for order, choices in zip(orders, (*CHOICES, *CHOICES[:2]), strict=True):
        assert set(choices) <= set(json.loads(order.options))
    await store.assert_sound()


@pytest.mark.parametrize(("here", "wanted"), [(3, 3), (4, 3), (0, 0)])
async def test_a_start_that_finds_its_cars_orders_nothing(
    store: Store, here: int, wanted: int
) -> None:
    cars = first_cars(store, here=here, wanted=wanted)
    assert cars.are_paid
    await cars.order(tell_nobody)
    assert await orders_of(store) == []


async def test_a_start_that_asks_for_more_cars_orders_those_that_are_missing(store: Store) -> None:
    await first_cars(store, wanted=1).order(tell_nobody)
    await first_cars(store, here=1, wanted=3).order(tell_nobody)
    assert len(await orders_of(store)) == 3
    await store.assert_sound()


async def test_a_second_start_before_any_car_is_built_orders_nothing_again(store: Store) -> None:
    await first_cars(store).order(tell_nobody)
    before = await orders_of(store)
    again = first_cars(store)
    await again.order(tell_nobody)
    assert again.are_paid
    assert await orders_of(store) == before


@pytest.mark.parametrize(
    "is_kept",
    [pytest.param(False, id="before the disk"), pytest.param(True, id="after the disk")],
)
async def test_wherever_a_start_is_cut_off_later_ones_order_each_car_once(
    store: Store, is_kept: bool
) -> None:
    cuts, is_over = 0, False
    while not is_over:
        here = cuts * CARS  # further cars each time, since those before are paid by now
        dying = CutRecords(store.records, cuts, is_kept=is_kept)
        try:
            await first_cars(store, dying, here, here + CARS).order(tell_nobody)
            is_over = True
        except PowerCutError:
            cuts += 1
        await ordered(store, here, here + CARS)
        orders = await orders_of(store)
        assert len(orders) == here + CARS
        assert {order.state for order in orders} == {"paid"}
    assert cuts > CARS * 5
    await store.assert_sound()


async def test_an_order_that_ended_unpaid_is_placed_anew(store: Store) -> None:
    until_placed = CutRecords(store.records, 4, is_kept=True)
    with pytest.raises(PowerCutError):
        await first_cars(store, until_placed, wanted=1).order(tell_nobody)
    [placed] = await orders_of(store)
    store.clock.advance(HOUR_S)
    assert [row.order_id for row in await store.shop.book.expire()] == [placed.order_id]
    await ordered(store, 0, 1)
    assert sorted(order.state for order in await orders_of(store)) == ["expired", "paid"]
    await store.assert_sound()


async def test_records_that_are_away_leave_everything_for_later(store: Store) -> None:
    cars = first_cars(store, AwayRecords())
    await cars.order(tell_nobody)
    assert not cars.are_paid

"""Paying on both stores while the provider, or the records, are away, slow or cut off.

Another provider than the one for practice stands behind the same port: one that a test plays.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from monocoque.contracts.errors import (
    PaymentUnclear,
    ProviderUnavailable,
    RecordsUnavailable,
)
from monocoque.shop.orders.service.till import Till
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.payments.logic.states import Finding, Found
from monocoque.shop.payments.service import Ask
from tests.shop.stand import Store


class Scripted:
    """A provider that a test plays."""

    is_practice = False
    tokens: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.finding = Finding(Found.NOTHING)
        self.error: Exception | None = None
        self.delay_s = 0.0
        self.asked: list[str] = []

    async def _answer(self, what: str) -> Finding:
        self.asked.append(what)
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        return self.finding

    async def charge(self, ask: Ask) -> Finding:
        """See Provider."""
        return await self._answer("charge")

    async def find(self, payment_id: str) -> Finding:
        """See Provider."""
        return await self._answer("find")

    async def void(self, payment_id: str) -> Finding:
        """See Provider."""
        return await self._answer("void")

    async def refund(self, payment_id: str) -> Finding:
        """See Provider."""
        return await self._answer("refund")


class AwayAfter:
    """Records that are away after so many transactions more."""

    def __init__(self, records, good: int = 1_000) -> None:
        self._records = records
        self.good = good

    async def transact(self, work):
        """See Records."""
        self.good -= 1
        if self.good < 0:
            raise RecordsUnavailable("The records are away.")
        return await self._records.transact(work)

    async def close(self) -> None:
        """Somebody else closes them."""


def till_with(store: Store, provider: Scripted, **limits: Any) -> Till:
    """The shop's till, at another provider."""

    async def tell(order_id: str, state: str) -> None:
        """Nobody listens."""

    config = replace(PaymentsConfig(look_again_s=0.01, look_again_s_max=0.01), **limits)
    return Till(store.shop.book, provider, store.secrets, store.random, config, tell)


async def test_a_provider_that_is_silent_leaves_the_charge_unclear_and_is_asked_again(
    store: Store,
) -> None:
    provider = Scripted()
    provider.delay_s = 60.0
    till = till_with(store, provider, ask_s_max=0.01)
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear, match="in time"):
        await till.pay(order_id, "ann", "token", "key")
    store.clock.advance(1)
    await till.look()
    assert await store.payment_states(order_id) == ["asked"]
    provider.delay_s = 0.0
    provider.finding = Finding(Found.CHARGED, 5_092_010, "EUR")
    store.clock.advance(1)
    await till.look()
    assert await store.state(order_id) == "paid"


async def test_a_provider_that_is_away_charged_nothing_and_the_order_may_be_paid_later(
    store: Store,
) -> None:
    provider = Scripted()
    provider.error = ProviderUnavailable("It is away.")
    till = till_with(store, provider)
    order_id = await store.placed()
    with pytest.raises(ProviderUnavailable):
        await till.pay(order_id, "ann", "token", "key")
    provider.error, provider.finding = None, Finding(Found.NOTHING)
    store.clock.advance(1)
    await till.look()
    assert provider.asked[-2:] == ["find", "void"]


async def test_whoever_asks_again_and_again_does_not_put_off_the_look_at_the_payment(
    store: Store,
) -> None:
    provider = Scripted()
    provider.finding = Finding(Found.PENDING)
    till = till_with(store, provider, look_again_s=5.0, look_again_s_max=600.0)
    order_id = await store.placed()
    for _ in range(6):
        await till.pay(order_id, "ann", "token", "key")
        store.clock.advance(1)
    provider.finding = Finding(Found.CHARGED, 5_092_010, "EUR")
    await till.look()
    assert await store.state(order_id) == "paid"


async def test_a_payment_that_was_cut_off_before_anybody_was_asked_is_made_when_asked_again(
    store: Store,
) -> None:
    provider = Scripted()
    provider.error = ProviderUnavailable("The shop ends at this moment.")
    order_id = await store.placed()
    with pytest.raises(ProviderUnavailable):
        await till_with(store, provider).pay(order_id, "ann", "practice-ok", "key")
    assert await store.pay(order_id, "practice-ok", "key") == "paid"
    assert await store.payment_states(order_id) == ["charged"]
    assert len(await store.charges()) == 1
    await store.assert_sound()


async def test_an_order_that_was_called_off_is_not_charged_by_asking_again(store: Store) -> None:
    provider = Scripted()
    provider.error = ProviderUnavailable("The shop ends at this moment.")
    order_id = await store.placed()
    with pytest.raises(ProviderUnavailable):
        await till_with(store, provider).pay(order_id, "ann", "practice-ok", "key")
    await store.shop.book.call_off(order_id, "ann")
    assert await store.pay(order_id, "practice-ok", "key") == "cancelled"
    assert await store.charges() == {}
    await store.assert_sound()


async def test_a_charge_that_stays_undecided_is_voided(store: Store) -> None:
    provider = Scripted()
    provider.finding = Finding(Found.PENDING)
    till = till_with(store, provider, pending_s_max=60.0)
    order_id = await store.placed()
    await till.pay(order_id, "ann", "token", "key")
    store.clock.advance(59)
    await till.look()
    assert "void" not in provider.asked
    store.clock.advance(2)
    await till.look()
    assert provider.asked[-1] == "void"


async def test_a_refund_is_asked_for_until_it_is_made(store: Store) -> None:
    provider = Scripted()
    provider.finding = Finding(Found.CHARGED, 5_092_010, "EUR")
    till = till_with(store, provider)
    order_id = await store.placed()
    await till.pay(order_id, "ann", "token", "key")
    await store.shop.book.call_off(order_id, "ann")
    provider.error = ProviderUnavailable("It is away.")
    for _ in range(3):
        store.clock.advance(1)
        await till.look()
    assert provider.asked.count("refund") == 3
    provider.error, provider.finding = None, Finding(Found.REFUNDED, 5_092_010, "EUR")
    store.clock.advance(1)
    await till.look()
    assert await store.payment_states(order_id) == ["refunded"]


async def test_a_charge_that_could_not_be_written_down_is_never_said_not_to_have_happened(
    clients, records
) -> None:
    away = AwayAfter(records)
    store = Store(clients, away)
    order_id = await store.placed()
    away.good = 2  # the payment is on record, the provider charges, and then the disk goes
    with pytest.raises(PaymentUnclear) as refused:
        await store.pay(order_id)
    assert refused.value.may_have_happened
    away.good = 1_000
    await store.look()
    assert await store.state(order_id) == "paid"
    await store.assert_sound()


async def test_an_unclear_charge_that_could_not_be_noted_as_such_stays_unclear(
    clients, records
) -> None:
    away = AwayAfter(records)
    store = Store(clients, away)
    order_id = await store.placed()
    away.good = 2
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-after-charging")
    away.good = 1_000
    await store.look(3)
    assert await store.state(order_id) == "paid"


@pytest.mark.parametrize("good", range(5))
async def test_a_page_is_never_told_that_a_charge_did_not_happen_when_the_records_went_after_it(
    clients, records, good
) -> None:
    away = AwayAfter(records)
    store = Store(clients, away)
    buyer = await store.buyer()
    offer = await store.offer()
    headers = {"Idempotency-Key": "key-of-page"}
    order = {"quote": offer.document.decode()}
    placed = await buyer.post("/api/shop/orders", json=order, headers=headers)
    provider = store.shop.till.provider
    charge = provider.charge

    async def charge_and_go(ask: Ask) -> Finding:
        finding = await charge(ask)
        away.good = good
        return finding

    provider.charge = charge_and_go  # type: ignore[method-assign]
    path = f"/api/shop/orders/{placed.json()['order_id']}/payments"
    paid = await buyer.post(path, json={"token": "practice-ok"}, headers=headers)
    assert paid.status_code == (504 if good < 4 else 201), paid.text

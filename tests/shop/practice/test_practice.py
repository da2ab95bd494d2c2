"""The practice provider keeps its word over a kill, and tells its events until they are taken."""

from dataclasses import replace

import pytest

from monocoque.contracts.errors import PaymentUnclear, RecordsUnavailable, SignatureInvalid
from monocoque.shop.payments.logic.states import Finding, Found
from monocoque.shop.payments.service import Ask
from monocoque.shop.practice.config import PracticeConfig
from monocoque.shop.practice.service import Practice
from tests.shop.stand import Store

ASK = Ask("payment_1", "order_1", "key", "practice-ok", 5_000, "EUR")
CHARGED = Finding(Found.CHARGED, 5_000, "EUR")
CONFIG = PracticeConfig(notice_delay_s_max=0.0, duplicate_share=0.0, retry_s=5.0, tries_max=3)


@pytest.fixture
def store(clients, records) -> Store:
    """A shop; the test runs once with each store of records."""
    return Store(clients, records, CONFIG)


def provider_of(store: Store, config: PracticeConfig = CONFIG) -> Practice:
    """The provider as a process finds it that has just started."""
    return Practice(store.records, store.clock, store.random, config)


class Heard:
    """Who is told events, and may refuse them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.bodies: list[bytes] = []

    async def take(self, body: bytes) -> None:
        self.bodies.append(body)
        if self.error is not None:
            raise self.error


async def test_the_same_payment_is_charged_once_even_over_a_kill(store: Store) -> None:
    assert await provider_of(store).charge(ASK) == CHARGED
    again = replace(ASK, token="practice-declined", amount_minor=1)
    assert await provider_of(store).charge(again) == CHARGED
    assert await provider_of(store).find(ASK.payment_id) == CHARGED


async def test_a_void_keeps_a_later_charge_away_and_leaves_an_earlier_one(store: Store) -> None:
    provider = provider_of(store)
    assert await provider.void("payment_0") == Finding(Found.VOIDED)
    assert await provider.charge(replace(ASK, payment_id="payment_0")) == Finding(Found.VOIDED)
    await provider.charge(ASK)
    assert await provider.void(ASK.payment_id) == CHARGED


async def test_a_void_ends_a_charge_that_is_not_decided(store: Store) -> None:
    provider = provider_of(store)
    slow = replace(ASK, token="practice-slow")
    assert await provider.charge(slow) == Finding(Found.PENDING)
    assert await provider.void(ASK.payment_id) == Finding(Found.VOIDED)
    store.clock.advance(CONFIG.slow_notice_s)
    assert await provider.find(ASK.payment_id) == Finding(Found.VOIDED)


async def test_a_refund_is_made_once_and_only_of_a_charge(store: Store) -> None:
    provider = provider_of(store)
    assert await provider.refund(ASK.payment_id) == Finding(Found.NOTHING)
    await provider.charge(ASK)
    for _ in range(2):
        assert await provider.refund(ASK.payment_id) == Finding(Found.REFUNDED, 5_000, "EUR")
    heard = Heard()
    await provider.tell_due(heard.take)
    assert sum(b"charge.refunded" in body for body in heard.bodies) == 1
    assert all(b'"practice": true' in body for body in heard.bodies)


async def test_an_event_that_is_not_taken_is_told_again_but_not_for_ever(store: Store) -> None:
    provider = provider_of(store)
    with pytest.raises(PaymentUnclear):
        await provider.charge(replace(ASK, token="practice-times-out-after-charging"))
    heard = Heard(RecordsUnavailable("Away."))
    next_us = await provider.tell_due(heard.take)
    assert next_us == store.clock.now_us() + 5_000_000
    await provider.tell_due(heard.take)
    assert len(heard.bodies) == 2
    for _ in range(5):
        store.clock.advance(5)
        next_us = await provider.tell_due(heard.take)
    assert len(heard.bodies) == 2 * CONFIG.tries_max
    assert next_us is None


async def test_an_event_that_is_refused_is_given_up(store: Store) -> None:
    provider = provider_of(store)
    await provider.charge(ASK)
    heard = Heard(SignatureInvalid("No."))
    assert await provider.tell_due(heard.take) is None
    assert len(heard.bodies) == 2


async def test_events_are_told_twice_by_chance(store: Store) -> None:
    provider = provider_of(store, replace(CONFIG, duplicate_share=1.0))
    await provider.charge(ASK)
    heard = Heard()
    await provider.tell_due(heard.take)
    assert len(heard.bodies) == 2 * len(set(heard.bodies)) == 4

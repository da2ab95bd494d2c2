"""Paying on both stores: nobody is charged twice, and money always goes somewhere.

The provider is the one for practice, which has its own records.
"""

import asyncio
import json
from dataclasses import replace

import pytest

from monocoque.contracts.errors import (
    CredentialsRefused,
    DocumentMalformed,
    OrderConflict,
    PaymentDeclined,
    PaymentOpen,
    PaymentUnclear,
    SignatureInvalid,
    TooManyRequests,
)
from monocoque.shop.payments import service as payments
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.payments.logic.events import signature_of
from monocoque.shop.payments.logic.states import Finding, Found, Treatment
from monocoque.shop.payments.service import Ask
from tests.shop.stand import QUICK, Store

WEEK_S = 604_800


def event(payment_id: str, kind: str = "charge.charged", **changed: object) -> bytes:
    """The body of an event."""
    members = {
        "event_id": f"{payment_id}.{kind}",
        "kind": kind,
        "payment_id": payment_id,
        "amount_minor": 1,
        "currency": "EUR",
        "created_s": 1_800_000_000,
    }
    return json.dumps(members | changed).encode()


async def payment_of(store: Store, order_id: str) -> str:
    return str((await store.shop.book.story(order_id, "ann")).payments[-1].payment_id)


# --- paying -----------------------------------------------------------------------------------


async def test_a_paid_order_is_charged_once_and_has_no_time_limit_any_more(store: Store) -> None:
    order_id = await store.placed()
    assert await store.pay(order_id) == "paid"
    assert (await store.shop.book.story(order_id, "ann")).order.expires_us is None
    assert len(await store.charges()) == 1
    await store.assert_sound()


async def test_the_same_payment_again_is_the_same_payment(store: Store) -> None:
    order_id = await store.placed()
    for _ in range(3):
        assert await store.pay(order_id, key="key") == "paid"
    assert len(await store.charges()) == 1
    with pytest.raises(OrderConflict, match="has this key"):
        await store.pay(order_id, "practice-declined", key="key")
    with pytest.raises(OrderConflict, match="is paid cannot be paid"):
        await store.pay(order_id, key="another")
    await store.assert_sound()


async def test_two_payments_at_once_charge_once(store: Store) -> None:
    order_id = await store.placed()
    found = await asyncio.gather(
        *(store.pay(order_id, key=f"key-{number}") for number in range(4)),
        return_exceptions=True,
    )
    assert found.count("paid") == 1
    assert all(it == "paid" or isinstance(it, OrderConflict | PaymentOpen) for it in found)
    assert len(await store.charges()) == 1
    await store.assert_sound()


async def test_a_declined_payment_can_be_made_otherwise(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentDeclined):
        await store.pay(order_id, "practice-declined", key="first")
    assert await store.state(order_id) == "payment_declined"
    with pytest.raises(PaymentDeclined):
        await store.pay(order_id, "practice-declined", key="first")
    assert await store.pay(order_id, key="second") == "paid"
    assert await store.payment_states(order_id) == ["declined", "charged"]
    await store.assert_sound()


async def test_a_charge_whose_answer_is_lost_is_found_and_nobody_pays_twice(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-after-charging", key="first")
    with pytest.raises(PaymentOpen):
        await store.pay(order_id, key="second")
    assert await store.pay(order_id, "practice-times-out-after-charging", key="first") == "paid"
    assert len(await store.charges()) == 1
    assert await store.kinds(order_id) == ["placed", "payment_asked", "payment_unclear", "charged"]
    await store.assert_sound()


async def test_a_charge_whose_answer_is_lost_is_found_by_looking(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-after-charging")
    await store.look()
    assert await store.state(order_id) == "paid"
    await store.assert_sound()


async def test_a_question_that_was_lost_is_voided_before_it_is_given_up(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-before-charging", key="first")
    payment_id = await payment_of(store, order_id)
    await store.look()
    assert await store.payment_states(order_id) == ["voided"]
    # The question arrives after all, late; it charges nothing any more.
    ask = Ask(payment_id, order_id, "first", "practice-ok", 5_092_010, "EUR")
    assert (await store.shop.till.provider.charge(ask)).found is Found.VOIDED
    assert await store.pay(order_id, key="second") == "paid"
    await store.assert_sound()


async def test_another_amount_than_was_asked_for_pays_nothing_and_goes_back(store: Store) -> None:
    order_id = await store.placed()
    assert await store.pay(order_id, "practice-other-amount", key="first") == "payment_declined"
    assert await store.payment_states(order_id) == ["refund_due"]
    await store.look()
    assert await store.payment_states(order_id) == ["refunded"]
    assert await store.pay(order_id, key="second") == "paid"
    await store.assert_sound()


async def test_a_slow_decision_keeps_the_order_from_expiring(store: Store) -> None:
    order_id = await store.placed()
    store.clock.advance(QUICK.unpaid_s - 1)
    assert await store.pay(order_id, "practice-slow") == "placed"
    store.clock.advance(2)
    assert await store.shop.book.expire() == []
    assert await store.state(order_id) == "placed"
    store.clock.advance(20)
    await store.tell_events()
    assert await store.state(order_id) == "paid"
    await store.assert_sound()


async def test_an_order_is_tried_to_be_paid_so_often_and_not_more(clients, records) -> None:
    store = Store(clients, records, PaymentsConfig(payments_per_order_max=2))
    order_id = await store.placed()
    for number in range(2):
        with pytest.raises(PaymentDeclined):
            await store.pay(order_id, "practice-declined", key=f"key-{number}")
    with pytest.raises(TooManyRequests):
        await store.pay(order_id, key="key-3")


# --- money that comes when nobody wants it ----------------------------------------------------


async def test_what_was_paid_goes_back_when_the_order_is_called_off(store: Store) -> None:
    order_id = await store.placed()
    await store.pay(order_id)
    await store.shop.book.call_off(order_id, "ann")
    assert await store.payment_states(order_id) == ["refund_due"]
    await store.look(2)
    assert await store.payment_states(order_id) == ["refunded"]
    assert (await store.kinds(order_id))[-2:] == ["called_off", "refunded"]
    assert await store.charges() == {}
    await store.assert_sound()


async def test_an_event_of_the_charge_does_not_put_off_its_refund(store: Store) -> None:
    order_id = await store.placed()
    await store.pay(order_id)
    await store.shop.book.call_off(order_id, "ann")
    await store.tell_events()
    await store.shop.till.look()
    assert await store.payment_states(order_id) == ["refunded"]


@pytest.mark.parametrize("ending", ["cancelled", "expired"])
async def test_a_charge_after_the_end_of_an_order_goes_back(store: Store, ending: str) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-after-charging")
    payment_id = await payment_of(store, order_id)
    if ending == "cancelled":
        await store.shop.book.call_off(order_id, "ann")
    else:
        # It was voided when nobody answered; the provider charged all the same.
        await store.records.transact(
            lambda c: payments.apply(c, payments.find(c, payment_id), Finding(Found.VOIDED), 0)
        )
        store.clock.advance(QUICK.unpaid_s)
        await store.shop.book.expire()
    assert await store.state(order_id) == ending
    await store.tell_events()
    assert await store.payment_states(order_id) == ["refund_due"]
    await store.look()
    assert await store.payment_states(order_id) == ["refunded"]
    assert await store.state(order_id) == ending
    await store.assert_sound()


async def test_a_second_charge_of_a_paid_order_goes_back_and_the_first_stays(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-after-charging", key="first")
    first = await payment_of(store, order_id)
    await store.records.transact(
        lambda c: payments.apply(c, payments.find(c, first), Finding(Found.DECLINED), 0)
    )
    assert await store.pay(order_id, key="second") == "paid"
    await store.tell_events()
    await store.look()
    assert sorted(await store.payment_states(order_id)) == ["charged", "refunded"]
    assert "charge_returned" in await store.kinds(order_id)
    await store.assert_sound()


# --- events of the provider -------------------------------------------------------------------


@pytest.mark.parametrize("token", ["practice-repeats", "practice-reorders", "practice-ok"])
async def test_events_that_are_doubled_or_reordered_charge_once(store: Store, token: str) -> None:
    order_id = await store.placed()
    assert await store.pay(order_id, token) == "paid"
    for _ in range(3):
        store.clock.advance(1)
        await store.tell_events()
    assert await store.state(order_id) == "paid"
    assert (await store.kinds(order_id)).count("charged") == 1
    found = await store.records.transact(payments.treatments)
    assert set(found.values()) == {"stale"}
    assert len(found) == 2
    await store.assert_sound()


async def test_an_event_that_comes_twice_is_dealt_with_once(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-after-charging")
    body = event(await payment_of(store, order_id))
    found = await asyncio.gather(*(store.shop.till.take_own_event(body) for _ in range(3)))
    assert sorted(it.value for it in found) == ["repeated", "repeated", "taken"]
    await store.assert_sound()


async def test_an_event_a_week_late_pays_an_order_that_still_waits(clients, records) -> None:
    store = Store(clients, records, replace(QUICK, unpaid_s=30 * 86_400.0))
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-late")
    store.clock.advance(WEEK_S - 1)
    await store.tell_events()
    assert await store.state(order_id) == "placed"
    store.clock.advance(10)
    await store.tell_events()
    assert await store.state(order_id) == "paid"
    await store.assert_sound()


async def test_an_event_claims_nothing_that_is_believed(store: Store) -> None:
    order_id = await store.placed()
    with pytest.raises(PaymentUnclear):
        await store.pay(order_id, "practice-times-out-before-charging")
    payment_id = await payment_of(store, order_id)
    for kind in ("charge.charged", "charge.refunded"):
        told = event(payment_id, kind, amount_minor=10**9, currency="CNY")
        assert await store.shop.till.take_own_event(told) is Treatment.UNDECIDED
    assert await store.state(order_id) == "placed"
    await store.assert_sound()


async def test_an_event_of_a_payment_that_is_not_ours_is_noted_and_nothing_more(
    store: Store,
) -> None:
    told = event("payment_of_somebody_else")
    assert await store.shop.till.take_own_event(told) is Treatment.UNKNOWN_PAYMENT
    assert await store.shop.till.take_own_event(told) is Treatment.REPEATED


async def test_an_event_that_the_provider_did_not_sign_is_refused(store: Store) -> None:
    told, now_s = event("payment_1"), store.clock.now_us() // 1_000_000
    with pytest.raises(SignatureInvalid):
        await store.shop.till.take_event(told, signature_of(b"guessed", told, now_s))
    secret = store.secrets.secrets[payments.EVENT_SECRET]
    with pytest.raises(SignatureInvalid):
        await store.shop.till.take_event(told, signature_of(secret, told, now_s - 301))
    junk = b"junk"
    with pytest.raises(DocumentMalformed):
        await store.shop.till.take_event(junk, signature_of(secret, junk, now_s))
    assert await store.records.transact(payments.treatments) == {}


async def test_without_the_shared_secret_no_event_is_taken(store: Store) -> None:
    store.secrets.secrets.pop(payments.EVENT_SECRET)
    with pytest.raises(CredentialsRefused, match="lacks the secret"):
        await store.shop.till.take_own_event(event("payment_1"))

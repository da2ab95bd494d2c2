"""States of a payment, the ledger, and the events of the provider."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import RequestMalformed, SignatureInvalid
from monocoque.shop.payments.logic import ledger
from monocoque.shop.payments.logic.events import (
    ProviderEvent,
    check_signature,
    read_event,
    signature_of,
)
from monocoque.shop.payments.logic.ledger import Account, Entry, is_balanced
from monocoque.shop.payments.logic.states import (
    RANKS,
    Finding,
    Found,
    Meaning,
    PaymentState,
    Step,
    Treatment,
    step,
)

PRICE = (5_000, "EUR")
CHARGED = Finding(Found.CHARGED, *PRICE)
FINDINGS = st.one_of(
    st.sampled_from([Finding(it) for it in (Found.NOTHING, Found.PENDING, Found.DECLINED)]),
    st.sampled_from([Finding(Found.VOIDED), CHARGED, Finding(Found.REFUNDED, *PRICE)]),
    st.builds(
        Finding,
        st.sampled_from([Found.CHARGED, Found.REFUNDED]),
        st.integers(1, 9_999),
        st.sampled_from(["EUR", "GBP"]),
    ),
)
SECRET = b"shared"
BODY = b'{"event_id": "1"}'
EVENT = {
    "event_id": "payment_1.charged",
    "kind": "charge.charged",
    "payment_id": "payment_1",
    "amount_minor": 5_000,
    "currency": "EUR",
    "created_s": 1_800_000_000,
}


# --- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "finding", "expected"),
    [
        (
            PaymentState.ASKED,
            CHARGED,
            Step(PaymentState.CHARGED, Treatment.TAKEN, Meaning.CHARGED, money_came=True),
        ),
        (
            PaymentState.ASKED,
            Finding(Found.DECLINED),
            Step(PaymentState.DECLINED, Treatment.TAKEN, Meaning.DECLINED),
        ),
        (
            PaymentState.ASKED,
            Finding(Found.VOIDED),
            Step(PaymentState.VOIDED, Treatment.TAKEN, Meaning.DECLINED),
        ),
        (
            PaymentState.ASKED,
            Finding(Found.CHARGED, 5_100, "EUR"),
            Step(
                PaymentState.REFUND_DUE,
                Treatment.AMOUNT_DIFFERS,
                Meaning.DECLINED,
                money_came=True,
            ),
        ),
        (
            PaymentState.ASKED,
            Finding(Found.CHARGED, 5_000, "GBP"),
            Step(
                PaymentState.REFUND_DUE,
                Treatment.AMOUNT_DIFFERS,
                Meaning.DECLINED,
                money_came=True,
            ),
        ),
        (
            PaymentState.ASKED,
            Finding(Found.REFUNDED, 5_100, "EUR"),
            Step(
                PaymentState.REFUNDED,
                Treatment.TAKEN,
                Meaning.RETURNED,
                money_came=True,
                money_went=True,
            ),
        ),
        (
            PaymentState.VOIDED,
            CHARGED,
            Step(PaymentState.CHARGED, Treatment.TAKEN, Meaning.CHARGED, money_came=True),
        ),
        (
            PaymentState.REFUND_DUE,
            Finding(Found.REFUNDED, *PRICE),
            Step(PaymentState.REFUNDED, Treatment.TAKEN, Meaning.RETURNED, money_went=True),
        ),
        (
            PaymentState.ASKED,
            Finding(Found.PENDING),
            Step(PaymentState.ASKED, Treatment.UNDECIDED),
        ),
        (PaymentState.REFUND_DUE, CHARGED, Step(PaymentState.REFUND_DUE, Treatment.STALE)),
        (
            PaymentState.CHARGED,
            Finding(Found.DECLINED),
            Step(PaymentState.CHARGED, Treatment.STALE),
        ),
    ],
    ids=str,
)
def test_what_the_provider_says_makes_this_of_a_payment(
    state: PaymentState, finding: Finding, expected: Step
) -> None:
    assert step(state, finding, *PRICE) == expected


@given(st.lists(FINDINGS, max_size=10))
def test_in_any_order_and_however_often_money_comes_once_and_goes_once(
    findings: list[Finding],
) -> None:
    state, came, went = PaymentState.ASKED, 0, 0
    for finding in findings:
        found = step(state, finding, *PRICE)
        assert RANKS[found.state] >= RANKS[state]
        assert (found.state is state) == (found.treatment in (Treatment.STALE, Treatment.UNDECIDED))
        assert step(found.state, finding, *PRICE).treatment in (
            Treatment.STALE,
            Treatment.UNDECIDED,
        )
        came, went = came + found.money_came, went + found.money_went
        state = found.state
        assert came == (RANKS[state] >= RANKS[PaymentState.CHARGED])
        assert went == (state is PaymentState.REFUNDED)


# --- the ledger -------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["received", "refunded", "delivered"]),
            st.integers(0, 10**9),
            st.integers(0, 10**8),
            st.sampled_from(["EUR", "GBP", "CNY"]),
        ),
        max_size=20,
    )
)
def test_the_ledger_is_always_balanced(movements: list[tuple[str, int, int, str]]) -> None:
    entries: list[Entry] = []
    for number, (kind, amount, tax, currency) in enumerate(movements):
        if kind == "delivered":
            posting = ledger.delivered(f"order-{number}", amount, tax, currency)
        else:
            posting = getattr(ledger, kind)(f"payment-{number}", amount, currency)
        assert len({entry.currency for entry in posting.entries}) == 1
        entries += posting.entries
        assert is_balanced(entries)


def test_a_sum_that_is_not_zero_is_seen_in_each_currency() -> None:
    entries = ledger.received("payment-1", 5, "EUR").entries
    assert is_balanced(entries)
    assert not is_balanced(entries[:1])
    assert not is_balanced([Entry(Account.TAX, 5, "EUR"), Entry(Account.TAX, -5, "GBP")])


def test_a_sale_leaves_nothing_owed_to_the_buyer() -> None:
    entries = [
        *ledger.received("payment-1", 119, "EUR").entries,
        *ledger.received("payment-2", 119, "EUR").entries,
        *ledger.refunded("payment-2", 119, "EUR").entries,
        *ledger.delivered("order-1", 119, 19, "EUR").entries,
    ]
    held = {
        account: sum(it.amount_minor for it in entries if it.account is account)
        for account in Account
    }
    assert held == {
        Account.PROVIDER: 119,
        Account.DEPOSITS: 0,
        Account.SALES: -100,
        Account.TAX: -19,
    }


def test_a_posting_is_named_after_its_cause() -> None:
    assert ledger.received("payment-1", 1, "EUR").name == "payment-1.received"
    assert ledger.refunded("payment-1", 1, "EUR").name == "payment-1.refunded"
    assert ledger.delivered("order-1", 1, 0, "EUR").name == "order-1.delivered"


# --- events -----------------------------------------------------------------------------------


def test_a_signature_is_an_hmac_over_moment_and_bytes() -> None:
    wanted = hmac.new(SECRET, b"1800000000." + BODY, hashlib.sha256).hexdigest()
    assert signature_of(SECRET, BODY, 1_800_000_000) == f"t=1800000000,v1={wanted}"
    check_signature(SECRET, BODY, f"t=1800000000,v1={wanted}", 1_800_000_300, 300)


@pytest.mark.parametrize(
    ("body", "secret", "now_s"),
    [(BODY + b" ", SECRET, 0), (BODY, b"other", 0), (BODY, SECRET, 301), (BODY, SECRET, -301)],
)
def test_an_altered_foreign_or_old_event_is_refused(body: bytes, secret: bytes, now_s: int) -> None:
    signature = signature_of(secret, body if now_s else BODY, 1_000)
    with pytest.raises(SignatureInvalid):
        check_signature(SECRET, body, signature, 1_000 + now_s, 300)


@pytest.mark.parametrize("signature", ["", "t=1", "t=x,v1=" + "0" * 64, "t=1,v1=" + "0" * 65])
def test_an_event_without_a_signature_is_refused(signature: str) -> None:
    with pytest.raises(SignatureInvalid, match="no signature"):
        check_signature(SECRET, BODY, signature, 1, 300)


def test_an_event_is_read_and_what_is_unknown_in_it_is_passed_over() -> None:
    assert read_event(EVENT | {"practice": True}) == ProviderEvent(**EVENT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"event_id": ""},
        {"event_id": "a" * 65},
        {"kind": 1},
        {"payment_id": None},
        {"currency": ["EUR"]},
        {"amount_minor": 1.0},
        {"amount_minor": True},
        {"created_s": "1"},
    ],
    ids=str,
)
def test_an_event_of_another_form_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(RequestMalformed, match=next(iter(changed))):
        read_event(EVENT | changed)

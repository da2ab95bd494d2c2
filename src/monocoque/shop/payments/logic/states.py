"""The states of a payment, and what the provider's word makes of them.

Rules:

* a payment only goes forward: ``RANKS`` says how far it is, and nothing brings it back;
* what the provider says when it is asked counts, never what an event claims;
* a charge of another amount than was asked for pays nothing, and goes back whole;
* each step has a name (``Treatment``), so that no event goes without one.

Left out on purpose: what a charge means for an order (shop/orders).
"""

import enum
from dataclasses import dataclass
from typing import Final


class PaymentState(enum.Enum):
    """How far a payment is."""

    ASKED = "asked"
    """The provider was asked, or is about to be; whether it charged is not known."""
    DECLINED = "declined"
    VOIDED = "voided"
    """Never charged, and it never will be."""
    CHARGED = "charged"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


RANKS: Final = {
    PaymentState.ASKED: 0,
    PaymentState.DECLINED: 1,
    PaymentState.VOIDED: 1,
    PaymentState.CHARGED: 2,
    PaymentState.REFUND_DUE: 3,
    PaymentState.REFUNDED: 4,
}


class Found(enum.Enum):
    """What the provider has on record of a payment."""

    NOTHING = "nothing"
    """It never heard of it."""
    PENDING = "pending"
    CHARGED = "charged"
    DECLINED = "declined"
    VOIDED = "voided"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Finding:
    """The provider's word on a payment."""

    found: Found
    amount_minor: int = 0
    """What was charged; 0 when nothing was."""
    currency: str = ""


class Treatment(enum.Enum):
    """What became of the provider's word, or of an event of it."""

    TAKEN = "taken"
    REPEATED = "repeated"
    """The event was dealt with before."""
    STALE = "stale"
    """What it led to was known already: it came late, or after a later one."""
    UNDECIDED = "undecided"
    """The provider does not know yet either."""
    AMOUNT_DIFFERS = "amount_differs"
    """Another amount was charged than was asked for; it goes back."""
    UNKNOWN_PAYMENT = "unknown_payment"
    """The shop never asked for this payment."""


class Meaning(enum.Enum):
    """What a step means for the order."""

    NONE = "none"
    CHARGED = "charged"
    DECLINED = "declined"
    """Declined or voided: it may be paid otherwise."""
    RETURNED = "returned"
    """The money is back with the buyer."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the provider's word makes of a payment."""

    state: PaymentState
    treatment: Treatment
    meaning: Meaning = Meaning.NONE
    money_came: bool = False
    money_went: bool = False


_TARGETS: Final = {
    Found.CHARGED: PaymentState.CHARGED,
    Found.DECLINED: PaymentState.DECLINED,
    Found.VOIDED: PaymentState.VOIDED,
    Found.REFUNDED: PaymentState.REFUNDED,
}
_MEANINGS: Final = {
    PaymentState.CHARGED: Meaning.CHARGED,
    PaymentState.DECLINED: Meaning.DECLINED,
    PaymentState.VOIDED: Meaning.DECLINED,
    PaymentState.REFUNDED: Meaning.RETURNED,
}


def step(state: PaymentState, finding: Finding, amount_minor: int, currency: str) -> Step:
    """What becomes of a payment in this state for that amount by the provider's word."""
    target = _TARGETS.get(finding.found)
    if target is None:
        return Step(state, Treatment.UNDECIDED)
    if RANKS[target] <= RANKS[state]:
        return Step(state, Treatment.STALE)
    came = RANKS[state] < RANKS[PaymentState.CHARGED] <= RANKS[target]
    went = target is PaymentState.REFUNDED
    differs = came and (finding.amount_minor, finding.currency) != (amount_minor, currency)
    if differs and not went:
        return Step(
            PaymentState.REFUND_DUE, Treatment.AMOUNT_DIFFERS, Meaning.DECLINED, money_came=True
        )
    return Step(target, Treatment.TAKEN, _MEANINGS[target], money_came=came, money_went=went)

"""The port of the payment provider: charge, ask what became of it, void, refund.

Rules, for every adapter:

* ``payment_id`` is the idempotency key: asking again with it changes nothing and answers as before;
* an answer may be lost after the act: then PaymentUnclear, and ``find`` tells later;
* ``void`` makes sure that a payment is never charged any more, unless it is already; it answers
  what is on record then;
* the provider also tells by events (logic/events.py), at least once, in any order, at any time.

Left out on purpose: cards, and how a buyer comes to a token; that is the provider's own page.
"""

from collections.abc import Mapping
from typing import Protocol

from monocoque.shop.payments.logic.states import Finding
from monocoque.shop.payments.service import Ask


class Provider(Protocol):
    """Somebody who charges and refunds for us."""

    @property
    def is_practice(self) -> bool:
        """Whether no real money moves; every page says so."""

    @property
    def tokens(self) -> Mapping[str, str]:
        """What a buyer may pay with for practice, and what each does; empty for a real provider."""

    async def charge(self, ask: Ask) -> Finding:
        """Charge the amount, once; raises PaymentUnclear, ProviderUnavailable."""

    async def find(self, payment_id: str) -> Finding:
        """What became of a payment; raises ProviderUnavailable."""

    async def void(self, payment_id: str) -> Finding:
        """Never charge this payment any more; raises PaymentUnclear, ProviderUnavailable."""

    async def refund(self, payment_id: str) -> Finding:
        """Give back what was charged, once; raises PaymentUnclear, ProviderUnavailable."""

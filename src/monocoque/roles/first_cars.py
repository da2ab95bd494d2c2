"""The first cars: what a start lacks of the cars that it was asked for is ordered in the shop.

Rules:

* the first buyer orders each of them by the parts that HTTP stands on: a quote, an order, a payment
  by the practice provider; the factory hears of them as of every other;
* a car that lives here counts, whoever ordered it, so a start that finds its cars orders nothing;
* the key of an order is made of its number, and that of a payment of how many came to nothing; so a
  start that was killed goes on where it was, and nothing is ordered or paid twice;
* their pace is zero, and time stands still at the counter: all of them are promised for weeks that
  have begun when the factory hears of them.

Left out on purpose: whom a car is handed to. Whoever has its paper takes it over on the phone.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from sqlalchemy import Row

from monocoque.contracts.errors import ConfigurationImpossible, MonocoqueError
from monocoque.contracts.rights import Site
from monocoque.contracts.weeks import NO_TIME_S, WeekConfig
from monocoque.phone.accounts.service import first_person
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.records.port import Records
from monocoque.roles.shop import Counter, open_counter
from monocoque.shop.orders.logic import HOLDING, PAYABLE, State
from monocoque.shop.orders.service.till import Tell

MARKET: Final = "DE"
TOKEN: Final = "practice-ok"  # noqa: S105 - what the practice provider takes
CHOICES: Final = (
    ("paint-lagoon", "wheels-19"),
    ("paint-ember", "roof-glass"),
    ("paint-graphite", "drive-all"),
)
"""What is chosen for the first car, the second and the third; then again from the beginning."""
UNPAID_ENDS: Final = frozenset({"declined", "voided"})


@dataclass(frozen=True)
class Moment:
    """A clock that stands still."""

    at_us: int
    setbacks: int = 0

    def now_us(self) -> int:
        """See Clock."""
        return self.at_us


class FirstCars:
    """The orders for them, as far as they are not paid."""

    def __init__(
        self,
        records: Records,
        keystore: KeyStore,
        clock: Clock,
        random: Random,
        configs: Mapping[type, Any],
        *,
        here: int,
        wanted: int,
    ) -> None:
        """Nothing is ordered yet. here: how many cars live here. wanted: how many shall."""
        self._records = records
        self._keystore = keystore
        self._clock = clock
        self._random = random
        weeks = replace(configs[WeekConfig], week_duration_s=NO_TIME_S)
        self._configs = {**configs, WeekConfig: weeks}
        self._left = list(range(here + 1, wanted + 1))

    @property
    def are_paid(self) -> bool:
        """Whether nothing is left to do."""
        return not self._left

    async def order(self, tell: Tell) -> None:
        """Order and pay what is left; what cannot be now is left for the next time.

        tell: that an order changed.
        """
        if self.are_paid:
            return
        try:
            buyer = await first_person(self._records, self._clock, self._random, Site.SHOP)
            moment = Moment(self._clock.now_us())
            counter = open_counter(
                self._records, self._keystore, moment, self._random, self._configs, tell
            )
            for number in tuple(self._left):
                order = await _pay(counter, buyer, await _place(counter, buyer, number))
                await tell(order.order_id, order.state)
                if State(order.state) not in PAYABLE:
                    self._left.remove(number)
        except MonocoqueError as error:
            get_log("monocoque.cell").warning(
                "the first cars wait", error_code=error.code, what=error.what, hint=error.hint
            )


async def _place(counter: Counter, buyer: str, number: int) -> Row[Any]:
    """The order for the car of this number, placed now or by an earlier start.

    One that ended without a car, as when nobody paid it for too long, is placed anew.
    """
    for attempt in itertools.count(1):
        key = f"first-car-{number}-{attempt}"
        known = await counter.desk.find_key(buyer, key)
        if known is None:
            return await _place_new(counter, buyer, number, key)
        if State(known.state) in HOLDING:
            return known
    raise AssertionError  # count has no end


async def _place_new(counter: Counter, buyer: str, number: int, key: str) -> Row[Any]:
    choices = CHOICES[(number - 1) % len(CHOICES)]
    options = counter.quotes.engine.complete(choices, MARKET)
    if options is None:
        raise ConfigurationImpossible("No car has what is chosen for the first cars.")
    week_us = await counter.book.first_free_week_us()
    offer = counter.quotes.offer(options, MARKET, week_us)
    placed = await counter.desk.place(buyer, key, offer.quote, offer.document)
    return placed.order


async def _pay(counter: Counter, buyer: str, order: Row[Any]) -> Row[Any]:
    """Pay it unless it is paid; a payment that is under way is asked for again, not made again."""
    if State(order.state) not in PAYABLE:
        return order
    story = await counter.book.story(order.order_id, buyer)
    spent = sum(payment.state in UNPAID_ENDS for payment in story.payments)
    key = f"{order.idempotency_key}-{spent + 1}"
    return await counter.till.pay(order.order_id, buyer, TOKEN, key)

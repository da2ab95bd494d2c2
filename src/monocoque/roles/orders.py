"""Puts the book of orders together: the till, the payment provider, and the service behind them.

Rules:

* the payment provider of this version is the one for practice; what a real one needs is behind the
  port in shop/payments, and here is the place where it is chosen;
* this is what the table of services needs of the shop, and every process loads the table; so it
  loads neither the web nor the solver.

Left out on purpose: what any of the parts decides, and what HTTP has beside them (shop.py).
"""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from monocoque.contracts.errors import LimitError, UnavailableError
from monocoque.contracts.weeks import WeekConfig
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.shop.orders import service as orders
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.orders.service.book import Book
from monocoque.shop.orders.service.saying import tell_changed
from monocoque.shop.orders.service.till import Tell, Till
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.practice import service as practice
from monocoque.shop.practice.config import PracticeConfig

CONFIGS = (OrdersConfig, PaymentsConfig, PracticeConfig, WeekConfig)
"""What the service ``orders`` reads."""


async def run_orders(context: Context) -> None:
    """Keep the book of orders, and tell the practice provider's events, until cancelled."""
    provider = practice_provider(context.records, context.clock, context.random, context.configs)
    tell = partial(tell_order, context.bus, context.clock, context.random)
    till = open_till(
        context.records, context.keystore, context.clock, context.random, context.configs,
        provider, tell,
    )  # fmt: skip
    has_news = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(orders.run(context, till, [has_news]))
        group.create_task(practice.run(context, provider, till.take_own_event, has_news))


def practice_provider(
    records: Records, clock: Clock, random: Random, configs: Mapping[type, Any]
) -> practice.Practice:
    return practice.Practice(records, clock, random, configs[PracticeConfig])


def open_till(
    records: Records,
    keystore: KeyStore,
    clock: Clock,
    random: Random,
    configs: Mapping[type, Any],
    provider: practice.Practice,
    tell: Tell,
) -> Till:
    book = Book(records, clock, configs[OrdersConfig], configs[WeekConfig])
    return Till(book, provider, keystore, random, configs[PaymentsConfig], tell)


async def tell_order(bus: Bus, clock: Clock, random: Random, order_id: str, state: str) -> None:
    """Tell that an order changed. Who does not hear it reads the records."""
    with contextlib.suppress(UnavailableError, LimitError):
        await tell_changed(bus, [(order_id, state)], clock, random)

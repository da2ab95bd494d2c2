"""Puts the shop together: catalogue, quotes, book of orders, till and payment provider.

Rules:

* the payment provider of this version is the one for practice; what a real one needs is behind the
  port in shop/payments, and here is the place where it is chosen;
* the shop's key and the secret that it shares with the provider are made where there are none.

Left out on purpose: what any of the parts decides.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

from fastapi import APIRouter

from monocoque.contracts.errors import LimitError, UnavailableError
from monocoque.contracts.weeks import WeekConfig
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.shop.configurator import web as configurator_web
from monocoque.shop.configurator.service import load_engine
from monocoque.shop.orders import service as orders
from monocoque.shop.orders import web as orders_web
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.orders.service.book import Book
from monocoque.shop.orders.service.intake import Desk
from monocoque.shop.orders.service.saying import tell_changed
from monocoque.shop.orders.service.till import Till
from monocoque.shop.payments import service as payments
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.practice import service as practice
from monocoque.shop.practice.config import PracticeConfig
from monocoque.shop.quotes import service as quotes
from monocoque.shop.quotes import web as quotes_web
from monocoque.shop.quotes.config import QuoteConfig
from monocoque.shop.quotes.service import Quotes
from monocoque.trust.ports import KeyMaker

CONFIGS = (OrdersConfig, PaymentsConfig, PracticeConfig, WeekConfig)
"""What the service ``orders`` reads."""


def make_shop(keystore: KeyStore, key_maker: KeyMaker, random: Random) -> None:
    """Make the shop's secrets where there are none."""
    quotes.make_key(keystore, key_maker)
    payments.make_secret(keystore, random.randbytes(payments.SECRET_BYTES))


async def run_orders(context: Context) -> None:
    """Keep the book of orders, and tell the practice provider's events, until cancelled."""
    provider = _provider(context.records, context.clock, context.random, context.configs)
    till = _till(
        context.records, context.keystore, context.clock, context.random, context.configs,
        provider, context.bus,
    )  # fmt: skip
    has_news = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(orders.run(context, till, [has_news]))
        group.create_task(practice.run(context, provider, till.take_own_event, has_news))


def open_shop(
    records: Records,
    keystore: KeyStore,
    clock: Clock,
    random: Random,
    configs: Mapping[type, Any],
    *,
    as_orders: Bus,
    as_shop: Bus,
    as_console: Bus,
) -> orders_web.Shop:
    """The shop as HTTP uses it; raises CatalogueContradicts, CatalogueMalformed."""
    provider = _provider(records, clock, random, configs)
    till = _till(records, keystore, clock, random, configs, provider, as_orders)
    return orders_web.Shop(
        book=till.book,
        desk=Desk(till.book, random),
        till=till,
        quotes=Quotes(load_engine(), keystore, clock, random, configs[QuoteConfig]),
        bus=as_orders,
        pages=as_shop,
        console=as_console,
        random=random,
    )


def shop_routers(shop: orders_web.Shop) -> list[APIRouter]:
    """Every route of the shop."""
    week_duration_s = shop.book.weeks.week_duration_s
    return [
        configurator_web.routes(shop.quotes.engine),
        quotes_web.routes(shop.quotes, shop.book.first_free_week_us, week_duration_s),
        orders_web.routes(shop),
    ]


def _provider(
    records: Records, clock: Clock, random: Random, configs: Mapping[type, Any]
) -> practice.Practice:
    return practice.Practice(records, clock, random, configs[PracticeConfig])


def _till(
    records: Records,
    keystore: KeyStore,
    clock: Clock,
    random: Random,
    configs: Mapping[type, Any],
    provider: practice.Practice,
    bus: Bus,
) -> Till:
    book = Book(records, clock, configs[OrdersConfig], configs[WeekConfig])
    tell = partial(_tell, bus, clock, random)
    return Till(book, provider, keystore, random, configs[PaymentsConfig], tell)


async def _tell(bus: Bus, clock: Clock, random: Random, order_id: str, state: str) -> None:
    """Who does not hear it reads the records."""
    with contextlib.suppress(UnavailableError, LimitError):
        await tell_changed(bus, [(order_id, state)], clock, random)

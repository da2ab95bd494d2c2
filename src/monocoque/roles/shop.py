"""Puts the shop together: catalogue, quotes, and the counter with book and till, for HTTP.

Rules: the shop's key and the secret that it shares with the provider are made where there are none.

Left out on purpose: what any of the parts decides; and the service of the book (orders.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from fastapi import APIRouter

from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.roles.orders import open_till, practice_provider, tell_order
from monocoque.roles.orders import run_orders as run_orders
from monocoque.shop.configurator import web as configurator_web
from monocoque.shop.configurator.service import load_engine
from monocoque.shop.orders import web as orders_web
from monocoque.shop.orders.service.book import Book
from monocoque.shop.orders.service.intake import Desk
from monocoque.shop.orders.service.till import Tell, Till
from monocoque.shop.payments import service as payments
from monocoque.shop.quotes import service as quotes_service
from monocoque.shop.quotes import web as quotes_web
from monocoque.shop.quotes.config import QuoteConfig
from monocoque.shop.quotes.service import Quotes
from monocoque.trust.ports import KeyMaker


def make_shop(keystore: KeyStore, key_maker: KeyMaker, random: Random) -> None:
    """Make the shop's secrets where there are none."""
    quotes_service.make_key(keystore, key_maker)
    payments.make_secret(keystore, random.randbytes(payments.SECRET_BYTES))


@dataclass(frozen=True)
class Counter:
    """What an order is placed and paid by, without HTTP."""

    book: Book
    desk: Desk
    till: Till
    quotes: Quotes


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
    tell = partial(tell_order, as_orders, clock, random)
    counter = open_counter(records, keystore, clock, random, configs, tell)
    return orders_web.Shop(
        book=counter.book,
        desk=counter.desk,
        till=counter.till,
        quotes=counter.quotes,
        bus=as_orders,
        pages=as_shop,
        console=as_console,
        random=random,
    )


def open_counter(
    records: Records,
    keystore: KeyStore,
    clock: Clock,
    random: Random,
    configs: Mapping[type, Any],
    tell: Tell,
) -> Counter:
    """The counter of a shop; raises CatalogueContradicts, CatalogueMalformed."""
    provider = practice_provider(records, clock, random, configs)
    till = open_till(records, keystore, clock, random, configs, provider, tell)
    quotes = Quotes(load_engine(), keystore, clock, random, configs[QuoteConfig])
    return Counter(till.book, Desk(till.book, random), till, quotes)


def shop_routers(shop: orders_web.Shop) -> list[APIRouter]:
    """Every route of the shop."""
    week_duration_s = shop.book.weeks.week_duration_s
    return [
        configurator_web.routes(shop.quotes.engine),
        quotes_web.routes(shop.quotes, shop.book.first_free_week_us, week_duration_s),
        orders_web.routes(shop),
    ]

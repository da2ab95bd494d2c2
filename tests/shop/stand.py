"""A shop in tests: its HTTP, book, till and practice provider on a bus in memory.

Rules: parts and routes are production's, put together as production does it; time is set by hand.
``assert_sound`` is what must hold whatever happened: no week sold beyond its places, the ledger
balanced, nobody charged twice, money where the order says.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from random import Random
from typing import Any

import httpx
import structlog
from sqlalchemy import Connection, select

from monocoque.contracts.rights import PersonRole, Site
from monocoque.contracts.topics import Role
from monocoque.contracts.weeks import WeekConfig
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.http.application import build_application
from monocoque.plumbing.http.sessions import COOKIE_NAME, csrf_token
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.shop import make_shop, open_shop, run_orders, shop_routers
from monocoque.shop.orders import records as order_rows
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.orders.logic import HOLDING, State
from monocoque.shop.payments import records as payment_rows
from monocoque.shop.payments import service as payments
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.payments.logic.ledger import is_balanced
from monocoque.shop.payments.logic.states import Found
from monocoque.shop.practice import records as practice_rows
from monocoque.shop.practice.config import PracticeConfig
from monocoque.shop.quotes.config import QuoteConfig
from monocoque.shop.quotes.service import Offer
from monocoque.trust.keys import SystemKeyMaker
from tests.fixtures.http import (
    HOSTS,
    SecretsInMemory,
    SessionsInMemory,
    SettableClock,
    in_process,
    make_context,
)

WAIT_S_MAX = 20.0
WEEK_S = 604_800.0
PAID_FOR_GOOD = frozenset({State.PAID, State.SCHEDULED, State.BUILT, State.DELIVERED})
QUICK = OrdersConfig(
    look_s_max=0.05, retry_s=0.02, builds_wait_s=0.1, summary_interval_s=0.01, gather_s=0.01
)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds, for a bounded time."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not await condition():
            await asyncio.sleep(0.005)


class Store:
    """One shop."""

    def __init__(
        self, clients: contextlib.AsyncExitStack, records: Records, *configs: object, seed: int = 1
    ) -> None:
        """configs: other limits than these."""
        known = (
            QUICK,
            PaymentsConfig(look_again_s=0.01, look_again_s_max=0.01),
            PracticeConfig(
                notice_delay_s_max=0.0, duplicate_share=0.0, look_s_max=0.05, gather_s=0.01
            ),
            QuoteConfig(),
            WeekConfig(week_duration_s=WEEK_S, slots_per_week=2),
        )
        self.configs: dict[type, Any] = {type(config): config for config in (*known, *configs)}
        self.records = records
        self.clock = SettableClock()
        self.random = Random(seed)
        self.hub = MemoryHub(self.clock, Metrics(), structlog.stdlib.get_logger())
        self.secrets = SecretsInMemory()
        make_shop(self.secrets, SystemKeyMaker(), self.random)
        self.sessions = SessionsInMemory()
        self.orders_bus = self.hub.connect(Identity(Role.ORDERS))
        self.factory_bus = self.hub.connect(Identity(Role.FACTORY))
        self.shop = open_shop(
            records,
            self.secrets,
            self.clock,
            self.random,
            self.configs,
            as_orders=self.orders_bus,
            as_shop=self.hub.connect(Identity(Role.SHOP)),
            as_console=self.hub.connect(Identity(Role.CONSOLE)),
        )
        self.application = build_application(
            make_context(self.clock, records=records),
            routers=shop_routers(self.shop),
            sessions=self.sessions,
            pages=None,
        )
        self._clients = clients

    # --- people -------------------------------------------------------------------------------

    async def anybody(self, site: Site = Site.SHOP) -> httpx.AsyncClient:
        """Somebody who is not signed in."""
        return await in_process(self._clients, self.application, HOSTS[site])

    async def signed_in(self, site: Site, *roles: PersonRole) -> httpx.AsyncClient:
        """Somebody with a session."""
        client = await self.anybody(site)
        token = self.sessions.open(site, *roles)
        client.headers.update(
            {"cookie": f"{COOKIE_NAME}={token}", "x-csrf-token": csrf_token(token)}
        )
        return client

    async def buyer(self) -> httpx.AsyncClient:
        """A buyer of their own."""
        return await self.signed_in(Site.SHOP, PersonRole.BUYER)

    # --- orders -------------------------------------------------------------------------------

    async def offer(self, *choices: str) -> Offer:
        """A quote of the cheapest car with these choices."""
        options = self.shop.quotes.engine.complete(choices, "DE")
        return self.shop.quotes.offer(options, "DE", await self.shop.book.first_free_week_us())

    async def placed(self, person_id: str = "ann", key: str = "key", *choices: str) -> str:
        """An order by a new quote; its identifier."""
        offer = await self.offer(*choices)
        desk = self.shop.desk
        return str((await desk.place(person_id, key, offer.quote, offer.document)).order.order_id)

    async def pay(
        self, order_id: str, token: str = "practice-ok", key: str = "pay", person_id: str = "ann"
    ) -> str:
        """Pay; the state of the order afterwards."""
        return str((await self.shop.till.pay(order_id, person_id, token, key)).state)

    async def state(self, order_id: str, person_id: str = "ann") -> str:
        """The state of an order."""
        return str((await self.shop.book.story(order_id, person_id)).order.state)

    async def payment_states(self, order_id: str, person_id: str = "ann") -> list[str]:
        """The states of the payments of an order."""
        story = await self.shop.book.story(order_id, person_id)
        return [row.state for row in story.payments]

    async def charges(self, person_id: str = "ann") -> dict[str, int]:
        """What the provider charged this person and did not give back, by payment."""
        found = {}
        for order in await self.shop.book.orders_of(person_id):
            for row in (await self.shop.book.story(order.order_id, person_id)).payments:
                finding = await self.shop.till.provider.find(row.payment_id)
                if finding.found is Found.CHARGED:
                    found[row.payment_id] = finding.amount_minor
        return found

    async def kinds(self, order_id: str, person_id: str = "ann") -> list[str]:
        """What happened to an order."""
        return [row.kind for row in (await self.shop.book.story(order_id, person_id)).changes]

    async def week_us(self, order_id: str, person_id: str = "ann") -> int:
        """The week that an order has."""
        return int((await self.shop.book.story(order_id, person_id)).order.week_us)

    async def tell_events(self) -> None:
        """The practice provider tells what is due."""
        await self.shop.till.provider.tell_due(self.shop.till.take_own_event)  # type: ignore[attr-defined]

    async def look(self, times: int = 1) -> None:
        """Deal with what is due, after a while each time."""
        for _ in range(times):
            self.clock.advance(1)
            await self.shop.till.look()

    # --- the service --------------------------------------------------------------------------

    def context(self) -> Context:
        """That of the service ``orders``."""
        return Context(
            machine_id="cell",
            service_name="orders",
            clock=self.clock,
            random=self.random,
            bus=self.hub.connect(Identity(Role.ORDERS)),
            records=self.records,
            keystore=self.secrets,
            metrics=Metrics(),
            log=structlog.stdlib.get_logger(),
            disk_free_bytes=lambda: 0,
            software_version="1",
            configs=self.configs,
        )

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """The service runs inside this block."""
        task = asyncio.create_task(run_orders(self.context()))
        try:
            await asyncio.sleep(0)  # it begins to listen
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # --- what must hold -----------------------------------------------------------------------

    async def assert_sound(self) -> None:
        """See the module."""
        await self.records.transact(assert_sound)


def assert_sound(connection: Connection) -> None:
    """What must hold of the records of every shop."""
    orders = connection.execute(select(order_rows.orders)).all()
    all_payments = connection.execute(select(payment_rows.payments)).all()
    _assert_weeks(connection, orders)
    assert is_balanced(payments.entries(connection))
    charges = {row.payment_id: row for row in practice_rows.all_charges(connection)}
    for order in orders:
        own = [row for row in all_payments if row.order_id == order.order_id]
        charged = [row for row in own if row.state == "charged"]
        assert len(charged) == (State(order.state) in PAID_FOR_GOOD), (order.state, own)
        for row in charged:
            assert (row.charged_minor, row.charged_currency) == (order.total_minor, order.currency)
            assert charges[row.payment_id].amount_minor == order.total_minor
        changes = order_rows.changes_of(connection, order.order_id)
        assert [row.number for row in changes] == list(range(1, order.changes + 1))
        assert changes[-1].state == order.state


def _assert_weeks(connection: Connection, orders: Iterable[Any]) -> None:
    holding = Counter(row.week_us for row in orders if State(row.state) in HOLDING)
    weeks = {row.begins_us: row for row in connection.execute(select(order_rows.weeks))}
    assert holding.keys() <= weeks.keys()
    for begins_us, week in weeks.items():
        assert week.taken == holding[begins_us] <= week.slots

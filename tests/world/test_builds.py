"""Orders that were paid become cars of the world, one each, delivered, whatever dies or is lost.

The book of orders here is a service of the world's cell that says what was paid, on the cell's bus,
again and again until the factory has delivered, as an outbox that is killed would; everything after
that is production's. What must hold of a command is judged all along, as in every world.
"""

import asyncio
import contextvars
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from sqlalchemy import Row, Table, select

from monocoque.cloud.registry import records as registry
from monocoque.contracts import identifiers
from monocoque.contracts.errors import MonocoqueError
from monocoque.contracts.topics import BUILD_EVENTS, ORDER_EVENTS
from monocoque.contracts.wire.order_pb2 import BuildEvent, OrderEvent
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.factory import FACTORY
from monocoque.roles.table import SERVICES, ServiceRow
from monocoque.shop.build import records as build
from monocoque.sim.chance import chance
from monocoque.sim.clock import START_US
from monocoque.sim.faults import Faults
from monocoque.sim.loop import run_virtual
from monocoque.sim.people import PeopleConfig
from monocoque.sim.power import LIVING, Life
from monocoque.sim.report import WorldReport
from monocoque.sim.setting import Setting
from monocoque.sim.world import CELL, World, memory_records
from tests.world.test_kills import cut_power, kill

WEEK_S = 20.0
BUILT = ["scheduled", "in_production", "built", "delivered"]
ASK_AGAIN_S = 30.0
SLOW = Faults(delay_s_min=0.01, delay_s_max=0.05, disk_delay_s_max=0.01)
"""Everything takes a moment, so that a death finds work under way; nothing else goes wrong."""
PEOPLE = PeopleConfig(begin_s_max=2.0, pause_s_min=0.0, pause_s_max=0.5, commands_max=1)


@dataclass
class Book:
    """The shop's book of orders, as the factory knows it."""

    weeks: tuple[int, ...]
    """In which week from the world's beginning each order is due."""
    heard: dict[str, dict[int, BuildEvent]] = field(default_factory=lambda: defaultdict(dict))
    """What the factory said, by order and sequence; one that comes again must be the same."""
    said_otherwise: list[str] = field(default_factory=list)

    def orders(self) -> dict[str, int]:
        source = chance(1, "orders")
        return {identifiers.make("order", source.getrandbits): week for week in self.weeks}

    @property
    def is_done(self) -> bool:
        """Whether every order has its car, and its buyer the car."""
        return all(len(self.heard[order_id]) == len(BUILT) for order_id in self.orders())

    def services(self) -> tuple[ServiceRow, ...]:
        """Production's, with this book in the place of the shop's."""
        return tuple(
            replace(row, run=self.run) if row.name == "orders" else row for row in SERVICES
        )

    async def run(self, context: Context) -> None:
        consumer = await context.bus.consumer(BUILD_EVENTS, "orders")
        while True:
            try:
                await self._say(context)
                for delivery in await consumer.fetch(100, ASK_AGAIN_S):
                    self._hear(delivery.identifiers["order_id"], delivery.message)
                    await consumer.acknowledge([delivery])
            except MonocoqueError:
                await asyncio.sleep(1.0)

    async def _say(self, context: Context) -> None:
        for order_id, week in self.orders().items():
            if len(self.heard[order_id]) < len(BUILT):
                event = OrderEvent(
                    sequence=2,
                    state="paid",
                    catalogue_version="1",
                    options=["paint-red"],
                    week_begins_us=START_US + round(week * WEEK_S * 1_000_000),
                )
                stamp(event, context.clock, context.random)
                await context.bus.publish(ORDER_EVENTS, event, order_id=order_id)

    def _hear(self, order_id: str, event: BuildEvent) -> None:
        if self.heard[order_id].setdefault(event.sequence, event) != event:
            self.said_otherwise.append(order_id)


class Kept:
    """Records of a machine that can be read once its world has ended."""

    def __init__(self, inner: Records) -> None:
        self.inner = inner

    async def transact(self, work):
        return await self.inner.transact(work)

    async def close(self) -> None:
        """They are closed by whoever has read them."""


@dataclass(frozen=True)
class Ended:
    """A world at its end, with the rows that matter here."""

    world: World
    report: WorldReport
    cars: list
    builds: list
    outbox: list
    as_built: list


@dataclass
class Striker:
    """Counts the steps of the factory until all is delivered, and strikes at one."""

    book: Book
    strike_at: int = 0
    strike: Callable = kill
    steps: int = 0

    def __call__(self, world: World, life: Life) -> None:
        if life.service_name == "build" and not self.book.is_done:
            self.steps += 1
            if self.steps == self.strike_at:
                self.strike(world.power, life)


def live(
    book: Book,
    faults: Faults,
    duration_s: float,
    calm_s: float,
    striker: Striker | None = None,
) -> Ended:
    """A world with one car from the beginning, and this book."""
    worlds: list[World] = []
    stores: dict[str, Kept] = {}
    setting = Setting(
        seed=8,
        duration_s=duration_s,
        calm_s=calm_s,
        faults=faults,
        services=book.services(),
        people=PEOPLE,
    )

    def make(machine_id: str, random: Random) -> Records:
        return stores.setdefault(machine_id, Kept(memory_records(machine_id, random)))

    async def main() -> Ended:
        worlds.append(World(setting, make))
        report = await worlds[0].run()
        tables = (build.cars, build.builds, build.outbox)
        cars, builds, outbox = [await rows(stores[FACTORY], table) for table in tables]
        as_built = await rows(stores[CELL], registry.as_built)
        for store in stores.values():
            await store.inner.close()
        return Ended(worlds[0], report, cars, builds, outbox, as_built)

    def observe(context: contextvars.Context) -> None:
        life = context.get(LIVING)
        if life is not None:
            striker(worlds[0], life)

    return run_virtual(main(), observer=None if striker is None else observe)


async def rows(records: Records, table: Table) -> list[Row]:
    return await records.transact(lambda connection: list(connection.execute(select(table))))


def check(book: Book, ended: Ended) -> None:
    """Each order has one car of its own, which somebody has; nobody else's was made."""
    assert ended.report.violations == ()
    assert book.said_otherwise == []
    orders = book.orders()
    for order_id in orders:
        said = book.heard[order_id]
        assert [said[number].state for number in sorted(said)] == BUILT
        assert sorted(said) == [1, 2, 3, 4]
    assert {row.order_id: row.state for row in ended.builds} == dict.fromkeys(orders, "delivered")
    ordered = {row.car_id: row for row in ended.builds}
    assert len(ended.cars) == 1 + len(orders)
    assert {row.car_id for row in ended.cars} == {*ordered, ended.world.people[0].car_id}
    assert len({row.vin for row in ended.builds}) == len(orders)
    assert {row.car_id: row.vin for row in ended.as_built} == {
        car_id: row.vin for car_id, row in ordered.items()
    }
    assert ended.report.hand_overs == 1 + len(orders)
    assert ended.outbox == []


def test_what_is_paid_is_built_in_its_week_drives_and_is_handed_over() -> None:
    book = Book(weeks=(0, 2, 1))
    ended = live(book, SLOW, duration_s=120.0, calm_s=60.0)
    check(book, ended)
    assert ended.report.restarts == 0
    assert ended.report.commands_done == 4
    for order_id, week in book.orders().items():
        due_us = START_US + round(week * WEEK_S * 1_000_000)
        assert book.heard[order_id][2].header.occurred_at_us >= due_us
    assert live(Book(weeks=(0, 2, 1)), SLOW, 120.0, 60.0).report.digest == ended.report.digest


def test_no_order_is_lost_or_doubled_in_bad_weather() -> None:
    faults = replace(
        Faults.usual(), kill_interval_s=20.0, power_cut_interval_s=60.0, power_cut_s_max=10.0
    )
    book = Book(weeks=(0, 1, 1, 3, 9))
    ended = live(book, faults, duration_s=300.0, calm_s=300.0)
    check(book, ended)
    assert ended.report.kills > 5
    assert ended.report.power_cuts > 0


@pytest.mark.parametrize(("strike", "every"), [(kill, 8), (cut_power, 16)])
def test_a_build_survives_a_death_of_the_factory_at_many_steps(strike, every) -> None:
    assert steps_survived(strike, every) >= 40


@pytest.mark.prove
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("strike", [kill, cut_power])
def test_a_build_survives_a_death_of_the_factory_at_any_step(strike) -> None:
    assert steps_survived(strike, every=1) >= 40


def steps_survived(strike: Callable, every: int) -> int:
    """One world for each of these steps; returns how many there are."""
    book = Book(weeks=(0,))
    counting = Striker(book)
    check(book, live(book, SLOW, 20.0, 60.0, counting))
    for step in range(1, counting.steps + 1, every):
        book = Book(weeks=(0,))
        ended = live(book, SLOW, 20.0, 60.0, Striker(book, step, strike))
        check(book, ended)
        assert ended.report.kills + ended.report.power_cuts == 1, f"step {step}"
    return counting.steps

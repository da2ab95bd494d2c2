"""The people of a world: buyers, owners, drivers; who of them has which car.

Rules:

* a car that leaves the line belongs to the buyer to whom the shop names it; in a world without
  buyers somebody is there for every car;
* people go on until the end of the world. When they are to rest they begin nothing new.

Left out on purpose: what each of them does (buyers.py, people.py, driving.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from monocoque.car.body.config import BodyConfig
from monocoque.contracts.rights import Site
from monocoque.phone.accounts.service import make_sign_in_link
from monocoque.sim.buyers import Buyer, BuyersConfig, Purchase
from monocoque.sim.chance import chance
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.door import Way
from monocoque.sim.driving import Driver, Wheel
from monocoque.sim.habits import Habits
from monocoque.sim.homes import Homes
from monocoque.sim.machine import Machine
from monocoque.sim.maker import Maker
from monocoque.sim.people import Errands, Person, Sent
from monocoque.sim.setting import Setting

Start = Callable[[Coroutine[Any, Any, None], str], None]
"""Lets somebody live, under a name."""


class Crowd:
    """Everybody."""

    def __init__(
        self,
        setting: Setting,
        cell: Machine,
        maker: Maker,
        homes: Homes,
        way: Callable[..., Way],
        start: Start,
    ) -> None:
        """way: a new way to the cell's door, for a purpose."""
        self.people: list[Person] = []
        self.buyers: list[Buyer] = []
        self.habits: list[Habits] = []
        """Of everybody who bought a car and has it."""
        self.drivers: dict[str, Driver] = {}
        """By car."""
        self._wheels: dict[str, Wheel] = {}
        self._setting = setting
        self._cell = cell
        self._maker = maker
        self._homes = homes
        self._way = way
        self._start = start
        self._is_resting = False
        self._sold: set[str] = set()
        """Cars whose buyers were told which one is theirs."""
        self._made: dict[str, Machine] = {}
        """Cars that left the line."""

    def add_owner(self, car_id: str) -> Person:
        """Somebody who takes this car over, and leaves it where it is."""
        person = self._person(car_id)
        self._begin(person.live(), f"owner of {car_id}")
        return person

    def add_buyers(self, count: int) -> list[Buyer]:
        """So many people who order a car; returns them."""
        return [self._add_buyer(0.0, self._setting.shopping) for _ in range(count)]

    def add_late_buyers(self, count: int, after_s: float) -> None:
        """So many who order one within that time, and perhaps think again."""
        share = self._setting.late_call_off_share
        shopping = replace(self._setting.shopping, call_off_share=share)
        for _ in range(count):
            self._add_buyer(after_s, shopping)

    def car_left_line(self, car: Machine) -> None:
        """A car is on the road: its buyer, or somebody, wants it."""
        self._made[car.machine_id] = car
        if not self.buyers:
            self.add_owner(car.machine_id)
        elif car.machine_id in self._sold:
            self._hand_over(car)

    def rest(self) -> None:
        """Nobody begins anything new."""
        self._is_resting = True
        rests: list[Person | Buyer | Driver | Habits]
        rests = [*self.people, *self.buyers, *self.drivers.values(), *self.habits]
        for one in rests:
            one.rest()

    def announce(self, number: int) -> None:
        """Every owner hears that there is a new release."""
        for habits in self.habits:
            habits.announce(number)

    async def look_back(self) -> None:
        """Everybody looks once more at what the cell had acknowledged."""
        look: list[Person | Buyer] = [*self.people, *self.buyers]
        async with asyncio.TaskGroup() as group:
            for one in look:
                group.create_task(one.look_back())

    def commands(self, since_s: float) -> list[Sent]:
        """Every command that was sent since then, and acknowledged."""
        memories = [person.memory.commands for person in self.people]
        return [
            sent
            for memory in memories
            for sent in memory
            if sent.is_acknowledged and sent.begun_s >= since_s
        ]

    def purchases(self, since_s: float) -> list[Purchase]:
        """Every order that was placed since then, and acknowledged."""
        memories = [buyer.memory.purchases for buyer in self.buyers]
        return [
            purchase
            for memory in memories
            for purchase in memory
            if purchase.is_acknowledged and purchase.begun_s >= since_s
        ]

    async def driven_m(self) -> int:
        """What the odometers of all cars show together."""
        bodies = [await wheel.look() for wheel in self._wheels.values()]
        return round(sum(body.odometer_m for body in bodies))

    # --- one of them --------------------------------------------------------------------------

    def _add_buyer(self, after_s: float, shopping: BuyersConfig) -> Buyer:
        seed, name = self._setting.seed, f"buyer {len(self.buyers) + 1}"
        random = chance(seed, name)
        buyer = Buyer(
            name,
            self._way("shop's way", name),
            self.code(Site.SHOP, name),
            self._car_is_named,
            random,
            shopping,
        )
        self.buyers.append(buyer)
        self._begin(_after(random.uniform(0.0, after_s), buyer.live), name)
        return buyer

    def _car_is_named(self, car_id: str) -> None:
        """A buyer was told which car is theirs; it may have left the line, or not yet."""
        self._sold.add(car_id)
        if car_id in self._made:
            self._hand_over(self._made[car_id])

    def _hand_over(self, car: Machine) -> None:
        car_id = car.machine_id
        if car_id in self._wheels:
            return
        person = self.add_owner(car_id)
        config = self._setting.limits.get(BodyConfig, BodyConfig())
        wheel = Wheel(car.records, car_id, VirtualClock(car.time), config)
        self._wheels[car_id] = wheel
        random = chance(self._setting.seed, "driver", car_id)
        driver = Driver(wheel, person.has_car, person.press, random, self._setting.driving)
        self.drivers[car_id] = driver
        self._begin(driver.live(), f"driver of {car_id}")
        habits = Habits(
            person,
            self._homes.given,
            VirtualClock(MachineTime(asyncio.get_running_loop().time)),
            chance(self._setting.seed, "habits", car_id),
            self._setting.habits,
        )
        self.habits.append(habits)
        self._begin(habits.live(), f"habits of {car_id}")
        if self._is_resting:
            driver.rest()
            habits.rest()

    def _person(self, car_id: str) -> Person:
        setting = self._setting
        clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        errands = Errands(self.code(Site.PHONE, car_id), self._maker.paper)
        way, random = self._way("phone's way", car_id), chance(setting.seed, "person", car_id)
        person = Person(car_id, way, errands, clock, random, setting.people)
        self.people.append(person)
        if self._is_resting:
            person.rest()
        return person

    def code(self, site: Site, name: str) -> Callable[[], Awaitable[str]]:
        """Makes one-time codes for a site."""
        clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        links = chance(self._setting.seed, "sign-in links", name)
        records, accounts = self._cell.records, self._setting.accounts
        return lambda: make_sign_in_link(records, clock, links, site, accounts)

    def _begin(self, life: Coroutine[Any, Any, None], name: str) -> None:
        self._start(life, name)


async def _after(pause_s: float, live: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(pause_s)
    await live()

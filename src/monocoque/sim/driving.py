"""Somebody at the wheel: drives legs of a speed and a time, plugs in, and leaves the car alone.

Rules:

* the body is moved as ``monocoque car drive`` and ``monocoque car park`` do it, through the car's
  records, whether a process runs the car or not;
* a day has slots; in each there is one leg, long enough that a whole day has forty minutes and more
  on the road;
* a car that is being updated is left standing until the next slot;
* every other leg ends at home, and the others as far from it as the loop leads;
* before a leg the car is unlocked, after it locked, by command; in between it is plugged in, always
  when little is left in the battery, and away from home then at a fast charger;
* whoever gets in or out opens the driver's door and shuts it. Some forget to shut it when they get
  out: then the car refuses to be locked, they are told so, shut it, and lock it.

Left out on purpose: other places. The car drives its loop, which begins and ends at home.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from monocoque.car.body import service as body_service
from monocoque.car.body.config import BodyConfig
from monocoque.car.body.logic import (
    DC,
    DRIVER_DOOR,
    LOOP_M,
    WALLBOX,
    Body,
    Station,
    open_door,
    shut_doors,
)
from monocoque.car.guard.logic import judge
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.records.port import Records
from monocoque.sim.people import Wish
from monocoque.trust.scopes import LOCK, UNLOCK

Press = Callable[[Wish], Awaitable[None]]
"""Presses a button on the phone, and sees what became of it."""


@dataclass(frozen=True)
class DrivingConfig:
    """How people drive."""

    slot_s: float = 14_400.0
    """In each such piece of time there is one leg."""
    leg_s_min: float = 510.0
    leg_s_max: float = 900.0
    """How long a leg takes until the brakes; five of the shortest are 42 minutes."""
    speed_kmh_min: float = 30.0
    speed_kmh_max: float = 110.0
    braking_s_max: float = 60.0
    """A leg has ended so long after the brakes, at the latest."""
    door_open_s: float = 8.0
    """How long a door stays open when somebody gets in or out."""
    forget_share: float = 0.2
    """How often the door is left open by who gets out."""
    plug_share: float = 0.6
    """How often the car is plugged in after a leg."""
    low_percent: float = 50.0
    """With less than this it is plugged in always."""
    fast_charger_kw: float = 150.0
    """What a public charger gives."""


class Wheel:
    """What a person does with the body of one car."""

    def __init__(self, records: Records, car_id: str, clock: Clock, config: BodyConfig) -> None:
        """records, clock: the car's own."""
        self._records = records
        self._car_id = car_id
        self._clock = clock
        self._config = config

    async def drive(self, leg_s: float, speed_kmh: float) -> bool:
        """Drive off, for so long and so fast; or not, when the car's guard forbids it."""
        config = replace(self._config, drive_s=leg_s, drive_speed_kmh=speed_kmh)
        gate, now_us = partial(judge, "drive", {}), self._clock.now_us()
        driving = await body_service.drive(self._records, self._car_id, now_us, config, gate)
        return isinstance(driving, Body)

    async def plug_in(self, station: Station) -> None:
        """Plug in a car that stands."""
        await body_service.park(self._records, self._car_id, self._clock.now_us(), station)

    async def open_door(self) -> None:
        """Open the driver's door of a car that stands."""
        await self._change(lambda body: open_door(body, DRIVER_DOOR))

    async def shut_doors(self) -> None:
        """Shut what is open."""
        await self._change(shut_doors)

    async def _change(self, how: Callable[[Body], Body]) -> None:
        now_us = self._clock.now_us()
        await body_service.change(self._records, self._car_id, now_us, how)

    async def look(self) -> Body:
        """The car as it is now."""
        now_us = self._clock.now_us()
        return await self._records.transact(
            lambda connection: body_service.present(connection, self._car_id, now_us)
        )


class Driver:
    """Somebody who drives one car, once it is theirs."""

    def __init__(
        self,
        wheel: Wheel,
        has_car: asyncio.Event,
        press: Press,
        random: Random,
        config: DrivingConfig,
    ) -> None:
        """has_car: set when the car is theirs."""
        self._wheel = wheel
        self._has_car = has_car
        self._press = press
        self._random = random
        self._config = config
        self._is_resting = False
        self.homeward = 0
        """How many legs home were begun."""

    async def live(self) -> None:
        """One leg in each slot, until cancelled."""
        await self._has_car.wait()
        config, loop = self._config, asyncio.get_running_loop()
        begin_s = loop.time()
        while not self._is_resting:
            leg_s = self._random.uniform(config.leg_s_min, config.leg_s_max)
            free_s = max(0.0, config.slot_s - leg_s - config.braking_s_max)
            await asyncio.sleep(self._random.uniform(0.0, free_s))
            await self._leg(leg_s)
            begin_s += config.slot_s
            await asyncio.sleep(max(0.0, begin_s - loop.time()))

    def rest(self) -> None:
        """No new leg from now on."""
        self._is_resting = True

    async def _way(self, leg_s: float) -> tuple[float, float, bool]:
        """How long and how fast, so that the leg ends where it should; and whether that is home."""
        config = self._config
        speed_kmh = self._random.uniform(config.speed_kmh_min, config.speed_kmh_max)
        odometer_m = (await self._wheel.look()).odometer_m
        is_homeward = LOOP_M / 4 < odometer_m % LOOP_M < LOOP_M * 3 / 4
        first_m = -odometer_m % LOOP_M if is_homeward else (LOOP_M / 2 - odometer_m) % LOOP_M
        laps = max(0, round((speed_kmh / 3.6 * leg_s - first_m) / LOOP_M))
        way_m = first_m + laps * LOOP_M
        speed_kmh = min(config.speed_kmh_max, way_m / leg_s * 3.6)
        return way_m / speed_kmh * 3.6, speed_kmh, is_homeward

    async def _leg(self, leg_s: float) -> None:
        if self._is_resting:
            return
        config = self._config
        await self._press((UNLOCK.name, {}))
        await self._wheel.open_door()
        await asyncio.sleep(config.door_open_s)
        await self._wheel.shut_doors()
        leg_s, speed_kmh, is_homeward = await self._way(leg_s)
        self.homeward += is_homeward
        is_forgotten = False
        if await self._wheel.drive(leg_s, speed_kmh):
            await asyncio.sleep(leg_s + config.braking_s_max)
            await self._wheel.open_door()
            is_forgotten = self._random.random() < config.forget_share
            if not is_forgotten:
                await asyncio.sleep(config.door_open_s)
                await self._wheel.shut_doors()
        is_low = (await self._wheel.look()).charge_percent < config.low_percent
        if is_low or self._random.random() < config.plug_share:
            is_hurried = is_low and not is_homeward
            fast = Station(DC, config.fast_charger_kw * 1_000.0)
            await self._wheel.plug_in(fast if is_hurried else WALLBOX)
        await self._press((LOCK.name, {}))
        if is_forgotten:
            await self._wheel.shut_doors()
            await self._press((LOCK.name, {}))

"""A car on the bus of a vehicle: however its bus ends, the car can be ended."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import can
import pytest

from monocoque.car.can.config import CanConfig
from monocoque.car.can.service import load_translation, own_files
from monocoque.contracts.signals import IS_LOCKED
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.clock import SystemClock
from monocoque.roles.bus import VehicleBus, run
from tests.car.door_stand import DoorStand

HOUR_US = 3_600_000_000
WAIT_S_MAX = 10.0
CONFIG = CanConfig(look_s=0.01, reopen_s=0.01)


class TellingClock(SystemClock):
    """A clock that jumps when it is armed, and says so to whoever wants to know that moment."""

    jumps: Callable[[], object] | None = None

    def now_us(self) -> int:
        """The time; once, far ahead. The thread that listens is told nothing strange."""
        if self.jumps is None or threading.current_thread() is not threading.main_thread():
            return super().now_us()
        told, self.jumps = self.jumps, None
        told()
        return super().now_us() + HOUR_US


class OnABus:
    """A car on a bus that runs, and somebody who says whether it is locked."""

    def __init__(self, channel, other) -> None:
        self.stand, self.clock, self._other = DoorStand(), TellingClock(), other
        catalogue = self.stand.hub.catalogue
        translation = load_translation(*own_files(), catalogue, CONFIG, is_lenient=False)
        bus = VehicleBus("virtual", channel, translation)
        limits = {CanConfig: CONFIG, CanBusConfig: CanBusConfig(look_s=0.02)}
        context = replace(
            self.stand.context,
            clock=self.clock,
            configs={**self.stand.configs, **limits},
            ports={**self.stand.context.ports, VehicleBus: bus},
        )
        self.running = asyncio.ensure_future(run(context))

    async def hears(self, locked) -> None:
        """The car hears from the bus whether it is locked."""
        data = bytes([locked, 0])
        async with asyncio.timeout(10):
            while self.stand.hub.readings([IS_LOCKED.number])[0].value is not locked:
                self._other.send(can.Message(arbitration_id=288, is_extended_id=False, data=data))
                await asyncio.sleep(0.02)


@pytest.fixture
async def car(request):
    channel = request.node.name
    with can.Bus(channel=channel, interface="virtual") as other:
        on_a_bus = OnABus(channel, other)
        yield on_a_bus
        on_a_bus.running.cancel()
        await asyncio.wait([on_a_bus.running], timeout=10)


async def test_a_bus_that_fell_silent_is_opened_again_and_heard(car) -> None:
    await car.hears(True)
    for locked in (False, True):
        fell_silent = asyncio.Event()
        car.clock.jumps = fell_silent.set
        async with asyncio.timeout(WAIT_S_MAX):
            await fell_silent.wait()
        await car.hears(locked)
    assert not car.running.done()


async def test_a_car_that_is_ended_at_the_moment_its_bus_falls_silent_ends(car) -> None:
    await car.hears(True)
    # Whoever looks at the clock next sees that nothing was heard for an hour; the car is ended
    # before that is told.
    car.clock.jumps = car.running.cancel
    done, _ = await asyncio.wait([car.running], timeout=10)
    assert done, "the cancellation was lost"
    assert car.running.cancelled()

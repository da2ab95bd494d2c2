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


async def test_a_car_that_is_ended_at_the_moment_its_bus_falls_silent_ends(request) -> None:
    stand, channel = DoorStand(), request.node.name
    translation = load_translation(*own_files(), stand.hub.catalogue, CONFIG, is_lenient=False)
    clock = TellingClock()
    context = replace(
        stand.context,
        clock=clock,
        configs={
            **stand.configs, CanConfig: CONFIG, CanBusConfig: CanBusConfig(look_s=0.02)
        },
        ports={**stand.context.ports, VehicleBus: VehicleBus("virtual", channel, translation)},
    )  # fmt: skip
    with can.Bus(channel=channel, interface="virtual") as other:
        running = asyncio.ensure_future(run(context))
        async with asyncio.timeout(10):
            while stand.hub.readings([IS_LOCKED.number])[0].value is not True:
                other.send(can.Message(arbitration_id=288, is_extended_id=False, data=b"\x01\x00"))
                await asyncio.sleep(0.02)
        # Whoever looks at the clock next sees that nothing was heard for an hour; the car is ended
        # before that is told.
        clock.jumps = running.cancel
        done, _ = await asyncio.wait([running], timeout=10)
        assert done, "the cancellation was lost"
        with pytest.raises(asyncio.CancelledError):
            await running

"""A car on the bus of a vehicle: what the mapping carries comes from there and goes there.

Rules:

* what the mapping carries has the bus as its one provider, and the body keeps silent of it; of the
  rest the virtual body is the provider, as without a bus;
* a bus that goes away is opened again after a pause, for as long as it takes; meanwhile its signals
  say that their provider is gone, and the rest of the car goes on;
* a cancellation that meets the end of a bus is not lost.

Left out on purpose: several buses of one car; a gateway of the vehicle joins them.
"""

import asyncio
from dataclasses import dataclass, replace

from monocoque.car.can import service as can
from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.translation import Translation
from monocoque.car.signals.service.port import Carried
from monocoque.contracts.errors import CanBusUnavailable
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.port import CanBus
from monocoque.plumbing.can.python_can import open_bus
from monocoque.plumbing.service import Context


@dataclass(frozen=True)
class VehicleBus:
    """Which bus it is, and what it says."""

    interface: str
    channel: str
    translation: Translation

    @property
    def carried(self) -> Carried:
        """The signals that it has in the body's place."""
        return Carried(frozenset(self.translation.numbers))


async def run(context: Context) -> None:
    """Be the gateway, until cancelled."""
    pause_s = context.config(CanConfig).reopen_s
    while True:
        # In a task of its own: before Python 3.13 a TaskGroup that fails leaves a cancellation on
        # the task that waits for it, and drops one that was meant. Neither reaches this task.
        async with asyncio.TaskGroup() as group:
            group.create_task(_pass_on(context))
        await asyncio.sleep(pause_s)


async def _pass_on(context: Context) -> None:
    """Be the gateway until the bus goes."""
    vehicle: VehicleBus = context.port(VehicleBus)
    limits = context.config(CanBusConfig)
    try:
        async with open_bus(vehicle.interface, vehicle.channel, context.clock, limits) as bus:
            ports = {**context.ports, CanBus: bus, Translation: vehicle.translation}
            await can.run(replace(context, ports=ports))
    except CanBusUnavailable as error:
        context.count_error(error, error.what)

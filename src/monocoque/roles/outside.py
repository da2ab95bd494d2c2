"""A car whose signals are at a broker outside, such as KUKSA's databroker, and not in its process.

Rules: the body says its signals there and is asked through there, by the same port as otherwise; a
broker that goes away ends this service, which is begun again after a pause, and the rest of the car
goes on.

Left out on purpose: the doors and apps of our own; clients go to that broker, by its rules.
"""

import asyncio
from dataclasses import dataclass, field, replace

from monocoque.car.kuksa.service.outside import OutsideBrokers, open_broker
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.car.signals.service import embodying, history
from monocoque.car.signals.service.port import Brokers
from monocoque.plumbing.service import Context


@dataclass(frozen=True)
class OutsideAddress:
    """Where the broker is, and what it is shown."""

    address: str
    """``HOST:PORT``."""
    token: str = field(repr=False)


async def run(context: Context) -> None:
    """Be the body there, until cancelled. Raises what ``open_broker`` and the broker raise."""
    outside: OutsideAddress = context.port(OutsideAddress)
    broker = await open_broker(
        outside.address,
        outside.token,
        context.clock,
        context.random,
        own=own_catalogue(),
        time_ahead_s_max=context.config(SignalsConfig).time_ahead_s_max,
    )
    there = replace(context, ports={**context.ports, Brokers: OutsideBrokers(broker)})
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(embodying.run(there))
            group.create_task(history.run(there))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        await broker.close()

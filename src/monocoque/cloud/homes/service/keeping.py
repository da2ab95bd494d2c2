"""What the parts of the desk share: what passes by itself, and what they say on the bus.

Rules: what is said is on record before; repetition is harmless.

Left out on purpose: when to say it.
"""

from collections.abc import Iterable
from random import Random
from typing import Any, Final

from sqlalchemy import Row

from monocoque.contracts import topics
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.service import Context

SECOND_US: Final = 1_000_000
LISTEN_S: Final = 3_600.0
"""How long one wait for news lasts; then another begins."""


async def say_request(context: Context, row: Row[Any]) -> None:
    """Tell a home what is asked of it; raises what the bus raises."""
    message = home_pb2.HomeRequest(
        request_id=row.request_id,
        car_id=row.car_id,
        scene_id=row.scene_id,
        action=row.action,
        occurred_at_us=row.occurred_us,
        expires_at_us=row.expires_us,
    )
    stamp(message, context.clock, context.random, trace_id=row.trace_id)
    await context.bus.publish(topics.HOME_REQUESTS, message, home_id=row.home_id)


async def tell_changed(bus: Bus, clock: Clock, random: Random, car_ids: Iterable[str]) -> None:
    """Tell the pages that something about these cars' scenes or home changed; raises as above."""
    for car_id in car_ids:
        changed = home_pb2.ScenesChanged()
        stamp(changed, clock, random)
        await bus.publish(topics.SCENES_CHANGED, changed, car_id=car_id)

"""What the mailbox says on the bus.

Rules: what is said is on record before; repetition is harmless.

Left out on purpose: when to say it.
"""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from sqlalchemy import Row

from monocoque.contracts import topics
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock


async def say_command(bus: Bus, row: Row[Any], clock: Clock, random: Random) -> None:
    """Send a command to its car, now; raises what the bus raises."""
    envelope = command_pb2.CommandEnvelope(
        command=row.document, grants=[grant.encode() for grant in json.loads(row.grants)]
    )
    stamp(envelope, clock, random)
    await bus.publish(topics.CAR_COMMANDS, envelope, car_id=row.car_id)


async def tell_changed(
    bus: Bus, car_id: str, command_ids: Sequence[str], clock: Clock, random: Random
) -> None:
    """Tell the pages that these commands of a car changed; raises what the bus raises."""
    for command_id in command_ids:
        changed = command_pb2.CommandChanged(command_id=command_id)
        stamp(changed, clock, random)
        await bus.publish(topics.COMMAND_CHANGED, changed, car_id=car_id)


async def confirm(bus: Bus, car_id: str, sequence: int, clock: Clock, random: Random) -> None:
    """Tell a car how far its log is on record here; raises what the bus raises."""
    confirmed = command_pb2.ReceiptsConfirmed(sequence=sequence)
    stamp(confirmed, clock, random)
    await bus.publish(topics.CAR_RECEIPTS_CONFIRMED, confirmed, car_id=car_id)

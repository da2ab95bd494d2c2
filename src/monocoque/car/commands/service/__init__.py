"""Commands: takes what is genuine, has it done once, and signs what became of it.

Rules:

* one command after another, in the order in which they arrive: of two that want opposite things
  both get a receipt, and the later one stands;
* before an act its intent is on record, with its counter; after the act its outcome and its line
  in the log, together. An intent without outcome, found at the start, becomes "unknown": it may
  have happened, and is never tried again;
* what is only a record (an agreement) is done by its doer, in one transaction with its line;
* what is not done is a line too, in one transaction with its counter;
* a command that has its line gets that line again, and nothing else happens; a command is known by
  the digest of what was signed;
* what is not genuine is counted, and gets no answer and no room in the records;
* the log is said at once, and again while the cell is behind; it is kept after that.

Left out on purpose: the way to the cell (car/link), and what the state of the car forbids
(car/guard, which the body asks).
"""

import asyncio
from collections.abc import Mapping

from monocoque.car.commands.service.desk import Desk
from monocoque.car.commands.service.desk import Doer as Doer
from monocoque.car.commands.service.log import Log
from monocoque.car.commands.service.waiting import Waiting
from monocoque.car.keys import service as keys
from monocoque.contracts.topics import CAR_COMMANDS, CAR_RECEIPTS_CONFIRMED
from monocoque.plumbing.service import Context
from monocoque.trust.keys import SeededKeyMaker


async def run(context: Context, doers: Mapping[str, Doer]) -> None:
    """Close what a loss of power left open, then carry out what comes, until cancelled.

    doers: of other features, by scope; see ``Doer``.
    """
    key_maker = SeededKeyMaker(context.random.randbytes)
    log = Log(context, keys.identity_of(context.keystore, key_maker))
    desk = Desk(context, log, keys.seal_key_of(context.keystore, key_maker), doers)
    waiting = Waiting(context)
    await desk.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(_listen(context, waiting))
        group.create_task(_carry_out(waiting, desk))
        group.create_task(desk.tell_of_body_for_ever())
        group.create_task(_hear_confirmations(context, log))
        group.create_task(log.repeat_for_ever())


async def _listen(context: Context, waiting: Waiting) -> None:
    async with context.bus.listen(CAR_COMMANDS, car_id=context.machine_id) as envelopes:
        async for delivery in envelopes:
            waiting.put(delivery.message)
            # A queue that is full of envelopes would otherwise keep everybody else waiting.
            await asyncio.sleep(0)


async def _carry_out(waiting: Waiting, desk: Desk) -> None:
    while True:
        async with waiting.next() as (command, trace_id):
            await desk.carry_out(command, trace_id)


async def _hear_confirmations(context: Context, log: Log) -> None:
    async with context.bus.watch(CAR_RECEIPTS_CONFIRMED, car_id=context.machine_id) as reader:
        async for delivery in reader:
            await log.confirm(delivery.message.sequence)

"""The mailbox: brings commands to cars until they answer, and keeps what they answer.

Rules:

* a command is on record before anybody is told that it is there, and noted as sent before it is
  said: what was sent may have happened;
* it is sent at once when the car is there, again after growing pauses, and again whenever the car
  says hello, until its receipt or its deadline;
* the car's receipt decides. The cell cannot make one, and takes none that the car's key, as the
  maker's grant names it, did not sign;
* whatever happens to a command is a line in the cell's own log of that car.

Left out on purpose: reading what a command asks for in particular; it is sealed to the car.
"""

import asyncio

from monocoque.cloud.commands.service.receipts import Receipts
from monocoque.cloud.commands.service.sending import Sending
from monocoque.plumbing.service import Context


async def run(context: Context) -> None:
    """Send what waits and take what is answered, until cancelled."""
    sending, receipts = Sending(context), Receipts(context)
    async with asyncio.TaskGroup() as group:
        group.create_task(sending.hear_hellos())
        group.create_task(sending.send_to_who_is_there())
        group.create_task(sending.hear_changes())
        group.create_task(sending.keep_time())
        group.create_task(receipts.take())
        group.create_task(receipts.confirm())

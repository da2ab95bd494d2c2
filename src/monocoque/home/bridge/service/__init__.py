"""The bridge: speaks for the home to the cell.

Rules:

* a request is on record before a device moves, the intent before the act, and the outcome after it;
  what is found between the two at a start "may have happened" and is never tried again;
* a request happens once: who asks again is answered by the outcome on record, and one that is over
  does nothing and says so;
* requests for one device are done one after another; a device that hangs holds up no other;
* an outcome is a row before it is a message, and is said until the cell has it;
* it says hello at every new connection, when it listens again, and the devices when they changed.

Left out on purpose: doubt in the cell, which brings what the owner's car asked. A home does what
its cell says; it has no words for anything that opens or moves a car.
"""

import asyncio

from monocoque.home.bridge.service.saying import Saying
from monocoque.home.bridge.service.working import Working
from monocoque.plumbing.service import Context


async def run(context: Context) -> None:
    """Hear requests, do them, and say what became of them, until cancelled."""
    saying = Saying(context)
    working = Working(context, saying)
    await working.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(working.hear())
        for name in working.devices:
            group.create_task(working.work(name))
        group.create_task(saying.say_outcomes())
        group.create_task(saying.say_state(working.devices))
        group.create_task(saying.say_hello())

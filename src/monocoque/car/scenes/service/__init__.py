"""Scenes: keeps them, watches for what they wait for, and has done what they ask.

Rules:

* a scene comes from a command that the owner's key signed, and from nowhere else (``put`` and
  ``remove`` are doers of the commands' desk);
* that something happened, what is asked because of it and why are one transaction, made from what
  the records said; so a kill anywhere lets a scene run for one coming once, or not at all when the
  car did not see itself come;
* what is asked of the home is said to the cell (``CAR_SCENES``) until its time is over; what is
  asked of the car goes through the guard to the body, as a command does: on record as begun before
  it is done, and what is found begun at a start "may have happened" and is never tried again;
* a car that stands costs nothing: the service sleeps until the body is said, or until the next
  minute that a scene waits for. Scenes are read again whenever the body is said, since the desk has
  it said after each command; while the car drives, at most every ``look_s_min``.

Left out on purpose: what the home does, and whether it did it.
"""

import asyncio

from monocoque.car.scenes.service.acting import Acting
from monocoque.car.scenes.service.doers import put as put
from monocoque.car.scenes.service.doers import remove as remove
from monocoque.car.scenes.service.keeping import Keeping
from monocoque.car.scenes.service.saying import Saying
from monocoque.plumbing.service import Context


async def run(context: Context) -> None:
    """Close what a loss of power left open, then watch, until cancelled."""
    saying = Saying(context)
    acting = Acting(context, saying)
    keeping = Keeping(context, saying, acting)
    await acting.close_begun()
    async with asyncio.TaskGroup() as group:
        group.create_task(keeping.hear_for_ever())
        group.create_task(keeping.keep_for_ever())
        group.create_task(acting.act_for_ever())
        group.create_task(saying.say_for_ever())

"""The desk for homes: brings what scenes ask to the home of the car, and its answers back.

Rules:

* a request is on record before it is said; it is said at once when its home is there, and again
  whenever the home says hello, until an answer or its time is over;
* a request counts once, by its car and its ``request_id``, however often the car says it;
* an outcome is on record before it is acknowledged; a home answers for its own requests alone;
* what a bad car or home says is counted and left out, and disturbs nobody else: nothing waits for
  one home, and its outcomes count at its topic's rate;
* a home is told of the cars that belong to it, by their owner's word, and of no others.

Left out on purpose: reading what an action asks for. The home knows its words, and refuses others.
"""

import asyncio

from monocoque.cloud.homes.service.answers import Answers
from monocoque.cloud.homes.service.asking import Asking
from monocoque.cloud.homes.service.hearing import Hearing
from monocoque.cloud.homes.service.showing import Showing
from monocoque.plumbing.service import Context


async def run(context: Context) -> None:
    """Bring requests to homes and answers back, until cancelled."""
    showing = Showing(context)
    asking = Asking(context)
    hearing = Hearing(context, asking)
    answers = Answers(context)
    async with asyncio.TaskGroup() as group:
        group.create_task(asking.hear_scenes())
        group.create_task(asking.keep_time())
        group.create_task(hearing.hear_hellos())
        group.create_task(hearing.hear_states())
        group.create_task(hearing.write_what_was_heard())
        group.create_task(answers.take())
        group.create_task(showing.hear_bodies())
        group.create_task(showing.hear_changes())
        group.create_task(showing.tell())

"""The factory: makes the cars that were paid for, knows their keys, and hands each over once.

Rules:

* its keys lie apart from the cell's: the factory key signs birth documents and as-built records,
  the maker root signs the first grant of each car; the cell and the cars have the public halves
  alone;
* what was paid is built in its week (builds.py);
* who proves the code of a car gets it (hand_over.py).

Left out on purpose: a factory at another place. It will have the same records and keys there, and
nothing here changes; and which week a car is promised for, which is the shop's book.
"""

import asyncio

from monocoque.plumbing.service import Context
from monocoque.shop.build.service.builds import Builds
from monocoque.shop.build.service.hand_over import HandOverPaper as HandOverPaper
from monocoque.shop.build.service.hand_over import HandOvers
from monocoque.shop.build.service.hand_over import hand_over_paper as hand_over_paper
from monocoque.shop.build.service.hand_over import put_on_record as put_on_record
from monocoque.shop.build.service.hand_over import tries_spent as tries_spent
from monocoque.shop.build.service.keys import MAKER_ROOT as MAKER_ROOT
from monocoque.shop.build.service.keys import birth_document as birth_document
from monocoque.shop.build.service.keys import make_keys as make_keys
from monocoque.shop.build.service.keys import maker_root as maker_root
from monocoque.shop.build.service.keys import public_text as public_text
from monocoque.shop.build.service.line import Line as Line


async def run(context: Context) -> None:
    """Answer hand-overs and build what was paid, until cancelled."""
    builds = Builds(context, context.port(Line))
    hand_overs = HandOvers(context, builds.look_again)
    async with asyncio.TaskGroup() as group:
        group.create_task(hand_overs.answer_for_ever())
        group.create_task(builds.take_orders_for_ever())
        group.create_task(builds.build_for_ever())
        group.create_task(builds.say_for_ever())

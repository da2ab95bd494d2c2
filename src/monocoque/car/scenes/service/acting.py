"""Has done what scenes ask of the car itself: through the guard, by the body.

Rules:

* one act after another, in the order in which they were asked for; none after its time;
* that it is begun is on record before it is done, and its trace says afterwards what came of it;
* what is found begun at a start may have happened, and is never tried again.

Left out on purpose: a line in the car's log. The log answers commands; a scene has its trace
(decision 0088).
"""

import asyncio
from functools import partial
from typing import Final

from sqlalchemy import Connection

from monocoque.car.body import service as body
from monocoque.car.body.service import Act
from monocoque.car.commands.logic import after_act, setting_of, without_body
from monocoque.car.guard.logic import judge as guard
from monocoque.car.scenes import records
from monocoque.car.scenes.config import ScenesConfig
from monocoque.car.scenes.logic.runs import SCOPE_OF
from monocoque.car.scenes.records import Request
from monocoque.car.scenes.service.saying import Saying
from monocoque.contracts.scenes import CAR, parse_action
from monocoque.plumbing.insisting import AWAY, insist
from monocoque.plumbing.service import Context
from monocoque.trust.outcomes import Outcome

DONE: Final = str(Outcome.DONE)
EXPIRED: Final = str(Outcome.EXPIRED)
UNKNOWN: Final = str(Outcome.UNKNOWN)


class Acting:
    """The hands of one car's scenes."""

    def __init__(self, context: Context, saying: Saying) -> None:
        self._context = context
        self._retry_s = context.config(ScenesConfig).records_retry_s
        self._saying = saying
        self._has_work = asyncio.Event()
        self._has_work.set()

    def begin(self) -> None:
        """Scenes may have asked something of the car."""
        self._has_work.set()

    async def close_begun(self) -> None:
        """What was begun in an earlier life: nobody knows what came of it."""

        def work(connection: Connection) -> None:
            for request in records.requests_of(connection, CAR):
                if request.is_begun:
                    _end(connection, request, UNKNOWN)

        await insist(self._context, work, self._retry_s)

    async def act_for_ever(self) -> None:
        """Do what is asked, until cancelled."""
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            asked = await insist(
                self._context, lambda c: records.requests_of(c, CAR), self._retry_s
            )
            for request in asked:
                await self._do(request)
                self._saying.tell()

    async def _do(self, request: Request) -> None:
        context = self._context

        def begin(connection: Connection) -> bool:
            if context.clock.now_us() >= request.expires_us:
                _end(connection, request, EXPIRED)
                return False
            return records.begin_request(connection, request.request_id)

        if not await insist(context, begin, self._retry_s):
            return
        action = parse_action(request.action)
        scope = SCOPE_OF[action.word.name]
        setting = setting_of(scope, action.arguments)
        act = Act(request.request_id, setting.actuator, setting.target)
        try:
            begun = await body.act(context, act, partial(guard, scope, action.arguments))
        except AWAY as error:
            context.count_error(error, error.what)
            found = str(without_body(error.may_have_happened).outcome)
            await insist(context, lambda c: _end(c, request, found), self._retry_s)
            return
        if isinstance(begun, str):
            await insist(context, lambda c: _end(c, request, begun), self._retry_s)
            return

        def close(connection: Connection) -> None:
            now_us = context.clock.now_us()
            ending = after_act(body.has_arrived(connection, context.machine_id, begun, now_us))
            _end(connection, request, ending.reason or ending.outcome)

        await insist(context, close, self._retry_s)
        await body.say_now(context)


def _end(connection: Connection, request: Request, found: str) -> None:
    word = parse_action(request.action).word.name
    records.end_request(connection, request, (word, found, found == DONE))

"""Takes the outcomes of homes: on record first, acknowledged second.

Rules:

* a home answers for its own requests alone, in words that are some; what is not so is counted,
  acknowledged, and changes nothing;
* the first answer of the home counts; the same again changes nothing;
* of one home no more is looked at than its topic's rate allows, twice, since each may come twice:
  what comes beyond is counted and acknowledged, and costs no transaction.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from monocoque.cloud.homes import logic
from monocoque.cloud.homes import records as rows
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service.keeping import tell_changed
from monocoque.contracts import topics
from monocoque.contracts.errors import HomeWordRefused, MonocoqueError, TooManyRequests
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.port import Delivery
from monocoque.plumbing.bus.rates import RECEIVED_TIMES_MAX, Rates
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context

Outcomes = Sequence[Delivery[home_pb2.HomeOutcome]]


class Answers:
    """Where outcomes come in."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(HomesConfig)
        self._rates = Rates(context.clock, self._config.rate_homes_max, RECEIVED_TIMES_MAX)

    async def take(self) -> None:
        """Take outcomes for ever."""
        while True:
            try:
                await self._take()
            except AWAY as error:
                self._context.count_error(error, "outcomes wait")
                await asyncio.sleep(self._config.retry_s)

    async def _take(self) -> None:
        config = self._config
        consumer = await self._context.bus.consumer(topics.HOME_OUTCOMES, "homes")
        while True:
            found = await consumer.fetch(config.outcomes_batch_messages, config.outcomes_wait_s)
            if not found:
                continue
            try:
                await self._record([delivery for delivery in found if self._is_in_time(delivery)])
            except AWAY:
                await consumer.give_back(found)
                raise
            await consumer.acknowledge(found)

    def _is_in_time(self, delivery: Delivery[home_pb2.HomeOutcome]) -> bool:
        """Whether this home does not say too much."""
        try:
            self._rates.take(topics.HOME_OUTCOMES, {delivery.identifiers["home_id"]: 1})
        except TooManyRequests as error:
            self._count(error, delivery)
            return False
        return True

    async def _record(self, outcomes: Outcomes) -> None:
        """One transaction over all of them; what is refused leaves the others alone."""
        context, now_us = self._context, self._context.clock.now_us()

        def work(connection: Connection) -> tuple[set[str], list[tuple[HomeWordRefused, Any]]]:
            changed, refused = set(), []
            for delivery in outcomes:
                try:
                    if _answer(connection, delivery, now_us):
                        changed.add(delivery.message.car_id)
                except HomeWordRefused as error:
                    refused.append((error, delivery))
            return changed, refused

        if not outcomes:
            return
        changed, refused = await context.records.transact(work)
        for error, delivery in refused:
            self._count(error, delivery)
        tell = partial(tell_changed, context.bus, context.clock, context.random)
        try:
            await tell(sorted(changed))
        except AWAY:
            context.log.warning("answers not told")  # a page begins with the records

    def _count(self, error: MonocoqueError, delivery: Delivery[home_pb2.HomeOutcome]) -> None:
        self._context.count_error(error, error.what, home_id=delivery.identifiers["home_id"])


def _answer(connection: Connection, delivery: Delivery[home_pb2.HomeOutcome], now_us: int) -> bool:
    """Put one outcome on record; whether it is news. Raises HomeWordRefused."""
    message = delivery.message
    state, reason = logic.read_outcome(message, now_us)
    row = rows.find_request(connection, message.car_id, message.request_id)
    asked_of, taken_us = (None, 0) if row is None else (row.home_id, row.taken_us)
    logic.check_answer(delivery.identifiers["home_id"], asked_of, taken_us, message.decided_at_us)
    assert row is not None  # else nobody was asked
    if row.is_answered:
        return False
    values = {
        "state": str(state),
        "reason": reason,
        "is_answered": True,
        "decided_us": message.decided_at_us,
        "due_us": None,
    }
    rows.save_request(connection, message.car_id, message.request_id, values)
    return True

"""The practice provider: a payment provider behind the port, for installations without a real one.

Everything that it says is marked as practice, and no money moves. It keeps its own records, apart
from the shop's, so that a kill of the cell forgets none of its charges, and it tells its events by
itself, signed as a real one would.

Rules: see payments/service/port.py. What it does to a charge is chosen by the token (logic.py), and
what is left to chance by ``random``, so it repeats in a world.

Left out on purpose, and so its limits: HTTP between shop and provider (events are handed over in
the process, past the route but through its signature check); its own sign-in; three-domain secure
and other steps of a buyer; fees, payouts, partial refunds, disputes. It takes every currency, and
it cannot lose its records.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts.errors import (
    InputError,
    MonocoqueError,
    PaymentUnclear,
    RecordsContended,
    StorageError,
    UnavailableError,
)
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.shop.payments.logic.states import Finding, Found
from monocoque.shop.payments.service import Ask
from monocoque.shop.practice import records as rows
from monocoque.shop.practice.config import PracticeConfig
from monocoque.shop.practice.logic import BEHAVIOURS, Behaviour, behaviour_of, kinds_of

SECOND_US = 1_000_000
DRAW_BITS = 32
AWAY = (UnavailableError, RecordsContended, StorageError)
Take = Callable[[bytes], Awaitable[object]]
"""Hands the body of an event to the shop; signing is the caller's."""


class Practice:
    """See payments/service/port.py, ``Provider``."""

    is_practice = True

    def __init__(
        self, records: Records, clock: Clock, random: Random, config: PracticeConfig
    ) -> None:
        """records: where it keeps its own tables."""
        self._records = records
        self._clock = clock
        self._random = random
        self._config = config

    @property
    def tokens(self) -> Mapping[str, str]:
        """See Provider."""
        return {token: behaviour.purpose for token, behaviour in BEHAVIOURS.items()}

    async def charge(self, ask: Ask) -> Finding:
        """See Provider."""
        behaviour = behaviour_of(ask.token, self._random.getrandbits(DRAW_BITS))
        notices = self._notices(ask, behaviour)
        now_us = self._clock.now_us()
        delay_us = round(self._config.slow_notice_s * SECOND_US) if behaviour.is_slow else 0
        values = {
            "payment_id": ask.payment_id,
            "state": behaviour.found.value,
            "amount_minor": ask.amount_minor + behaviour.extra_minor,
            "currency": ask.currency,
            "decided_us": now_us + delay_us,
        }

        def work(connection: Connection) -> Finding:
            found = rows.find_charge(connection, ask.payment_id)
            if found is None and behaviour.reaches:
                rows.add_charge(connection, values)
                rows.add_notices(connection, notices)
                found = rows.find_charge(connection, ask.payment_id)
            return self._finding(found)

        finding = await self._records.transact(work)
        if not behaviour.answers:
            raise PaymentUnclear("The practice provider did not answer.")
        return finding

    async def find(self, payment_id: str) -> Finding:
        """See Provider."""
        return await self._records.transact(
            lambda connection: self._finding(rows.find_charge(connection, payment_id))
        )

    async def void(self, payment_id: str) -> Finding:
        """See Provider."""
        values = {
            "payment_id": payment_id,
            "state": Found.VOIDED.value,
            "amount_minor": 0,
            "currency": "",
            "decided_us": self._clock.now_us(),
        }

        def work(connection: Connection) -> Finding:
            found = rows.find_charge(connection, payment_id)
            if found is None:
                rows.add_charge(connection, values)
            elif self._finding(found).found is Found.PENDING:
                rows.change_charge(connection, payment_id, Found.VOIDED.value)
            return self._finding(rows.find_charge(connection, payment_id))

        return await self._records.transact(work)

    async def refund(self, payment_id: str) -> Finding:
        """See Provider."""
        delay_s = self._random.uniform(0, self._config.notice_delay_s_max)

        def work(connection: Connection) -> Finding:
            found = rows.find_charge(connection, payment_id)
            if found is not None and self._finding(found).found is Found.CHARGED:
                rows.change_charge(connection, payment_id, Found.REFUNDED.value)
                notice = self._notice(found, "charge.refunded", 0, delay_s)
                rows.add_notices(connection, [notice])
            return self._finding(rows.find_charge(connection, payment_id))

        return await self._records.transact(work)

    async def tell_due(self, take: Take) -> int | None:
        """Tell the events that are due; returns when the next one is, or None.

        An event that is not taken is told again later; one that the shop refuses is given up.
        """
        now_us, config = self._clock.now_us(), self._config

        def read(connection: Connection) -> Sequence[Row[Any]]:
            return rows.notices_due(connection, now_us, config.batch_notices)

        for notice in await self._records.transact(read):
            await self._tell(notice, take)
        return await self._records.transact(rows.next_due_us)

    async def _tell(self, notice: Row[Any], take: Take) -> None:
        try:
            await take(_body(notice))
        except InputError:
            pass  # it was refused, and would be again
        except MonocoqueError:
            if notice.tries + 1 < self._config.tries_max:
                again_us = self._clock.now_us() + round(self._config.retry_s * SECOND_US)
                await self._records.transact(
                    lambda connection: rows.postpone_notice(
                        connection, notice.notice_id, again_us, notice.tries + 1
                    )
                )
                return
        await self._records.transact(
            lambda connection: rows.remove_notice(connection, notice.notice_id)
        )

    def _finding(self, charge: Row[Any] | None) -> Finding:
        if charge is None:
            return Finding(Found.NOTHING)
        found = Found(charge.state)
        if found is Found.PENDING and charge.decided_us <= self._clock.now_us():
            found = Found.CHARGED
        if found in (Found.CHARGED, Found.REFUNDED):
            return Finding(found, charge.amount_minor, charge.currency)
        return Finding(found)

    def _notices(self, ask: Ask, behaviour: Behaviour) -> list[dict[str, Any]]:
        """The events of a charge; those after the first wait for the ones before them."""
        config = self._config
        delay_s = config.slow_notice_s if behaviour.is_slow else 0.0
        delay_s += config.late_notice_s if behaviour.is_late else 0.0
        found = []
        for kind in kinds_of(behaviour):
            is_doubled = self._random.random() < config.duplicate_share
            times = max(behaviour.times_told, 2 if is_doubled else 1)
            delay_s += self._random.uniform(0, config.notice_delay_s_max)
            for time in range(times):
                charge = _AsCharge(
                    ask.payment_id, ask.amount_minor + behaviour.extra_minor, ask.currency
                )
                later_s = delay_s + time * config.notice_delay_s_max
                found.append(self._notice(charge, kind, time, later_s))
        return found

    def _notice(self, charge: Any, kind: str, time: int, delay_s: float) -> dict[str, Any]:
        now_us = self._clock.now_us()
        event_id = f"{charge.payment_id}.{kind.partition('.')[2]}"
        return {
            "notice_id": f"{event_id}.{time}",
            "event_id": event_id,
            "kind": kind,
            "payment_id": charge.payment_id,
            "amount_minor": charge.amount_minor,
            "currency": charge.currency,
            "created_us": now_us,
            "due_us": now_us + round(delay_s * SECOND_US),
            "tries": 0,
        }


class _AsCharge:
    """What an event says of a charge."""

    def __init__(self, payment_id: str, amount_minor: int, currency: str) -> None:
        self.payment_id = payment_id
        self.amount_minor = amount_minor
        self.currency = currency


def _body(notice: Row[Any]) -> bytes:
    members = {
        "event_id": notice.event_id,
        "kind": notice.kind,
        "payment_id": notice.payment_id,
        "amount_minor": notice.amount_minor,
        "currency": notice.currency,
        "created_s": notice.created_us // SECOND_US,
        "practice": True,
    }
    return json.dumps(members, sort_keys=True).encode()


async def run(context: Context, practice: Practice, take: Take, has_news: asyncio.Event) -> None:
    """Tell events when they are due, until cancelled.

    has_news: set by whoever knows that there may be a charge.
    """
    config = context.config(PracticeConfig)
    while True:
        has_news.clear()
        wait_s = config.look_s_max
        try:
            next_us = await practice.tell_due(take)
            if next_us is not None:
                wait_s = min(wait_s, max(0.0, (next_us - context.clock.now_us()) / SECOND_US))
        except AWAY as error:
            context.metrics.errors.labels(where=context.service_name, code=error.code).inc()
            wait_s = config.retry_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await has_news.wait()
            await asyncio.sleep(config.gather_s)

"""The book of orders: what an event makes of an order, in one transaction with all that follows.

Rules:

* whoever changes an order does it by ``apply`` or ``write``: state, place in the week, money, the
  line in the list of changes and the event for the factory are written together or not at all;
* an order of somebody else answers like one that does not exist.

Left out on purpose: new orders (intake.py), and the provider (till.py).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts.errors import NotFound, NoWeekFree
from monocoque.contracts.weeks import SECOND_US, WeekConfig, week_begin_us
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.records.port import Records
from monocoque.shop.orders import records as rows
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.orders.logic import (
    PAYABLE,
    Effect,
    Event,
    State,
    Step,
    Week,
    Weeks,
    asked,
    step,
)
from monocoque.shop.orders.service.events import change_row, event_row
from monocoque.shop.payments import service as payments


@dataclass(frozen=True)
class Story:
    """One order, and all that happened to it."""

    order: Row[Any]
    changes: Sequence[Row[Any]]
    payments: Sequence[Row[Any]]


@dataclass(frozen=True)
class Counts:
    """How many orders there are."""

    by_state: Sequence[Row[Any]]
    weeks: Sequence[Week]
    by_week: Sequence[Row[Any]]
    """By state and week, of these weeks."""


class Book:
    """The orders on record."""

    def __init__(
        self, records: Records, clock: Clock, config: OrdersConfig, weeks: WeekConfig
    ) -> None:
        """weeks: the pace, which shop and factory share."""
        self.records = records
        self.clock = clock
        self.config = config
        self.weeks = weeks

    # --- reading ------------------------------------------------------------------------------

    async def story(self, order_id: str, person_id: str) -> Story:
        """One order of one's own; raises NotFound."""

        def read(connection: Connection) -> Story:
            return Story(
                own_order(connection, order_id, person_id),
                rows.changes_of(connection, order_id),
                payments.of_order(connection, order_id),
            )

        return await self.records.transact(read)

    async def orders_of(self, person_id: str) -> Sequence[Row[Any]]:
        """The newest orders of one person."""
        count_max = self.config.shown_orders_max
        return await self.records.transact(
            lambda connection: rows.orders_of(connection, person_id, count_max)
        )

    async def counts(self) -> Counts:
        """How many orders are in each state, in all and in the latest weeks."""
        count_max = self.config.shown_weeks_max

        def read(connection: Connection) -> Counts:
            weeks = rows.newest_weeks(connection, count_max)
            by_week = rows.count_states_by_week(connection, weeks[0].begins_us) if weeks else []
            return Counts(rows.count_states(connection), weeks, by_week)

        return await self.records.transact(read)

    async def first_free_week_us(self) -> int:
        """The week that a quote may promise now; raises NoWeekFree."""
        now_us = self.clock.now_us()
        return await self.records.transact(
            lambda connection: self.open_weeks(connection, now_us).first_free_us(0)
        )

    # --- changing -----------------------------------------------------------------------------

    def open_weeks(self, connection: Connection, now_us: int) -> Weeks:
        """The weeks that can be sold, in this transaction."""
        duration_us = round(self.weeks.week_duration_s * SECOND_US)
        earliest_us = week_begin_us(now_us, self.weeks) + self.config.lead_weeks * duration_us
        return Weeks(
            rows.weeks_from(connection, earliest_us),
            earliest_us,
            duration_us,
            self.weeks.slots_per_week,
            self.config.weeks_ahead_max,
        )

    async def call_off(self, order_id: str, person_id: str) -> Row[Any]:
        """End one's own order; what was paid goes back. Raises NotFound, OrderConflict."""
        now_us = self.clock.now_us()

        def work(connection: Connection) -> Row[Any]:
            order = own_order(connection, order_id, person_id)
            if order.state == State.CANCELLED.value:
                return order
            asked(State(order.state), Event.CALLED_OFF)
            self.apply(connection, order, Event.CALLED_OFF, now_us)
            return found_order(connection, order_id)

        return await self.records.transact(work)

    async def expire(self) -> list[Row[Any]]:
        """Orders that were not paid in time give their place back; returns them.

        One with a payment that is not decided waits for it.
        """
        now_us = self.clock.now_us()

        def work(connection: Connection) -> list[Row[Any]]:
            expired = []
            for order in rows.overdue(connection, now_us, self.config.look_orders_max):
                if payments.has_open(connection, order.order_id):
                    later_us = now_us + round(self.config.look_s_max * SECOND_US)
                    rows.change_order(connection, order.order_id, {"expires_us": later_us})
                elif self.apply(connection, order, Event.OVERDUE, now_us):
                    expired.append(found_order(connection, order.order_id))
            return expired

        return await self.records.transact(work)

    def apply(
        self,
        connection: Connection,
        order: Row[Any],
        event: Event,
        now_us: int,
        *,
        payment_id: str = "",
        car_id: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> bool:
        """What this event makes of the order, with all that follows; False when it is nothing.

        payment_id: of a charge. car_id: of the car that was made for it.
        """
        before = State(order.state)
        found = step(before, event)
        if found is None:
            return False
        values: dict[str, Any] = {"state": found.state.value}
        if before in PAYABLE and found.state not in PAYABLE:
            values["expires_us"] = None
        if car_id:
            values["car_id"] = car_id
        week_us = self._follow(connection, order, found, now_us, payment_id)
        said = dict(detail or {})
        if week_us != order.week_us:
            values["week_us"] = week_us
            said |= {"week_before_us": order.week_us, "week_us": week_us}
        is_returned = Effect.GIVE_THIS_MONEY_BACK in found.effects
        kind = "charge_returned" if is_returned else event.value
        self.write(connection, order, kind, now_us, values, said)
        return True

    def write(
        self,
        connection: Connection,
        order: Row[Any],
        kind: str,
        now_us: int,
        values: Mapping[str, Any],
        detail: Mapping[str, Any],
    ) -> None:
        """Change the row, append to the list, and put the event into the outbox."""
        number = order.changes + 1
        state = values.get("state", order.state)
        rows.change_order(connection, order.order_id, {**values, "changes": number})
        line = change_row(order.order_id, number, kind, state, now_us, detail)
        rows.add_changes(connection, [line])
        event = event_row(
            order.order_id,
            number,
            state,
            now_us,
            catalogue_version=order.catalogue_version,
            options=json.loads(order.options),
            week_us=values.get("week_us", order.week_us),
        )
        rows.add_events(connection, [event])

    def _follow(
        self, connection: Connection, order: Row[Any], found: Step, now_us: int, payment_id: str
    ) -> int:
        """Carry the effects out; says which week the order has after them."""
        order_id, week_us = order.order_id, int(order.week_us)
        if Effect.RENEW_WEEK in found.effects and week_us <= now_us:
            week_us = self._renewed(connection, week_us, now_us)
        if Effect.GIVE_PLACE_BACK in found.effects:
            rows.give_back(connection, week_us)
        if Effect.GIVE_MONEY_BACK in found.effects:
            payments.give_back(connection, order_id, now_us)
        if Effect.GIVE_THIS_MONEY_BACK in found.effects:
            payments.give_back_one(connection, payment_id, now_us)
        if Effect.EARN in found.effects:
            payments.earn(
                connection, order_id, order.total_minor, order.tax_minor, order.currency, now_us
            )
        return week_us

    def _renewed(self, connection: Connection, week_us: int, now_us: int) -> int:
        """The next free week for an order whose week has begun; its own when none is free.

        It is paid, so it keeps what it has: the factory builds it as soon as it can.
        """
        weeks = self.open_weeks(connection, now_us)
        try:
            renewed_us = weeks.take(0)
        except NoWeekFree:
            return week_us
        rows.give_back(connection, week_us)
        rows.save_weeks(connection, weeks.changed.values())
        return renewed_us


def own_order(connection: Connection, order_id: str, person_id: str) -> Row[Any]:
    """One order of this person; raises NotFound."""
    found = rows.find_order(connection, order_id)
    if found is None or found.person_id != person_id:
        raise NotFound("You have no such order.")
    return found


def found_order(connection: Connection, order_id: str) -> Row[Any]:
    """An order that is known to be there."""
    found = rows.find_order(connection, order_id)
    assert found is not None
    return found

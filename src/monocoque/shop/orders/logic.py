"""The states of an order as a table, the choice of its week, and the intake of many at once.

Rules:

* what is not in the table does not happen: a buyer who asks for it is refused, and a fact from the
  factory that comes late or twice changes nothing;
* money always goes somewhere: a charge has a row in every state, and where the order no longer
  wants it, it goes back;
* the place in a week is sold with the order and given back with it; a week carries what its row
  says, never more;
* of two who want the last place, the first gets it, and the other the next week, at once;
* the same key or the same quote with the same words is the same order; other words are a conflict.

Left out on purpose: who may see an order, and what a page shows of it.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.errors import NoWeekFree, OrderConflict, QuoteUsed


class State(enum.Enum):
    """How far an order is."""

    PLACED = "placed"
    """It has a place in a week and waits to be paid."""
    PAYMENT_DECLINED = "payment_declined"
    """A payment was declined; it waits for another."""
    PAID = "paid"
    SCHEDULED = "scheduled"
    """The factory took it; it cannot be called off any more."""
    BUILT = "built"
    DELIVERED = "delivered"
    EXPIRED = "expired"
    """It was not paid in time."""
    CANCELLED = "cancelled"


class Event(enum.Enum):
    """What can happen to an order."""

    CHARGED = "charged"
    DECLINED = "declined"
    CALLED_OFF = "called_off"
    """By the buyer."""
    OVERDUE = "overdue"
    SCHEDULED = "scheduled"
    BUILT = "built"
    DELIVERED = "delivered"
    REFUSED = "refused"
    """The factory cannot build it."""


class Effect(enum.Enum):
    """What follows from it, in the same transaction."""

    RENEW_WEEK = "renew_week"
    """When the promised week has begun meanwhile, the next free one is promised."""
    GIVE_PLACE_BACK = "give_place_back"
    GIVE_MONEY_BACK = "give_money_back"
    GIVE_THIS_MONEY_BACK = "give_this_money_back"
    """Only the charge that came too much or too late."""
    EARN = "earn"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table: the state after it, and what follows."""

    state: State
    effects: tuple[Effect, ...] = ()


_CALL_OFF: Final = Step(State.CANCELLED, (Effect.GIVE_PLACE_BACK, Effect.GIVE_MONEY_BACK))
_RETURN: Final = (Effect.GIVE_THIS_MONEY_BACK,)
_PAID: Final = Step(State.PAID, (Effect.RENEW_WEEK,))
_EXPIRED: Final = Step(State.EXPIRED, (Effect.GIVE_PLACE_BACK,))
_DELIVERED: Final = Step(State.DELIVERED, (Effect.EARN,))

TABLE: Final[Mapping[tuple[State, Event], Step]] = {
    (State.PLACED, Event.CHARGED): _PAID,
    (State.PLACED, Event.DECLINED): Step(State.PAYMENT_DECLINED),
    (State.PLACED, Event.CALLED_OFF): _CALL_OFF,
    (State.PLACED, Event.OVERDUE): _EXPIRED,
    (State.PAYMENT_DECLINED, Event.CHARGED): _PAID,
    (State.PAYMENT_DECLINED, Event.DECLINED): Step(State.PAYMENT_DECLINED),
    (State.PAYMENT_DECLINED, Event.CALLED_OFF): _CALL_OFF,
    (State.PAYMENT_DECLINED, Event.OVERDUE): _EXPIRED,
    (State.PAID, Event.CHARGED): Step(State.PAID, _RETURN),
    (State.PAID, Event.CALLED_OFF): _CALL_OFF,
    (State.PAID, Event.SCHEDULED): Step(State.SCHEDULED),
    (State.PAID, Event.BUILT): Step(State.BUILT),
    (State.PAID, Event.DELIVERED): _DELIVERED,
    (State.PAID, Event.REFUSED): _CALL_OFF,
    (State.SCHEDULED, Event.CHARGED): Step(State.SCHEDULED, _RETURN),
    (State.SCHEDULED, Event.BUILT): Step(State.BUILT),
    (State.SCHEDULED, Event.DELIVERED): _DELIVERED,
    (State.SCHEDULED, Event.REFUSED): _CALL_OFF,
    (State.BUILT, Event.CHARGED): Step(State.BUILT, _RETURN),
    (State.BUILT, Event.DELIVERED): _DELIVERED,
    (State.DELIVERED, Event.CHARGED): Step(State.DELIVERED, _RETURN),
    (State.EXPIRED, Event.CHARGED): Step(State.EXPIRED, _RETURN),
    (State.CANCELLED, Event.CHARGED): Step(State.CANCELLED, _RETURN),
}
"""Every step that there is."""

PAYABLE: Final = frozenset({State.PLACED, State.PAYMENT_DECLINED})
"""States in which an order waits for money."""
HOLDING: Final = frozenset(set(State) - {State.EXPIRED, State.CANCELLED})
"""States in which an order has a place in its week."""


def step(state: State, event: Event) -> Step | None:
    """What this event makes of an order in this state; None when it changes nothing."""
    return TABLE.get((state, event))


def asked(state: State, event: Event) -> Step:
    """Like ``step``, for what a buyer asks; raises OrderConflict when it cannot be."""
    found = step(state, event)
    if found is None:
        raise OrderConflict(f"An order that is {state.value} cannot be {event.value}.")
    return found


# --- production weeks -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Week:
    """A production week with its places."""

    begins_us: int
    slots: int
    taken: int


class Weeks:
    """The weeks of one transaction: what is taken in each, and who gets which."""

    def __init__(
        self, known: Iterable[Week], earliest_us: int, duration_us: int, slots: int, count_max: int
    ) -> None:
        """Begin with these weeks.

        known: those on record that begin at ``earliest_us`` or later. slots: of a week that is not
        on record yet. count_max: how many weeks are planned.
        """
        self._weeks = {week.begins_us: week for week in known}
        self._earliest_us = earliest_us
        self._duration_us = duration_us
        self._slots = slots
        self._count_max = count_max
        self.changed: dict[int, Week] = {}
        """Weeks in which places were taken here."""

    def first_free_us(self, wanted_us: int) -> int:
        """The first week with a free place, not before the wanted one; raises NoWeekFree.

        A wanted moment between two weeks of today's pace means the later one.
        """
        behind_us = max(wanted_us, self._earliest_us) - self._earliest_us
        at = -(-behind_us // self._duration_us)
        while at < self._count_max:
            begins_us = self._earliest_us + at * self._duration_us
            week = self._weeks.get(begins_us)
            if (week.slots - week.taken if week else self._slots) > 0:
                return begins_us
            at += 1
        raise NoWeekFree("Every production week that is planned is sold.")

    def take(self, wanted_us: int) -> int:
        """Take a place in the first free week; says which. Raises NoWeekFree."""
        begins_us = self.first_free_us(wanted_us)
        week = self._weeks.get(begins_us) or Week(begins_us, self._slots, 0)
        self._weeks[begins_us] = Week(begins_us, week.slots, week.taken + 1)
        self.changed[begins_us] = self._weeks[begins_us]
        return begins_us


# --- intake -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that somebody places."""

    order_id: str
    person_id: str
    idempotency_key: str
    request_sha256: str
    quote_id: str
    wanted_week_us: int


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that is on record, as far as the intake asks."""

    order_id: str
    person_id: str
    idempotency_key: str
    request_sha256: str
    quote_id: str


Answer = str | OrderConflict | QuoteUsed | NoWeekFree
"""The identifier of the order that the wish led to, or why there is none."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What becomes of wishes that came together."""

    answers: tuple[Answer, ...]
    """One per wish, in their order."""
    new: Mapping[str, int]
    """The new orders, and the week that each got."""


def take_in(wishes: Sequence[Wish], known: Iterable[Taken], weeks: Weeks) -> Intake:
    """Decide on these wishes, first come first served.

    known: the orders on record that share a key or a quote with one of them. weeks: gets the
    places that are taken.
    """
    by_key: dict[tuple[str, str], Taken] = {}
    by_quote: dict[str, Taken] = {}

    def remember(taken: Taken) -> None:
        by_key[taken.person_id, taken.idempotency_key] = taken
        by_quote[taken.quote_id] = taken

    for taken in known:
        remember(taken)
    answers: list[Answer] = []
    new: dict[str, int] = {}
    for wish in wishes:
        answer = _repeated(
            wish, by_key.get((wish.person_id, wish.idempotency_key)), by_quote.get(wish.quote_id)
        )
        if answer is None:
            try:
                new[wish.order_id] = weeks.take(wish.wanted_week_us)
                answer = wish.order_id
                remember(_as_taken(wish))
            except NoWeekFree as error:
                answer = error
        answers.append(answer)
    return Intake(tuple(answers), new)


def _as_taken(wish: Wish) -> Taken:
    return Taken(
        wish.order_id, wish.person_id, wish.idempotency_key, wish.request_sha256, wish.quote_id
    )


def _repeated(wish: Wish, same_key: Taken | None, same_quote: Taken | None) -> Answer | None:
    if same_key is not None:
        if same_key.request_sha256 != wish.request_sha256:
            return OrderConflict("Another order of yours has this key.")
        return same_key.order_id
    if same_quote is not None:
        if same_quote.person_id != wish.person_id:
            return QuoteUsed("Somebody else ordered by this quote.")
        return same_quote.order_id
    return None

"""The steps of a build: what becomes of it when something happens.

Rules:

* scheduled, in production, built, delivered, in this order; or cancelled or refused, from before
  production;
* an event of the order counts when its sequence is higher than every one that counted before; so
  repetition changes nothing, and what was overtaken has no effect;
* cancelled and refused are ends: an order that is paid after that is not built;
* from the beginning of production on the car is made, whatever the order says; who cancels then is
  told so, once;
* a build that the factory cannot begin ends as refused, with the code of the reason: unlike one
  that was cancelled, its buyer has to be told, and gets the money back.

Left out on purpose: when a week begins, and who keeps these states.
"""

import enum
from dataclasses import dataclass, replace
from typing import Final

from monocoque.contracts.errors import BuildBegun


class State(enum.Enum):
    """Where a build is."""

    SCHEDULED = "scheduled"
    IN_PRODUCTION = "in_production"
    BUILT = "built"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    """The order was called off."""
    REFUSED = "refused"
    """The factory cannot build it."""


@dataclass(frozen=True, slots=True)
class Build:
    """What decides about a build."""

    state: State
    order_sequence: int
    """The highest sequence of an event of the order that counted."""
    week_begins_us: int
    """When it is due; what the order said last before production."""


@dataclass(frozen=True, slots=True)
class OrderPaid:
    """The order may be built, in this week."""

    sequence: int
    week_begins_us: int


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """Nobody wants the car any more."""

    sequence: int
    week_begins_us: int


@dataclass(frozen=True, slots=True)
class NotBuildable:
    """The factory cannot build what was paid."""

    code: str


class Progress(enum.Enum):
    """What happens in the factory itself."""

    WEEK_BEGAN = enum.auto()
    LEFT_LINE = enum.auto()
    HANDED_OVER = enum.auto()


Happening = OrderPaid | OrderCancelled | NotBuildable | Progress

ENDED: Final = frozenset({State.CANCELLED, State.REFUSED})
_ADVANCE: Final = {
    (State.SCHEDULED, Progress.WEEK_BEGAN): State.IN_PRODUCTION,
    (State.IN_PRODUCTION, Progress.LEFT_LINE): State.BUILT,
    (State.BUILT, Progress.HANDED_OVER): State.DELIVERED,
}


@dataclass(frozen=True, slots=True)
class Step:
    """The build after it, of which whoever follows the build is told."""

    build: Build
    refusal_code: str = ""


def step(build: Build | None, happening: Happening) -> Step | None:
    """What becomes of a build, None for one that is not there yet; None when nothing does."""
    if isinstance(happening, OrderPaid):
        return _paid(build, happening)
    if isinstance(happening, OrderCancelled):
        return _cancelled(build, happening)
    assert build is not None
    if isinstance(happening, NotBuildable):
        return Step(replace(build, state=State.REFUSED), happening.code)
    after = _ADVANCE.get((build.state, happening))
    return None if after is None else Step(replace(build, state=after))


def _paid(build: Build | None, paid: OrderPaid) -> Step | None:
    scheduled = Build(State.SCHEDULED, paid.sequence, paid.week_begins_us)
    if build is None:
        return Step(scheduled)
    if build.state is State.SCHEDULED and paid.sequence > build.order_sequence:
        return Step(scheduled)
    return None


def _cancelled(build: Build | None, cancelled: OrderCancelled) -> Step | None:
    if build is None:
        week_begins_us = cancelled.week_begins_us
        return Step(Build(State.CANCELLED, cancelled.sequence, week_begins_us))
    if build.state in ENDED or cancelled.sequence <= build.order_sequence:
        return None
    after = replace(build, order_sequence=cancelled.sequence)
    if build.state is State.SCHEDULED:
        return Step(replace(after, state=State.CANCELLED))
    return Step(after, BuildBegun.code)

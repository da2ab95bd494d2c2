"""How a campaign goes on: waves, the limit of failures, and what people do to it.

Rules:

* the next wave begins when every car of this one is settled, or when its soak time is over;
* in no wave may more cars fail than ``failures_max``; then the campaign halts by itself, whether it
  runs or is paused;
* to go on after that takes a person who says so; the failures until then are forgiven, and are
  still shown;
* a campaign whose cars are all settled is finished, and stays so.

Left out on purpose: statistics of failure rates; a limit that is a count can be checked by hand.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeVar

from monocoque.cloud.campaigns.logic.phases import FAILURES, SETTLED, Phase, State

Car = TypeVar("Car")


class Event(StrEnum):
    """What happens to a campaign."""

    PAUSE = "pause"
    RESUME = "resume"
    RESUME_DESPITE_FAILURES = "resume_despite_failures"
    HALT = "halt"
    FAIL = "fail"
    """More cars of a wave failed than may."""
    SETTLE = "settle"
    """Nothing more is to come from any car."""


TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (State.RUNNING, Event.PAUSE): State.PAUSED,
    (State.RUNNING, Event.RESUME): State.RUNNING,
    (State.RUNNING, Event.RESUME_DESPITE_FAILURES): State.RUNNING,
    (State.RUNNING, Event.HALT): State.HALTED,
    (State.RUNNING, Event.FAIL): State.HALTED,
    (State.RUNNING, Event.SETTLE): State.FINISHED,
    (State.PAUSED, Event.PAUSE): State.PAUSED,
    (State.PAUSED, Event.RESUME): State.RUNNING,
    (State.PAUSED, Event.RESUME_DESPITE_FAILURES): State.RUNNING,
    (State.PAUSED, Event.HALT): State.HALTED,
    (State.PAUSED, Event.FAIL): State.HALTED,
    (State.PAUSED, Event.SETTLE): State.FINISHED,
    (State.HALTED, Event.HALT): State.HALTED,
    (State.HALTED, Event.RESUME_DESPITE_FAILURES): State.RUNNING,
}
"""What is not here is refused."""

OPEN: Final = frozenset({State.RUNNING, State.PAUSED})
"""Campaigns that go on."""

HALTED_BY_FAILURES: Final = "failures"
HALTED_BY_PERSON: Final = "person"


@dataclass(frozen=True, slots=True)
class Plan:
    """What was decided when the campaign was started."""

    waves: int
    failures_max: int
    """Cars of one wave that may fail."""
    soak_us: int
    """How long the next wave waits for cars that are not settled."""
    silent_us: int
    """How long a car that began to install may say nothing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a campaign is."""

    state: State
    wave: int
    """The newest wave that has begun, from 0."""
    wave_began_us: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many cars of a wave are in a phase."""

    wave: int
    phase: Phase
    is_forgiven: bool
    cars: int


def next_state(state: State, event: Event) -> State | None:
    """Where the event leads, or None when it is refused."""
    return TRANSITIONS.get((state, event))


def go_on(standing: Standing, counts: Sequence[Count], plan: Plan, now_us: int) -> Standing:
    """Where the campaign is now, by the cars and by the time."""
    if standing.state not in OPEN:
        return standing
    failed = Counter[int]()
    unsettled = Counter[int]()
    for count in counts:
        if count.phase in FAILURES and not count.is_forgiven:
            failed[count.wave] += count.cars
        if count.phase not in SETTLED:
            unsettled[count.wave] += count.cars
    if any(cars > plan.failures_max for cars in failed.values()):
        state = TRANSITIONS[standing.state, Event.FAIL]
        return replace(standing, state=state, reason=HALTED_BY_FAILURES)
    if not unsettled.total():
        return replace(standing, state=TRANSITIONS[standing.state, Event.SETTLE], reason="")
    while _is_over(standing, unsettled, plan, now_us):
        standing = replace(standing, wave=standing.wave + 1, wave_began_us=now_us)
    return standing


def due_us(standing: Standing, plan: Plan) -> int | None:
    """When time alone asks for something next; None for never."""
    if standing.state is not State.RUNNING or standing.wave + 1 >= plan.waves:
        return None
    return standing.wave_began_us + plan.soak_us


def split(cars: Sequence[Car], sizes: Sequence[int]) -> list[Sequence[Car]]:
    """The cars in waves of these sizes, and the rest in a last one; no wave is empty."""
    waves, begin = [], 0
    for size in (*sizes, len(cars)):
        wave = cars[begin : begin + size]
        if wave:
            waves.append(wave)
        begin += size
    return waves


def _is_over(standing: Standing, unsettled: Counter[int], plan: Plan, now_us: int) -> bool:
    if standing.state is not State.RUNNING or standing.wave + 1 >= plan.waves:
        return False
    return not unsettled[standing.wave] or now_us >= standing.wave_began_us + plan.soak_us

"""Decides what the desk makes of what cars and homes say.

Rules:

* a request counts under its own car's name, in a form that a home could answer, and for a day at
  most; a message with one that does not is refused whole;
* a request of a car without a home is answered at once; what is over when it comes, too;
* the home's answer counts, whenever it comes; until then a request that was never said is
  "expired", and one that was said is "unknown", when its time is over;
* a home answers for what was asked of it, and for no time that cannot be.

Left out on purpose: whether a home did what it says. The cell asks; the home is the owner's.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monocoque.contracts import identifiers
from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import HomeWordRefused, IdentifierMalformed, SceneRequestRefused
from monocoque.contracts.homes import (
    ACTION_CHARACTERS_MAX,
    REQUEST_LIFETIME_S_MAX,
    Outcome,
    Reason,
)
from monocoque.contracts.wire import home_pb2

SECOND_US: Final = 1_000_000
LIFETIME_US_MAX: Final = REQUEST_LIFETIME_S_MAX * SECOND_US
CLOCK_DIFFERENCE_US_MAX: Final = CLOCK_DIFFERENCE_S_MAX * SECOND_US
REASON_CHARACTERS_MAX: Final = 32
DEVICE_NAME_CHARACTERS_MAX: Final = 64


class State(enum.StrEnum):
    """How a request stands."""

    WAITING = "waiting"
    """For its home, which was not there."""
    SAID = "said"
    """The home was told; no answer yet."""
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The home was told and never answered; it may have happened."""


OPEN: Final = (State.WAITING, State.SAID)
"""What a home is told again when it says hello."""


@dataclass(frozen=True)
class Asked:
    """A request as it counts."""

    request_id: str
    scene_id: str
    action: str
    occurred_us: int
    expires_us: int


@dataclass(frozen=True)
class Standing:
    """How a request stands."""

    state: State
    reason: Reason | None = None


def read_requests(
    car_id: str, message: home_pb2.CarScenes, count_max: int, now_us: int
) -> tuple[Asked, ...]:
    """The requests of a car's word; raises SceneRequestRefused."""
    if len(message.requests) > count_max:
        raise SceneRequestRefused("A car has more requests open than it may have.")
    return tuple(_read(car_id, request, now_us) for request in message.requests)


def _read(car_id: str, request: home_pb2.HomeRequest, now_us: int) -> Asked:
    try:
        request_id = identifiers.parse(request.request_id, "request")
        scene_id = identifiers.parse(request.scene_id, "scene")
    except IdentifierMalformed:
        raise SceneRequestRefused("A request names no request or scene.") from None
    if request.car_id != car_id:
        raise SceneRequestRefused("A car asks under another car's name.")
    if len(request.action) > ACTION_CHARACTERS_MAX:
        raise SceneRequestRefused("A request asks for more than an action can say.")
    if request.occurred_at_us > now_us + CLOCK_DIFFERENCE_US_MAX:
        raise SceneRequestRefused("A request was made in the future.")
    expires_us = min(request.expires_at_us, now_us + LIFETIME_US_MAX)
    return Asked(request_id, scene_id, request.action, request.occurred_at_us, expires_us)


def is_there(hello_us: int | None, now_us: int, window_us: int) -> bool:
    """Whether a home that said its last hello then counts as there."""
    return hello_us is not None and now_us - hello_us < window_us


def standing_at_first(
    asked: Asked, now_us: int, *, has_home: bool, is_home_there: bool
) -> Standing:
    """How a new request stands."""
    if not has_home:
        return Standing(State.REFUSED, Reason.NO_HOME)
    if asked.expires_us <= now_us:
        return Standing(State.EXPIRED, Reason.NOT_SAID)
    return Standing(State.SAID if is_home_there else State.WAITING)


def standing_by_time(state: State) -> Standing:
    """How an open request stands when its time is over."""
    if state is State.WAITING:
        return Standing(State.EXPIRED, Reason.NOT_SAID)
    return Standing(State.UNKNOWN, Reason.NOT_ANSWERED)


def standing_untied(state: State) -> Standing:
    """How an open request stands when its car leaves the home that was asked."""
    if state is State.WAITING:
        return Standing(State.REFUSED, Reason.NO_HOME)
    return Standing(State.UNKNOWN, Reason.NOT_ANSWERED)


def due_us(standing: Standing, expires_us: int, grace_us: int) -> int | None:
    """When time closes a request; None when it is closed."""
    if standing.state is State.WAITING:
        return expires_us
    return expires_us + grace_us if standing.state is State.SAID else None


def read_outcome(message: home_pb2.HomeOutcome, now_us: int) -> tuple[State, str]:
    """What a home says of a request, and why; raises HomeWordRefused."""
    known = {str(outcome) for outcome in Outcome}
    if message.outcome not in known or len(message.reason) > REASON_CHARACTERS_MAX:
        raise HomeWordRefused("A home answers with a word that is none.")
    if message.decided_at_us > now_us + CLOCK_DIFFERENCE_US_MAX:
        raise HomeWordRefused("A home answers from the future.")
    return State(message.outcome), message.reason


def check_answer(home_id: str, asked_of: str | None, taken_us: int, decided_us: int) -> None:
    """Whether this home may answer; raises HomeWordRefused.

    asked_of: the home of the request, None for a request that nobody asked.
    """
    if asked_of != home_id:
        raise HomeWordRefused("A home answers for a request that is not its own.")
    if decided_us < taken_us - CLOCK_DIFFERENCE_US_MAX:
        raise HomeWordRefused("A home answers from before it was asked.")


def check_state(devices: Sequence[home_pb2.HomeDevice], count_max: int, now_us: int) -> None:
    """Whether a home's devices can be shown; raises HomeWordRefused."""
    if len(devices) > count_max:
        raise HomeWordRefused("A home has more devices than are shown.")
    if len({device.name for device in devices}) < len(devices):
        raise HomeWordRefused("A home has two devices of one name.")
    for device in devices:
        if not 1 <= len(device.name) <= DEVICE_NAME_CHARACTERS_MAX:
            raise HomeWordRefused("A home has a device with no name, or too long a one.")
        if device.changed_at_us > now_us + CLOCK_DIFFERENCE_US_MAX:
            raise HomeWordRefused("A home has a device that changed in the future.")

"""Decides what a home makes of a request, before any device moves.

Rules:

* a request that names no car, request or scene of the right form is no request: nobody could be
  answered;
* what is over, or asks for what this home does not know, is decided at once and moves nothing;
* a request is over after a day, whatever it says itself.

Left out on purpose: whether a request came before; that is the records'.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    IdentifierMalformed,
    SceneMalformed,
    SceneRequestRefused,
    SceneWordUnknown,
)
from monocoque.contracts.homes import (
    ACTION_CHARACTERS_MAX,
    HEAT_PUMP,
    LAMP,
    REQUEST_LIFETIME_S_MAX,
    Outcome,
    Reason,
)
from monocoque.contracts.scenes import HEAT_PUMP as HEAT_PUMP_SET
from monocoque.contracts.scenes import LAMP_OFF, LAMP_ON, parse_action
from monocoque.contracts.wire import home_pb2

LIFETIME_US_MAX: Final = REQUEST_LIFETIME_S_MAX * 1_000_000


@dataclass(frozen=True)
class Asked:
    """A request, as far as it has a name."""

    car_id: str
    request_id: str
    scene_id: str
    action: str
    expires_us: int


@dataclass(frozen=True)
class Verdict:
    """What became of a request."""

    outcome: Outcome
    reason: Reason | None = None


@dataclass(frozen=True)
class Wanted:
    """Which device is to be how."""

    device: str
    is_on: bool
    decicelsius: int | None = None


def read_request(message: home_pb2.HomeRequest, now_us: int) -> Asked:
    """The request in a message; raises SceneRequestRefused."""
    try:
        car_id = identifiers.parse(message.car_id, "car")
        request_id = identifiers.parse(message.request_id, "request")
        scene_id = identifiers.parse(message.scene_id, "scene")
    except IdentifierMalformed:
        raise SceneRequestRefused("A request names no car, request or scene.") from None
    if len(message.action) > ACTION_CHARACTERS_MAX:
        raise SceneRequestRefused("A request asks for more than an action can say.")
    expires_us = min(message.expires_at_us, now_us + LIFETIME_US_MAX)
    return Asked(car_id, request_id, scene_id, message.action, expires_us)


def decide_at_once(
    asked: Asked, devices: Collection[str], waiting: int, waiting_max: int, now_us: int
) -> Verdict | Wanted:
    """What it wants of which device, or what becomes of it without one.

    devices: those of this home. waiting: how many requests wait already.
    """
    if asked.expires_us <= now_us:
        return Verdict(Outcome.EXPIRED, Reason.TOO_LATE)
    wanted = wanted_of(asked.action)
    if wanted is None:
        return Verdict(Outcome.REFUSED, Reason.WORD_UNKNOWN)
    if wanted.device not in devices:
        return Verdict(Outcome.REFUSED, Reason.NO_DEVICE)
    if waiting >= waiting_max:
        return Verdict(Outcome.REFUSED, Reason.TOO_MANY)
    return wanted


def wanted_of(action: str) -> Wanted | None:
    """What an action of the vocabulary wants of a home; None for every other text."""
    try:
        said = parse_action(action)
    except (SceneMalformed, SceneWordUnknown):
        return None
    wants = WANTS.get(said.word.name)
    return None if wants is None else wants(said.arguments)


WANTS: Final[Mapping[str, Callable[[Mapping[str, int | bool]], Wanted]]] = {
    LAMP_ON.name: lambda _: Wanted(LAMP, is_on=True),
    LAMP_OFF.name: lambda _: Wanted(LAMP, is_on=False),
    HEAT_PUMP_SET.name: lambda given: Wanted(
        HEAT_PUMP, is_on=True, decicelsius=int(given["target_decicelsius"])
    ),
}
"""What each action of the vocabulary wants of a home; those that a car does are not here."""

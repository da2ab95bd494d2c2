"""What may become of a command in the mailbox, and how its log is chained.

Rules:

* a command that was never sent did certainly not happen: it can be cancelled, and it expires;
* a command that was sent may have happened: it waits for the car's receipt, and without one it is
  unknown after its deadline;
* the car's receipt decides, whatever stood here before; the first one stays;
* a line of the cell's own log names the digest of the line before.

Left out on purpose: whether a command is genuine (trust/commands.py) and whether the car may do it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from monocoque.trust import base64url
from monocoque.trust.receipts import NO_RECEIPT_SHA256

BEFORE_THE_FIRST: Final = NO_RECEIPT_SHA256
"""What stands in the first line in place of the digest of a line before."""


class State(StrEnum):
    """What is known about a command."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


OPEN: Final = frozenset({State.WAITING, State.SENT})
"""Commands that the mailbox still has to do something about."""


class Step(StrEnum):
    """What is to be done about a command now."""

    REST = "rest"
    SEND = "send"
    EXPIRE = "expire"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a command is sent, and how long an answer may take after the deadline."""

    pause_us: int
    sends_max: int
    grace_us: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How one command stands."""

    state: State
    deadline_us: int
    sends: int = 0
    sent_us: int = 0
    """When it was sent last."""
    reason: str | None = None
    is_answered: bool = False
    """Whether the car's receipt is there."""


def sent(standing: Standing, now_us: int) -> Standing:
    """It is being sent now."""
    return replace(standing, state=State.SENT, sends=standing.sends + 1, sent_us=now_us)


def step_by_time(standing: Standing, now_us: int, pace: Pace) -> Step:
    """What is to be done about it because of the time."""
    if standing.state not in OPEN:
        return Step.REST
    if now_us >= standing.deadline_us:
        if standing.state is State.WAITING:
            return Step.EXPIRE
        return Step.GIVE_UP if now_us >= standing.deadline_us + pace.grace_us else Step.REST
    again_us = _again_us(standing, pace)
    return Step.SEND if again_us is not None and now_us >= again_us else Step.REST


def step_at_hello(standing: Standing, now_us: int, pace: Pace) -> Step:
    """What is to be done about it because the car says that it is there."""
    if standing.state not in OPEN or now_us >= standing.deadline_us:
        return Step.REST
    if standing.state is State.WAITING or now_us >= standing.sent_us + pace.pause_us:
        return Step.SEND
    return Step.REST


def due_us(standing: Standing, pace: Pace) -> int | None:
    """When it must be looked at again because of the time; None for never."""
    if standing.state not in OPEN:
        return None
    if standing.state is State.WAITING:
        return standing.deadline_us
    again_us = _again_us(standing, pace)
    if again_us is not None and again_us < standing.deadline_us:
        return again_us
    return standing.deadline_us + pace.grace_us


def closed_by_time(standing: Standing, step: Step) -> Standing:
    """Its time is over. step: EXPIRE or GIVE_UP."""
    if step is Step.EXPIRE:
        return replace(standing, state=State.EXPIRED, reason="never_sent")
    return replace(standing, state=State.UNKNOWN, reason="no_answer")


def cancelled(standing: Standing, reason: str) -> Standing:
    """Somebody does not want it any more: what was never sent is cancelled, the rest goes on."""
    if standing.state is not State.WAITING:
        return standing
    return replace(standing, state=State.CANCELLED, reason=reason)


def answered(standing: Standing, outcome: str, reason: str | None) -> Standing:
    """The car says what became of it; the first answer stays."""
    if standing.is_answered:
        return standing
    return replace(standing, state=State(outcome), reason=reason, is_answered=True)


def log_line(
    number: int, previous_sha256: str, time_us: int, what: Mapping[str, str | int | None]
) -> str:
    """The next line of the cell's log of one car: JSON, members sorted, without spaces.

    what: says ``kind`` and what belongs to it; members that are None are left out.
    """
    members = {name: value for name, value in what.items() if value is not None}
    place = {"number": number, "previous_sha256": previous_sha256, "time_us": time_us}
    return json.dumps(members | place, separators=(",", ":"), sort_keys=True)


def line_digest(line: str) -> str:
    """What the next line names this one by: SHA-256 of its bytes, as base64url."""
    return base64url.encode(hashlib.sha256(line.encode()).digest())


def _again_us(standing: Standing, pace: Pace) -> int | None:
    """When it is to be sent again by time alone, or None."""
    if standing.state is not State.SENT or standing.sends >= pace.sends_max:
        return None
    return standing.sent_us + (pace.pause_us << standing.sends - 1)

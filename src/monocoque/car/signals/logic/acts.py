"""What was asked of an actuator, and what came of it.

Rules: states follow the table ``NEXT``; what has ended stays as it ended. An act that is found
unfinished after its deadline has failed, with the reason ``deadline``; whether the part moved may
be seen from its signal.

Left out on purpose: whether it may be done, which is the guard's word.
"""

import enum
from dataclasses import dataclass, replace
from typing import Final

from monocoque.contracts.signals import Value

DEADLINE: Final = "deadline"
"""The reason of an act that nobody finished in time."""
PROVIDER_GONE: Final = "provider_gone"
"""The reason of an act whose provider left."""
REPLACED: Final = "replaced"
"""The reason of an act whose signal was asked for something else before it ended."""


class ActState(enum.Enum):
    """How far an act is."""

    REQUESTED = "requested"
    """It is with the provider, which has not answered."""
    ACCEPTED = "accepted"
    """The provider has begun."""
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    """It was not begun, for the reason that is said."""


NEXT: Final = {
    ActState.REQUESTED: {ActState.ACCEPTED, ActState.DONE, ActState.FAILED, ActState.REFUSED},
    ActState.ACCEPTED: {ActState.DONE, ActState.FAILED},
    ActState.DONE: set[ActState](),
    ActState.FAILED: set[ActState](),
    ActState.REFUSED: set[ActState](),
}
"""What may follow what."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing asked of one actuator."""

    act_id: str
    number: int
    target: Value
    asked_by: str
    """The name of the connection that asked."""
    asked_us: int
    deadline_us: int
    state: ActState = ActState.REQUESTED
    reason: str = ""
    """One word, when it failed or was refused: the guard's or the provider's."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing follows."""
        return not NEXT[self.state]


def follow(act: Act, state: ActState, reason: str = "") -> Act:
    """The act in its next state; the same act when that cannot follow."""
    if state not in NEXT[act.state]:
        return act
    return replace(act, state=state, reason=reason)

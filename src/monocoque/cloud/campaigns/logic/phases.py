"""How far one car is within one campaign.

Rules:

* a car's own newest word decides; a word about nothing changes nothing;
* a car is through with the update (INSTALLED) when its control units have it, not when it says so;
* who began to install is not called back, and when it then says nothing for too long it has failed;
  a later word mends that;
* who fell back is not sent into the same release again by itself.

Left out on purpose: whether what the car says can be true; that is reports.py.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from monocoque.trust.updates.manifests import UpdateState


class State(StrEnum):
    """How a campaign stands."""

    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    FINISHED = "finished"


class Phase(StrEnum):
    """How far a car is."""

    HELD = "held"
    """Its wave has not begun."""
    DIRECTED = "directed"
    """It is told to; it has not spoken of it yet."""
    OFFERED = "offered"
    DOWNLOADING = "downloading"
    WAITING = "waiting"
    INSTALLING = "installing"
    BOOTING = "booting"
    INSTALLED = "installed"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    SILENT = "silent"
    """It began to install and was not heard of again."""
    WITHDRAWN = "withdrawn"
    """Called back before it began."""
    SKIPPED = "skipped"
    """It has a newer release, or no control unit that this one is for."""


BEGUN: Final = frozenset({Phase.INSTALLING, Phase.BOOTING})
FAILURES: Final = frozenset({Phase.ROLLED_BACK, Phase.REFUSED, Phase.SILENT})
SETTLED: Final = FAILURES | {Phase.INSTALLED, Phase.SKIPPED}
"""Phases for which a wave waits no longer."""
NOT_BEGUN: Final = frozenset({Phase.DIRECTED, Phase.OFFERED, Phase.DOWNLOADING, Phase.WAITING})
"""Told to, and still to be called back."""
_DONE: Final = frozenset({Phase.INSTALLED, Phase.ROLLED_BACK, Phase.SKIPPED})

_SAID: Final[Mapping[UpdateState, Phase]] = {
    UpdateState.OFFERED: Phase.OFFERED,
    UpdateState.DOWNLOADING: Phase.DOWNLOADING,
    UpdateState.WAITING: Phase.WAITING,
    UpdateState.INSTALLING: Phase.INSTALLING,
    UpdateState.BOOTING: Phase.BOOTING,
    UpdateState.ROLLED_BACK: Phase.ROLLED_BACK,
    UpdateState.REFUSED: Phase.REFUSED,
}


def after_report(phase: Phase, said: UpdateState, *, has_it: bool, is_directed: bool) -> Phase:
    """Where a car is after its word about this release.

    has_it: its control units have the whole release. is_directed: it is told to install it, as far
    as the cell knows; a car that was called back may hear so later than it acts.
    """
    if phase is Phase.SKIPPED:
        return phase
    if has_it and said in (UpdateState.NONE, UpdateState.INSTALLED):
        return Phase.INSTALLED
    heard = _SAID.get(said, phase)
    fell_back = phase is Phase.ROLLED_BACK and heard is Phase.REFUSED
    if not is_directed and (heard in NOT_BEGUN or fell_back):
        return phase
    return heard


def after_resume(phase: Phase) -> Phase:
    """Where a car is when a halted campaign goes on: who was called back waits for its turn."""
    return Phase.HELD if phase is Phase.WITHDRAWN else phase


def to_direct(state: State) -> frozenset[Phase]:
    """The phases in which a car whose wave has begun is told to install, unless it is already."""
    return frozenset({Phase.HELD, Phase.REFUSED}) if state is State.RUNNING else frozenset()


def to_call_back(state: State) -> frozenset[Phase]:
    """The phases in which a car that is told to install is told not to any more."""
    fell_back = frozenset({Phase.ROLLED_BACK})
    return fell_back | NOT_BEGUN | {Phase.REFUSED} if state is State.HALTED else fell_back


def holds(state: State, phase: Phase) -> bool:
    """Whether the campaign has this car for itself, so that no other may take it."""
    if state in (State.RUNNING, State.PAUSED):
        return phase not in _DONE
    return state is State.HALTED and phase in BEGUN


def after_call_back(phase: Phase) -> Phase:
    """What a car is called that was called back; how it failed is not forgotten."""
    return Phase.WITHDRAWN if phase in NOT_BEGUN else phase

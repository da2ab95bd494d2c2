"""Where an update stands: the primary's journal, and how it goes from one phase to the next.

Rules:

* a phase is on record before anything is done because of it;
* up to ``BOOTING`` nothing has changed for good: every way leads back, and it leads back for all
  control units; from ``COMMITTING`` on there is only forward. So there is one moment at which all
  units are decided, and it is one record;
* while units are written to, directions change nothing; what was rolled back is not begun again by
  the same directions;
* what a manifest says follows from the journal alone.

Left out on purpose: how long each phase takes, and what happens in it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from monocoque.trust.updates.manifests import UpdateReport, UpdateState
from monocoque.trust.updates.reasons import UpdateReason
from monocoque.trust.updates.verification import Wanted


class Phase(StrEnum):
    """How far an update is."""

    IDLE = "idle"
    """None is under way."""
    DOWNLOADING = "downloading"
    WAITING = "waiting"
    """All is there and was verified; the owner or the car is not ready."""
    INSTALLING = "installing"
    """The slots that are not active are written to."""
    BOOTING = "booting"
    """The new slots are tried, one unit after another."""
    COMMITTING = "committing"
    """Every unit runs the new image; each makes it its active one."""
    GOING_BACK = "going_back"
    """Every unit gets back to what it had, the last one first."""


INSTALLING: Final = frozenset({Phase.INSTALLING, Phase.BOOTING, Phase.COMMITTING, Phase.GOING_BACK})
"""Phases in which control units are written to or started."""
_SAID: Final = {
    Phase.DOWNLOADING: UpdateState.DOWNLOADING,
    Phase.WAITING: UpdateState.WAITING,
    Phase.INSTALLING: UpdateState.INSTALLING,
    Phase.BOOTING: UpdateState.BOOTING,
    Phase.COMMITTING: UpdateState.BOOTING,
    Phase.GOING_BACK: UpdateState.BOOTING,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be installed, as both repositories said it."""

    release_number: int
    version: str
    targets_version: int
    """Of the director's targets that said so last."""
    images: tuple[Wanted, ...]
    needs_charge_percent: int
    expires_us: int
    """Until then it may be begun; fresh directions move this."""

    @property
    def length(self) -> int:
        """How much is to be fetched, in bytes."""
        return sum({image.file: image.length for image in self.images}.values())


@dataclass(frozen=True, slots=True)
class Journal:
    """Where an update stands."""

    phase: Phase = Phase.IDLE
    plan: Plan | None = None
    got: Mapping[str, int] = field(default_factory=dict)
    """By the hash of an image: how much of it is on disk for good; all of it was verified."""
    done: int = 0
    """How many control units have done what this phase asks."""
    state: UpdateState = UpdateState.NONE
    """What became of the last one, while none is under way."""
    reason: str = ""
    release_number: int = 0
    """Of the last one, while none is under way."""
    directions_version: int = 0
    """The director's targets that were verified last."""
    failed_version: int = 0
    """The director's targets that led to what was rolled back last."""

    @property
    def is_installing(self) -> bool:
        """Whether control units are written to or started."""
        return self.phase in INSTALLING


def directed(journal: Journal, plan: Plan | None, targets_version: int) -> Journal:
    """After directions were verified. plan: None when nothing is to be installed."""
    seen = replace(journal, directions_version=targets_version)
    if journal.is_installing:
        return seen
    if plan is None:
        return _without_plan(seen)
    if targets_version <= seen.failed_version:
        return seen
    if seen.plan is not None and seen.plan.images == plan.images:
        return replace(seen, plan=plan)
    files = {image.sha256 for image in plan.images}
    got = {sha256: length for sha256, length in seen.got.items() if sha256 in files}
    # What was refused after it had come, as while the repository was away, is all there already.
    phase = Phase.DOWNLOADING if _is_missing(plan, got) else Phase.WAITING
    return replace(seen, phase=phase, plan=plan, got=got, done=0, reason="")


def refused(journal: Journal, reason: UpdateReason) -> Journal:
    """Something could not be taken; nothing was installed, and what is on disk may be of use."""
    if journal.is_installing:
        return journal
    number = journal.plan.release_number if journal.plan is not None else 0
    return replace(
        _idle(journal),
        got=journal.got,
        state=UpdateState.REFUSED,
        reason=str(reason),
        release_number=number,
    )


def fetched(journal: Journal, sha256: str, length: int) -> Journal:
    """So much of this image is on disk for good; the next phase, when nothing is missing."""
    assert journal.plan is not None
    got = {**journal.got, sha256: length}
    phase = journal.phase if _is_missing(journal.plan, got) else Phase.WAITING
    return replace(journal, phase=phase, got=got, reason="")


def lost(journal: Journal, sha256: str) -> Journal:
    """This image is not there, or not what it was."""
    got = {name: length for name, length in journal.got.items() if name != sha256}
    return replace(journal, phase=Phase.DOWNLOADING, got=got)


def because(journal: Journal, reason: str) -> Journal:
    """It goes on later; for this reason not now."""
    return replace(journal, reason=reason)


def begun(journal: Journal) -> Journal:
    """The owner agreed, and the car is ready."""
    assert journal.phase is Phase.WAITING
    return replace(journal, phase=Phase.INSTALLING, done=0, reason="")


def unit_done(journal: Journal) -> Journal:
    """One more unit has done what the phase asks; the next phase, when all have."""
    assert journal.plan is not None
    done = journal.done + 1
    if done < len(journal.plan.images):
        return replace(journal, done=done)
    following = {Phase.INSTALLING: Phase.BOOTING, Phase.BOOTING: Phase.COMMITTING}
    if journal.phase in following:
        return replace(journal, phase=following[journal.phase], done=0)
    ended = replace(_idle(journal), release_number=journal.plan.release_number)
    if journal.phase is Phase.COMMITTING:
        return replace(ended, state=UpdateState.INSTALLED)
    return replace(
        ended,
        state=UpdateState.ROLLED_BACK,
        reason=journal.reason,
        failed_version=journal.plan.targets_version,
    )


def failed(journal: Journal, reason: UpdateReason) -> Journal:
    """One unit did not do it: all go back."""
    assert journal.phase in (Phase.INSTALLING, Phase.BOOTING)
    return replace(journal, phase=Phase.GOING_BACK, done=0, reason=str(reason))


def report(journal: Journal, agreed_to: int | None) -> UpdateReport:
    """What the manifest says. agreed_to: the release that the owner agreed to."""
    plan = journal.plan
    if plan is None:
        return UpdateReport(journal.release_number, journal.state, journal.reason)
    state = _SAID[journal.phase]
    if journal.phase is Phase.DOWNLOADING and not journal.got:
        state = UpdateState.OFFERED
    agreed = agreed_to == plan.release_number
    return UpdateReport(plan.release_number, state, journal.reason, _percent(journal, plan), agreed)


def to_members(journal: Journal) -> dict[str, Any]:
    """The journal as plain JSON values, for its record."""
    return {**asdict(journal), "got": dict(journal.got)}


def of_members(members: Mapping[str, Any] | None) -> Journal:
    """The journal out of its record; an empty one when there is none."""
    if members is None:
        return Journal()
    plan = members["plan"]
    if plan is not None:
        images = tuple(Wanted(**image) for image in plan["images"])
        plan = Plan(**{**plan, "images": images})
    state, phase = UpdateState(members["state"]), Phase(members["phase"])
    return Journal(**{**members, "plan": plan, "state": state, "phase": phase})


def _without_plan(journal: Journal) -> Journal:
    """Nothing is to be installed; what ended before stays said, and what was refused does not."""
    has_ended = journal.plan is None and journal.state is not UpdateState.REFUSED
    if has_ended:
        return journal
    return _idle(journal)


def _idle(journal: Journal) -> Journal:
    """None is under way; what was seen of the director is not forgotten."""
    return Journal(
        directions_version=journal.directions_version, failed_version=journal.failed_version
    )


def _is_missing(plan: Plan, got: Mapping[str, int]) -> bool:
    """Whether anything is still to be fetched."""
    return any(got.get(image.sha256) != image.length for image in plan.images)


def _percent(journal: Journal, plan: Plan) -> int:
    """How much of what the phase asks is done."""
    if journal.phase is Phase.DOWNLOADING:
        there = {image.file: journal.got.get(image.sha256, 0) for image in plan.images}
        return 100 * sum(there.values()) // max(1, plan.length)
    if journal.phase is Phase.WAITING:
        return 100
    return 100 * journal.done // len(plan.images)

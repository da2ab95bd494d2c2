"""Whether a scene runs, and the words that say why it did or did not.

Rules:

* a scene runs once for one coming, one going or one day, and never after its time;
* it runs alone: while something that it asked of the car is not over, it runs no second time;
* every answer has a reason and the findings that it was made from, in the order of the questions.

Left out on purpose: what an action does; the guard and the home decide whether it may be done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from monocoque.car.scenes.logic.places import Crossing, Side
from monocoque.contracts.scenes import (
    CAR_CHARGE_LIMIT,
    CAR_CLIMATE,
    CAR_LOCK,
    Arrive,
    Leave,
    Scene,
)
from monocoque.trust.scopes import CHARGE_LIMIT, CLIMATE, LOCK

SECOND_US: Final = 1_000_000
ARRIVED: Final = "arrived"
LEFT: Final = "left"
TIME_CAME: Final = "time_came"
NOT_SEEN_COMING: Final = "not_seen_coming"
NOT_SEEN_GOING: Final = "not_seen_going"
AWAY_TOO_SHORT: Final = "away_too_short"
STAY_TOO_SHORT: Final = "stay_too_short"
TOO_LATE: Final = "too_late"
STILL_RUNNING: Final = "still_running"
TOO_MUCH_WAITS: Final = "too_much_waits"

SCOPE_OF: Final[Mapping[str, str]] = {
    CAR_CLIMATE.name: CLIMATE.name,
    CAR_LOCK.name: LOCK.name,
    CAR_CHARGE_LIMIT.name: CHARGE_LIMIT.name,
}
"""What the guard calls each word that the car does itself; there are no others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    found: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a scene runs."""

    ran: bool
    reason: str
    occurred_us: int
    """When that happened because of which it runs, or would have."""
    findings: tuple[Finding, ...] = ()

    def refused(self, reason: str, *findings: Finding) -> "Judgement":
        """It does not run after all."""
        return replace(self, ran=False, reason=reason, findings=(*self.findings, *findings))


def of_crossing(scene: Scene, crossing: Crossing) -> Judgement | None:
    """What it means for a scene that the car has changed sides; None when it waits for no such."""
    match scene.when:
        case Arrive(away_s_min=least_s) if crossing.after.side is Side.THERE:
            reasons = (ARRIVED, AWAY_TOO_SHORT, NOT_SEEN_COMING)
        case Leave(stay_s_min=least_s) if crossing.after.side is Side.GONE:
            reasons = (LEFT, STAY_TOO_SHORT, NOT_SEEN_GOING)
        case _:
            return None
    happens, too_short, not_seen = reasons
    is_seen = crossing.before.side is not Side.UNKNOWN
    findings = [
        Finding("distance_m", str(round(crossing.distance_m)), fits=True),
        Finding("accuracy_m", str(round(crossing.accuracy_m)), fits=True),
        Finding("before", crossing.before.side, fits=is_seen),
    ]
    at_us = crossing.after.since_us
    if not is_seen:
        return Judgement(False, not_seen, at_us, tuple(findings))
    is_long = crossing.stayed_s >= least_s
    findings.append(Finding("before_s", str(int(crossing.stayed_s)), fits=is_long))
    return Judgement(is_long, happens if is_long else too_short, at_us, tuple(findings))


def of_time(came_us: int, now_us: int) -> Judgement:
    """What it means for a scene that its minute has come."""
    late = Finding("late_s", str((now_us - came_us) // SECOND_US), fits=True)
    return Judgement(True, TIME_CAME, came_us, (late,))


def settled(
    judgement: Judgement, scene: Scene, now_us: int, *, is_running: bool, has_room: bool
) -> Judgement:
    """The same, once it is known what else the car has to do, and how late it is."""
    if not judgement.ran:
        return judgement
    if now_us >= ends_us(scene, judgement.occurred_us):
        return judgement.refused(TOO_LATE, Finding("in_time", "no", fits=False))
    if is_running:
        return judgement.refused(STILL_RUNNING, Finding("runs_already", "yes", fits=False))
    if not has_room:
        return judgement.refused(TOO_MUCH_WAITS, Finding("has_room", "no", fits=False))
    return judgement


def ends_us(scene: Scene, occurred_us: int) -> int:
    """From then on nothing is done because of it."""
    return occurred_us + scene.valid_for_s * SECOND_US

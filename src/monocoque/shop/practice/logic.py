"""How the practice provider behaves: a table from token to behaviour.

Rules: a token chooses one behaviour; ``practice-by-chance`` leaves it to chance, which is an
argument. A token that is not in the table is declined, as a card that does not exist would be.

Left out on purpose: fees, currencies that it would not take, partial charges and refunds, and
buyers who dispute a charge. Nothing here is a model of one provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.shop.payments.logic.states import Found

BY_CHANCE: Final = "practice-by-chance"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What it does with a charge."""

    found: Found
    """What is on its record when it has answered."""
    answers: bool = True
    """Whether the answer reaches the shop."""
    reaches: bool = True
    """Whether the question reached the provider at all."""
    extra_minor: int = 0
    """So much more is charged than was asked for."""
    is_slow: bool = False
    is_late: bool = False
    times_told: int = 1
    tells_backwards: bool = False
    """An event of an earlier moment is told last."""
    weight: int = 1
    """How often chance takes it, against the others."""
    purpose: str = ""


BEHAVIOURS: Final[Mapping[str, Behaviour]] = {
    "practice-ok": Behaviour(Found.CHARGED, weight=10, purpose="Charges at once."),
    "practice-declined": Behaviour(Found.DECLINED, weight=3, purpose="Declines at once."),
    "practice-times-out-after-charging": Behaviour(
        Found.CHARGED, answers=False, weight=2, purpose="Charges, and its answer is lost."
    ),
    "practice-times-out-before-charging": Behaviour(
        Found.NOTHING, answers=False, reaches=False, purpose="The question is lost; no charge."
    ),
    "practice-repeats": Behaviour(
        Found.CHARGED, times_told=3, purpose="Charges, and tells each event three times."
    ),
    "practice-reorders": Behaviour(
        Found.CHARGED, tells_backwards=True, purpose="Charges, and tells the end before the start."
    ),
    "practice-slow": Behaviour(
        Found.PENDING, is_slow=True, weight=2, purpose="Decides later, and tells by an event."
    ),
    "practice-late": Behaviour(
        Found.CHARGED, answers=False, is_late=True, purpose="Charges, answers nothing, tells late."
    ),
    "practice-other-amount": Behaviour(
        Found.CHARGED, extra_minor=100, purpose="Charges another amount than was asked for."
    ),
}
"""Every token, and what it makes the provider do."""
_BY_CHANCE: Final = tuple(
    behaviour for behaviour in BEHAVIOURS.values() for _ in range(behaviour.weight)
)
UNKNOWN: Final = Behaviour(Found.DECLINED, purpose="There is no such token.")


def behaviour_of(token: str, draw: int) -> Behaviour:
    """What this token makes it do.

    draw: a number of chance that is not negative, for ``practice-by-chance``.
    """
    if token != BY_CHANCE:
        return BEHAVIOURS.get(token, UNKNOWN)
    return _BY_CHANCE[draw % len(_BY_CHANCE)]


def kinds_of(behaviour: Behaviour) -> tuple[str, ...]:
    """The kinds of events that a charge leads to, in the order in which they are told."""
    if not behaviour.reaches:
        return ()
    kinds = ("charge.begun", f"charge.{_outcome(behaviour)}")
    return tuple(reversed(kinds)) if behaviour.tells_backwards else kinds


def _outcome(behaviour: Behaviour) -> str:
    return Found.DECLINED.value if behaviour.found is Found.DECLINED else Found.CHARGED.value

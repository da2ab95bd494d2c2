"""What an owner sees of an update, and may say about it.

Rules:

* the car asks its owner, and only the owner's key answers it; the cell shows what the car says;
* an owner may agree, or take that back, until the car begins;
* what was not directed to a car is not shown.

Left out on purpose: the answer itself, a command that is sealed to the car.
"""

from enum import StrEnum

from monocoque.trust.updates.manifests import UpdateReport, UpdateState


class Consent(StrEnum):
    """How the owner stands to an update."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    GIVEN = "given"
    OVER = "over"
    """It is done with, one way or the other."""


class Shown(StrEnum):
    """What the page calls the state of an update."""

    NONE = "none"
    ANNOUNCED = "announced"
    """Directed, and the car has not spoken of it yet."""
    OFFERED = "offered"
    DOWNLOADING = "downloading"
    WAITING = "waiting"
    INSTALLING = "installing"
    BOOTING = "booting"
    INSTALLED = "installed"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


_OPEN = frozenset({Shown.ANNOUNCED, Shown.OFFERED, Shown.DOWNLOADING, Shown.WAITING})
_AT_WORK = frozenset({Shown.INSTALLING, Shown.BOOTING})


def shown_state(update: UpdateReport, directed: int, installed: int) -> Shown:
    """What a page shows.

    directed: the release that the car is to install; 0 for none. installed: the one that it has.
    """
    if update.state is not UpdateState.NONE and (
        not directed or update.release_number in (0, directed)
    ):
        return Shown(update.state.value)
    if not directed:
        return Shown.NONE
    return Shown.INSTALLED if installed == directed else Shown.ANNOUNCED


def consent_of(state: Shown, agreed: bool | None) -> Consent:
    """How the owner stands to it. agreed: as the car says; None when it does not."""
    if state is Shown.NONE:
        return Consent.NOT_ASKED
    if state in _AT_WORK or (state in _OPEN and agreed):
        return Consent.GIVEN
    return Consent.ASKED if state in _OPEN else Consent.OVER


def can_agree(state: Shown, agreed: bool | None) -> bool:
    """Whether to agree would still change something."""
    return state in _OPEN and agreed is not True


def can_take_back(state: Shown, agreed: bool | None) -> bool:
    """Whether to take an agreement back would still change something."""
    return state in _OPEN and agreed is not False

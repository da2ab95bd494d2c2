"""What becomes of a request of a scene: the words on which car, cell and home agree.

Rules: a request is named by its car and its ``request_id`` together, so that no car can take
another's name; docs/protocol/homes.md explains every word.

Left out on purpose: what a request may ask for, which is the vocabulary of scenes.
"""

import enum
from typing import Final

REQUEST_LIFETIME_S_MAX: Final = 86_400
"""A request is over after a day, whatever it says itself."""
ACTION_CHARACTERS_MAX: Final = 1_024
"""The longest action of a request, as JSON."""

LAMP: Final = "lamp"
HEAT_PUMP: Final = "heat_pump"
"""The names of devices, as a home says them."""


class Outcome(enum.StrEnum):
    """What a home says of a request."""

    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUSED = "refused"


class Reason(enum.StrEnum):
    """Why a request was not done."""

    TOO_LATE = "too_late"
    """Its time was over when the home came to it."""
    TOO_MANY = "too_many"
    """As many requests wait in the home as may."""
    WORD_UNKNOWN = "word_unknown"
    """The home does not know such an action, or not with these values."""
    NO_DEVICE = "no_device"
    """The home has no such device."""
    DEVICE_FAILED = "device_failed"
    """The device did not do it, and is as it was."""
    TIMEOUT = "timeout"
    """The device did not answer in time; it may have happened."""
    MAY_HAVE_HAPPENED = "may_have_happened"
    """The home lost power, or its records, in the middle of it."""
    NO_HOME = "no_home"
    """The car belongs to no home. The cell says so, which asked nobody."""
    NOT_SAID = "not_said"
    """Its time was over before the home could be told. The cell says so."""
    NOT_ANSWERED = "not_answered"
    """The home was told and never answered; it may have happened. The cell says so."""

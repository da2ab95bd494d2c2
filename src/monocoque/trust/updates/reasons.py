"""Why a car does not take an update, waits with it, or went back: every word, once.

Rules: a word is what the manifest says and what a person is told by; it is never renamed. Where
the Uptane standard names an attack, the word is that attack.

Left out on purpose: what somebody can do about it, which pages say in three languages.
"""

from enum import StrEnum
from typing import Final

from monocoque.contracts.errors import UpdateRefused, UpdateUnfit


class UpdateReason(StrEnum):
    """A word in a manifest."""

    # refused: nothing was installed
    ALTERED = "altered"
    """The bytes are not those that were signed, as from a malicious mirror."""
    ARBITRARY_SOFTWARE = "arbitrary_software"
    """The director names a file that the companies did not sign."""
    CUT_SHORT = "cut_short"
    """A file ended before its signed length."""
    DELEGATED = "delegated"
    """The director passes its power on, which it must not."""
    DISK_FULL = "disk_full"
    """The car has no room for it."""
    ENDLESS_DATA = "endless_data"
    """A file goes on after its signed length, or is larger than its kind may be."""
    EXPIRED = "expired"
    """The newest that can be had is too old: somebody may hide what is newer (freeze)."""
    EXTRANEOUS = "extraneous"
    """Something is directed that is no part of the release."""
    MALFORMED = "malformed"
    """Something has not its form."""
    MIX_AND_MATCH = "mix_and_match"
    """Parts that are right were put together that do not belong together."""
    MIXED_BUNDLE = "mixed_bundle"
    """Images of several releases are directed at once."""
    NO_DIRECTIONS = "no_directions"
    """The director has not answered for too long (dropped requests)."""
    NO_ROOT = "no_root"
    """The car has no root to begin with."""
    PARTIAL_BUNDLE = "partial_bundle"
    """A control unit is left out for which the release has an image."""
    ROLLBACK = "rollback"
    """Something is older than what the car has seen before."""
    SLOW_RETRIEVAL = "slow_retrieval"
    """A file comes more slowly than any honest line brings it."""
    THRESHOLD_UNMET = "threshold_unmet"
    """Fewer signed than must, or one company alone."""
    UNIT_TWICE = "unit_twice"
    """One control unit is directed to two images."""
    UNIT_UNKNOWN = "unit_unknown"
    """A control unit is directed that the car has not."""
    UNREACHABLE = "unreachable"
    """The image repository does not answer (denial of service)."""
    WRONG_CAR = "wrong_car"
    """The directions are another car's."""
    WRONG_HARDWARE = "wrong_hardware"
    """An image is for another control unit."""

    # waiting: all is there
    CHARGE_LOW = "charge_low"
    GEAR = "gear"
    MOVING = "moving"
    NOT_AGREED = "not_agreed"
    """The owner has not agreed to this release, or took that back."""

    # rolled_back: every unit has what it had before
    BOOT_FAILED = "boot_failed"
    """A control unit did not start with its new image."""
    WRITE_FAILED = "write_failed"
    """A control unit did not take its new image."""


_WORDS: Final = {
    "update_too_large": UpdateReason.ENDLESS_DATA,
    "update_older": UpdateReason.ROLLBACK,
    "update_hardware_wrong": UpdateReason.WRONG_HARDWARE,
    "update_threshold_unmet": UpdateReason.THRESHOLD_UNMET,
    "update_expired": UpdateReason.EXPIRED,
    "update_altered": UpdateReason.ALTERED,
}


def unfit(reason: UpdateReason, what: str) -> UpdateUnfit:
    """The error that says so."""
    return UpdateUnfit(what, reason=str(reason))


def reason_of(error: UpdateRefused) -> UpdateReason:
    """The word for it."""
    if isinstance(error, UpdateUnfit):
        return UpdateReason(error.reason)
    return _WORDS.get(error.code, UpdateReason.MALFORMED)

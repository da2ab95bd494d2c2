"""A release, an image or the metadata about them that cannot be taken.

Rules: raise a leaf where there is one; the package says what every error answers. Repository,
director and car refuse by the same words; what follows ``update_`` in a code is the car's reason.

Left out on purpose: a download that broke off and can go on, which is no refusal.
"""

from monocoque.contracts.errors.inputs import InputError


class UpdateRefused(InputError):
    """What is said or signed about an update cannot be taken."""

    code = "update_refused"
    default_hint = "Nothing was published or installed; docs/protocol/updates.md has the rules."


class UpdateMalformed(UpdateRefused):
    """Metadata or a release document has not its form."""

    code = "update_malformed"
    default_hint = "Compare it with docs/protocol/updates.md, or make it anew."


class UpdateTooLarge(UpdateRefused):
    """An image, metadata or a release document is larger than it may be, or than it said."""

    code = "update_too_large"
    http_status = 413
    default_hint = "docs/protocol/updates.md gives the limits in bytes."


class UpdateThresholdUnmet(UpdateRefused):
    """Fewer companies signed than must, or a role could be met by one company alone."""

    code = "update_threshold_unmet"
    default_hint = "Have every company sign the very same metadata with its own key."


class UpdateExpired(UpdateRefused):
    """The time of the metadata is over."""

    code = "update_expired"
    default_hint = "Make and sign it anew; metadata that is old may hide that there is newer."


class UpdateOlder(UpdateRefused):
    """A version or a release number is not higher than the one that is known."""

    code = "update_older"
    default_hint = "Numbers only grow: make the release anew from the newest repository."


class UpdateAltered(UpdateRefused):
    """The bytes are not those that were signed."""

    code = "update_altered"
    default_hint = "Put the very files back that were signed, or make the release anew."


class UpdateHardwareWrong(UpdateRefused):
    """An image is for a control unit that does not exist, or not for this one."""

    code = "update_hardware_wrong"
    default_hint = "docs/protocol/updates.md has the table of control units."


class UpdateUnfit(UpdateRefused):
    """What a car is to install does not fit the car, its parts, or what it has seen before."""

    code = "update_unfit"
    default_hint = "docs/protocol/updates.md has every reason; the car's manifest names this one."

    def __init__(self, what: str, *, reason: str = "malformed", hint: str | None = None) -> None:
        """reason: a word of trust/updates/reasons.py."""
        super().__init__(what, hint=hint)
        self.reason = reason

"""An app, or the package that it comes in, that cannot be taken.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: what a running app did wrong, which is a reason on its record and no error of
whoever asked.
"""

from monocoque.contracts.errors.inputs import InputError
from monocoque.contracts.errors.rights import RightsError


class AppRefused(InputError):
    """An app or its package cannot be taken; nothing was installed."""

    code = "app_refused"
    default_hint = "Nothing was installed; docs/protocol/apps.md has the rules."


class AppMalformed(AppRefused):
    """A package or a manifest has not its form."""

    code = "app_malformed"
    default_hint = "Make the package with `monocoque app package`; it says what is wrong."


class AppTooLarge(AppRefused):
    """A package or a file in it is larger than it may be."""

    code = "app_too_large"
    http_status = 413
    default_hint = "docs/protocol/apps.md gives the limits; leave out what the app does not need."


class AppAltered(AppRefused):
    """The bytes are not those that the publisher signed."""

    code = "app_altered"
    default_hint = "Get the package again from its publisher."


class AppMarketWrong(AppRefused):
    """The app is not for the market that the car is in."""

    code = "app_market_wrong"
    default_hint = "Ask the publisher for this market; the setting apps.market is that of the cars."


class AppSignalUnknown(AppRefused):
    """The app asks for a signal that this car does not have, or cannot do that with."""

    code = "app_signal_unknown"
    default_hint = "`monocoque car signals list` shows every signal and what it is."


class AppAsksTooMuch(AppRefused):
    """The manifest asks for more memory, time or processor than an app may have."""

    code = "app_asks_too_much"
    default_hint = "docs/protocol/apps.md has the table of limits."


class AppPublisherUnknown(RightsError):
    """The package is signed by a key that this car does not trust, or not for this app."""

    code = "app_publisher_unknown"
    http_status = 403
    default_hint = "`monocoque car apps trust CAR_ID KEYFILE` lets a car trust a publisher."

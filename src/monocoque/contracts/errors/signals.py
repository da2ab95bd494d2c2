"""What can go wrong with the signals of a car, and with those who ask for them.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: the numbers that KUKSA and VISS give each of them; their doors say those.
"""

from monocoque.contracts.errors.conflicts import ConflictError
from monocoque.contracts.errors.inputs import InputError
from monocoque.contracts.errors.limits import LimitError
from monocoque.contracts.errors.rights import RightsError
from monocoque.contracts.errors.unavailable import UnavailableError


class SignalUnknown(InputError):
    """The catalogue has no signal of this path or number."""

    code = "signal_unknown"
    http_status = 404
    default_hint = "`monocoque car signals list` shows every signal."


class SignalValueRefused(InputError):
    """A value has not the type, the range or the words of its signal."""

    code = "signal_value_refused"
    default_hint = "`monocoque car signals list` shows type and range of each signal."


class SignalNotActuator(InputError):
    """Something was asked of a signal that can only be read."""

    code = "signal_not_actuator"
    default_hint = "Ask it of an actuator; `monocoque car signals list` says which those are."


class SignalDenied(RightsError):
    """The token does not let its bearer do this with this signal."""

    code = "signal_denied"
    http_status = 403
    default_hint = "Ask for a token with the scope; `monocoque car token --help` says how."


class SignalTokenRefused(RightsError):
    """No token, or one that is not for this car, not genuine, revoked, or malformed."""

    code = "signal_token_refused"
    http_status = 401
    default_hint = "Make one with `monocoque car token`, for this very car."


class SignalTokenExpired(SignalTokenRefused):
    """The token's time is over."""

    code = "signal_token_expired"


class SignalClaimed(ConflictError):
    """Another provider has claimed this signal."""

    code = "signal_claimed"
    default_hint = "End the other provider, or leave this signal out."


class SignalProviderMissing(UnavailableError):
    """Nobody provides what was asked for; nothing was done."""

    code = "signal_provider_missing"
    default_hint = "Start the provider of this signal; for a virtual car, `monocoque run car`."


class SignalClientsFull(LimitError):
    """A door of the car has as many clients, subscriptions or requests as it takes."""

    code = "signal_clients_full"
    default_hint = "End one of the others, or raise the limit in the settings."

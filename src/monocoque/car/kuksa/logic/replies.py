"""What a status of gRPC means for us, when we are the client.

Left out on purpose: statuses that only a defect gives; they are an UnavailableError.
"""

import re
from typing import Final

from monocoque.car.signals.logic.acts import ActState
from monocoque.contracts import errors
from monocoque.contracts.errors import CarRefuses, MonocoqueError

_ERRORS: Final[dict[str, type[MonocoqueError]]] = {
    "NOT_FOUND": errors.SignalUnknown,
    "PERMISSION_DENIED": errors.SignalDenied,
    "UNAUTHENTICATED": errors.SignalTokenRefused,
    "INVALID_ARGUMENT": errors.SignalValueRefused,
    "ALREADY_EXISTS": errors.SignalClaimed,
    "RESOURCE_EXHAUSTED": errors.SignalClientsFull,
    "FAILED_PRECONDITION": errors.CarRefuses,
    "DEADLINE_EXCEEDED": errors.DeadlinePassed,
    "UNAVAILABLE": errors.SignalProviderMissing,
}
_REASON: Final = re.compile(r" (?P<how>was refused|failed): (?P<why>\w{1,64})\.")


def error_of(code: str, details: str) -> MonocoqueError:
    """The error of our tree for a status; details: what the broker said."""
    kind = _ERRORS.get(code, errors.UnavailableError)
    return kind(details[:1_000] or f"The broker answered {code}.")


def reason_of(error: MonocoqueError) -> tuple[ActState, str]:
    """How an act ended, and why, as our own door says it; no reason for any other error."""
    match = _REASON.search(error.what)
    if not isinstance(error, CarRefuses) or match is None:
        return ActState.FAILED, ""
    is_refusal = match["how"] == "was refused"
    return (ActState.REFUSED if is_refusal else ActState.FAILED), match["why"]

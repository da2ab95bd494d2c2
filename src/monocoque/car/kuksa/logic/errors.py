"""Which number KUKSA's protocols have for each of our errors.

Rules: an error of the tree that is not in the table has the number of its nearest parent; what is
no error of the tree is a defect, and says nothing of itself.
"""

from typing import Final

from monocoque.contracts import errors
from monocoque.contracts.errors import MonocoqueError

GRPC_CODES: Final[dict[type[MonocoqueError], str]] = {
    errors.SignalUnknown: "NOT_FOUND",
    errors.SignalDenied: "PERMISSION_DENIED",
    errors.SignalTokenRefused: "UNAUTHENTICATED",
    errors.SignalClaimed: "ALREADY_EXISTS",
    errors.SignalProviderMissing: "UNAVAILABLE",
    errors.InputError: "INVALID_ARGUMENT",
    errors.RightsError: "PERMISSION_DENIED",
    errors.LimitError: "RESOURCE_EXHAUSTED",
    errors.ConflictError: "FAILED_PRECONDITION",
    errors.DeadlinePassed: "DEADLINE_EXCEEDED",
    errors.UnavailableError: "UNAVAILABLE",
    MonocoqueError: "INTERNAL",
}
HTTP_CODES: Final = {
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "INVALID_ARGUMENT": 400,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "INTERNAL": 500,
}
"""Version 1 says errors of single entries with HTTP's numbers."""


def grpc_code(error: MonocoqueError) -> str:
    """The name of the status of gRPC for this error."""
    return next(GRPC_CODES[kind] for kind in type(error).__mro__ if kind in GRPC_CODES)


def version2_code(error: MonocoqueError) -> str:
    """The word inside a message of version 2, such as the answer to ``publish_values``."""
    code = grpc_code(error)
    name = code if code in ("NOT_FOUND", "PERMISSION_DENIED") else "INVALID_ARGUMENT"
    return f"ERROR_CODE_{name}"


def version1_code(error: MonocoqueError) -> int:
    """The number inside a message of version 1."""
    return HTTP_CODES[grpc_code(error)]

"""A part that we need does not answer.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: parts that never started, which is an error of set-up.
"""

from monocoque.contracts.errors.tree import MonocoqueError


class UnavailableError(MonocoqueError):
    """A part that we need does not answer."""

    code = "unavailable"
    http_status = 503
    temporary = True
    default_hint = "Try again in a moment; `monocoque doctor` says which part is down."


class BusUnavailable(UnavailableError):
    """The bus cannot be reached; the message was not sent."""

    code = "bus_unavailable"


class BusOutcomeUnknown(UnavailableError):
    """The message was sent and its acknowledgement never came."""

    code = "bus_outcome_unknown"
    may_have_happened = True
    default_hint = "Publish it again with the same message id; repetition is harmless."


class RecordsUnavailable(UnavailableError):
    """The database does not answer; nothing was written."""

    code = "records_unavailable"


class RecordsOutcomeUnknown(UnavailableError):
    """The connection was lost while the transaction was being committed."""

    code = "records_outcome_unknown"
    may_have_happened = True
    default_hint = "Read the present state before you do it again."


class LakeUnavailable(UnavailableError):
    """The lake did not take the rows, or did not say whether it has."""

    code = "lake_unavailable"
    may_have_happened = True
    default_hint = "Ask the table for its last batch before writing again; the cell does so itself."


class DeadlinePassed(UnavailableError):
    """The answer did not come in time."""

    code = "deadline_passed"
    http_status = 504
    may_have_happened = True
    default_hint = "Read the present state before you do it again."


class CellUnreachable(UnavailableError):
    """The cell's HTTP door does not answer."""

    code = "cell_unreachable"
    default_hint = "Start it with `monocoque up` on the same data directory."


class DeviceFailed(UnavailableError):
    """A device of a home did not do what it was told; it is as it was."""

    code = "device_failed"
    default_hint = "Look at the device itself; then let the scene run again."


class PaymentUnclear(UnavailableError):
    """The payment provider did not answer; the charge may have been made."""

    code = "payment_unclear"
    http_status = 504
    may_have_happened = True
    temporary = False
    default_hint = (
        "Do not pay again: the shop asks the provider until it knows, and the order says."
    )


class ProviderUnavailable(UnavailableError):
    """The payment provider cannot be reached; nothing was charged."""

    code = "provider_unavailable"

"""What can go wrong with the bus of a vehicle (CAN): database, mapping, logs, wires.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: values that do not fit their signal, which are a matter of signals.
"""

from monocoque.contracts.errors.inputs import InputError
from monocoque.contracts.errors.unavailable import UnavailableError


class CanDatabaseWrong(InputError):
    """A database of the bus (DBC) cannot be read, or contradicts itself."""

    code = "can_database_wrong"
    default_hint = (
        "Correct the file at the place that is named; what only overlaps is taken with --lenient."
    )


class CanMappingWrong(InputError):
    """A mapping from the bus to signals is malformed, or names what does not exist."""

    code = "can_mapping_wrong"
    default_hint = "Correct the row that is named; docs/guide/can.md shows every member of a row."


class CanLogFormatUnknown(InputError):
    """A log of the bus has a format that nobody here reads."""

    code = "can_log_format_unknown"
    default_hint = "Give a log whose name ends with .log (candump), .asc, .blf or .mf4."


class CanLogBroken(InputError):
    """A log of the bus ends in the middle, or is none."""

    code = "can_log_broken"
    default_hint = "What came before the place that is named was read; record or copy it again."


class CanFrameBroken(InputError):
    """A frame is shorter than its message, or its bits mean nothing."""

    code = "can_frame_broken"
    default_hint = "Compare the database with the bus; the frame was left out."


class CanTargetRefused(InputError):
    """What is asked of an actuator cannot be said on the bus."""

    code = "can_target_refused"
    default_hint = "Ask for a value that the field of the message can hold."


class CanBusUnavailable(UnavailableError):
    """The bus of the vehicle is not there, or does not take a frame."""

    code = "can_bus_unavailable"
    temporary = True
    default_hint = "See whether the interface is up: `ip link show`."

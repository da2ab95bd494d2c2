"""What a VISS client is answered: data, errors and metadata, in the words of VISS v3.0.

Rules: every value is a text, of an array a list of texts; times are UTC with microseconds; an error
has the number and reason that the specification gives it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from monocoque.car.signals.logic.texts import text_of
from monocoque.contracts import errors
from monocoque.contracts.errors import MonocoqueError
from monocoque.contracts.signals import Signal, Value

ERRORS: Final[dict[type[MonocoqueError], tuple[int, str]]] = {
    errors.RequestMalformed: (400, "bad_request"),
    errors.SignalValueRefused: (400, "invalid_data"),
    errors.SignalNotActuator: (400, "invalid_data"),
    errors.SignalTokenExpired: (401, "expired_token"),
    errors.SignalTokenRefused: (401, "invalid_token"),
    errors.SignalDenied: (403, "forbidden_request"),
    errors.CarRefuses: (403, "forbidden_request"),
    errors.SignalUnknown: (404, "unavailable_data"),
    errors.DeadlinePassed: (408, "request_timeout"),
    errors.SignalClientsFull: (503, "service_unavailable"),
    errors.LimitError: (429, "too_many_requests"),
    errors.RequestTooLarge: (400, "bad_request"),
    errors.SignalProviderMissing: (503, "service_unavailable"),
    errors.UnavailableError: (503, "service_unavailable"),
    errors.InputError: (400, "bad_request"),
    errors.RightsError: (403, "forbidden_request"),
    MonocoqueError: (502, "bad_gateway"),
}


TIME_US_MAX: Final = 253_402_300_799_999_999
"""The last moment that has a year of four digits."""


def error_of(error: MonocoqueError) -> dict[str, Any]:
    """The member ``error`` of an answer."""
    number, reason = next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)
    return {
        "number": number,
        "reason": reason,
        "description": f"{error.what} {error.hint}",
    }


def time_text(time_us: int) -> str:
    """A time as VISS writes it; one before 1970 or after 9999, which a source made up, as that."""
    seconds, left_us = divmod(min(max(time_us, 0), TIME_US_MAX), 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{left_us:06d}Z"


def datapoint(value: Value, time_us: int) -> dict[str, Any]:
    """The member ``dp``."""
    text = [text_of(one) for one in value] if isinstance(value, tuple) else text_of(value)
    return {"value": text, "ts": time_text(time_us)}


def data_of(points: Sequence[tuple[Signal, Any]]) -> Any:
    """The member ``data``: one object for one path, a list for several."""
    listed = [{"path": signal.path, "dp": dp} for signal, dp in points]
    return listed[0] if len(listed) == 1 else listed


def metadata_of(signals: Sequence[Signal], names: Sequence[str] = ()) -> dict[str, Any]:
    """The signals as the tree that VSS writes, from its top.

    names: of each node, only the members of these names; all when there is none.
    """
    root: dict[str, Any] = {}
    for signal in signals:
        *branches, name = signal.path.split(".")
        level = root
        for branch in branches:
            node = level.setdefault(branch, {**_chosen({"type": "branch"}, names), "children": {}})
            level = node["children"]
        level[name] = _chosen(_leaf(signal), names)
    return root


def _chosen(members: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: members[name] for name in members if not names or name in names}


def _leaf(signal: Signal) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": signal.entry_type.value,
        "datatype": signal.data_type.value,
        "description": signal.purpose,
    }
    if signal.unit:
        said["unit"] = signal.unit
    if signal.minimum is not None:
        said["min"] = str(signal.minimum)
    if signal.maximum is not None:
        said["max"] = str(signal.maximum)
    if signal.allowed:
        said["allowed"] = [str(one) for one in signal.allowed]
    return said

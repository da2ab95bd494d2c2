"""What a VISS client asks: read strictly out of JSON (VISS v3.0, Core and Payload Encoding).

Rules: a member that is wrong makes the whole request a ``bad_request``; members that we do not know
are passed over, as the specification wants it; numbers may come as texts.

Left out on purpose: signal discovery by tree access of other kinds than metadata, and consent.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from monocoque.car.signals.logic.catalogue import PATH_CHARACTERS_MAX
from monocoque.contracts.errors import RequestMalformed

ACTIONS: Final = ("get", "set", "subscribe", "unsubscribe")
NAME_CHARACTERS_MAX: Final = 128
FILTERS_MAX: Final = 4
PATHS_MAX: Final = 256
METADATA_MAX: Final = 64
BOUNDARY: Final = "boundary-op"
"""What the schema of VISS 3.0 calls the operation of a range; its text calls it ``logic-op``."""
OPERATIONS: Final = ("eq", "ne", "gt", "gte", "lt", "lte")
COMBINATIONS: Final = ("AND", "OR")
HISTORY_S_MAX: Final = 366 * 86_400
CURVE_VALUES_MAX: Final = 1_000
PERIOD_MS_MAX: Final = 86_400_000
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?\Z", re.ASCII)
_DURATION: Final = re.compile(
    r"P(?:(?P<d>\d{1,5})D)?(?:T(?:(?P<h>\d{1,5})H)?(?:(?P<m>\d{1,5})M)?(?:(?P<s>\d{1,6})S)?)?\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Timebased:
    """Say the values every so often."""

    period_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """Say a value that differs from the one before by so much."""

    operation: str
    difference: float


@dataclass(frozen=True, slots=True)
class Boundary:
    """One end of a range."""

    operation: str
    boundary: float


@dataclass(frozen=True, slots=True)
class Range:
    """Say a value that is within these."""

    boundaries: tuple[Boundary, ...]
    combination: str = "AND"


@dataclass(frozen=True, slots=True)
class Curvelog:
    """Say so few values that the curve through them is never further off than this."""

    error_max: float
    values_max: int


@dataclass(frozen=True, slots=True)
class Request:
    """One request; what an action does not have is empty."""

    action: str
    path: str = ""
    paths: tuple[str, ...] = ()
    """Below the path, from the filter ``paths``."""
    request_id: str | None = None
    authorization: str = ""
    value: str | tuple[str, ...] | None = None
    subscription_id: str = ""
    history_s: int | None = None
    metadata: tuple[str, ...] | None = None
    """Which members of it are wanted, empty for all; None when none is asked for."""
    when: Timebased | Change | Range | Curvelog | None = None


def parse_text(text: str | bytes) -> Request:
    """The request of one message. Raises RequestMalformed."""
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        raise RequestMalformed("The message is no JSON.") from None
    return parse(members)


def parse(members: Any) -> Request:
    """The request of these members. Raises RequestMalformed."""
    if not isinstance(members, dict):
        raise RequestMalformed("The message is no JSON object.")
    action = members.get("action")
    if action not in ACTIONS:
        raise RequestMalformed(f"The action is none of {', '.join(ACTIONS)}.")
    request_id = members.get("requestId")
    found: dict[str, Any] = {
        "action": action,
        "request_id": None if request_id is None else _name(request_id, "requestId"),
        "authorization": _text(members.get("authorization", ""), "authorization", 16_384),
    }
    if action == "unsubscribe":
        found["subscription_id"] = _name(members.get("subscriptionId"), "subscriptionId")
        return Request(**found)
    found["path"] = _path(members.get("path"))
    if action == "set":
        found["value"] = _value(members.get("value"))
        return Request(**found)
    return Request(**found, **_filters(members.get("filter"), action))


def request_id_of(text: str | bytes) -> str | None:
    """The request's name, for an answer to a request that is wrong elsewhere."""
    try:
        request_id = json.loads(text)["requestId"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    is_name = isinstance(request_id, str) and len(request_id) <= NAME_CHARACTERS_MAX
    return request_id if is_name else None


def parse_filter(text: str) -> Any:
    """The filter of an HTTP query, as JSON. Raises RequestMalformed."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RequestMalformed("The filter is no JSON.") from None


def _filters(found: Any, action: str) -> dict[str, Any]:
    if found is None:
        return {"when": Change("ne", 0.0)} if action == "subscribe" else {}
    filters = found if isinstance(found, list) else [found]
    if len(filters) > FILTERS_MAX:
        raise RequestMalformed(f"There are at most {FILTERS_MAX} filters.")
    said: dict[str, Any] = {}
    for each in filters:
        if not isinstance(each, dict):
            raise RequestMalformed("A filter is no JSON object.")
        said |= _filter(each.get("variant"), each.get("parameter"))
    if action == "subscribe":
        if "history_s" in said or "metadata" in said:
            raise RequestMalformed("Nobody can subscribe to the past, or to metadata.")
        said.setdefault("when", Change("ne", 0.0))
    elif "when" in said:
        raise RequestMalformed("Only a subscription has such a filter.")
    return said


def _filter(variant: Any, parameter: Any) -> dict[str, Any]:
    read = _FILTERS.get(variant) if isinstance(variant, str) else None
    if read is None:
        raise RequestMalformed("The variant of a filter is unknown.")
    return read(parameter)


def _paths(parameter: Any) -> dict[str, Any]:
    paths = parameter if isinstance(parameter, list) else [parameter]
    if not 0 < len(paths) <= PATHS_MAX:
        raise RequestMalformed(f"A filter names 1 to {PATHS_MAX} paths.")
    return {"paths": tuple(_path(path) for path in paths)}


def _timebased(parameter: Any) -> dict[str, Any]:
    period_ms = _number(_object(parameter).get("period"), "period")
    if not 0 < period_ms <= PERIOD_MS_MAX:
        raise RequestMalformed("A period is more than 0 and at most a day.")
    return {"when": Timebased(max(1, round(period_ms)))}


def _change(parameter: Any) -> dict[str, Any]:
    limits = _object(parameter)
    return {"when": Change(_operation(limits), _number(limits.get("diff"), "diff"))}


def _metadata(parameter: Any) -> dict[str, Any]:
    """No parameter, and an empty one, ask for everything."""
    names = parameter if isinstance(parameter, list) else [parameter]
    if parameter in (None, "", []):
        return {"metadata": ()}
    if len(names) > METADATA_MAX:
        raise RequestMalformed(f"A filter names at most {METADATA_MAX} members of metadata.")
    return {"metadata": tuple(_name(name, "metadata") for name in names)}


def _curvelog(parameter: Any) -> dict[str, Any]:
    limits = _object(parameter)
    size = _number(limits.get("bufsize"), "bufsize")
    if not 2 <= size <= CURVE_VALUES_MAX:
        raise RequestMalformed(f"bufsize is 2 to {CURVE_VALUES_MAX}.")
    return {"when": Curvelog(abs(_number(limits.get("maxerr"), "maxerr")), int(size))}


_FILTERS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "paths": _paths,
    "timebased": _timebased,
    "change": _change,
    "range": lambda parameter: {"when": _range(parameter)},
    "curvelog": _curvelog,
    "history": lambda parameter: {"history_s": _duration_s(parameter)},
    "metadata": _metadata,
}
"""Every variant, and how its parameter is read."""


def _range(parameter: Any) -> Range:
    limits = parameter if isinstance(parameter, list) else [parameter]
    if not 1 <= len(limits) <= 2:
        raise RequestMalformed("A range has one boundary or two.")
    boundaries = tuple(
        Boundary(_operation(_object(each), BOUNDARY), _number(each.get("boundary"), "boundary"))
        for each in limits
    )
    combination = limits[-1].get("combination-op", limits[0].get("combination-op", "AND"))
    if combination not in COMBINATIONS:
        raise RequestMalformed(f"combination-op is none of {', '.join(COMBINATIONS)}.")
    return Range(boundaries, combination)


def _operation(limits: Mapping[str, Any], other_name: str = "logic-op") -> str:
    operation = limits.get("logic-op", limits.get(other_name))
    if not isinstance(operation, str) or operation not in OPERATIONS:
        raise RequestMalformed(f"logic-op is none of {', '.join(OPERATIONS)}.")
    return operation


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RequestMalformed("The parameter of a filter is no JSON object.")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, str) and _NUMBER.match(value):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return float(value)
    raise RequestMalformed(f"{name} is no number.")


def _duration_s(value: Any) -> int:
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None or value.endswith(("P", "T")):
        raise RequestMalformed("The time of a history is no duration, such as PT30M.")
    days, hours, minutes, seconds = (int(match[name] or 0) for name in "dhms")
    return min(HISTORY_S_MAX, ((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _path(value: Any) -> str:
    """A path with dots; slashes are taken for them, as the specification lets clients write."""
    path = _text(value, "path", PATH_CHARACTERS_MAX).strip("/").replace("/", ".")
    if not path:
        raise RequestMalformed("A path is missing.")
    return path


def _value(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, list) and len(value) <= 1_024:
        return tuple(_text(each, "value", 4_096) for each in value)
    return _text(value, "value", 4_096)


def _name(value: Any, name: str) -> str:
    return _text(value, name, NAME_CHARACTERS_MAX)


def _text(value: Any, name: str, characters_max: int) -> str:
    if not isinstance(value, str) or len(value) > characters_max:
        raise RequestMalformed(f"{name} is no text of {characters_max} characters at most.")
    return value

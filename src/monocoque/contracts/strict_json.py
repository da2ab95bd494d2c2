"""JSON that every language reads alike; web/lib/signing/json.ts has the same rules.

Rules (RFC 7493): no object has a member twice, numbers are whole and not too large, texts are whole
letters, and nothing is nested deeper than the limit.

Left out on purpose: what the members mean.
"""

import json
from typing import Any

from monocoque.contracts.documents import DOCUMENT_DEPTH_MAX, DOCUMENT_NUMBER_MAX
from monocoque.contracts.errors import DocumentMalformed


def strict_object(data: bytes) -> dict[str, Any]:
    """The JSON object in these bytes, when every language reads it alike; DocumentMalformed."""
    try:
        members = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_repetition,
            parse_constant=_no_number,
            parse_float=_no_number,
            parse_int=_whole_number,
        )
        _check_depth(members, DOCUMENT_DEPTH_MAX)
        # Half of a surrogate pair is a text that cannot be stored or sent (RFC 7493 section 2.1).
        json.dumps(members, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise DocumentMalformed("A part is not JSON.") from None
    if not isinstance(members, dict):
        raise DocumentMalformed("A part is not a JSON object.")
    return members


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DocumentMalformed("A member is there twice.")
    return members


def _no_number(_: str) -> Any:
    raise DocumentMalformed("A number is not whole.")


def _whole_number(digits: str) -> int:
    number = int(digits)
    if abs(number) > DOCUMENT_NUMBER_MAX:
        raise DocumentMalformed("A number is too large to be the same for every reader.")
    return number


def _check_depth(value: object, left: int) -> None:
    if not isinstance(value, (dict, list)):
        return
    if left == 0:
        raise DocumentMalformed("A part is nested too deeply.")
    for member in value.values() if isinstance(value, dict) else value:
        _check_depth(member, left - 1)

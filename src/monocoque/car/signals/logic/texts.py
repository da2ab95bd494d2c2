"""Values as texts, for people at a command line and for protocols that know nothing else.

Rules: true and false are words; numbers are as Python writes them; an array is its elements with
commas between them. What cannot be of the signal's type is refused here, its range by ``check``.
"""

import re
from collections.abc import Sequence
from typing import Final

from monocoque.contracts.errors import SignalValueRefused
from monocoque.contracts.signals import DataType, Signal, Value

TEXT_CHARACTERS_MAX: Final = 65_536
_TRUTHS: Final = {"true": True, "on": True, "false": False, "off": False}
_WHOLE: Final = re.compile(r"-?\d{1,20}\Z", re.ASCII)
_FRACTION: Final = re.compile(r"-?\d{1,20}(\.\d{1,30})?([eE][+-]?\d{1,3})?\Z", re.ASCII)


def text_of(value: bool | int | float | str) -> str:
    """One value, or one element of an array, as a text."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


def value_of(signal: Signal, text: str) -> Value:
    """The value that a text means for this signal. Raises SignalValueRefused."""
    try:
        if len(text) > TEXT_CHARACTERS_MAX:
            raise ValueError
        if not signal.data_type.is_array:
            return _element(signal.data_type, text)
        parts = text.split(",") if text.strip() else []
        return tuple(_element(signal.data_type.element, part.strip()) for part in parts)  # type: ignore[return-value]
    except ValueError:
        raise SignalValueRefused(
            f"{text[:80]!r} is no {signal.data_type.value}, as {signal.path} is."
        ) from None


def elements_of(signal: Signal, texts: Sequence[str]) -> Value:
    """The array whose elements these texts mean; a comma in one is part of it.

    Raises SignalValueRefused.
    """
    try:
        return tuple(_element(signal.data_type.element, text) for text in texts)  # type: ignore[return-value]
    except ValueError:
        raise SignalValueRefused(
            f"An element is none of {signal.data_type.value}, as {signal.path} is."
        ) from None


def _element(data_type: DataType, text: str) -> bool | int | float | str:
    if data_type is DataType.STRING:
        return text
    if data_type is DataType.BOOLEAN:
        if text.lower() not in _TRUTHS:
            raise ValueError
        return _TRUTHS[text.lower()]
    is_whole = data_type.whole_limits is not None
    if not (_WHOLE if is_whole else _FRACTION).match(text):
        raise ValueError
    return int(text) if is_whole else float(text)

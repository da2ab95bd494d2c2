"""A mapping that is bound to its database and to the catalogue: frames to values, and back.

Rules:

* everything that can be wrong with a row is found when it is bound, and the row is named: a path, a
  message or a field that nobody knows, a type that cannot fit, a value that the signal never takes;
* a value that only a frame brings (outside a table, or no number) is None here; others count it;
* an actuator goes out only if its signal comes in: without that nobody could say that it is done;
* a frame asks for what one act asks, and for nothing else: its other fields are constants, and what
  was asked before is in none of them, since the guard allowed it then and not now.

Left out on purpose: counters and checksums of protected messages; those need their maker's code.
"""

import math
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cantools.database.can import Database, Message
from cantools.database.can import Signal as Field
from cantools.database.errors import Error as CantoolsError

from monocoque.car.can.logic.mapping import BusMapping, InRow, Key, OutRow, Scale
from monocoque.car.can.logic.transitions import Transition
from monocoque.car.can.logic.units import between
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.contracts.errors import (
    CanFrameBroken,
    CanMappingWrong,
    CanTargetRefused,
    SignalUnknown,
    SignalValueRefused,
)
from monocoque.contracts.signals import ChangeType, DataType, EntryType, Signal, Value, check

Convert = Callable[[Any], Value | None]
Address = tuple[int, bool]
"""The identifier of a frame, and whether it has 29 bits."""
MICROSECONDS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field becomes one signal."""

    signal: Signal
    field: str
    convert: Convert
    """From the number on the bus; None when it means nothing."""
    transition: Transition
    tolerance: float
    """So far from its target a number is as near as the field can say it."""
    silent_after_us: int = 0
    """A value counts for so long after it was heard; 0 for the same as most."""


class MessageIn:
    """A message that brings signals."""

    def __init__(self, message: Message) -> None:
        """Of no rule yet."""
        self.name: str = message.name
        self.rules: list[Rule] = []
        self._message = message

    def only(self, numbers: Container[int]) -> "MessageIn":
        """The same message, which brings no other signals than these."""
        less = MessageIn(self._message)
        less.rules = [rule for rule in self.rules if rule.signal.number in numbers]
        return less

    def decode(self, data: bytes) -> list[tuple[Rule, Value | None]]:
        """What a frame says: for each rule whose field is in it, its value, or None.

        Raises CanFrameBroken.
        """
        try:
            found = self._message.decode(data, decode_choices=False, scaling=False)
            return [
                (rule, rule.convert(found[rule.field]))  # type: ignore[call-overload]
                for rule in self.rules
                if rule.field in found
            ]
        except (CantoolsError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise CanFrameBroken(f"A frame is no {self.name}: {error}.") from error


class MessageOut:
    """The message by which one actuator is asked; its other fields say the same in every frame."""

    def __init__(self, message: Message, numbers: Mapping[str, float]) -> None:
        """numbers: of every other field that is in the frame, as they are on the bus."""
        self.address: Address = (message.frame_id, message.is_extended_frame)
        self.numbers = numbers
        self._message = message

    def put(self, field: str, number: float) -> bytes:
        """The data of a frame in which this field has this number. Raises CanTargetRefused."""
        try:
            asked = {**self.numbers, field: number}
            return bytes(self._message.encode(asked, scaling=False, strict=False))
        except (CantoolsError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise CanTargetRefused(f"{field} cannot be sent: {error}.") from error


@dataclass(frozen=True, slots=True)
class Ask:
    """How one actuator is asked."""

    signal: Signal
    field: Field
    message: MessageOut
    scale: tuple[float, float]
    numbers: Mapping[Value, int]
    """By value, where there is a table."""

    def encode(self, target: Value) -> bytes:
        """The data of the frame that asks for this, and for nothing else.

        Raises CanTargetRefused.
        """
        return self.message.put(self.field.name, self._number(target))

    def says(self, number: float) -> bool:
        """Whether this number in its field asks for something."""
        if self.numbers:
            return number in self.numbers.values()
        return _is_meant(self.field, number)

    def _number(self, target: Value) -> float:
        if self.numbers:
            if target not in self.numbers:
                raise CanTargetRefused(f"No value of {self.field.name} means {target}.")
            return self.numbers[target]
        assert isinstance(target, int | float)
        factor, offset = self.scale
        number = (target - offset) / factor
        number = number if self.field.conversion.is_float else round(number)
        if _within(self.field, number) != number or not _is_meant(self.field, number):
            raise CanTargetRefused(f"{self.field.name} cannot hold {target}.")
        return number


@dataclass(frozen=True, slots=True)
class Translation:
    """All that is heard, by address, and all that is asked, by signal number."""

    messages: Mapping[Address, MessageIn]
    asks: Mapping[int, Ask]
    rules: tuple[Rule, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The signals that come in."""
        return tuple(rule.signal.number for rule in self.rules)

    def only(self, numbers: Container[int]) -> "Translation":
        """What it says of these signals, and nothing of others."""
        less = {address: message.only(numbers) for address, message in self.messages.items()}
        return Translation(
            {address: message for address, message in less.items() if message.rules},
            {number: ask for number, ask in self.asks.items() if number in numbers},
            tuple(rule for rule in self.rules if rule.signal.number in numbers),
        )


def bind(mapping: BusMapping, database: Database, catalogue: Catalogue) -> Translation:
    """Bind every row. Raises CanMappingWrong, which names the row."""
    messages: dict[Address, MessageIn] = {}
    rules: dict[int, Rule] = {}
    for row in mapping.rows_in:
        signal, message, field = _find(row, database, catalogue)
        address = (message.frame_id, message.is_extended_frame)
        heard = messages.setdefault(address, MessageIn(message))
        rule = rules[signal.number] = _rule(row, signal, field)
        heard.rules.append(rule)
    asks: dict[int, Ask] = {}
    for out in mapping.rows_out:
        signal, message, field = _find(out, database, catalogue)
        if signal.number not in rules:
            raise _wrong(out, f"no row of from_bus says when {signal.path} is done")
        asks[signal.number] = _ask(out, signal, message, field)
    for out, ask in zip(mapping.rows_out, asks.values(), strict=True):
        _refuse_unasked(out, ask, asks.values())
    return Translation(messages, asks, tuple(rules.values()))


def _find(
    row: InRow | OutRow, database: Database, catalogue: Catalogue
) -> tuple[Signal, Message, Field]:
    try:
        signal = catalogue.at(row.path)
    except SignalUnknown as error:
        raise _wrong(row, error.what) from error
    if isinstance(row, OutRow) and signal.entry_type is not EntryType.ACTUATOR:
        raise _wrong(row, f"{row.path} is no actuator")
    try:
        message = database.get_message_by_name(row.message)
    except KeyError:
        raise _wrong(row, f"the database has no message {row.message[:80]!r}") from None
    return signal, message, _field(row, message, row.field)


def _field(row: InRow | OutRow, message: Message, name: str) -> Field:
    try:
        return message.get_signal_by_name(name)
    except KeyError:
        raise _wrong(row, f"{row.message} has no field {name[:80]!r}") from None


# --- the way in --------------------------------------------------------------------------------


def _rule(row: InRow, signal: Signal, field: Field) -> Rule:
    data_type = signal.data_type
    if data_type.is_array:
        raise _wrong(row, f"{row.path} is of type {data_type.value}, and a field has one value")
    factor, offset = _scale_of(row, row.scale, signal)
    is_every = row.publish == "always"
    if not row.publish and not row.hysteresis:
        is_every = signal.change_type is ChangeType.CONTINUOUS
    is_number = data_type not in (DataType.BOOLEAN, DataType.STRING)
    if row.hysteresis and not is_number:
        raise _wrong(row, f"{row.path} is no number, and has no hysteresis")
    transition = Transition(is_every, row.interval_ms * MICROSECONDS, row.hysteresis)
    step = abs(field.conversion.scale * factor)
    return Rule(
        signal,
        field.name,
        _convert(row, signal, field, factor, offset),
        transition,
        step / 2,
        row.silent_after_ms * MICROSECONDS,
    )


def _convert(row: InRow, signal: Signal, field: Field, factor: float, offset: float) -> Convert:
    if row.values:
        table = {
            number: _checked(row, signal, value)
            for number, value in _numbered(row, field, row.values).items()
        }
        return table.get
    plain = _plain(row, signal, field, factor, offset)
    skipped = frozenset(_number_of(row, field, key) for key in row.skip)
    return (lambda number: None if number in skipped else plain(number)) if skipped else plain


def _plain(row: InRow, signal: Signal, field: Field, factor: float, offset: float) -> Convert:
    if signal.data_type is DataType.STRING:
        raise _wrong(row, f"{row.path} is a text; say in values what each number means")
    if signal.data_type is DataType.BOOLEAN:
        if field.length != 1 or (factor, offset) != (1, 0):
            raise _wrong(row, f"{row.path} is true or false; say in values what each number means")
        return bool
    scale, zero = field.conversion.scale, field.conversion.offset
    if signal.data_type.whole_limits is None:
        return _fraction(scale, zero, factor, offset)
    return _whole(scale, zero, factor, offset)


def _fraction(scale: float, zero: float, factor: float, offset: float) -> Convert:
    def convert(number: Any) -> float | None:
        scaled = (number * scale + zero) * factor + offset
        return float(scaled) if math.isfinite(scaled) else None

    return convert


def _whole(scale: float, zero: float, factor: float, offset: float) -> Convert:
    def convert(number: Any) -> int | None:
        scaled = (number * scale + zero) * factor + offset
        return round(scaled) if math.isfinite(scaled) else None

    return convert


def _scale_of(row: InRow | OutRow, scale: Scale, signal: Signal) -> tuple[float, float]:
    if not scale.unit:
        return scale.factor, scale.offset
    found = between(scale.unit, signal.unit)
    if found is None:
        raise _wrong(row, f"nobody knows how {scale.unit[:80]!r} becomes {signal.unit!r}")
    return found


def _numbered(row: InRow | OutRow, field: Field, values: Mapping[Key, Value]) -> dict[int, Value]:
    """The table by numbers on the bus, where the file may say names of the database."""
    found: dict[int, Value] = {}
    for key, value in values.items():
        number = _number_of(row, field, key)
        if number in found:
            raise _wrong(row, f"values says twice what {number} means")
        found[number] = value
    return found


def _number_of(row: InRow | OutRow, field: Field, key: Key) -> int:
    if isinstance(key, str):
        for number, name in (field.choices or {}).items():
            if str(name) == key:
                return number
        raise _wrong(row, f"the database gives no value of {field.name} the name {key[:80]!r}")
    if _within(field, key) != key:
        raise _wrong(row, f"{field.name} cannot hold {key}")
    return int(key)


def _checked(row: InRow | OutRow, signal: Signal, value: Value) -> Value:
    try:
        return check(signal, value)
    except SignalValueRefused as error:
        raise _wrong(row, f"{error.what[:-1]}, and not {value!r:.80}") from error


# --- the way out -------------------------------------------------------------------------------


def _ask(row: OutRow, signal: Signal, message: Message, field: Field) -> Ask:
    factor, offset = _scale_of(row, row.scale, signal)
    numbers = {
        _checked(row, signal, value): number
        for number, value in _numbered(row, field, row.values).items()
    }
    is_number = signal.data_type not in (DataType.BOOLEAN, DataType.STRING)
    if not numbers and (signal.data_type.is_array or not is_number):
        if signal.data_type is not DataType.BOOLEAN or field.length != 1:
            raise _wrong(row, f"say in values which number stands for which value of {row.path}")
        numbers = {False: 0, True: 1}
    # From signal to bus: undo factor and offset of the row, then those of the database.
    scale = (
        factor * field.conversion.scale,
        factor * field.conversion.offset + offset,
    )
    asked = MessageOut(message, _others(row, message, field))
    try:
        asked.put(field.name, _within(field, 0))
    except CanTargetRefused as error:
        raise _wrong(row, error.what) from error
    return Ask(signal, field, asked, scale, numbers)


def _others(row: OutRow, message: Message, field: Field) -> dict[str, float]:
    """What every other field of its frames says: as the row has it, or the database at a start."""
    constants = {
        name: _number_of(row, _field(row, message, name), key)
        for name, key in row.constants.items()
    }
    known = {each.name: constants.get(each.name, _start(each)) for each in message.signals}
    numbers: dict[str, float] = {}
    for each in message.signals:
        number = known[each.name]
        if each.name == field.name or not _is_sent(message, each, known):
            continue
        if number is None:
            raise _wrong(row, f"the database has no start value of {each.name}; say it in with")
        numbers[each.name] = number
    if not _is_sent(message, field, known):
        raise _wrong(row, f"{field.name} is not in the frame that with describes")
    return numbers


def _start(field: Field) -> float | None:
    """What the database says that is in a field of which nothing was asked (GenSigStartValue)."""
    number = field.raw_initial
    if number is None or field.conversion.is_float:
        return number
    is_held = float(number).is_integer() and _within(field, number) == number
    return int(number) if is_held else None


def _is_sent(message: Message, field: Field, numbers: Mapping[str, float | None]) -> bool:
    """Whether a field is in the frame; of pages, only one is."""
    if field.multiplexer_signal is None:
        return True
    chooses = message.get_signal_by_name(field.multiplexer_signal)
    is_page = numbers[chooses.name] in (field.multiplexer_ids or ())
    return is_page and _is_sent(message, chooses, numbers)


def _refuse_unasked(row: OutRow, ask: Ask, asks: Iterable[Ask]) -> None:
    """Of what other rows ask for by the same message, its frames must not ask too."""
    for other in asks:
        name = other.field.name
        if other.message.address != ask.message.address or name in row.constants:
            continue
        if name in ask.message.numbers and other.says(ask.message.numbers[name]):
            path = other.signal.path
            raise _wrong(row, f"the start value of {name} asks for {path} too; say it in with")


def _within(field: Field, number: float) -> float:
    """The number, or the nearest one that the bits of the field can hold."""
    if field.conversion.is_float:
        return number
    low, high = 0, (1 << field.length) - 1
    if field.is_signed:
        low, high = -(1 << (field.length - 1)), (1 << (field.length - 1)) - 1
    return min(max(number, low), high)


def _is_meant(field: Field, number: float) -> bool:
    """Whether the database says that this number may be in the field."""
    scaled = number * field.conversion.scale + field.conversion.offset
    slack = abs(field.conversion.scale) / 2
    return (field.minimum is None or scaled >= field.minimum - slack) and (
        field.maximum is None or scaled <= field.maximum + slack
    )


def _wrong(row: InRow | OutRow, what: str) -> CanMappingWrong:
    return CanMappingWrong(f"{row.place}: {what.removesuffix('.')}.")

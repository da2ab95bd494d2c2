"""Mutants of the guard: its source with one thing in it changed, one after another.

Rules: a mutant is made from the syntax tree, so that what is read is what runs; the guard's cases
are tried on each, in this process, since the guard is pure. A mutant that no case tells from the
guard survives, and must stand in ``EQUIVALENT`` with the reason why nobody could tell it.

A library would be less of our own. mutmut and cosmic-ray run a whole test-suite for each mutant, in
minutes; this takes a few seconds, so it is an ordinary test.
"""

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monocoque.car.guard import logic
from tests.car.guard_cases import CASES

SOURCE = Path(logic.__file__)

COMPARISONS: tuple[tuple[type[ast.cmpop], ...], ...] = (
    (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq, ast.NotEq),
    (ast.In, ast.NotIn),
)
"""Operators of one kind, each of which is tried in place of each other."""
ARITHMETIC: tuple[type[ast.operator], ...] = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
)  # fmt: skip

_TYPE = "Arguments = Mapping[str, int | bool | str]"
_TABLE = "INTERLOCKS: Final = ("
_OPENS_OR_CLOSES = "One row is about closing and one about opening, and no wish is both."
_NO_LESS = "A part is from 0 to 100, so what is not 0 is more than 0."
_NO_LESS_WISH = "A wish for trunk or door is 0 or more, since its signal is true or false."
EQUIVALENT: dict[str, str] = {
    f"{_TYPE}: without element 0": "It is the name of a type, and nothing runs by it.",
    f"{_TYPE}: without element 1": "It is the name of a type, and nothing runs by it.",
    'return body.level("trunk") > 0: Gt to NotEq': _NO_LESS,
    'return int(arguments["target"]) > 0 and _moves(arguments, body): Gt to NotEq': _NO_LESS_WISH,
    'return int(arguments["target"]) > 0 and body.locked: Gt to NotEq': _NO_LESS_WISH,
    'return int(arguments["target"]) > 0 and _is_in_gear(arguments, body): Gt to NotEq': (
        _NO_LESS_WISH
    ),
    'return body.gear != "park": NotEq to Lt': (
        "A gear is drive or park, and drive comes before park in the alphabet."
    ),
    f"{_TABLE}: Interlock('charging', 'battery_cold', _begins_too_cold) and "
    "Interlock('charging', 'battery_hot', _begins_too_hot) in each other's place": (
        "No battery is too cold and too hot at once."
    ),
    f"{_TABLE}: Interlock('window', 'pinch', _pinches) and "
    "Interlock('window', 'child_lock', _is_childs_window) in each other's place": _OPENS_OR_CLOSES,
    f"{_TABLE}: Interlock('trunk', 'gear', _opens_in_gear) and "
    "Interlock('trunk', 'pinch', _pinches) in each other's place": _OPENS_OR_CLOSES,
}
"""Survivors: how each was made, and why it is no other guard."""


@dataclass(frozen=True)
class Mutant:
    """One change, and the whole source with it."""

    name: str
    tree: ast.Module


def mutants() -> Iterator[Mutant]:
    """Every mutant of the guard's source."""
    text = SOURCE.read_text(encoding="utf-8")
    lines = text.splitlines()
    for index, node in enumerate(ast.walk(ast.parse(text))):
        for what, change in _changes(node):
            tree = ast.parse(text)
            changed = next(itertools.islice(ast.walk(tree), index, None))
            change(changed)
            line = lines[getattr(node, "lineno", 1) - 1].strip()
            ast.fix_missing_locations(changed)
            yield Mutant(f"{line}: {what}", tree)


def survives(mutant: Mutant) -> bool:
    """Whether no case tells it from the guard."""
    names: dict[str, Any] = {"__name__": "mutant"}
    try:
        exec(compile(mutant.tree, "mutant", "exec"), names)
        return all(
            names["judge"](action, arguments, body) == reason
            for action, arguments, body, reason in CASES
        )
    except Exception:  # noqa: BLE001 - whatever a mutant raises, the guard does not
        return False


Change = tuple[str, Callable[[Any], None]]


def _changes(node: ast.AST) -> Iterator[Change]:
    """What can be changed at one place."""
    make = _MAKERS.get(type(node))
    if make is not None:
        yield from make(node)


def _comparisons(node: Any) -> Iterator[Change]:
    """Each operator of the chain: ``a <= b <= c`` has two."""
    for place, operator in enumerate(node.ops):
        where = f" at {place}" if len(node.ops) > 1 else ""
        (kind,) = (kind for kind in COMPARISONS if type(operator) in kind)
        for other in kind:
            if other is not type(operator):
                name = f"{type(operator).__name__} to {other.__name__}{where}"
                yield name, _set_operation(place, other)


def _arithmetic(node: Any) -> Iterator[Change]:
    if isinstance(node.op, ARITHMETIC):
        for other in ARITHMETIC:
            if other is not type(node.op):
                yield f"{type(node.op).__name__} to {other.__name__}", _set(op=other())


def _both(node: Any) -> Iterator[Change]:
    other = ast.Or if isinstance(node.op, ast.And) else ast.And
    yield f"to {other.__name__}", _set(op=other())
    for place in range(len(node.values)):
        yield f"without operand {place}", _drop("values", place)


def _negations(node: Any) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield "without not", _set(operand=ast.UnaryOp(ast.Not(), node.operand))
    elif isinstance(node.op, ast.USub):
        yield "without minus", _set(op=ast.UAdd())


def _constants(node: Any) -> Iterator[Change]:
    value = node.value
    if isinstance(value, str) and value.isidentifier():
        yield f"{value!r} to another", _set(value=value + "_")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        for other in {value + 1, value - 1, -value} - {value}:
            yield f"{value} to {other}", _set(value=other)


def _elements(node: Any) -> Iterator[Change]:
    if isinstance(node.ctx, ast.Load):
        for place in range(len(node.elts)):
            yield f"without element {place}", _drop("elts", place)
        for place, (one, other) in enumerate(itertools.pairwise(node.elts)):
            if _action_of(one) is not None and _action_of(one) == _action_of(other):
                names = f"{ast.unparse(one)} and {ast.unparse(other)}"
                yield f"{names} in each other's place", _swap(place)


def _action_of(row: ast.AST) -> str | None:
    """What a row of the guard is about; None when it is no row."""
    return ast.unparse(row.args[0]) if isinstance(row, ast.Call) else None


def _answers(node: Any) -> Iterator[Change]:
    is_constant = isinstance(node.value, ast.Constant)
    for value in (True, False, None):
        if not (is_constant and node.value.value is value):
            yield f"return {value}", _set(value=ast.Constant(value))


_MAKERS: dict[type[ast.AST], Callable[[Any], Iterator[Change]]] = {
    ast.Compare: _comparisons,
    ast.BinOp: _arithmetic,
    ast.BoolOp: _both,
    ast.UnaryOp: _negations,
    ast.Constant: _constants,
    ast.Tuple: _elements,
    ast.Return: _answers,
}


def _set(**members: Any) -> Callable[[Any], None]:
    def change(node: Any) -> None:
        for name, value in members.items():
            setattr(node, name, value)

    return change


def _set_operation(place: int, other: type[ast.cmpop]) -> Callable[[Any], None]:
    def change(node: Any) -> None:
        node.ops[place] = other()

    return change


def _swap(place: int) -> Callable[[Any], None]:
    def change(node: Any) -> None:
        node.elts[place], node.elts[place + 1] = node.elts[place + 1], node.elts[place]

    return change


def _drop(name: str, place: int) -> Callable[[Any], None]:
    def change(node: Any) -> None:
        del getattr(node, name)[place]

    return change

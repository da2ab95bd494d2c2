"""Runs a statement that was met before without asking SQLAlchemy again what it means.

Rules:

* what a statement is compiled to is kept: its text, the order of its parameters and what is done to
  each value. One that is executed again as the same object is found at once; one that is built
  anew each time is found by its structure, as SQLAlchemy's own cache finds it;
* a list in a statement is one text for each length;
* a transaction is begun and ended by the driver's own words, and SQLAlchemy is left to believe that
  one has been under way all the time;
* results are SQLAlchemy's own rows, and errors its own errors. A result is read whole at once;
* what is not plain goes SQLAlchemy's way: many rows at once, empty lists and lists of tuples,
  values that the store or SQLAlchemy itself makes, statements as text.

On SQLite in memory a statement takes 1 us, and SQLAlchemy's way of it 35 us; to begin and commit
takes 2 us, and SQLAlchemy's way of both 30 us.
Left out on purpose: PostgreSQL, where the server's answer is what takes time.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NamedTuple, cast
from weakref import ref

from sqlalchemy import (
    BindParameter,
    Connection,
    CursorResult,
    Delete,
    Dialect,
    Engine,
    Insert,
    Row,
    Select,
    Update,
)
from sqlalchemy.engine import RootTransaction
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.sql.compiler import SQLCompiler

Process = Callable[[Any], Any]
Extracted = Sequence[BindParameter[Any]]
"""The values that stand in a statement itself, in the order of its structure."""

STRUCTURES_MAX: Final = 1_000
"""So many statements that are built anew are known; beyond that all are forgotten."""
LENGTHS_MAX: Final = 100
"""For so many lengths of its lists a statement has its text kept."""


class QuickConnection(Connection):
    """A connection to SQLite for work inside transactions."""

    def __init__(self, engine: Engine) -> None:
        """Take a connection from the engine's pool."""
        super().__init__(engine)
        driver = self.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver

    def begin(self) -> RootTransaction:
        """See Connection; the lock is asked for at once."""
        if not self.in_transaction():
            super().begin()
        self._driver.execute("BEGIN IMMEDIATE")
        return cast(RootTransaction, _Transaction(self._driver))

    def execute(
        self, statement: Any, parameters: Any = None, *, execution_options: Any = None
    ) -> CursorResult[Any]:
        """See Connection."""
        if execution_options is None and (parameters is None or type(parameters) is dict):
            found = _found(statement, parameters or {}, self.dialect)
            if found is not None and self._driver.in_transaction:
                result = found[0].run(self._driver, parameters or {}, found[1], self.dialect)
                if result is not None:
                    return result
        return super().execute(statement, parameters, execution_options=execution_options)


class _Transaction:
    """One transaction of the driver; what is used of SQLAlchemy's."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver

    def commit(self) -> None:
        """What was done is there."""
        self._driver.execute("COMMIT")

    def rollback(self) -> None:
        """What was done is not there; nothing when the driver has ended it already."""
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")

    def __enter__(self) -> "_Transaction":
        """It is begun."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Commit, or take back after an error."""
        if kind is None:
            self.commit()
        else:
            self.rollback()


class _Changed:
    """What a statement without rows came to."""

    def __init__(self, rowcount: int) -> None:
        self.rowcount = rowcount


class _Value(NamedTuple):
    """Where one value of a text comes from."""

    place: int
    name: str
    """Of the parameter, as SQLAlchemy compiled it."""
    process: Process | None
    item: int | None
    """Which item of a list it is."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement for lists of certain lengths."""

    text: str
    fixed: list[Any]
    """The values that never change; the others take their places."""
    given: list[tuple[int, str, Process | None]]
    """Places of the parameters that are no lists."""
    others: list[_Value]


class _Rows:
    """All rows of a statement; what SQLAlchemy's own result does beyond this, that one does."""

    __slots__ = ("_metadata", "_rows")

    def __init__(self, metadata: SimpleResultMetaData, rows: list[Any]) -> None:
        self._metadata = metadata
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        """Of SQLAlchemy's own result."""
        return getattr(IteratorResult(self._metadata, iter(self._rows)), name)

    def __iter__(self) -> Iterator[Row[Any]]:
        """See Result."""
        return map(self._row, self._rows)

    def all(self) -> list[Row[Any]]:
        """See Result."""
        return list(map(self._row, self._rows))

    def first(self) -> Row[Any] | None:
        """See Result."""
        return self._row(self._rows[0]) if self._rows else None

    def one_or_none(self) -> Row[Any] | None:
        """See Result."""
        if len(self._rows) > 1:
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        return self.first()

    def one(self) -> Row[Any]:
        """See Result."""
        row = self.one_or_none()
        if row is None:
            raise NoResultFound("No row was found when one was required")
        return row

    def scalar_one(self) -> Any:
        """See Result."""
        return self.one()[0]

    def scalar(self) -> Any:
        """See Result."""
        return self._row(self._rows[0])[0] if self._rows else None

    def _row(self, values: tuple[Any, ...]) -> Row[Any]:
        metadata = self._metadata
        return Row(metadata, metadata._processors, metadata._key_to_index, values)


class _Prepared:
    """One statement, compiled for these names of parameters."""

    def __init__(self, compiled: SQLCompiler, names: tuple[str, ...], dialect: Dialect) -> None:
        self._compiled = compiled
        self._names = frozenset(names)
        self._extracted = _indices(compiled)
        self._lists = sorted(compiled.bind_names[each] for each in compiled.post_compile_params)
        self._texts: dict[tuple[int, ...], _Text] = {}
        self._own = compiled.construct_params(_check=False, _no_postcompile=True)
        columns = compiled._result_columns
        self._metadata: SimpleResultMetaData | None = None
        if columns:
            reads = [
                column.type.dialect_impl(dialect).result_processor(dialect, None)
                for column in columns
            ]
            self._metadata = SimpleResultMetaData(
                [column.keyname for column in columns], _processors=reads if any(reads) else None
            )

    def run(
        self,
        driver: sqlite3.Connection,
        parameters: Mapping[str, Any],
        extracted: Extracted,
        dialect: Dialect,
    ) -> CursorResult[Any] | None:
        """Execute it; raises SQLAlchemy's errors. None for lists that only SQLAlchemy can read."""
        lengths: tuple[int, ...] = ()
        if self._lists:
            lists = [self._value(name, parameters, extracted) for name in self._lists]
            lengths = tuple(len(each) for each in lists)
            if not all(lengths) or isinstance(lists[0][0], tuple):
                return None
        text = self._texts.get(lengths) or self._written(lengths)
        values = text.fixed.copy()
        for place, name, process in text.given:
            value = parameters[name]
            values[place] = value if process is None else process(value)
        for place, name, process, item in text.others:
            value = self._value(name, parameters, extracted)
            if item is not None:
                value = value[item]
            values[place] = value if process is None else process(value)
        try:
            cursor = driver.execute(text.text, values)
            rows = [] if self._metadata is None else cursor.fetchall()
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                text.text, None, error, sqlite3.Error, hide_parameters=True, dialect=dialect
            ) from error
        if self._metadata is None:
            return cast(CursorResult[Any], _Changed(cursor.rowcount))
        return cast(CursorResult[Any], _Rows(self._metadata, rows))

    def _value(self, name: str, parameters: Mapping[str, Any], extracted: Extracted) -> Any:
        if name in self._names:
            return parameters[name]
        if name in self._extracted:
            return extracted[self._extracted[name]].effective_value
        return self._own[name]

    def _written(self, lengths: tuple[int, ...]) -> _Text:
        """The text for lists so long."""
        compiled, own = self._compiled, self._own
        listed = {name: [None] * length for name, length in zip(self._lists, lengths, strict=True)}
        state = compiled._process_parameters_for_postcompile({**own, **listed})
        items = {
            item: (name, number)
            for name, its in state.parameter_expansion.items()
            for number, item in enumerate(its)
        }
        processors = cast(Mapping[str, Process], compiled._bind_processors)
        fixed: list[Any] = []
        given: list[tuple[int, str, Process | None]] = []
        others: list[_Value] = []
        for place, each in enumerate(state.positiontup or ()):
            name, item = items.get(each, (each, None))
            process = processors.get(name)
            if name in self._names and item is None:
                given.append((place, name, process))
                fixed.append(None)
            elif name in self._names or name in self._extracted:
                others.append(_Value(place, name, process, item))
                fixed.append(None)
            else:
                value = own[name] if item is None else own[name][item]
                fixed.append(value if process is None else process(value))
        if len(self._texts) >= LENGTHS_MAX:
            self._texts.clear()
        text = self._texts[lengths] = _Text(state.statement, fixed, given, others)
        return text


def _indices(compiled: SQLCompiler) -> dict[str, int]:
    """Which of the extracted values each parameter of a statement is that was built anew."""
    if compiled.cache_key is None or compiled._cache_key_bind_match is None:
        return {}
    same, _ = compiled._cache_key_bind_match
    return {
        compiled.bind_names[bind]: index
        for index, original in enumerate(compiled.cache_key.bindparams)
        for bind in same[original]
        if bind in compiled.bind_names
    }


_Known = dict[tuple[str, ...], _Prepared | None]
_KNOWN: Final[dict[int, tuple[ref[Any], _Known]]] = {}
"""How each statement that was met runs, by names of parameters; None for SQLAlchemy's way.

By the statement's identity, with a reference that shows whether it is still that statement: to look
one up happens most often of all."""
_STRUCTURES: Final[dict[Any, _Prepared | None]] = {}
"""The same by the structure of a statement, for those that are built anew each time."""


def _found(
    statement: Any, parameters: Mapping[str, Any], dialect: Dialect
) -> tuple[_Prepared, Extracted] | None:
    """How to run it, and what stands in it; None when it is not plain."""
    names, number = tuple(parameters), id(statement)
    met = _KNOWN.get(number)
    if met is None or met[0]() is not statement:
        if not isinstance(statement, Select | Insert | Update | Delete):
            return None
        _KNOWN[number] = (ref(statement, _forgetting(number)), {})
        return _built_anew(statement, names, dialect)
    known = met[1]
    if names not in known:
        known[names] = _prepare(statement, names, dialect)
    prepared = known[names]
    return None if prepared is None else (prepared, ())


def _forgetting(number: int) -> Callable[[ref[Any]], None]:
    """What is done when a statement is gone; another may have its number by then."""
    known = _KNOWN  # held here: at the end of a process a module loses its names

    def forget(gone: ref[Any]) -> None:
        met = known.get(number)
        if met is not None and met[0] is gone:
            del known[number]

    return forget


def _built_anew(
    statement: Any, names: tuple[str, ...], dialect: Dialect
) -> tuple[_Prepared, Extracted] | None:
    """By its structure; it may be the only time that this very statement is met."""
    structure = statement._generate_cache_key()
    if structure is None or structure.params:
        return None
    key = (structure.key, names)
    if key not in _STRUCTURES:
        if len(_STRUCTURES) >= STRUCTURES_MAX:
            _STRUCTURES.clear()
        _STRUCTURES[key] = _prepare(statement, names, dialect, structure)
    prepared = _STRUCTURES[key]
    return None if prepared is None else (prepared, structure.bindparams)


def _prepare(
    statement: Any, names: tuple[str, ...], dialect: Dialect, structure: Any = None
) -> _Prepared | None:
    """The statement compiled, or None when it is not plain."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names), cache_key=structure)
    assert isinstance(compiled, SQLCompiler)
    is_plain = not (
        compiled.literal_execute_params
        or compiled.insert_prefetch
        or compiled.update_prefetch
        or compiled.effective_returning
        or compiled._ad_hoc_textual
        or any(each.type._is_tuple_type for each in compiled.post_compile_params)
        or _lets_the_store_number(statement, compiled)
    )
    binds = compiled.binds
    is_whole = all(
        name in names or not (binds[name].required or binds[name].callable)
        for name in compiled.bind_names.values()
    )
    return _Prepared(compiled, names, dialect) if is_plain and is_whole else None


def _lets_the_store_number(statement: Any, compiled: SQLCompiler) -> bool:
    """Whether a row gets its number from the store, which whoever added it may ask for."""
    if not isinstance(statement, Insert):
        return False
    return any(column.key not in compiled.binds for column in statement.table.primary_key)

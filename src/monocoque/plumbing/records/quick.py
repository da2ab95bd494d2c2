"""Runs a statement that was built once without asking SQLAlchemy each time what it means.

Rules:

* a statement that is executed again as the same object, with the same names of parameters, is
  compiled once: its text, the order of its parameters and what is done to each value;
* results are SQLAlchemy's own rows, and errors its own errors. A result is read whole at once;
* what is not plain goes SQLAlchemy's way: many rows at once, lists in a statement, values that the
  store or SQLAlchemy itself makes, statements as text;
* a statement that is built for one use costs a look into a table, and is forgotten with it.

On SQLite in memory a statement takes 1 us, and SQLAlchemy's way of it 35 us.
Left out on purpose: PostgreSQL, where the server's answer is what takes time.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Connection,
    CursorResult,
    Delete,
    Dialect,
    Engine,
    Insert,
    Select,
    Update,
)
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Process = Callable[[Any], Any]


class QuickConnection(Connection):
    """A connection to SQLite for work inside transactions."""

    def __init__(self, engine: Engine) -> None:
        """Take a connection from the engine's pool."""
        super().__init__(engine)
        driver = self.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver

    def execute(
        self, statement: Any, parameters: Any = None, *, execution_options: Any = None
    ) -> CursorResult[Any]:
        """See Connection."""
        if execution_options is None and (parameters is None or type(parameters) is dict):
            prepared = _prepared(statement, parameters or {}, self.dialect)
            if prepared is not None and self.in_transaction():
                return prepared.run(self._driver, parameters or {}, self.dialect)
        return super().execute(statement, parameters, execution_options=execution_options)


class _Changed:
    """What a statement without rows came to."""

    def __init__(self, rowcount: int) -> None:
        self.rowcount = rowcount


class _Prepared:
    """One statement, compiled for these names of parameters."""

    def __init__(self, compiled: SQLCompiler, names: tuple[str, ...], dialect: Dialect) -> None:
        self._text = compiled.string
        processors = cast(Mapping[str, Process], compiled._bind_processors)
        own = compiled.construct_params(_check=False)
        self._values: list[Any] = []
        """The statement's own values; the others take their places."""
        self._given: list[tuple[int, str, Process | None]] = []
        for place, name in enumerate(compiled.positiontup or ()):
            process = processors.get(name)
            if name in names:
                self._given.append((place, name, process))
                self._values.append(None)
            else:
                self._values.append(own[name] if process is None else process(own[name]))
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
        self, driver: sqlite3.Connection, parameters: Mapping[str, Any], dialect: Dialect
    ) -> CursorResult[Any]:
        """Execute it; raises SQLAlchemy's errors."""
        values = self._values.copy()
        for place, name, process in self._given:
            value = parameters[name]
            values[place] = value if process is None else process(value)
        try:
            cursor = driver.execute(self._text, values)
            rows = () if self._metadata is None else cursor.fetchall()
        except sqlite3.Error as error:
            raise DBAPIError.instance(
                self._text, None, error, sqlite3.Error, hide_parameters=True, dialect=dialect
            ) from error
        if self._metadata is None:
            return cast(CursorResult[Any], _Changed(cursor.rowcount))
        return cast(CursorResult[Any], IteratorResult(self._metadata, iter(rows)))


_Known = dict[tuple[str, ...], _Prepared | None]
_KNOWN: Final[WeakKeyDictionary[Any, _Known]] = WeakKeyDictionary()
"""How each statement that was met runs, by names of parameters; None for SQLAlchemy's way."""


def _prepared(statement: Any, parameters: Mapping[str, Any], dialect: Dialect) -> _Prepared | None:
    """How to run it; None when it was met for the first time, or is not plain."""
    known = _KNOWN.get(statement)
    if known is None:
        _KNOWN[statement] = {}
        return None
    names = tuple(parameters)
    if names not in known:
        known[names] = _prepare(statement, names, dialect)
    return known[names]


def _prepare(statement: Any, names: tuple[str, ...], dialect: Dialect) -> _Prepared | None:
    """The statement compiled, or None when it is not plain."""
    if not isinstance(statement, Select | Insert | Update | Delete):
        return None
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler)
    is_plain = not (
        compiled.post_compile_params
        or compiled.literal_execute_params
        or compiled.insert_prefetch
        or compiled.update_prefetch
        or compiled.effective_returning
        or compiled._ad_hoc_textual
    )
    binds = compiled.binds
    is_whole = all(
        name in names or not (binds[name].required or binds[name].callable)
        for name in compiled.positiontup or ()
    )
    return _Prepared(compiled, names, dialect) if is_plain and is_whole else None

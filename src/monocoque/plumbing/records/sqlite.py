"""Records on SQLite: one file, or memory, and the process it lives in.

Rules:

* the work runs inline, on the event loop's own thread: it takes no virtual time, and two
  transactions of one process never overlap;
* write-ahead log with ``synchronous=FULL``: a commit is on disk before it returns
  (sqlite.org/pragma.html#pragma_synchronous);
* every transaction begins with BEGIN IMMEDIATE, so that the lock is waited for at its beginning
  and never in its middle, where two could wait for each other;
* while another process holds the lock, the event loop stands still for ``lock_wait_ms_max`` per
  attempt and runs freely between the attempts; docs/decisions/0020 has the figures.

Left out on purpose: reading while another writes within one process. Transactions are short, and
whoever needs more than one writer at a time takes PostgreSQL.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from monocoque.contracts.errors import (
    DatabaseCorrupted,
    DiskFull,
    MonocoqueError,
    NotWritable,
    RecordsContended,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
)
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.quick import QuickConnection
from monocoque.plumbing.records.transaction import Attempt, Result, try_until_done

STATEMENTS_PREPARED_MAX: Final = 1_000
"""So many texts the driver keeps prepared; all that a cell ever says are a few hundred."""
_CODE_BITS: Final = 0xFF
"""The low byte of an extended result code is its family (sqlite.org/rescode.html)."""
_FAMILIES: Final[dict[int, type[MonocoqueError]]] = {
    sqlite3.SQLITE_BUSY: RecordsContended,
    sqlite3.SQLITE_LOCKED: RecordsContended,
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_READONLY: NotWritable,
    sqlite3.SQLITE_PERM: NotWritable,
    sqlite3.SQLITE_CANTOPEN: NotWritable,
    sqlite3.SQLITE_CORRUPT: DatabaseCorrupted,
    sqlite3.SQLITE_NOTADB: DatabaseCorrupted,
    sqlite3.SQLITE_IOERR: RecordsUnavailable,
}
_EXACT: Final[dict[int, type[MonocoqueError]]] = {
    # What a disk without room answers when the log's index cannot grow, as the file is opened.
    sqlite3.SQLITE_IOERR_SHMSIZE: DiskFull,
}


class SqliteRecords:
    """One SQLite database; see Records for what it promises."""

    def __init__(
        self,
        path: Path | None,
        random: Random,
        config: RecordsConfig | None = None,
        image: bytes | None = None,
    ) -> None:
        """Make ready; the database itself is opened by the first transaction.

        path: the file, made when it does not exist, or None for memory. random: spreads the
        pauses between attempts. image: what a database in memory begins with, as ``image()`` gave
        it.
        """
        self.path = path
        self._random = random
        self._config = config or RecordsConfig()
        self._image = image
        # One connection for good: what is in memory lives in it, and transactions never overlap.
        self._engine = create_engine(
            "sqlite+pysqlite://",
            creator=self._connect,
            poolclass=StaticPool,
            pool_reset_on_return=None,  # an attempt ends its transaction itself
            hide_parameters=True,
        )
        self._connection: QuickConnection | None = None
        """Kept from one transaction to the next: to make it takes longer than a short work."""

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""

        async def attempt() -> Result:
            return self.transact_once(work)

        return await try_until_done(attempt, self._random, self._config)

    def transact_once(self, work: Callable[[Connection], Result]) -> Result:
        """Like ``transact`` with a single attempt, for the start of a process, before its loop.

        Raises RecordsContended at once when another process holds the lock.
        """
        attempt = Attempt(work)
        with self._errors(attempt):
            if self._connection is None:
                self._connection = QuickConnection(self._engine)
            try:
                return attempt.run(self._connection)
            except BaseException:
                self._let_go()
                raise

    def _let_go(self) -> None:
        """After an error nothing is known of it; the next transaction makes another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def image(self) -> bytes:
        """The whole database as bytes, for ``SqliteRecords(None, random, image=...)``.

        Copying it takes a fraction of what the migrations take.
        """
        with self._raw() as connection:
            return connection.serialize()

    def copy_to(self, path: Path) -> None:
        """Write everything that is committed into a new file; it is on disk when this returns.

        Others may go on writing meanwhile (sqlite.org/backup.html). Raises NotWritable, DiskFull,
        DatabaseCorrupted, and what else ``transact`` raises.
        """
        with self._raw() as source, contextlib.closing(sqlite3.connect(path)) as target:
            target.execute("PRAGMA synchronous=FULL")
            source.backup(target)

    @contextlib.contextmanager
    def _raw(self) -> Iterator[sqlite3.Connection]:
        """The driver's own connection, outside every transaction."""
        attempt: Attempt[None] = Attempt(lambda connection: None)
        with self._errors(attempt), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            yield raw

    async def close(self) -> None:
        """See Records."""
        self.close_now()

    def close_now(self) -> None:
        """Give the connection back; what was in memory is gone."""
        self._let_go()
        self._engine.dispose()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path or ":memory:",
            timeout=self._config.lock_wait_ms_max / 1000,
            isolation_level=None,  # the driver begins nothing by itself; see quick.py
            cached_statements=STATEMENTS_PREPARED_MAX,
        )
        try:
            if self._image is not None:
                connection.deserialize(self._image)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _errors(self, attempt: Attempt[Result]) -> Iterator[None]:
        """Turn the driver's errors into the error tree; what is not about the store passes."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            translated = translate(cause, self.path, attempt.commit_began)
            if translated is None:
                raise
            raise translated from error


def translate(
    error: BaseException | None, path: Path | None, commit_began: bool
) -> MonocoqueError | None:
    """The error of the tree for one of the driver's; None when it is the work's own affair.

    path: the database's file, None for memory. commit_began: whether the commit had begun.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    kind = _EXACT.get(code) or _FAMILIES.get(code & _CODE_BITS)
    if kind is None:
        return None
    # A failed write or sync of the commit's last page: it may be on the disk all the same.
    if kind is RecordsUnavailable and commit_began:
        kind = RecordsOutcomeUnknown
    return kind(f"{path or 'The database in memory'}: {error}.")

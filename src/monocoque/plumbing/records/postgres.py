"""Records on PostgreSQL, for more than one process or machine at a time.

Rules:

* every transaction is SERIALIZABLE; one that loses a race (SQLSTATE 40001, 40P01) is tried again
  (postgresql.org/docs/current/mvcc-serialization-failure-handling.html);
* a connection that is lost before the commit began wrote nothing: RecordsUnavailable; one that is
  lost after it leaves nobody knowing: RecordsOutcomeUnknown;
* a connection from the pool is tested before its use, so a restarted server costs no error;
* passwords and parameters never reach an error or a log.

``PostgresRecords`` works asynchronously, for services. ``InlinePostgresRecords`` runs the work on
the loop's own thread, for worlds: an asynchronous driver would let real time into virtual time.

Left out on purpose: server settings, roles and backups; the server's operator owns those.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

import psycopg
import psycopg.conninfo
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from monocoque.contracts.errors import (
    DatabaseCorrupted,
    DiskFull,
    MonocoqueError,
    NotWritable,
    RecordsContended,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
    SettingInvalid,
)
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.transaction import Attempt, Result, try_until_done

_STATES: Final[dict[str, type[MonocoqueError]]] = {
    "40001": RecordsContended,  # serialization_failure
    "40P01": RecordsContended,  # deadlock_detected
    "55P03": RecordsContended,  # lock_not_available
    "53100": DiskFull,
    "25006": NotWritable,  # read_only_sql_transaction
    "42501": NotWritable,  # insufficient_privilege
    "XX001": DatabaseCorrupted,  # data_corrupted
    "XX002": DatabaseCorrupted,  # index_corrupted
    "57014": RecordsUnavailable,  # query_canceled: it took too long
}
"""SQLSTATEs that say what happened to the transaction: it was rolled back."""
_URL_HINT: Final = "Give records.url as postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
_LOST_CLASSES: Final = ("08", "28", "3D", "53", "57", "58")
"""SQLSTATE classes of a server or connection that is gone or does not take us."""


class PostgresRecords:
    """One PostgreSQL database, asynchronously; see Records for what it promises."""

    def __init__(self, url: str, random: Random, config: RecordsConfig | None = None) -> None:
        """Make ready; the first transaction connects.

        url: ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``. random: spreads the pauses between
        attempts. Raises SettingInvalid when the URL has another form.
        """
        self._random = random
        self._config = config or RecordsConfig()
        self._engine = create_async_engine(
            driver_url(url),
            isolation_level="SERIALIZABLE",
            pool_size=self._config.connections_max,
            max_overflow=0,
            pool_timeout=self._config.transaction_s_max,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=_connect_arguments(self._config),
        )

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""

        async def attempt() -> Result:
            current = Attempt(work)
            limit = asyncio.timeout(self._config.transaction_s_max)
            try:
                with _errors(current):
                    async with limit, self._engine.connect() as connection:
                        return await connection.run_sync(current.run)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise _gone(current.commit_began, "it took too long") from error

        return await try_until_done(attempt, self._random, self._config)

    async def close(self) -> None:
        """See Records."""
        await self._engine.dispose()


class InlinePostgresRecords:
    """One PostgreSQL database on the loop's own thread, for worlds; see Records."""

    def __init__(self, url: str, random: Random, config: RecordsConfig | None = None) -> None:
        """See PostgresRecords."""
        self._random = random
        self._config = config or RecordsConfig()
        self._engine = create_engine(
            driver_url(url),
            isolation_level="SERIALIZABLE",
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=_connect_arguments(self._config),
        )

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""

        async def attempt() -> Result:
            return self.transact_once(work)

        return await try_until_done(attempt, self._random, self._config)

    def transact_once(self, work: Callable[[Connection], Result]) -> Result:
        """Like ``transact`` with a single attempt; raises RecordsContended when it lost a race."""
        attempt = Attempt(work)
        with _errors(attempt), self._engine.connect() as connection:
            return attempt.run(connection)

    async def close(self) -> None:
        """See Records."""
        self._engine.dispose()


def driver_url(url: str) -> URL:
    """The URL with our driver in its scheme; raises SettingInvalid when it is none of PostgreSQL.

    The URL is not repeated in the error: it may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingInvalid("The address of the records is no URL.", hint=_URL_HINT) from None
    if parsed.drivername not in ("postgresql", "postgresql+psycopg"):
        raise SettingInvalid(f"Records cannot be kept by {parsed.drivername}.", hint=_URL_HINT)
    for option in parsed.query:
        try:
            psycopg.conninfo.make_conninfo("", **{option: ""})
        except psycopg.ProgrammingError:
            raise SettingInvalid(
                f"The address of the records has an unknown option {option[:40]}.",
                hint="After `?` stand options of PostgreSQL's own, such as sslmode=require.",
            ) from None
    return parsed.set(drivername="postgresql+psycopg")


def translate(error: BaseException | None, commit_began: bool) -> MonocoqueError | None:
    """The error of the tree for one of the driver's; None when it is the work's own affair."""
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate
    reason = str(error).partition("\n")[0]
    if state in _STATES:
        return _STATES[state](f"PostgreSQL answered {state}: {reason}.")
    # Without a state the server said nothing: the driver could not reach it, or lost it.
    is_lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if state.startswith(_LOST_CLASSES) if state else is_lost:
        return _gone(commit_began, reason)
    return None


def _gone(commit_began: bool, reason: str) -> MonocoqueError:
    kind = RecordsOutcomeUnknown if commit_began else RecordsUnavailable
    return kind(f"PostgreSQL does not answer: {reason}.")


@contextlib.contextmanager
def _errors(attempt: Attempt[Any]) -> Iterator[None]:
    """Turn the driver's errors into the error tree; what is not about the store passes."""
    try:
        yield
    except PoolTimeout as error:
        raise RecordsUnavailable("Every connection to PostgreSQL is taken.") from error
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        translated = translate(cause, attempt.commit_began)
        if translated is None:
            raise
        raise translated from error


def _connect_arguments(config: RecordsConfig) -> dict[str, Any]:
    """What every connection is made with: bounded waits, and a name for the server's own lists."""
    wait_ms = round(config.transaction_s_max * 1000)
    return {
        "application_name": "monocoque",
        "connect_timeout": config.connect_s_max,
        "tcp_user_timeout": wait_ms,
        "options": (
            f"-c statement_timeout={wait_ms} -c lock_timeout={wait_ms}"
            f" -c idle_in_transaction_session_timeout={wait_ms}"
        ),
    }

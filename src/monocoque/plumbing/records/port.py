"""The port of the records: one transaction at a time, as a function.

Rules, held by tests/conformance/ on both stores:

* ``work(connection)`` is synchronous, does SQL and nothing else, cannot await, and may run twice
  (PostgreSQL tells a loser of a race to try again), so it changes nothing outside the database;
* transactions are serializable: twenty racing read-modify-writes count to twenty;
* when ``transact`` returns, the change is on disk; when it raises, nothing was written, except for
  RecordsOutcomeUnknown, which says that nobody knows;
* one database per machine or cell; tables are named after their feature; no joins across features.

Left out on purpose: an object mapper, sessions, and any way to hold a transaction open.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

Result = TypeVar("Result")


class Records(Protocol):
    """One database."""

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """Run the work in one serializable transaction and return what it returned.

        Whatever the work raises ends the transaction without a trace and is raised again.
        Raises RecordsContended, RecordsUnavailable, RecordsOutcomeUnknown, DiskFull, NotWritable,
        DatabaseCorrupted, and WorkNotSynchronous when the work would go on after its transaction.
        """

    async def close(self) -> None:
        """Give the connections back."""

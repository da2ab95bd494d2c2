"""What both stores share: one attempt at a transaction, and when to try again.

Rules:

* an attempt begins, works and commits, or leaves no trace; it remembers whether its commit had
  begun, since a connection lost after that leaves nobody knowing;
* only RecordsContended is tried again, a bounded number of times, after pauses drawn from a seeded
  chance, so that racers do not meet again in step;
* a work that turns out to be asynchronous is rolled back and refused.

Left out on purpose: which error of a driver means what; each store knows its own.
"""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from random import Random
from typing import Generic, TypeVar

from sqlalchemy import Connection

from monocoque.contracts.errors import RecordsContended, WorkNotSynchronous
from monocoque.plumbing.records.config import RecordsConfig

Result = TypeVar("Result")


class Attempt(Generic[Result]):
    """One try of a work."""

    def __init__(self, work: Callable[[Connection], Result]) -> None:
        self._work = work
        self.commit_began = False

    def run(self, connection: Connection) -> Result:
        """Begin, work, commit. Whatever is raised has ended the transaction without a trace,
        except for a connection that was lost after ``commit_began``.
        """
        transaction = connection.begin()
        try:
            result = self._work(connection)
            _refuse_awaitable(result)
            self.commit_began = True
            transaction.commit()
        except BaseException:
            transaction.rollback()
            raise
        return result


def _refuse_awaitable(result: object) -> None:
    """Raise WorkNotSynchronous when the work would go on after its transaction."""
    if hasattr(result, "__await__"):
        if inspect.iscoroutine(result):
            result.close()
        raise WorkNotSynchronous("A work for the records returned something to be awaited.")


async def try_until_done(
    attempt: Callable[[], Awaitable[Result]], random: Random, config: RecordsConfig
) -> Result:
    """Make attempts until one is not contended; raises what the last one raised."""
    for tried in range(config.attempts_max - 1):
        with contextlib.suppress(RecordsContended):
            return await attempt()
        pause_s = min(config.pause_s_max, config.pause_s_min * 2**tried)
        await asyncio.sleep(random.uniform(0, pause_s))
    return await attempt()

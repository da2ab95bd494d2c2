"""Asks the records until they answer.

Left out on purpose: giving up. What a scene decided is only so much worth when it is on record.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection

from monocoque.car.scenes.config import ScenesConfig
from monocoque.contracts.errors import DiskFull, LimitError, RecordsContended, UnavailableError
from monocoque.plumbing.service import Context

AWAY: Final = (UnavailableError, LimitError, RecordsContended, DiskFull)
"""Errors that pass by themselves: whoever meets one tries again after a pause."""
Result = TypeVar("Result")


async def insist(context: Context, work: Callable[[Connection], Result]) -> Result:
    """What the work returns; it may have been done before."""
    while True:
        try:
            return await context.records.transact(work)
        except AWAY as error:
            context.count_error(error, error.what)
        await asyncio.sleep(context.config(ScenesConfig).records_retry_s)

"""The records of one car of this installation, for a command that works on them.

Rules: whether a process runs the car or not makes no difference; a car that was never started, or
by an older version, is NotFound.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import SystemRandom

from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import NotFound
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.opening import open_records
from monocoque.plumbing.records.port import Records
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import is_current


@contextlib.asynccontextmanager
async def records_of(data: Path, car_id: CarId) -> AsyncIterator[Records]:
    """A car's records, whether a process runs the car or not. Raises NotFound."""
    layout = Layout(data)
    where = layout.car(car_id).records
    if not where.exists():
        raise _never_started(car_id)
    config: RecordsConfig = read_settings(layout.settings)[0][RecordsConfig]
    records = open_records(where, SystemRandom(), config)
    try:
        if not await records.transact(is_current):
            raise _never_started(car_id)
        yield records
    finally:
        await records.close()


def _never_started(car_id: CarId) -> NotFound:
    """The error for a car that has no records here."""
    return NotFound(
        f"{car_id} has never been started in this data directory.",
        hint="Look in the console which cars there are, or start one with `monocoque up`.",
    )

"""The last hours of chosen signals, kept in the car.

Rules:

* which signals, how densely, how long and how many values is set (config.py); a value that has not
  changed is not kept again;
* what was heard is written in one transaction every ``history_write_s``; what is read has also that
  which is not yet written.

Left out on purpose: who may read it; its readers ask the same access as for the present.
"""

import asyncio
from collections.abc import Iterable

from monocoque.car.signals import records
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.readings import Batch
from monocoque.car.signals.service.port import Brokers
from monocoque.contracts.signals import Value
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context

NAME = "history"
HOUR_US = 3_600_000_000
HEARD_MAX = 100_000
"""So many values wait to be written, while the records do not answer; then the oldest go."""


class KeptHistory:
    """The port ``History`` of one car, and what fills it."""

    def __init__(self, records: Records) -> None:
        """records: the car's."""
        self._records = records
        self._heard: list[tuple[int, int, Value]] = []
        self._last: dict[int, Value] = {}

    def hear(self, batch: Batch) -> None:
        """Values were said."""
        for number, value, time_us in zip(batch.numbers, batch.values, batch.times_us, strict=True):
            if number not in batch.not_fresh and self._last.get(number) != value:
                self._last[number] = value
                self._heard.append((number, time_us, value))
        del self._heard[:-HEARD_MAX]

    async def write(self, rows_max: int, since_us: int) -> None:
        """Write what was heard; raises what ``transact`` raises, and then keeps it."""
        heard = self._heard
        if not heard:
            return
        count = len(heard)
        await self._records.transact(
            lambda c: records.add_values(c, heard[:count], rows_max, since_us)
        )
        del heard[:count]

    async def read(
        self, number: int, since_us: int, until_us: int, count_max: int
    ) -> list[tuple[int, Value]]:
        """See ``History.read``."""
        written = await self._records.transact(
            lambda c: records.read_values(c, number, since_us, until_us, count_max)
        )
        newest = [
            (time_us, value)
            for its_number, time_us, value in self._heard
            if its_number == number and since_us <= time_us <= until_us
        ]
        return [*written, *newest][-count_max:]


async def run(context: Context) -> None:
    """Hear what is to be kept, and keep it, until cancelled; with nothing to keep it only waits."""
    config = context.config(SignalsConfig)
    broker = context.port(Brokers).connect(NAME)
    history: KeptHistory = context.port(KeptHistory)
    numbers = chosen(broker.catalogue, config.history_paths.split())
    interval_s = config.history_interval_s
    async with (
        broker.subscribe(numbers, interval_s_min=interval_s) as heard,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(_write_for_ever(context, history, config))
        while True:
            history.hear(await heard.next())


def chosen(catalogue: Catalogue, patterns: Iterable[str]) -> list[int]:
    """The numbers of the signals that these paths, branches or patterns name."""
    found = {each.number for pattern in patterns for each in catalogue.matching(pattern)}
    return sorted(found)


async def _write_for_ever(context: Context, history: KeptHistory, config: SignalsConfig) -> None:
    while True:
        await asyncio.sleep(config.history_write_s)
        since_us = context.clock.now_us() - round(config.history_hours * HOUR_US)
        try:
            await history.write(config.history_rows_max, since_us)
        except AWAY as error:
            context.count_error(error, error.what)

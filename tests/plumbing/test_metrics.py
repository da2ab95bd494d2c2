"""What a process counts can be read, in its file too."""

import asyncio
import contextlib
from pathlib import Path

from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.metrics_file import keep_metrics_file
from tests.fixtures.http import SettableClock, until


def names_in(folder: Path) -> list[str]:
    """What lies there."""
    return [path.name for path in folder.iterdir()]


def test_the_setbacks_of_the_clock_are_shown_as_they_are_now() -> None:
    clock = SettableClock()
    metrics = Metrics(clock)
    clock.setbacks = 2
    assert b"monocoque_clock_setbacks 2.0" in metrics.text()


async def test_the_file_is_there_while_the_process_lives_and_goes_with_it(tmp_path: Path) -> None:
    metrics, path = Metrics(), tmp_path / "metrics-cell.prom"
    metrics.cars_online.set(7)
    task = asyncio.ensure_future(keep_metrics_file(metrics, path))
    await until(path.exists)
    assert path.read_bytes() == metrics.text()
    assert b"monocoque_cars_online 7.0" in path.read_bytes()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert names_in(tmp_path) == []


async def test_a_disk_that_takes_nothing_costs_the_file_alone(tmp_path: Path) -> None:
    metrics = Metrics()
    task = asyncio.ensure_future(keep_metrics_file(metrics, tmp_path / "none" / "a.prom"))
    await until(lambda: b'where="metrics_file"' in metrics.text())
    assert not task.done()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

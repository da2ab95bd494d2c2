"""Starts that were refused, so that the cell's metrics can tell of them.

Rules:

* a process that is refused leaves the code of its error in the installation's ``run`` folder, where
  there is one and it can be written; it changes nothing else, whatever was wrong;
* the cell takes what was left, at its start and while it runs, and counts it. So a start that was
  refused is counted once, by the cell that runs then or by the next one.

Left out on purpose: who was refused, and when; the log of whoever started it has both.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator

from monocoque.contracts.errors import MonocoqueError, all_errors
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.metrics import Metrics
from monocoque.roles.layout import Layout

REFUSED_BYTES_MAX = 64 * 1024
"""A longer list is not added to; some cell has to take it first."""
REFUSED_LOOK_S = 5.0
"""How often a cell looks for what was left."""


@contextlib.contextmanager
def leaving_refusals(layout: Layout) -> Iterator[None]:
    """Leave the code of an error of ours that ends this block."""
    try:
        yield
    except MonocoqueError as error:
        _leave(layout, error.code)
        raise


def _leave(layout: Layout, code: str) -> None:
    with contextlib.suppress(OSError):  # the person is told in any case
        if layout.run.is_dir() and _size(layout) < REFUSED_BYTES_MAX:
            # One write at the end of the file: several may be refused at once.
            file = os.open(layout.refused_starts, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, f"{code}\n".encode())
            finally:
                os.close(file)


def _size(layout: Layout) -> int:
    return layout.refused_starts.stat().st_size if layout.refused_starts.exists() else 0


def take_refusals(layout: Layout) -> list[str]:
    """The codes that were left; they are not given again. Raises NotWritable and its like."""
    taken = layout.refused_starts.with_suffix(".taken")
    with storage_errors(layout.refused_starts):
        try:
            layout.refused_starts.rename(taken)
        except FileNotFoundError:
            return []
        left = taken.read_text("utf-8", "replace").split()
        taken.unlink()
    known = {error.code for error in all_errors()}
    return [code for code in left if code in known]


async def count_refused_starts(layout: Layout, metrics: Metrics) -> None:
    """Count what was left, again and again until cancelled."""
    while True:
        with contextlib.suppress(MonocoqueError):  # a full disk is told by who has to write
            for code in take_refusals(layout):
                metrics.starts_refused.labels(code=code).inc()
        await asyncio.sleep(REFUSED_LOOK_S)

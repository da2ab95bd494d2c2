"""The metrics of one process as a file, for processes that nobody can ask over HTTP.

Rules: the file is wholly old or wholly new, and is gone when its process ended calmly; after a kill
it stays, and its time tells how old it is. A full disk costs the file, and not the process.

Left out on purpose: syncing it to the disk; after a loss of power nobody misses it.
"""

import asyncio
from pathlib import Path

from monocoque.contracts.errors import StorageError
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.metrics import Metrics

METRICS_FILE_S = 5.0
"""How often the file is written."""


async def keep_metrics_file(metrics: Metrics, path: Path) -> None:
    """Write them again and again until cancelled. One process per path."""
    beside = path.with_name(f".{path.name}.new")
    try:
        while True:
            try:
                with storage_errors(path):
                    beside.write_bytes(metrics.text())
                    beside.replace(path)
            except StorageError as error:
                metrics.errors.labels("metrics_file", error.code).inc()
            await asyncio.sleep(METRICS_FILE_S)
    finally:
        for each in (beside, path):
            each.unlink(missing_ok=True)

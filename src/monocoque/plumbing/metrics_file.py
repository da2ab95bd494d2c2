"""The metrics of one process as a file, so that the process that serves HTTP can show them all.

Rules: the file is wholly old or wholly new, and is gone when its process ended calmly; after a kill
it stays, and is passed over once it is older than the reader's own. Nothing is compared with a
clock, which may have been set. A full disk costs the file, and not the process.

Left out on purpose: syncing it to the disk; after a loss of power nobody misses it.
"""

import asyncio
from pathlib import Path

from monocoque.contracts.errors import StorageError
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.metrics_merge import merge_metrics

METRICS_FILE_S = 5.0
"""How often the file is written."""
METRICS_FILE_OLD_S = 4 * METRICS_FILE_S
"""A file that is older than the reader's own by so much is of a process that was killed."""
METRICS_FILES_MAX = 200
"""So many processes are shown at most, those that wrote last."""
METRICS_FILE_BYTES_MAX = 1024 * 1024
"""A larger file is none of ours."""
WHERE = "metrics_file"
"""How these files are called among the places where an error surfaced."""

_PREFIX, _SUFFIX = "metrics-", ".prom"


def metrics_path(folder: Path, process: str) -> Path:
    """The file of a process of this name."""
    return folder / f"{_PREFIX}{process}{_SUFFIX}"


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
                metrics.errors.labels(WHERE, error.code).inc()
            await asyncio.sleep(METRICS_FILE_S)
    finally:
        for each in (beside, path):
            each.unlink(missing_ok=True)


def text_of_all(metrics: Metrics, own: Path) -> bytes:
    """What this process counts now, and what every other one counted when it last wrote its file.

    own: the path of this process. A file that cannot be read is counted as an error here.
    """
    others, unreadable = _read_others(own)
    wrong = [*unreadable, *merge_metrics(others)[1]]
    for _ in wrong:
        metrics.errors.labels(WHERE, StorageError.code).inc()
    return merge_metrics({_process(own): metrics.text(), **others})[0]


def _read_others(own: Path) -> tuple[dict[str, bytes], list[str]]:
    """The texts by process, and the processes whose file cannot be read."""
    written_s: dict[Path, float] = {}
    for path in own.parent.glob(f"{_PREFIX}*{_SUFFIX}"):
        try:
            written_s[path] = path.stat().st_mtime
        except OSError:  # it has ended since
            continue
    own_s = written_s.pop(own, 0.0)
    fresh = [path for path, at_s in written_s.items() if at_s > own_s - METRICS_FILE_OLD_S]
    texts, unreadable = {}, []
    for path in sorted(fresh, key=lambda path: written_s[path])[-METRICS_FILES_MAX:]:
        try:
            with path.open("rb") as file:
                text = file.read(METRICS_FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            continue
        except OSError:
            unreadable.append(_process(path))
            continue
        if len(text) > METRICS_FILE_BYTES_MAX:
            unreadable.append(_process(path))
        else:
            texts[_process(path)] = text
    return texts, unreadable


def _process(path: Path) -> str:
    return path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)

"""The files by which each process shows what it counts, and what is made of all of them."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.metrics_file import (
    METRICS_FILE_BYTES_MAX,
    METRICS_FILE_OLD_S,
    METRICS_FILES_MAX,
    keep_metrics_file,
    metrics_path,
    text_of_all,
)
from tests.fixtures.http import until

AT_S = 1_800_000_000.0
"""When the reader wrote its own file last, by the machine's clock."""


class Folder:
    """The ``run`` folder of an installation; the cell reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cell = Metrics()
        self.write("cell", self.cell.text())

    def write(self, process: str, text: bytes, at_s: float = AT_S) -> Path:
        """What a process has written, and when."""
        path = metrics_path(self.path, process)
        path.write_bytes(text)
        os.utime(path, (at_s, at_s))
        return path

    def cars_online(self) -> dict[str, float]:
        """The value of one gauge in each process that is shown."""
        text = text_of_all(self.cell, metrics_path(self.path, "cell")).decode()
        return {
            sample.labels["process"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "monocoque_cars_online"
        }

    def errors(self) -> float | None:
        """How many files the cell could not read."""
        labels = {"where": "metrics_file", "code": "storage_error"}
        return self.cell.registry.get_sample_value("monocoque_errors_total", labels)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Only the cell has written."""
    return Folder(tmp_path)


def counting(cars: int) -> bytes:
    """The text of a process that counts so many cars."""
    metrics = Metrics()
    metrics.cars_online.set(cars)
    return metrics.text()


def names_in(folder: Path) -> list[str]:
    """What lies there."""
    return [path.name for path in folder.iterdir()]


async def test_the_file_is_there_while_the_process_lives_and_goes_with_it(tmp_path: Path) -> None:
    metrics, path = Metrics(), metrics_path(tmp_path, "cell")
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


def test_every_process_is_shown_by_its_name_and_this_one_as_it_is_now(folder: Folder) -> None:
    folder.write("registry", counting(2))
    folder.cell.cars_online.set(5)
    assert folder.cars_online() == {"cell": 5.0, "registry": 2.0}


def test_a_family_of_several_processes_is_described_once(folder: Folder) -> None:
    folder.write("registry", counting(2))
    text = text_of_all(folder.cell, metrics_path(folder.path, "cell")).decode()
    assert text.count("# TYPE monocoque_cars_online gauge") == 1
    assert text.count("# TYPE monocoque_errors_total counter") == 1


@pytest.mark.parametrize(
    ("age_s", "is_shown"),
    [
        pytest.param(METRICS_FILE_OLD_S - 1, True, id="a process that is slow"),
        pytest.param(METRICS_FILE_OLD_S + 1, False, id="a process that was killed"),
        pytest.param(-86_400, True, id="a clock that was set back since"),
    ],
)
def test_what_a_killed_process_left_is_passed_over(
    folder: Folder, age_s: float, is_shown: bool
) -> None:
    folder.write("registry", counting(2), AT_S - age_s)
    assert ("registry" in folder.cars_online()) == is_shown


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"monocoque_cars_online{ 1\n", id="no metrics"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"#" * (METRICS_FILE_BYTES_MAX + 1), id="too large"),
    ],
)
def test_a_file_that_cannot_be_read_costs_itself_and_is_counted(
    folder: Folder, text: bytes
) -> None:
    folder.write("registry", text)
    folder.write("http", counting(1))
    assert folder.cars_online() == {"cell": 0.0, "http": 1.0}
    assert folder.errors() == 1


def test_a_folder_in_place_of_a_file_is_counted(folder: Folder) -> None:
    path = metrics_path(folder.path, "registry")
    path.mkdir()
    os.utime(path, (AT_S, AT_S))
    assert folder.cars_online() == {"cell": 0.0}
    assert folder.errors() == 1


def test_so_many_processes_are_shown_those_that_wrote_last(folder: Folder) -> None:
    folder.write("older", counting(1), AT_S - 1)
    for number in range(METRICS_FILES_MAX):
        folder.write(f"car_{number}", counting(1))
    shown = folder.cars_online()
    assert len(shown) == METRICS_FILES_MAX + 1
    assert "older" not in shown

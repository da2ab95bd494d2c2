"""A run of tests that is killed leaves no PostgreSQL and no folder behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

WAIT_S_MAX = 60.0
PLANTED = """
from pathlib import Path
from signal import SIGINT, default_int_handler, signal
from time import sleep

signal(SIGINT, default_int_handler)  # a shell lets what it starts in the background ignore it


def test_that_lasts_for_ever(postgres_server):
    [[folder]] = postgres_server.execute("SHOW data_directory")
    place = Path(__file__).with_name("folder")
    place.with_suffix(".new").write_text(folder)
    place.with_suffix(".new").rename(place)
    sleep(3600)
"""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_the_server_and_its_folder_end_with_the_run(tmp_path: Path, how: signal.Signals):
    (tmp_path / "test_planted.py").write_text(PLANTED, encoding="utf-8")
    plugin = ["-p", "tests.fixtures.records", "-p", "no:cacheprovider"]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, *plugin, str(tmp_path)],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        place = tmp_path / "folder"
        wait_until(place.exists)
        folder = Path(place.read_text(encoding="utf-8"))
        server = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
        assert server.is_running()
        os.killpg(run.pid, how)
        run.wait(WAIT_S_MAX)
    finally:
        run.kill()
        run.wait(WAIT_S_MAX)
    wait_until(lambda: not server.is_running() and not folder.parent.exists())

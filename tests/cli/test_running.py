"""Commands that run until their standard input ends: a pipe, a file, nothing."""

import subprocess
import sys

import pytest

from monocoque import __version__
from monocoque.plumbing.clock import SystemClock
from monocoque.roles.data_directory import open_data_directory
from tests.e2e.installation import MONOCOQUE

PROGRAM = """
import asyncio
from monocoque.cli.running import run_until_stopped

async def main():
    print("runs", flush=True)
    await asyncio.sleep(60)

run_until_stopped(main(), ends_with_input=True)
"""
S_MAX = 30


def test_a_command_runs_for_as_long_as_its_pipe_is_open() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout.readline() == "runs\n"
        assert command.poll() is None
        said, complaints = command.communicate(timeout=S_MAX)
    assert (command.returncode, said, complaints) == (0, "", "")


def assert_ended_in_words(done: "subprocess.CompletedProcess[str]") -> None:
    said = "Standard input has ended before anything began.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", said)


@pytest.mark.parametrize("redirected", ["</dev/null", "<a_file", "<&-"])
def test_an_input_that_has_ended_already_ends_the_command_in_words(redirected, tmp_path) -> None:
    (tmp_path / "a_file").write_text("words\n")
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {redirected}', sys.executable, PROGRAM],
        capture_output=True,
        text=True,
        timeout=S_MAX,
        cwd=tmp_path,
    )
    assert_ended_in_words(done)


def test_no_car_is_made_when_its_input_has_ended_already(tmp_path) -> None:
    directory = open_data_directory(tmp_path / "data", __version__, SystemClock().now_us(), print)
    directory.close()
    done = subprocess.run(
        [MONOCOQUE, "run", "car", "--until-input-ends", "--data", tmp_path / "data"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=S_MAX,
        check=False,
    )
    assert_ended_in_words(done)
    assert not list(directory.layout.cars.glob("*"))

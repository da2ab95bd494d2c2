"""Parts of the cell in processes of their own: what outlives what, and what is refused.

The settings make silence short, so that a dead registry is seen within seconds. They also show that
each process reads them.
"""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from monocoque import __version__
from monocoque.contracts import errors
from monocoque.roles.parts import PARTS
from tests.cli.test_commands import assert_refused, findings_of, typed
from tests.e2e.installation import (
    MONOCOQUE,
    START_S_MAX,
    STOP_S_MAX,
    Installation,
    wait_until,
)

CARS = 3
SETTINGS = """
[link]
hello_interval_s = 1

[registry]
online_window_s = 3

[log]
level = "INFO"

[nats]
connections_max = 777
"""


class Apart(Installation):
    """An installation whose processes are started and ended one by one."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, CARS)
        self.data.mkdir()
        (self.data / "monocoque.toml").write_text(SETTINGS)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def run_role(self, role: str, *words: str) -> None:
        """Start a role, and return when it says that it is ready."""
        output = self.directory / f"{role}-output"
        port = ["--port", str(self.port)] if role in ("cell", "http") else []
        arguments = ["run", role, "--data", str(self.data), *port, *words]
        with output.open("wb") as file:
            started = subprocess.Popen(
                [MONOCOQUE, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
            )
        self.processes[role] = started

        def is_ready() -> bool:
            printed = output.read_text("utf-8", "replace")
            assert started.poll() is None, f"{role} ended with {started.returncode}:\n{printed}"
            return any(line.startswith("ready") for line in printed.splitlines())

        wait_until(f"{role} is ready", is_ready, START_S_MAX)

    def run_cell(self, *without: str) -> None:
        """Start the cell without these parts."""
        self.run_role(
            "cell", "--cars", str(CARS), *(w for part in without for w in ("--without", part))
        )

    def end(self, role: str, number: signal.Signals) -> int:
        """Send a signal, and return the exit status."""
        self.processes[role].send_signal(number)
        return self.processes.pop(role).wait(STOP_S_MAX)

    def wait_for(self, online: int) -> None:
        """Wait until so many cars are online; -1 means that nobody answers."""
        wait_until(f"{online} cars online", lambda: self.cars_online() == online, START_S_MAX)


@contextlib.contextmanager
def running(installation: Apart) -> Iterator[Apart]:
    """At the end, whatever a failed test left is ended."""
    try:
        yield installation
    finally:
        for role in list(installation.processes):
            installation.end(role, signal.SIGTERM)  # the cell ends its bus server with it


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Apart]:
    """Nothing runs yet."""
    with running(Apart(tmp_path)) as installation:
        yield installation


@pytest.mark.timeout(400)
def test_each_part_can_be_killed_and_started_again(apart: Apart) -> None:
    apart.run_cell("registry", "http")
    assert apart.cars_online() == -1
    for part in ("http", "registry"):
        apart.run_role(part)
    apart.wait_for(CARS)
    # A registry that is killed hears nobody, and goes on from the records.
    assert apart.end("registry", signal.SIGKILL) == -signal.SIGKILL
    apart.wait_for(0)
    apart.run_role("registry")
    apart.wait_for(CARS)
    # So does HTTP; the registry goes on hearing meanwhile.
    apart.end("http", signal.SIGKILL)
    assert apart.cars_online() == -1
    apart.run_role("http")
    apart.wait_for(CARS)
    # The parts outlive a cell that is killed, and go on with the next one.
    apart.end("cell", signal.SIGKILL)
    apart.wait_for(0)
    apart.run_cell("registry", "http")
    apart.wait_for(CARS)
    for role in ("cell", "http"):
        assert '"level": "info"' in (apart.directory / f"{role}-output").read_text(), role
    assert "max_connections: 777" in (apart.data / "cell/nats/server.conf").read_text()
    # HTTP shows what each of them counts, and what ended is passed over after a while.
    everybody = {"cell", "registry", "http", "factory", "cars"}
    wait_until("all are shown", lambda: apart.counting() == everybody, START_S_MAX)
    # Told to end, each ends calmly.
    for role, number in (
        ("registry", signal.SIGINT),
        ("http", signal.SIGTERM),
        ("cell", signal.SIGINT),
    ):
        assert apart.end(role, number) == 0, role


def test_a_part_runs_once_wherever_it_runs(apart: Apart) -> None:
    words = ["--data", str(apart.data)]
    hint = "Stop that process. A cell leaves the {0} to another with `--without {0}`."
    apart.run_cell("registry")
    apart.run_role("registry")
    apart.wait_for(CARS)
    for part in ("registry", "http"):
        assert_refused(typed(apart.directory, "run", part, *words), hint.format(part))
    assert apart.end("cell", signal.SIGINT) == 0
    assert_refused(typed(apart.directory, "up", "--port", "0", *words), hint.format("registry"))
    assert apart.end("registry", signal.SIGTERM) == 0


def test_the_doctor_finds_a_cell_whose_http_does_not_run(apart: Apart) -> None:
    apart.run_cell("http")
    words = ["doctor", "--json", "--data", str(apart.data)]
    done = typed(apart.directory, *words)
    assert done.returncode == 1
    assert findings_of(done)["cell"]["code"] == errors.CellUnreachable.code
    apart.run_role("http")
    apart.wait_for(CARS)
    done = typed(apart.directory, *words)
    assert done.returncode == 0, done.stdout
    assert apart.sign_in_link("console")
    assert apart.end("http", signal.SIGINT) == 0
    assert apart.end("cell", signal.SIGINT) == 0


@pytest.mark.parametrize("part", ["registry", "http"])
def test_a_part_without_a_cell_is_refused(part: str, tmp_path: Path) -> None:
    hint = f"Start `monocoque run cell --without {part}` on the same data directory first."
    words = ["run", part, "--data", "data"]
    assert_refused(typed(tmp_path, *words), hint)
    assert not (tmp_path / "data").exists()
    # A data directory whose cell does not run now is no better.
    (tmp_path / "data").mkdir()
    stamp = {"format": 1, "product": __version__}
    (tmp_path / "data/VERSION").write_text(json.dumps(stamp))
    assert_refused(typed(tmp_path, *words), hint)


def test_a_cell_cannot_be_without_what_is_no_part_of_it(tmp_path: Path) -> None:
    done = typed(tmp_path, "up", "--without", "wheels", "--data", "data", "--port", "0")
    assert_refused(done, f"Say {' or '.join(PARTS)}.")
    assert not (tmp_path / "data").exists()

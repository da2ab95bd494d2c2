"""An installation of which one role waits to be struck, each role in a process of its own.

Rules: the struck role is started by struck.py and is the product in every other way; whoever was
killed is started again by hand, since whoever started it does that; an installation is ended by
Ctrl-C, and each process must then exit with 0.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.installation import (
    MONOCOQUE,
    START_S_MAX,
    STOP_S_MAX,
    Installation,
    wait_until,
)

ROOT = Path(__file__).parents[2]
PARTS = ("http", "commands", "twin", "registry", "pairing")
ROLES = ("car", *PARTS, "cell")
SETTINGS = """
[bus]
acknowledge_wait_s = 1  # what a struck reader held comes again

[commands]
commands_per_minute_max = 10000

[car_commands]
per_key_per_minute_max = 10000

[body]
locks_s = 0.05
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A boundary: its name, and how often it is passed."""

    name: str
    time: int


class StruckInstallation(Installation):
    """One car, one factory, one cell, and one role apart from them: the struck one."""

    def __init__(self, directory: Path, role: str) -> None:
        super().__init__(directory, cars=0)
        self.role = role
        self.car_id = ""
        self.deaths = 0
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._notes = directory / "notes"
        self._notes.mkdir()
        self.data.mkdir()
        (self.data / "monocoque.toml").write_text(SETTINGS)

    def start_all(self) -> None:
        """Start every process, and return when the car is online."""
        self.start_role("cell")
        if self.role in PARTS:
            self.start_role(self.role)
        self.start_role("factory")
        self.start_role("car")
        wait_until("the car is online", lambda: self.cars_online() == 1, START_S_MAX)

    def start_role(self, role: str) -> None:
        """Start a role, and return when it says that it is ready."""
        output = self.directory / f"{role}-output"
        before = output.stat().st_size if output.exists() else 0
        words = self._words(role)
        command = [sys.executable, "-m", "tests.e2e.struck", str(self._notes), *words]
        with output.open("ab") as file:
            started = subprocess.Popen(
                command if role == self.role else [str(MONOCOQUE), *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        self.processes[role] = started

        def is_ready() -> bool:
            printed = output.read_bytes()[before:].decode("utf-8", "replace")
            assert started.poll() is None, f"{role} ended with {started.returncode}:\n{printed}"
            found = re.search(r"^(?:ready .*|car_[0-9a-z]{26})$", printed, re.MULTILINE)
            if found is not None and role == "car":
                self.car_id = found.group(0)
            return found is not None

        wait_until(f"{role} is ready", is_ready, START_S_MAX)

    def begin(self, kind: str, target: Target | None = None) -> None:
        """From now on the struck role counts its boundaries, and dies at the target."""
        plan = {"kind": kind, "target": target and (target.name, target.time)}
        (self._notes / "plan.json").write_text(json.dumps(plan))
        self._turn("begun")

    def passed(self) -> dict[str, int]:
        """End the counting; how often each boundary was passed."""
        self._turn("passed.json")
        passed: dict[str, int] = json.loads((self._notes / "passed.json").read_text())
        return passed

    def revive(self) -> None:
        """Start the role again if it is dead; it can only have been killed."""
        status = self.processes[self.role].poll()
        if status is not None:
            assert status == -signal.SIGKILL, f"{self.role} ended with {status}"
            self.deaths += 1
            self.start_role(self.role)

    def end_all(self) -> dict[str, int]:
        """End every process as a person does; those whose status is not 0, with it."""
        statuses = {}
        for role in reversed(list(self.processes)):
            process = self.processes.pop(role)
            process.send_signal(signal.SIGINT)
            statuses[role] = process.wait(STOP_S_MAX)
        return {role: status for role, status in statuses.items() if status != 0}

    def _turn(self, answer: str) -> None:
        note = self._notes / answer
        note.unlink(missing_ok=True)
        self.processes[self.role].send_signal(signal.SIGUSR1)
        wait_until(f"{self.role} wrote {answer}", note.exists, START_S_MAX)

    def _words(self, role: str) -> list[str]:
        words = ["run", role, "--data", str(self.data)]
        if role == "cell" and self.role in PARTS:
            words += ["--without", self.role]
        if role in ("cell", "http"):
            words += ["--port", str(self.port)]
        if role == "car" and self.car_id:
            words += ["--car", self.car_id]
        return words


@contextmanager
def struck_installation(directory: Path, role: str) -> Iterator[StruckInstallation]:
    """A running installation; at the end nothing of it is left, and all of it ended calmly."""
    installation = StruckInstallation(directory, role)
    try:
        installation.start_all()
        yield installation
    finally:
        ended_badly = installation.end_all()
    assert not ended_badly

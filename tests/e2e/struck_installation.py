"""An installation whose roles wait to be struck, each in a process of its own.

Rules: a role that can be struck is started by struck.py and is the product in every other way;
whoever was killed is started again here, since whoever started it does that; at the end each
process is ended as a person does it, and must exit with 0.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.installation import (
    MONOCOQUE,
    STOP_S_MAX,
    Installation,
    wait_until,
)

ROOT = Path(__file__).parents[2]
READY_S_MAX = 90.0
"""Generous, since a role is started a hundred times, on a machine that may have other work."""
PARTS = ("http", "commands", "twin", "registry", "pairing")
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
    """One car, one factory, one cell, and what is struck apart from them."""

    def __init__(self, directory: Path, roles: Sequence[str]) -> None:
        """roles: which can be struck; parts among them run apart from the cell."""
        super().__init__(directory, cars=0)
        self.roles = roles
        self.car_id = ""
        self.deaths = Counter[str]()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for role in roles:
            self._notes(role).mkdir(parents=True)
        self.data.mkdir()
        (self.data / "monocoque.toml").write_text(SETTINGS)

    def start_all(self) -> None:
        """Start every process, and return when the car is online."""
        self.start_role("cell")
        for part in PARTS:
            if part in self.roles:
                self.start_role(part)
        self.start_role("factory")
        self.start_role("car")
        wait_until("the car is online", lambda: self.cars_online() == 1, READY_S_MAX)

    def start_role(self, role: str) -> None:
        """Start a role, and return when it says that it is ready."""
        output = self.directory / f"{role}-output"
        before = output.stat().st_size if output.exists() else 0
        words = self._words(role)
        command = [sys.executable, "-m", "tests.e2e.struck", str(self._notes(role)), *words]
        with output.open("ab") as file:
            started = subprocess.Popen(
                command if role in self.roles else [str(MONOCOQUE), *words],
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

        wait_until(f"{role} is ready", is_ready, READY_S_MAX)

    def begin(self, role: str, kind: str, target: Target | None = None) -> None:
        """From now on this role counts its boundaries, and dies at the target."""
        plan = {"kind": kind, "target": target and (target.name, target.time)}
        (self._notes(role) / "plan.json").write_text(json.dumps(plan))
        self._turn(role, "begun")

    def passed(self, role: str) -> dict[str, int]:
        """End the counting; how often each boundary was passed."""
        self._turn(role, "passed.json")
        passed: dict[str, int] = json.loads((self._notes(role) / "passed.json").read_text())
        return passed

    def kill(self, role: str = "cell") -> None:
        """End a role the way a power cut does."""
        self.processes[role].kill()
        self.processes[role].wait(STOP_S_MAX)

    def revive(self) -> None:
        """Start again whoever is dead; it can only have been killed."""
        for role in self.roles:
            status = self.processes[role].poll()
            if status is not None:
                assert status == -signal.SIGKILL, f"{role} ended with {status}"
                self.deaths[role] += 1
                self.start_role(role)

    def end_all(self) -> dict[str, int]:
        """End every process as a person does; those whose status is not 0, with it."""
        statuses = {}
        for role in reversed(list(self.processes)):
            process = self.processes.pop(role)
            process.send_signal(signal.SIGINT)
            statuses[role] = process.wait(STOP_S_MAX)
        return {role: status for role, status in statuses.items() if status != 0}

    def _notes(self, role: str) -> Path:
        return self.directory / "notes" / role

    def _turn(self, role: str, answer: str) -> None:
        note = self._notes(role) / answer
        note.unlink(missing_ok=True)
        self.processes[role].send_signal(signal.SIGUSR1)
        wait_until(f"{role} wrote {answer}", note.exists, READY_S_MAX)

    def _words(self, role: str) -> list[str]:
        words = ["run", role, "--data", str(self.data)]
        if role == "cell":
            for part in PARTS:
                words += ["--without", part] if part in self.roles else []
        if role in ("cell", "http"):
            words += ["--port", str(self.port)]
        if role == "car" and self.car_id:
            words += ["--car", self.car_id]
        return words


@contextmanager
def struck_installation(directory: Path, roles: Sequence[str]) -> Iterator[StruckInstallation]:
    """A running installation; at the end nothing of it is left, and all of it ended calmly."""
    installation = StruckInstallation(directory, roles)
    try:
        installation.start_all()
        yield installation
    finally:
        ended_badly = installation.end_all()
    assert not ended_badly

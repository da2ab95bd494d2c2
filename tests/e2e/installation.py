"""A whole installation for the browser: `monocoque up` in a process of its own.

Rules: what it prints is what a person sees, so links and address are read from there; it is ended
by Ctrl-C and must then exit with 0; every wait has a deadline.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.fixtures.ports import reserved_port

START_S_MAX = 60
STOP_S_MAX = 60
COMMAND_S_MAX = 60
ANSWER_S_MAX = 30
HEALTH_S_MAX = 5
POLL_S = 0.1
MONOCOQUE = Path(sys.executable).with_name("monocoque")


def wait_until(what: str, holds: Callable[[], bool], s_max: float) -> None:
    """Wait for a condition; fails by name at the deadline."""
    deadline = time.monotonic() + s_max
    while not holds():
        assert time.monotonic() < deadline, f"not within {s_max} s: {what}"
        time.sleep(POLL_S)


class Installation:
    """One data directory, and the processes that work on it."""

    def __init__(
        self, directory: Path, cars: int, environment: Mapping[str, str] | None = None
    ) -> None:
        """Not started yet. environment: what its processes find beside that of the tests."""
        self.directory = directory
        self.data = directory / "data"
        self.cars = cars
        self.port = reserved_port()
        self._environment = {**os.environ, **(environment or {})}
        self._up: subprocess.Popen[bytes] | None = None
        self._others: list[subprocess.Popen[bytes]] = []

    def start(self, online: int | None = None) -> None:
        """Start, and return when it says that it is ready and its cars are there.

        online: how many of its cars can be there; all of them if not given.
        """
        wanted = self.cars if online is None else online
        try:
            self.start_ready()
            wait_until(f"{wanted} cars are on", lambda: self.cars_online() == wanted, START_S_MAX)
        except BaseException:  # else it would run beside all tests that follow
            if self._up is not None and self._up.poll() is None:
                self.kill_whole()
            raise

    def start_ready(self) -> None:
        """Start, and return when it says that it is ready, however many cars there are."""
        output = self.start_only()
        ready = f"ready http://localhost:{self.port}"
        wait_until(ready, lambda: self._is_ready(ready, output), START_S_MAX)

    def start_only(self) -> Path:
        """Start, and wait for nothing; returns the file of what it prints."""
        output = self.directory / "output"
        command = ["up", "--cars", str(self.cars), "--port", str(self.port)]
        with output.open("wb") as file:
            self._up = self._spawn([*command, "--data", str(self.data)], file.fileno())
        return output

    def stop(self) -> int:
        """End it the way a person does; returns its exit status."""
        assert self._up is not None
        for process in self._others:
            process.kill()
            process.wait(STOP_S_MAX)
        self._others.clear()
        self._up.send_signal(signal.SIGINT)
        return self._up.wait(STOP_S_MAX)

    def kill(self) -> None:
        """End the cell the way a power cut does."""
        assert self._up is not None
        self._up.kill()
        self._up.wait(STOP_S_MAX)

    def kill_whole(self) -> int:
        """End the cell and every process of it the way a power cut does; how many there were."""
        assert self._up is not None
        up = psutil.Process(self._up.pid)
        processes = [up, *up.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._up.wait(STOP_S_MAX)
        psutil.wait_procs(processes, STOP_S_MAX)
        return len(processes)

    def sign_in_link(self, site: str) -> str:
        """A new one-time link for a site."""
        printed = self.run("sign-in", site, "--data", str(self.data))
        found = re.search(rf"http://{site}\.localhost:{self.port}/sign-in#\S+", printed)
        assert found, printed
        return found.group(0)

    def start_car(self) -> "subprocess.Popen[bytes]":
        """One more car, in a process of its own."""
        with (self.directory / "car-output").open("wb") as file:
            car = self._spawn(["run", "car", "--data", str(self.data)], file.fileno())
        self._others.append(car)
        return car

    def cars_online(self) -> int:
        """What the cell says of its health; -1 when it does not answer."""
        address = f"http://127.0.0.1:{self.port}/api/health"
        try:
            with urllib.request.urlopen(address, timeout=HEALTH_S_MAX) as answer:
                return int(json.load(answer)["cars_online"])
        except urllib.error.HTTPError as refused:
            refused.close()
            return -1
        except (urllib.error.URLError, OSError):
            return -1

    def printed(self) -> str:
        """What `up` has said since its last start, its log included."""
        return (self.directory / "output").read_text("utf-8", "replace")

    def counted(self, name: str, **labels: str) -> float:
        """A counter, as the metrics route gives it; 0 when nothing was counted.

        labels: those that are given must agree; what every process counted is added up, unless
        ``process`` is among them.
        """
        return sum(
            s.value
            for s in self._samples()
            if s.name == name and labels.items() <= s.labels.items()
        )

    def counting(self) -> set[str]:
        """The names of the processes whose metrics are shown."""
        return {sample.labels["process"] for sample in self._samples()}

    def _samples(self) -> list[Sample]:
        token = (self.data / "secrets" / "metrics_token").read_text()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/metrics",
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        return [sample for family in families for sample in family.samples]

    def address(self, site: str, path: str = "/") -> str:
        """The address of a page; the page of doors when site is empty."""
        host = f"{site}.localhost" if site else "localhost"
        return f"http://{host}:{self.port}{path}"

    def _is_ready(self, ready: str, output: Path) -> bool:
        assert self._up is not None
        printed = output.read_text("utf-8", "replace")
        assert self._up.poll() is None, f"up ended with {self._up.returncode}:\n{printed}"
        return ready in printed

    def _spawn(self, arguments: list[str], output: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [MONOCOQUE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            env=self._environment,
        )

    def run(self, *arguments: str) -> str:
        """What a command prints that must succeed."""
        done = self.typed(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def typed(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """What a command prints, and how it ends."""
        return subprocess.run(
            [MONOCOQUE, *arguments],
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            cwd=self.directory,
            env=self._environment,
            check=False,
        )

"""How fast `monocoque up` is there, and what it costs when nothing happens.

A fresh installation with three cars on loopback, in a temporary directory and processes of its own:
the cell, nats-server and the cars. Four figures:

* ``ready_seconds``: from its start until it says ready and the cell counts every car online;
* ``rss_mb``: the resident memory of the three processes together; what they share counts each time;
* ``pss_mb``: the same with shared memory counted once;
* ``idle_core_percent``: processor time of the three in ``IDLE_S``, in percent of one core.
"""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

CARS = 3
PROCESSES = 3
READY_S_MAX = 60.0
SETTLE_S = 5.0
"""What a start leaves to be done is over by then."""
IDLE_S = 20.0
STOP_S_MAX = 20.0
ASK_S_MAX = 2.0
LOOK_S = 0.02
MB_BYTES = 1_000_000
READY = re.compile(r"^ready (http://\S+)$", re.MULTILINE)

Progress = Callable[[str], object]


def measure(progress: Progress) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    with tempfile.TemporaryDirectory(prefix="monocoque-bench-") as directory:
        progress(f"starting an installation with {CARS} cars")
        started_at_s = time.perf_counter()
        with _installation(Path(directory)) as (up, output):
            _wait_until_ready(up, output)
            ready_s = time.perf_counter() - started_at_s
            progress(f"letting it settle for {SETTLE_S:.0f} s")
            time.sleep(SETTLE_S)
            processes = _processes(up.pid)
            progress(f"measuring {IDLE_S:.0f} idle seconds")
            before_s, looked_at_s = _processor_s(processes), time.perf_counter()
            time.sleep(IDLE_S)
            used_s = _processor_s(processes) - before_s
            idle_s = time.perf_counter() - looked_at_s
            memory = [process.memory_full_info() for process in processes]
    return {
        "ready_seconds": round(ready_s, 2),
        "rss_mb": round(sum(each.rss for each in memory) / MB_BYTES),
        "pss_mb": round(sum(each.pss for each in memory) / MB_BYTES),
        "idle_core_percent": round(used_s / idle_s * 100, 2),
    }


@contextmanager
def _installation(directory: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """`monocoque up` on any free port, and the file of what it prints; ended as by Ctrl-C."""
    program, output = Path(sys.executable).with_name("monocoque"), directory / "output"
    arguments = ["--cars", str(CARS), "--port", "0", "--data", str(directory / "data")]
    with output.open("wb") as file:
        up = subprocess.Popen(
            [program, "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield up, output
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def _wait_until_ready(up: "subprocess.Popen[bytes]", output: Path) -> None:
    give_up_at_s = time.perf_counter() + READY_S_MAX
    while True:
        printed = output.read_text("utf-8", "replace")
        ready = READY.search(printed)
        if ready is not None and _cars_online(ready.group(1)) == CARS:
            return
        if up.poll() is not None or time.perf_counter() > give_up_at_s:
            raise RuntimeError(f"The installation was not ready; it said:\n{printed}")
        time.sleep(LOOK_S)


def _cars_online(address: str) -> int:
    try:
        with urllib.request.urlopen(f"{address}/api/health", timeout=ASK_S_MAX) as answer:
            return int(json.load(answer)["cars_online"])
    except (urllib.error.URLError, OSError):
        return -1


def _processes(pid: int) -> list[psutil.Process]:
    up = psutil.Process(pid)
    processes = [up, *up.children(recursive=True)]
    if len(processes) != PROCESSES:
        raise RuntimeError(f"There are {len(processes)} processes, not {PROCESSES}.")
    return processes


def _processor_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()

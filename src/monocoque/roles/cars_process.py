"""The process of a cell's virtual cars, as the cell sees it.

Rules:

* it is started before the cell is ready, since loading its code takes as long as readying the
  cell; it touches nothing before it is told to begin, and has its process file only then, so a cell
  that may not start changes nothing;
* it is started again whenever it ends, with the folders that its cars had;
* it runs the factory too, so the cars that are missing come to it when they leave the line;
* it ends by itself when the cell is killed: its standard input closes.

Left out on purpose: what happens inside it; that is cars.py.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import write_process_file
from monocoque.roles.layout import Layout

PAUSE_S = 0.5
"""Pause before it is started again."""
BEGIN = b"begin\n"
"""What it waits for on its standard input."""
END_S_MAX = 5.0
"""How long it may take to end before it is killed."""


class CarsProcess:
    """The virtual cars in a process of their own; there is none when there shall be no cars."""

    def __init__(self, layout: Layout, cars: int) -> None:
        self._layout = layout
        self._cars = cars
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, without waiting for anything; it loads its code, and no more."""
        if self._cars == 0:
            return
        self._child = await asyncio.create_subprocess_exec(
            *_command(self._layout.path, self._cars),
            stdin=asyncio.subprocess.PIPE,
            # Ctrl-C in a terminal goes to the cell, which then ends its children in order.
            start_new_session=True,
        )

    def _begin(self) -> None:
        """Tell it that its cars may live; one that has ended does not hear it."""
        if self._child is None or self._child.stdin is None or self._child.stdin.is_closing():
            return
        # uvloop's way to say that the pipe was closed meanwhile; waiting for the child says why.
        with contextlib.suppress(RuntimeError):
            self._child.stdin.write(BEGIN)

    async def keep(self, metrics: Metrics) -> None:
        """Let its cars live, and start it again whenever it ends, until cancelled; then it has."""
        log = get_log("monocoque.cars")
        try:
            while self._child is not None:
                write_process_file(self._layout.process("cars"), self._child.pid)
                self._begin()
                status = await self._child.wait()
                log.error("the cars' process ended", status=status)
                metrics.service_restarts.labels(service="cars").inc()
                await asyncio.sleep(PAUSE_S)
                await self.start()
        finally:
            await self.end()

    async def end(self) -> None:
        """End it calmly, or by force when it takes too long."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        child.terminate()
        try:
            async with asyncio.timeout(END_S_MAX):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


def _command(path: Path, cars: int) -> list[str]:
    arguments = ["run", "cars", "--data", str(path), "--cars", str(cars)]
    arguments += ["--when-told", "--until-input-ends"]
    return [sys.executable, "-m", "monocoque.cli.main", *arguments]

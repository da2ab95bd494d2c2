"""The process of a cell's virtual cars, as a real process: after its death there is a next one."""

import asyncio
import contextlib
import os
import signal

import psutil
import uvloop

from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import ProcessFile, is_alive, read_process_file
from monocoque.roles.cars_process import CarsProcess
from monocoque.roles.layout import Layout


def test_a_cars_process_that_dies_before_it_is_told_to_begin_is_started_again(tmp_path) -> None:
    layout = Layout(tmp_path)
    layout.run.mkdir()

    def shown() -> ProcessFile | None:
        return read_process_file(layout.process("cars"))

    async def live() -> None:
        cars = CarsProcess(layout, 1)
        before = {child.pid for child in psutil.Process().children()}
        await cars.start()
        (first,) = [each for each in psutil.Process().children() if each.pid not in before]
        os.kill(first.pid, signal.SIGKILL)
        assert shown() is None  # it has not begun
        async with asyncio.timeout(30):
            while first.is_running() and first.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)  # the loop hears that its pipe is closed
            keeping = asyncio.ensure_future(cars.keep(Metrics(SystemClock())))
            while (now := shown()) is None or now.pid == first.pid:
                assert not keeping.done(), keeping.exception()
                await asyncio.sleep(0.01)
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
        last = shown()
        assert last is not None
        assert not is_alive(last)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(live())

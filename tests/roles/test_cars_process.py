"""The process of a cell's virtual cars, as a real process: after its death there is a next one."""

import asyncio
import contextlib
import os
import signal

import uvloop

from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import ProcessFile, is_alive, read_process_file
from monocoque.roles.cars_process import CarsProcess
from monocoque.roles.layout import Layout


def test_a_cars_process_that_dies_before_it_is_told_to_begin_is_started_again(tmp_path) -> None:
    layout = Layout(tmp_path)
    layout.run.mkdir()

    def shown() -> ProcessFile:
        found = read_process_file(layout.run / "cars.json")
        assert found is not None
        return found

    async def live() -> None:
        cars = CarsProcess(layout, 1)
        await cars.start()
        first = shown()
        os.kill(first.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while is_alive(first):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)  # the loop hears that its pipe is closed
            keeping = asyncio.ensure_future(cars.keep(Metrics(SystemClock())))
            while shown().pid == first.pid:
                assert not keeping.done(), keeping.exception()
                await asyncio.sleep(0.01)
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping
        assert not is_alive(shown())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(live())

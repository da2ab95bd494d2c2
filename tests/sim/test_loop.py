"""The virtual-time loop: what it promises to every world."""

import asyncio
import contextvars
import gc
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from monocoque.contracts.errors import Deadlock, Livelock, NotInVirtualTime
from monocoque.sim.loop import VirtualLoop, run_virtual

YEAR_S = 365 * 24 * 3_600


def test_a_year_of_sleep_costs_a_handful_of_events() -> None:
    async def main() -> tuple[float, int]:
        await asyncio.sleep(YEAR_S)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        return loop.time(), loop.events

    virtual_s, events = run_virtual(main())
    assert virtual_s == YEAR_S
    assert events < 10


def test_a_timeout_that_is_never_needed_leaves_no_events_behind() -> None:
    async def main() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        for _ in range(10_000):
            async with asyncio.timeout(YEAR_S):
                await asyncio.sleep(1)
        return loop.time(), len(loop._scheduled)

    virtual_s, scheduled = run_virtual(main())
    assert virtual_s == 10_000
    assert scheduled < 1_000


def test_a_timeout_ends_a_wait_at_its_moment() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 2.5


def test_what_is_due_at_one_moment_runs_in_the_order_it_was_scheduled() -> None:
    async def main() -> list[int]:
        seen: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(100):
            loop.call_at(5.0, seen.append, number)
        await asyncio.sleep(6)
        return seen

    assert run_virtual(main()) == list(range(100))


def test_a_task_group_cancels_its_tasks_in_the_order_of_their_birth() -> None:
    async def member(number: int, ended: list[int]) -> None:
        try:
            await asyncio.sleep(YEAR_S)
        finally:
            ended.append(number)

    async def many(ended: list[int]) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(500):
                group.create_task(member(number, ended))
            await asyncio.sleep(1)
            raise ValueError

    async def main() -> list[int]:
        ended: list[int] = []
        with pytest.raises(ExceptionGroup):
            await many(ended)
        return ended

    ended = run_virtual(main())
    assert ended == sorted(ended)
    assert len(ended) == 500


def test_a_deadlock_raises_and_names_the_waiting_tasks() -> None:
    async def waits_for_nothing() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(waits_for_nothing(), name="the forgotten one")

    with pytest.raises(Deadlock) as caught:
        run_virtual(main())
    assert "the forgotten one at Event.wait" in caught.value.what
    assert "2 tasks wait" in caught.value.what


def test_a_deadlock_lists_only_so_many_tasks() -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(asyncio.Event().wait())

    with pytest.raises(Deadlock, match="31 more"):
        run_virtual(main())


def test_tasks_that_wake_each_other_without_end_are_a_livelock() -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Livelock, match="1000 events ran"):
        run_virtual(main(), events_without_time_max=1_000)


def test_many_events_are_no_livelock_while_time_goes_on() -> None:
    async def main() -> None:
        for _ in range(5_000):
            await asyncio.sleep(0.001)

    run_virtual(main(), events_without_time_max=1_000)


async def _watch_a_file() -> None:
    asyncio.get_running_loop().add_reader(0, print)


async def _listen() -> None:
    await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)


async def _receive() -> None:
    with socket.socket() as own:
        await asyncio.get_running_loop().sock_recv(own, 1)


async def _handle_a_signal() -> None:
    asyncio.get_running_loop().add_signal_handler(10, print)


@pytest.mark.parametrize(
    ("reach_out", "what"),
    [
        pytest.param(lambda: asyncio.to_thread(print), "a thread", id="thread"),
        pytest.param(
            lambda: asyncio.get_running_loop().getaddrinfo("localhost", 80),
            "a name server",
            id="name server",
        ),
        pytest.param(lambda: asyncio.open_connection("127.0.0.1", 9), "a socket", id="connect"),
        pytest.param(_listen, "a socket", id="listen"),
        pytest.param(_receive, "a socket", id="receive"),
        pytest.param(lambda: asyncio.create_subprocess_exec("true"), "a process", id="process"),
        pytest.param(lambda: asyncio.create_subprocess_shell("true"), "a process", id="shell"),
        pytest.param(_watch_a_file, "a file being watched", id="file"),
        pytest.param(_handle_a_signal, "a signal", id="signal"),
    ],
)
def test_the_outer_world_is_refused(reach_out: Callable[[], Awaitable[Any]], what: str) -> None:
    async def main() -> None:
        await reach_out()

    with pytest.raises(NotInVirtualTime, match=what):
        run_virtual(main())


def test_a_thread_that_acts_in_a_world_is_refused_and_ends_the_run() -> None:
    refused: list[BaseException] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def act() -> None:
            try:
                loop.call_soon_threadsafe(print)
            except NotInVirtualTime as error:
                refused.append(error)

        thread = threading.Thread(target=act)
        thread.start()
        thread.join()
        await asyncio.sleep(1)

    with pytest.raises(NotInVirtualTime, match="A thread"):
        run_virtual(main())
    assert len(refused) == 1


def test_what_a_callback_raises_ends_the_run() -> None:
    def fail() -> None:
        raise ValueError("planted")

    async def main() -> None:
        asyncio.get_running_loop().call_later(1, fail)
        await asyncio.sleep(YEAR_S)

    with pytest.raises(ValueError, match="planted"):
        run_virtual(main())


def test_what_is_left_running_at_the_end_is_cancelled() -> None:
    ended: list[str] = []

    async def left_over() -> None:
        try:
            await asyncio.sleep(YEAR_S)
        finally:
            ended.append("left over")

    async def main() -> asyncio.Task[None]:
        task = asyncio.create_task(left_over())
        await asyncio.sleep(1)
        return task

    assert run_virtual(main()).cancelled()
    assert ended == ["left over"]


def test_a_generator_left_half_used_is_closed_in_the_world() -> None:
    closed: list[float] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(3)
            closed.append(asyncio.get_running_loop().time())

    async def main() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(10)

    run_virtual(main())
    assert closed == [3.0]


def test_the_observer_sees_every_event_with_its_context() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    async def child() -> None:
        await asyncio.sleep(1)

    async def service(name: str) -> None:
        who.set(name)
        async with asyncio.TaskGroup() as group:
            group.create_task(child())

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(service("one"))
            group.create_task(service("two"))

    run_virtual(main(), observer=lambda context: seen.append(context.get(who, "nobody")))
    assert seen.count("one") == seen.count("two") > 3
    assert "nobody" in seen


def test_the_collector_is_as_it_was_after_a_world() -> None:
    async def main() -> bool:
        return gc.isenabled()

    assert gc.isenabled()
    assert not run_virtual(main())
    assert gc.isenabled()


def test_a_virtual_loop_within_itself_is_refused() -> None:
    async def nothing() -> None:
        pass

    async def main() -> None:
        again = nothing()
        try:
            asyncio.get_running_loop().run_until_complete(again)
        finally:
            again.close()

    with pytest.raises(NotInVirtualTime, match="within itself"):
        run_virtual(main())

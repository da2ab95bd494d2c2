"""Starts the event loop of a command that runs until it is told to stop.

Rules: Ctrl-C and SIGTERM cancel the main task once, and the command ends with status 0 when
everything it started has ended; a parent that goes away (standard input closes) does the same, and
so does one that was never there (it is closed, a file or /dev/null).
"""

import asyncio
import os
import select
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import typer
import uvloop

INPUT_CHUNK_BYTES = 4_096


def run_until_stopped(main: Coroutine[Any, Any, None], *, ends_with_input: bool) -> None:
    """Run it; returns when it ended, or was ended by a signal."""
    if not may_begin(ends_with_input=ends_with_input):
        main.close()
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_guarded(main, ends_with_input=ends_with_input))


def may_begin(*, ends_with_input: bool) -> bool:
    """Whether there is something that the command can go on with; says so when there is not.

    For a command that makes something before it runs, and should not for nothing.
    """
    if ends_with_input and not _can_wait_for_input():
        typer.echo("Standard input has ended before anything began.", err=True)
        return False
    return True


async def _guarded(main: Coroutine[Any, Any, None], *, ends_with_input: bool) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(main)
    was_stopped = False

    def stop() -> None:
        nonlocal was_stopped
        if not was_stopped:
            was_stopped = True
            task.cancel()

    def look_at_input() -> None:
        if not os.read(sys.stdin.fileno(), INPUT_CHUNK_BYTES):
            loop.remove_reader(sys.stdin.fileno())
            stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if ends_with_input:
        loop.add_reader(sys.stdin.fileno(), look_at_input)
    try:
        await task
    except asyncio.CancelledError:
        if not was_stopped:
            raise


def _can_wait_for_input() -> bool:
    """Whether more can come: epoll(7) does not wait for a file, since all of it is there."""
    if sys.stdin is None:
        return False
    with select.epoll() as poll:
        try:
            poll.register(sys.stdin.fileno(), select.EPOLLIN)
        except PermissionError:
            return False
    return True

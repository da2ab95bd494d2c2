"""The process of one app: ``python -m monocoque.app.running``, started by a car.

Rules:

* what to run, where and with which token comes over standard input, so it is in no list of
  processes; what the app says to the car goes over the descriptor that is named there;
* the process is in its cage before a line of the app's code is read;
* it beats while its event loop turns, and ends when the car has gone.

Left out on purpose: starting again, and judging how much is used; those are the car's.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from monocoque.app import loading
from monocoque.app.declaring import App, Surroundings, manifest_of, signals_of
from monocoque.app.line import Line
from monocoque.app.testing import MemoryLine
from monocoque.contracts.apps import LINE_BYTES_MAX, Word, read_line, write_line
from monocoque.contracts.errors import MonocoqueError
from monocoque.plumbing.cage import Cage, enter, python_places
from monocoque.plumbing.clock import SystemClock

BEAT_S: Final = 0.5
REASON_CHARACTERS_MAX: Final = 200
MEMORY: Final = "memory"
IN_MEMORY: Final = "memory:"
"""The address of a car that is none: the app runs with signals of its own memory."""


class Told:
    """What the car has told, and what is said to it."""

    def __init__(self, begin: Mapping[str, Any]) -> None:
        self.begin = begin
        self.token: str = begin["token"]
        self._descriptor: int = begin["descriptor"]

    def say(self, word: Word, **members: Any) -> None:
        """Say it to the car; when the car has gone, to nobody."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, write_line(word, **members))

    async def listen(self) -> None:
        """Hear what the car says; returns when it has gone."""
        reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", buffering=0)
        )
        while line := await reader.readline():
            word, members = read_line(line)
            if word is Word.TOKEN:
                self.token = members["token"]

    async def beat(self) -> None:
        """Say now and then that the loop turns."""
        while True:
            self.say(Word.BEAT)
            await asyncio.sleep(BEAT_S)


def main() -> None:
    """Run the app; raises what the app raises."""
    told = Told(read_line(_first_line())[1])
    begin = told.begin
    held = enter(
        Cage(
            readable=(*python_places(), Path(begin["code"])),
            writable=(Path(begin["data"]),),
            ports=tuple(begin["ports"]),
            data_bytes_max=begin["data_bytes_max"],
        )
    )
    told.say(Word.CAGED, by=list(held.by), missing=list(held.missing))
    try:
        asyncio.run(_live(told))
    except BaseException as error:  # the app's last words, whatever they are
        told.say(Word.FAILED, reason=_reason(error))
        raise
    told.say(Word.ENDED)


def _first_line() -> bytes:
    """Byte by byte, since what follows is for the event loop."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


async def _live(told: Told) -> None:
    kind = loading.load(Path(told.begin["code"]), told.begin["entry"])
    async with contextlib.AsyncExitStack() as stack:
        line = await _line(told, kind, stack)
        clock = SystemClock()
        app = kind(Surroundings(line, Path(told.begin["data"]), clock.now_us, _write))
        tasks = [
            asyncio.ensure_future(work)  # noqa: TID251 - the first that ends decides
            for work in (_run(app, told), told.listen(), told.beat())
        ]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for task in done:
            task.result()


async def _run(app: App, told: Told) -> None:
    await app.start()
    told.say(Word.READY)
    await app.run()


async def _line(told: Told, kind: type[App], stack: contextlib.AsyncExitStack) -> Line:
    address = told.begin["address"]
    if address == IN_MEMORY:
        return MemoryLine(manifest_of(kind))
    from monocoque.app.kuksa import KuksaLine

    return await stack.enter_async_context(
        KuksaLine.open(address, lambda: told.token, signals_of(kind))
    )


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, BaseExceptionGroup):
        return _reason(error.exceptions[0])
    if isinstance(error, MonocoqueError):
        return f"{error.code}: {error.what}"[:REASON_CHARACTERS_MAX]
    return f"{type(error).__name__}: {error}"[:REASON_CHARACTERS_MAX]


if __name__ == "__main__":
    main()

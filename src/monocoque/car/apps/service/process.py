"""One life of one app: its process is started, heard, measured, and ended.

Rules:

* the process leads a session of its own, which its cage does not let it leave; whatever ends the
  life ends every process of the session;
* what it is told goes over its standard input, what it says comes over a pipe of its own, and what
  it prints goes into its log; each is bounded;
* the first thing that goes wrong is the reason of the end.

Left out on purpose: whether it is started again (keeping.py).
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.logic import MB, Taken, breach
from monocoque.car.apps.service.folders import AppFolder, AppLog
from monocoque.contracts.apps import LINE_BYTES_MAX, Manifest, Word, read_line, write_line
from monocoque.contracts.errors import AppMalformed
from monocoque.plumbing.process_sessions import Usage, end_session, look

PROGRAM: Final = "monocoque.app.running"
CHUNK_BYTES: Final = 65_536
DATA_LOOKS: Final = 4
"""The folder is measured at every so many looks, since that takes longest."""
IN_MEMORY: Final = "memory:"
NOT_ASKED: Final = "crashed"


@dataclass
class Heard:
    """What an app has said so far."""

    is_ready: bool = False
    has_ended: bool = False
    reason: str = ""
    beat_s: float = 0.0
    lines: int = 0
    cage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a life ended."""

    reason: str
    """A word of logic.REASONS or the app's own; empty when it has done what it was for."""


@dataclass
class Life:
    """One process of one app."""

    manifest: Manifest
    folder: AppFolder
    config: AppsConfig
    address: str
    """Where the signals are: ``HOST:PORT``."""
    token: str
    log: AppLog
    on_ready: Callable[[Mapping[str, Any]], None]
    """Told once, with what cages the app."""
    heard: Heard = field(default_factory=Heard)
    _stdin: asyncio.StreamWriter | None = None

    def renew(self, token: str) -> None:
        """Give the app the token that counts from now on."""
        self.token = token
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(write_line(Word.TOKEN, token=token))

    async def live(self) -> Ended:
        """Run it until it ends, or has taken too much."""
        try:
            return await self._live()
        except OSError as error:  # no process, no pipe: the machine has none left
            return Ended(f"It could not be started: {os.strerror(error.errno or 0)}.")

    async def _live(self) -> Ended:
        async with self._process() as (process, reading, descriptor):
            self._stdin = process.stdin
            self._begin(descriptor)
            ended = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                works = [
                    group.create_task(self._hear(reading)),
                    group.create_task(self._keep_log(process)),
                ]
                watching = group.create_task(self._watch(process.pid, ended))
                waiting = group.create_task(process.wait())
                await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
                ended.set()
                end_session(process.pid)
                await waiting
                reason = await watching
                # Its last words are in the pipe still; nobody holds the other end any more.
                await asyncio.gather(*works)
        if self.heard.has_ended:
            return Ended("")
        return Ended(reason or self.heard.reason or NOT_ASKED)

    def _begin(self, descriptor: int) -> None:
        """Say the first line: what to run, where, and with which token."""
        assert self._stdin is not None
        begin = {
            "descriptor": descriptor,
            "code": str(self.folder.code.absolute()),
            "data": str(self.folder.data.absolute()),
            "entry": self.manifest.entry,
            "address": self.address,
            "token": self.token,
            "ports": [] if self.address == IN_MEMORY else [int(self.address.rpartition(":")[2])],
            "data_bytes_max": (self.manifest.limits.memory_mb + self.config.memory_slack_mb) * MB,
        }
        self._stdin.write(write_line(Word.BEGIN, **begin))

    @contextlib.asynccontextmanager
    async def _process(
        self,
    ) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader, int]]:
        """The process, and what comes over its pipe; at the end nothing of it is left."""
        ours, its = os.pipe()
        reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
        )
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", "-B", "-m", PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(its,),
                cwd=self.folder.data,
                env={"LANG": "C.UTF-8"},
                start_new_session=True,
            )
        finally:
            os.close(its)
        try:
            yield process, reader, its
        finally:
            end_session(process.pid)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.config.end_s_max):
                    await process.wait()
            if process.stdin is not None:
                process.stdin.close()
            transport.close()

    async def _hear(self, reading: asyncio.StreamReader) -> None:
        """What it says over its pipe, until nobody holds the pipe any more."""
        now_s = asyncio.get_running_loop().time
        while True:
            try:
                line = await reading.readline()
            except ValueError:  # a line that is too long
                self.heard.lines += self.config.lines_per_s_max
                continue
            if not line:
                return
            self.heard.lines += 1
            try:
                word, members = read_line(line)
            except AppMalformed:
                continue
            self._take(word, members, now_s())

    def _take(self, word: Word, members: Mapping[str, Any], now_s: float) -> None:
        heard = self.heard
        heard.beat_s = now_s
        if word is Word.CAGED:
            heard.cage = members
        elif word is Word.READY and not heard.is_ready:
            heard.is_ready = True
            self.on_ready(heard.cage)
        elif word is Word.ENDED:
            heard.has_ended = True
        elif word is Word.FAILED:
            heard.reason = str(members.get("reason", ""))[:400]

    async def _keep_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(CHUNK_BYTES):
            self.log.write(data)

    async def _watch(self, session: int, ended: asyncio.Event) -> str:
        """Measure it until it ended or has taken too much; why it must end, or empty."""
        loop = asyncio.get_running_loop()
        start_s = now_s = self.heard.beat_s = loop.time()
        measures: list[tuple[float, float]] = []
        data_bytes = looks = 0
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.config.look_interval_s):
                    await ended.wait()
            looked_s, now_s = now_s, loop.time()
            usage = look().get(session, Usage())
            if looks % DATA_LOOKS == 0:
                data_bytes = self.folder.data_bytes()
            looks += 1
            # What the start took counts for nothing: the window begins when the app is ready.
            kept = measures if self.heard.is_ready else []
            measures = [
                *(one for one in kept if now_s - one[0] <= self.config.cpu_window_s),
                (now_s, usage.processor_s),
            ]
            lines, self.heard.lines = self.heard.lines, 0
            taken = Taken(
                processes=len(usage.pids),
                resident_bytes=usage.resident_bytes,
                processor_share=_share(measures, self.config.cpu_window_s),
                data_bytes=data_bytes,
                since_start_s=now_s - start_s,
                since_beat_s=now_s - self.heard.beat_s,
                is_ready=self.heard.is_ready,
                # A car that was held up reads in one go what the app said meanwhile.
                lines_per_s=lines / max(now_s - looked_s, self.config.look_interval_s),
            )
            reason = breach(taken, self.manifest.limits, self.config)
            if reason is not None:
                return reason
        return ""


def _share(measures: list[tuple[float, float]], window_s: float) -> float:
    """How much of one core was taken from the first measure to the last.

    Less than half a window says nothing yet: a short burst is no use beyond the limit.
    """
    (begin_s, before_s), (end_s, after_s) = measures[0], measures[-1]
    if end_s - begin_s < window_s / 2:
        return 0.0
    return (after_s - before_s) / (end_s - begin_s)

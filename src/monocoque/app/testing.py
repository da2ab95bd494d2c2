"""A stand for apps: signals in memory and virtual time, so that a night is over in a wink.

    def test_it_goes_on_below_the_floor(tmp_path):
        with Stand(Warmth, tmp_path) as stand:
            stand.tell(signals.CHARGE, 50.0)
            stand.pass_time(3_600)
            assert stand.asked == [(signals.IS_CLIMATE_ON.path, True)]

Rules:

* the app has the rights of its manifest and no others, as in a car;
* an actuator does what is asked at once, unless the test says that the car refuses;
* time passes only in ``pass_time``; whatever the app does costs none.

Left out on purpose: the car's physics. For those, install the app in a virtual car.
"""

import asyncio
import contextlib
import selectors
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from monocoque.app.declaring import App, Surroundings, manifest_of, signal_of
from monocoque.app.line import Outcome
from monocoque.contracts.apps import Access, Manifest
from monocoque.contracts.errors import SignalDenied
from monocoque.contracts.signals import Signal, Value, check

BEGIN_US: Final = 1_800_000_000_000_000
"""When a stand's time begins, microseconds since 1970."""


class MemoryLine:
    """Signals in memory, with the rights of one manifest."""

    def __init__(self, manifest: Manifest) -> None:
        """Begin without any value."""
        self.values: dict[str, Value] = {}
        self.asked: list[tuple[str, Value]] = []
        """What the app asked for, in order."""
        self.refusals: dict[str, str] = {}
        """Why the car refuses what is asked of a path."""
        self._access = {wish.path: wish.access for wish in manifest.signals}
        self._hearing: list[tuple[frozenset[str], asyncio.Queue[Mapping[str, Value]]]] = []

    def tell(self, values: Mapping[str, Value]) -> None:
        """The car says these."""
        self.values |= values
        for paths, queue in self._hearing:
            heard = {path: value for path, value in values.items() if path in paths}
            if heard:
                queue.put_nowait(heard)

    async def read(self, paths: Sequence[str]) -> list[Value | None]:
        """See Line."""
        self._need(paths, *Access)
        return [self.values.get(path) for path in paths]

    @contextlib.asynccontextmanager
    async def follow(
        self, paths: Sequence[str]
    ) -> AsyncIterator[AsyncIterator[Mapping[str, Value]]]:
        """See Line."""
        self._need(paths, *Access)
        queue: asyncio.Queue[Mapping[str, Value]] = asyncio.Queue()
        queue.put_nowait({path: self.values[path] for path in paths if path in self.values})
        place = (frozenset(paths), queue)
        self._hearing.append(place)
        try:
            yield _batches(queue)
        finally:
            self._hearing.remove(place)

    async def ask(self, path: str, value: Value, timeout_s: float) -> Outcome:
        """See Line."""
        self._need([path], Access.ACTUATE)
        self.asked.append((path, value))
        if path in self.refusals:
            return Outcome(False, self.refusals[path])
        self.tell({path: value})
        return Outcome(True)

    async def say(self, values: Mapping[str, Value]) -> None:
        """See Line."""
        self._need(list(values), Access.PROVIDE)
        self.tell(values)

    def _need(self, paths: Sequence[str], *allowed: Access) -> None:
        for path in paths:
            if self._access.get(path) not in allowed:
                raise SignalDenied(f"The manifest does not give the app {path} so.")


async def _batches(queue: asyncio.Queue[Mapping[str, Value]]) -> AsyncIterator[Mapping[str, Value]]:
    while True:
        yield await queue.get()


class _NoWaiting(selectors.DefaultSelector):
    """Where a loop would wait, its time jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout:
            self.now_s += timeout
        return found


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time goes on only where everybody waits."""

    def __init__(self) -> None:
        self._pace = _NoWaiting()
        super().__init__(self._pace)
        # A year is so many seconds that a float cannot tell the usual nanosecond apart in it.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._pace.now_s


class Stand:
    """One app on a stand, as a context manager: it runs inside the block."""

    def __init__(self, kind: type[App], data: Path) -> None:
        """data: a folder for the app. Raises AppMalformed when the class lacks something."""
        self.manifest = manifest_of(kind)
        self.line = MemoryLine(self.manifest)
        self.log: list[str] = []
        """What the app wrote."""
        self._loop = _VirtualLoop()
        surroundings = Surroundings(self.line, data, self.now_us, self.log.append)
        self.app = kind(surroundings)
        self._task: asyncio.Task[None] | None = None

    @property
    def asked(self) -> list[tuple[str, Value]]:
        """What the app asked actuators for, in order: path and value."""
        return self.line.asked

    @property
    def is_over(self) -> bool:
        """Whether the app's ``run`` has returned."""
        return self._task is not None and self._task.done()

    def now_us(self) -> int:
        """The stand's time."""
        return BEGIN_US + round(self._loop.time() * 1_000_000)

    def tell(self, named: Signal | str, value: Value) -> None:
        """The car says this of a signal; raises SignalValueRefused. The app has heard it after."""
        signal = signal_of(named)
        self.line.tell({signal.path: check(signal, value)})
        self.pass_time(0)

    def refuse(self, named: Signal | str, reason: str) -> None:
        """From now on the car refuses what is asked of this signal; an empty reason: no more."""
        path = signal_of(named).path
        self.line.refusals[path] = reason
        if not reason:
            del self.line.refusals[path]

    def value(self, named: Signal | str) -> Value | None:
        """What the signal is now."""
        return self.line.values.get(signal_of(named).path)

    def pass_time(self, duration_s: float) -> None:
        """Let so much time pass; raises what the app raised."""
        # A moment more, so that what is due at the end is done, and what is said at once is heard.
        self._loop.run_until_complete(asyncio.sleep(duration_s + 0.001))
        if self._task is not None and self._task.done():
            self._task.result()

    def __enter__(self) -> Self:
        async def live() -> None:
            await self.app.start()
            await self.app.run()

        self._task = self._loop.create_task(live())
        try:
            self.pass_time(0)
        except BaseException:  # then nobody calls __exit__
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

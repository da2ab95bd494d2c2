"""How an app says what it is: a class, and its signals as members of it.

Rules:

* ``read``, ``actuate`` and ``provide`` declare a signal of the catalogue; the same member of an
  instance is the signal in the car. A Python type beside it lets a type checker know, and is
  compared with the catalogue's when the class is made;
* ``start`` comes before the app counts as ready, ``run`` after; an app whose ``run`` returns has
  done what it was for.

Left out on purpose: a constructor of the app's own, which it does not need.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast, overload

from monocoque.app.line import Line, Outcome
from monocoque.contracts.apps import (
    EVERYWHERE,
    SHOWN_CHARACTERS_MAX,
    Access,
    Limits,
    Manifest,
    SignalWish,
)
from monocoque.contracts.errors import AppMalformed
from monocoque.contracts.signals import BY_PATH, DataType, Signal, Value, check

T = TypeVar("T")
ACT_S_MAX: Final = 30.0
"""How long an app waits for the outcome of an act, when it does not say."""


@dataclass(frozen=True)
class Surroundings:
    """What an app is given."""

    line: Line
    data: Path
    """A folder of its own, which stays when the app is started again; nothing else is writable."""
    now_us: Callable[[], int]
    write: Callable[[str], None]
    """Writes a line into the app's log."""


class Read(Generic[T]):
    """A signal that an app reads."""

    access: ClassVar[Access] = Access.READ

    def __init__(self, signal: Signal, line: Line | None = None) -> None:
        self.signal = signal
        self._line = line

    @overload
    def __get__(self, app: None, owner: type["App"]) -> Self: ...
    @overload
    def __get__(self, app: "App", owner: type["App"]) -> Self: ...
    def __get__(self, app: "App | None", owner: type["App"]) -> Self:
        return self if app is None else type(self)(self.signal, app.surroundings.line)

    @property
    def line(self) -> Line:
        """The line to the car."""
        assert self._line is not None, "a signal is used on an instance of the app"
        return self._line

    async def get(self) -> T | None:
        """What it is now; None when nobody ever said. Raises SignalDenied, UnavailableError."""
        return cast(T | None, (await self.line.read([self.signal.path]))[0])

    @asynccontextmanager
    async def following(self) -> AsyncIterator[AsyncIterator[T]]:
        """Like ``changes``, for who stops listening at the end of a block."""
        async with self.line.follow([self.signal.path]) as batches:
            yield self._values(batches)

    async def _values(self, batches: AsyncIterator[Mapping[str, Value]]) -> AsyncIterator[T]:
        async for batch in batches:
            if self.signal.path in batch:
                yield cast(T, batch[self.signal.path])

    async def changes(self) -> AsyncIterator[T]:
        """What it is now, and from then on each value that is said of it."""
        async with self.following() as values:
            async for value in values:
                yield value


class Actuate(Read[T]):
    """A signal that an app asks for."""

    access = Access.ACTUATE

    async def set(self, value: T, timeout_s: float = ACT_S_MAX) -> Outcome:
        """Ask for this and wait for what comes of it. Raises SignalValueRefused, SignalDenied."""
        wanted = check(self.signal, cast(Value, value))
        return await self.line.ask(self.signal.path, wanted, timeout_s)


class Provide(Read[T]):
    """A signal that an app says."""

    access = Access.PROVIDE

    async def say(self, value: T) -> None:
        """Say what it is. Raises SignalValueRefused, SignalDenied, SignalClaimed."""
        await self.line.say({self.signal.path: check(self.signal, cast(Value, value))})


@overload
def read(signal: Signal | str) -> Read[Any]: ...
@overload
def read(signal: Signal | str, kind: type[T]) -> Read[T]: ...
def read(signal: Signal | str, kind: type[Any] | None = None) -> Read[Any]:
    """The app reads this signal, a row of the catalogue or its path.

    kind: bool, int, float, str or tuple, for the type checker. Raises AppMalformed when the signal
    is of another type, or there is none.
    """
    return Read(_of_kind(signal, kind))


@overload
def actuate(signal: Signal | str) -> Actuate[Any]: ...
@overload
def actuate(signal: Signal | str, kind: type[T]) -> Actuate[T]: ...
def actuate(signal: Signal | str, kind: type[Any] | None = None) -> Actuate[Any]:
    """The app asks for this signal, and reads it."""
    return Actuate(_of_kind(signal, kind))


@overload
def provide(signal: Signal | str) -> Provide[Any]: ...
@overload
def provide(signal: Signal | str, kind: type[T]) -> Provide[T]: ...
def provide(signal: Signal | str, kind: type[Any] | None = None) -> Provide[Any]:
    """The app says this signal, and reads it."""
    return Provide(_of_kind(signal, kind))


class App:
    """One app; make a class of it."""

    name: ClassVar[str]
    version: ClassVar[str]
    publisher: ClassVar[str]
    purpose: ClassVar[str]
    """What it does, in plain words, for whoever decides whether to have it."""
    markets: ClassVar[tuple[str, ...]] = (EVERYWHERE,)
    """Where it may be used: two letters each."""
    limits: ClassVar[Limits] = Limits()

    def __init__(self, surroundings: Surroundings) -> None:
        """Give the app its car, its folder and its time."""
        self.surroundings = surroundings

    @property
    def data(self) -> Path:
        """The folder that the app may write to; it stays when the app is started again."""
        return self.surroundings.data

    def now_us(self) -> int:
        """The time, in microseconds since 1970 (UTC)."""
        return self.surroundings.now_us()

    def log(self, text: str) -> None:
        """Write a line into the app's log; `monocoque car apps logs` shows it."""
        self.surroundings.write(text)

    async def sleep(self, duration_s: float) -> None:
        """Do nothing for so long."""
        await asyncio.sleep(duration_s)

    async def start(self) -> None:
        """What must be ready before the app counts as started; nothing, unless it says more."""

    async def run(self) -> None:
        """What the app does. Returns when it is done for good."""
        raise NotImplementedError


def manifest_of(kind: type[App]) -> Manifest:
    """The manifest that the class makes. Raises AppMalformed when it lacks something."""
    missing = [
        name for name in ("name", "version", "publisher", "purpose") if not hasattr(kind, name)
    ]
    if missing:
        raise AppMalformed(f"The class {kind.__name__} does not say its {missing[0]}.")
    return Manifest(
        name=kind.name,
        version=kind.version,
        publisher=kind.publisher,
        purpose=" ".join(kind.purpose.split()),
        entry=f"{kind.__module__}:{kind.__name__}",
        signals=_wishes(kind),
        markets=tuple(kind.markets),
        limits=kind.limits,
    )


def signals_of(kind: type[App]) -> dict[str, Signal]:
    """The signals that the class names, by path."""
    members = (getattr(kind, name) for name in dir(kind))
    return {each.signal.path: each.signal for each in members if isinstance(each, Read)}


def _wishes(kind: type[App]) -> tuple[SignalWish, ...]:
    """Each signal once, with the most that is asked of it."""
    order = list(Access)
    found: dict[str, Access] = {}
    for name in dir(kind):
        member = getattr(kind, name)
        if isinstance(member, Read):
            before = found.get(member.signal.path, Access.READ)
            found[member.signal.path] = max(before, member.access, key=order.index)
    return tuple(SignalWish(path, found[path]) for path in sorted(found))


def signal_of(named: Signal | str) -> Signal:
    """The signal itself, or the one of this path. Raises AppMalformed when there is none."""
    if isinstance(named, Signal):
        return named
    if named not in BY_PATH:
        raise AppMalformed(f"There is no signal {named[:SHOWN_CHARACTERS_MAX]!r}.")
    return BY_PATH[named]


def _of_kind(named: Signal | str, kind: type[Any] | None) -> Signal:
    signal = signal_of(named)
    if kind is not None and kind is not _python_type(signal.data_type):
        raise AppMalformed(f"{signal.path} is of type {signal.data_type.value}.")
    return signal


def _python_type(data_type: DataType) -> type[Any]:
    if data_type.is_array:
        return tuple
    if data_type is DataType.BOOLEAN:
        return bool
    if data_type is DataType.STRING:
        return str
    return float if data_type in (DataType.FLOAT, DataType.DOUBLE) else int

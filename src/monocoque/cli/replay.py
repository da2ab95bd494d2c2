"""``monocoque car replay``: a log of a vehicle bus, seen as signals.

Rules: the signals are in a broker of this very command, whose clock is that of the recording, so a
log of last year is as fresh as it was. Values go to standard output as they come: as a table that
lives where somebody watches, as lines elsewhere, or as one JSON object at the end. A log that is
broken is shown up to there, and then ends the command with status 1.

Left out on purpose: a car that runs (replay_into.py).
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.translation import Translation
from monocoque.car.can.service.files import load_translation, own_files
from monocoque.car.can.service.hearing import Tally
from monocoque.car.can.service.replay import replay
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.logic.catalogue import Catalogue, own_catalogue
from monocoque.car.signals.logic.readings import Batch
from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.signals.service.port import Broker, Subscription
from monocoque.cli.catalogues import catalogue_of
from monocoque.contracts.errors import MonocoqueError, SettingInvalid
from monocoque.contracts.signals import Value
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from monocoque.plumbing.can.port import Frame
from monocoque.plumbing.clock import moment_of

MICROSECONDS = 1_000_000
REFRESHES_PER_SECOND = 8
UNKNOWN_SHOWN_MAX = 8
"""So many identifiers that no row wants are shown, the most frequent first."""
Show = Callable[[Batch], None]


@dataclass(frozen=True)
class Asked:
    """What the command was told."""

    log: Path
    database: Path | None
    mapping: Path | None
    speed: str
    """Empty for what suits."""
    vss: Path | None
    is_lenient: bool
    as_json: bool

    def translation(self, catalogue: Catalogue, config: CanConfig) -> Translation:
        """Raises CanDatabaseWrong, CanMappingWrong."""
        own_database, own_mapping = own_files()
        return load_translation(
            self.database or own_database,
            self.mapping or own_mapping,
            catalogue,
            config,
            is_lenient=self.is_lenient,
        )


class RecordedClock:
    """The clock of a recording: it is when the frames were heard."""

    def __init__(self) -> None:
        """Before the first frame."""
        self.time_us = 0
        self.setbacks = 0

    def now_us(self) -> int:
        """See Clock."""
        return self.time_us

    def follow(self, _tally: Tally, time_us: int) -> None:
        """A frame of this time comes; logs of several buses may step back a little."""
        self.time_us = max(self.time_us, time_us)


class Screen:
    """What somebody sees of it: the newest value of each signal, and how often it came."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Nothing came yet."""
        self.catalogue = catalogue
        self.newest: dict[int, tuple[Value, int]] = {}
        self.count: Counter[int] = Counter()

    def take(self, batch: Batch) -> None:
        """Something came."""
        for number, value, time_us in zip(batch.numbers, batch.values, batch.times_us, strict=True):
            self.newest[number] = (value, time_us)
            self.count[number] += 1

    def rows(self) -> Iterator[tuple[str, Value, str, int]]:
        """Path, value, unit, how often, in the order of the paths."""
        for signal in self.catalogue.signals:
            if signal.number in self.newest:
                value, _ = self.newest[signal.number]
                yield signal.path, value, signal.unit, self.count[signal.number]

    def table(self) -> Table:
        """All of it, for a terminal."""
        table = Table("signal", "value", "unit", "said")
        for path, value, unit, count in self.rows():
            table.add_row(path, _text(value), unit, str(count))
        return table


def replay_log(asked: Asked) -> None:
    """Do it; raises what is wrong with one of the files, after what came before it was shown."""
    pace = speed_of(asked.speed or "max")
    catalogue = own_catalogue() if asked.vss is None else catalogue_of(asked.vss)
    config = CanConfig()
    translation = asked.translation(catalogue, config)
    frames = read_log(asked.log, CanBusConfig())
    screen, console = Screen(catalogue), Console()
    with shown(screen, console, as_json=asked.as_json) as show:
        tally, duration_us, error = asyncio.run(
            _replay(catalogue, translation, frames, config, pace, show)
        )
    tell_all(screen, console, tally, duration_us, error, as_json=asked.as_json)


def tell_all(
    screen: Screen,
    console: Console,
    tally: Tally,
    duration_us: int,
    error: MonocoqueError | None,
    *,
    as_json: bool,
) -> None:
    """Say what came of the log; raises the error that ended it."""
    if as_json:
        typer.echo(json.dumps(_figures(screen, tally, duration_us, error)))
    else:
        console.print(_summary(tally, duration_us))
    if error is not None:
        raise error


def speed_of(text: str) -> float | None:
    """``max`` is None, ``1x`` or ``2.5`` the number. Raises SettingInvalid."""
    if text == "max":
        return None
    with contextlib.suppress(ValueError):
        speed = float(text.removesuffix("x"))
        if 0 < speed <= 1_000:
            return speed
    raise SettingInvalid(f"--speed {text[:20]!r} is no speed.", hint="Say max, 1x or 10x.")


async def _replay(
    catalogue: Catalogue,
    translation: Translation,
    frames: Iterator[Frame],
    config: CanConfig,
    pace: float | None,
    show: Show,
) -> tuple[Tally, int, MonocoqueError | None]:
    """What came of it, how long the recording is, and how it ended."""
    clock = RecordedClock()
    hub = SignalHub(catalogue, clock, Random(0))  # noqa: S311 - nothing secret: nobody asks for acts here
    broker: Broker = hub.connect("replay", everything(hub.catalogue.numbers))
    tally, error = Tally(), None
    first_us: int | None = None

    def heard(so_far: Tally, _time_us: int) -> None:
        nonlocal tally
        tally = so_far

    def timed() -> Iterator[Frame]:
        nonlocal first_us
        for frame in frames:
            first_us = frame.time_us if first_us is None else first_us
            yield frame

    async with broker.subscribe(translation.numbers) as subscription, asyncio.TaskGroup() as group:
        shower = _Shower(subscription, show)
        task = group.create_task(shower.run())
        try:
            await replay(
                broker, translation, timed(), config, speed=pace, before=clock.follow, heard=heard
            )
        except MonocoqueError as ended:
            error = ended
        await shower.until(tally.published_values)
        task.cancel()
    return tally, clock.time_us - (first_us or 0), error


class _Shower:
    """Passes on what a subscription says, and knows how much that was."""

    def __init__(self, subscription: Subscription, show: Show) -> None:
        self._subscription = subscription
        self._show = show
        self._values = 0
        self._more = asyncio.Event()

    async def run(self) -> None:
        while True:
            batch = await self._subscription.next()
            self._show(batch)
            self._values += len(batch.numbers) + batch.lost
            self._more.set()

    async def until(self, values: int) -> None:
        """Wait until so many were passed on."""
        while self._values < values:
            self._more.clear()
            await self._more.wait()


@contextlib.contextmanager
def shown(screen: Screen, console: Console, *, as_json: bool) -> Iterator[Show]:
    """A block in which batches are shown, in the way that suits who watches."""
    if as_json:
        yield screen.take
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=REFRESHES_PER_SECOND) as live:

            def show(batch: Batch) -> None:
                screen.take(batch)
                live.update(screen.table())

            yield show
    else:

        def say(batch: Batch) -> None:
            screen.take(batch)
            for number, value, time_us in zip(
                batch.numbers, batch.values, batch.times_us, strict=True
            ):
                signal = screen.catalogue.numbered(number)
                when = moment_of(time_us).strftime("%H:%M:%S.%f")[:-3]
                typer.echo(f"{when} {signal.path} {_text(value)} {signal.unit}".rstrip())

        yield say


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _summary(tally: Tally, duration_us: int) -> Table:
    table = Table("of the log", "")
    for name, value in _counts(tally, duration_us).items():
        table.add_row(name.replace("_", " "), str(value))
    for identifier, count in tally.unknown.most_common(UNKNOWN_SHOWN_MAX):
        table.add_row(f"no row wants 0x{identifier:X}", str(count))
    for path, count in tally.refused.most_common():
        table.add_row(f"refused: {tally.reasons[path]}", str(count))
    return table


def _counts(tally: Tally, duration_us: int) -> dict[str, float | int]:
    return {
        "frames": tally.frames,
        "decoded_frames": tally.decoded_frames,
        "broken_frames": tally.broken_frames,
        "unknown_frames": tally.unknown_frames,
        "values": tally.values,
        "meaningless_values": tally.meaningless_values,
        "published_values": tally.published_values,
        "refused_values": tally.refused.total(),
        "duration_s": round(duration_us / MICROSECONDS, 6),
    }


def _figures(
    screen: Screen, tally: Tally, duration_us: int, error: MonocoqueError | None
) -> dict[str, Any]:
    return {
        **_counts(tally, duration_us),
        "unknown": {f"0x{key:X}": count for key, count in tally.unknown.most_common()},
        "refused": dict(tally.refused),
        "signals": {
            path: {"value": value, "unit": unit, "said": count}
            for path, value, unit, count in screen.rows()
        },
        "error": error.code if error else None,
    }

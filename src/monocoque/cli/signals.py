"""Shows a car's signals and asks its actuators, at the door that others come in by.

Rules: a value whose provider is gone is not shown as if it were true now; what is old says so.

Left out on purpose: the commands' options (signal.py).
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from monocoque.car.signals.logic.acts import Act, ActState
from monocoque.car.signals.logic.catalogue import Catalogue, own_catalogue
from monocoque.car.signals.logic.readings import Freshness, Reading
from monocoque.car.signals.logic.texts import value_of
from monocoque.cli.doorstep import at_the_door
from monocoque.contracts.errors import CarRefuses, SignalUnknown
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.signals import Signal, Value

WATCH_S_MAX = 86_400.0


def print_catalogue(pattern: str, *, as_json: bool) -> None:
    """Every signal below the pattern. Raises SignalUnknown when there is none."""
    found = _matching(own_catalogue(), [pattern])
    if as_json:
        typer.echo(json.dumps([_members(signal) for signal in found], indent=2))
        return
    table = Table(box=None)
    for name in ("path", "number", "kind", "type", "unit", "takes", "meaning"):
        table.add_column(name, overflow="fold")
    for each in found:
        table.add_row(
            each.path,
            str(each.number),
            each.entry_type.value,
            each.data_type.value,
            each.unit,
            takes(each),
            each.purpose,
        )
    _console(240).print(table)


def print_readings(data: Path, car_id: CarId, paths: Sequence[str], *, as_json: bool) -> None:
    """The present readings. Raises what the door raises."""

    async def main() -> None:
        async with at_the_door(data, car_id, "read") as broker:
            signals = _matching(broker.catalogue, paths)
            readings = await broker.read([signal.number for signal in signals])
        pairs = list(zip(signals, readings, strict=True))
        if as_json:
            typer.echo(json.dumps([_reading_members(*pair) for pair in pairs], indent=2))
        else:
            _console().print(_readings_table(pairs))

    asyncio.run(main())


def set_and_tell(data: Path, car_id: CarId, path: str, text: str, timeout_s: float) -> None:
    """Ask, wait, and say how it ended. Raises CarRefuses with the reason, unless it was done."""

    async def main() -> Act:
        async with at_the_door(data, car_id, f"actuate:{path}") as broker:
            signal = broker.catalogue.at(path)
            (act,) = await broker.actuate({signal.number: value_of(signal, text)}, timeout_s)
            return await broker.outcome(act.act_id)

    act = asyncio.run(main())
    if act.state is not ActState.DONE:
        raise CarRefuses(
            f"{path} was not set: {act.state.value}, {act.reason}.",
            hint="Mend the reason, and ask again.",
        )
    typer.echo(f"{path} is {_text(act.target)}.")


def watch_signals(
    data: Path, car_id: CarId, paths: Sequence[str], count: int, *, as_json: bool
) -> None:
    """Show values as they come, so many messages or until Ctrl-C."""
    try:
        asyncio.run(_watch(data, car_id, paths, count, as_json=as_json))
    except KeyboardInterrupt:
        return


async def _watch(
    data: Path, car_id: CarId, paths: Sequence[str], count: int, *, as_json: bool
) -> None:
    async with at_the_door(data, car_id, "read", WATCH_S_MAX) as broker:
        signals = {signal.number: signal for signal in _matching(broker.catalogue, paths)}
        latest: dict[int, Reading] = {}
        heard = 0
        async with broker.subscribe(list(signals)) as batches:
            with Live(console=_console(), auto_refresh=False) as live:
                while count == 0 or heard < count:
                    batch = await batches.next()
                    heard += 1
                    for number, value, time_us in zip(
                        batch.numbers, batch.values, batch.times_us, strict=True
                    ):
                        latest[number] = Reading(number, value, time_us, "", Freshness.FRESH)
                    for number, freshness in batch.not_fresh.items():
                        latest[number] = Reading(number, None, 0, "", freshness)
                    if as_json:
                        for number in (*batch.numbers, *batch.not_fresh):
                            members = _reading_members(signals[number], latest[number])
                            typer.echo(json.dumps(members))
                        continue
                    rows = [(signals[n], latest[n]) for n in sorted(latest)]
                    live.update(_readings_table(rows), refresh=True)


def takes(signal: Signal) -> str:
    """What a signal takes, for a table: its words, or its range."""
    if signal.allowed:
        return ", ".join(str(each) for each in signal.allowed)
    if signal.minimum is None and signal.maximum is None:
        return ""
    least = "" if signal.minimum is None else f"{signal.minimum:g}"
    most = "" if signal.maximum is None else f"{signal.maximum:g}"
    return f"{least} .. {most}".strip()


def _matching(catalogue: Catalogue, patterns: Sequence[str]) -> list[Signal]:
    found: dict[int, Signal] = {}
    for pattern in patterns:
        these = catalogue.matching(pattern)
        if not these:
            raise SignalUnknown(f"Nothing is called {pattern[:80]!r}.")
        found |= {each.number: each for each in these}
    return list(found.values())


def _console(width_elsewhere: int = 160) -> Console:
    """As wide as the terminal; where there is none, so wide that no path is broken."""
    return Console(width=None if sys.stdout.isatty() else width_elsewhere)


def _readings_table(pairs: Sequence[tuple[Signal, Reading]]) -> Table:
    table = Table(box=None)
    for name in ("signal", "value", "unit", "measured", "state"):
        table.add_column(name, overflow="fold")
    for signal, reading in pairs:
        table.add_row(*_cells(signal, reading))
    return table


def _cells(signal: Signal, reading: Reading) -> Iterator[str]:
    yield signal.path
    yield "-" if reading.value is None else _text(reading.value)
    yield signal.unit
    yield _clock(reading.time_us)
    yield "" if reading.freshness is Freshness.FRESH else reading.freshness.value.replace("_", " ")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _clock(time_us: int) -> str:
    if time_us == 0:
        return ""
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).strftime("%H:%M:%S.%f")[:-3]


def _members(signal: Signal) -> dict[str, Any]:
    return {
        "path": signal.path,
        "number": signal.number,
        "kind": signal.entry_type.value,
        "type": signal.data_type.value,
        "unit": signal.unit,
        "minimum": signal.minimum,
        "maximum": signal.maximum,
        "allowed": list(signal.allowed),
        "meaning": signal.purpose,
    }


def _reading_members(signal: Signal, reading: Reading) -> dict[str, Any]:
    return {
        "path": signal.path,
        "value": reading.value,
        "unit": signal.unit,
        "time_us": reading.time_us,
        "freshness": reading.freshness.value,
    }

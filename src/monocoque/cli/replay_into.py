"""``monocoque car replay --car``: a log of a vehicle bus, brought into a car that runs.

Rules:

* it comes in by the car's own door, as any other provider, with a token of its own;
* a signal that somebody says in the car stays theirs: it is left out, and named on standard error.
  When that is the whole mapping, nothing is brought;
* values have the time at which they are said, so they are as fresh as those of a bus; when the log
  is over, the car says that their provider is gone;
* what is brought moves no guard: that judges by the car's own record and by its bus.

Left out on purpose: acts. A log answers nobody.
"""

import asyncio
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

import typer
from rich.console import Console

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.translation import Translation
from monocoque.car.can.service.hearing import Said, Tally
from monocoque.car.can.service.replay import replay
from monocoque.car.kuksa.service.outside import OutsideConnection
from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.car.signals.logic.readings import Batch, Freshness
from monocoque.cli.doorstep import at_the_door
from monocoque.cli.replay import Asked, Screen, Show, shown, speed_of, tell_all
from monocoque.contracts.errors import MonocoqueError, SettingInvalid, SignalClaimed
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.signals import Value
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from monocoque.plumbing.can.port import Frame

REPLAY_S_MAX = 86_400.0
"""So long a log may take; its token lives no longer."""
NAMED_MAX = 5
"""So many signals are named, and the others counted."""


def replay_into_car(asked: Asked, data: Path, car_id: CarId) -> None:
    """Do it; raises what is wrong with a file, and what the door raises."""
    pace = speed_of(asked.speed or "1x")
    if asked.vss is not None:
        raise SettingInvalid(
            "A car that runs has its own signals.", hint="Leave out --vss, or --car."
        )
    asyncio.run(_replay(asked, data, car_id, pace))


async def _replay(asked: Asked, data: Path, car_id: CarId, pace: float | None) -> None:
    config, console = CanConfig(), Console()
    own = own_catalogue()
    async with at_the_door(data, car_id, "provide", REPLAY_S_MAX, own) as broker:
        whole = asked.translation(broker.catalogue, config)
        translation = await _free_part(broker, whole, car_id)
        span = _Span(read_log(asked.log, CanBusConfig()))
        screen, error = Screen(broker.catalogue), None
        with shown(screen, console, as_json=asked.as_json) as show:
            try:
                await replay(
                    broker,
                    translation,
                    span.frames(),
                    config,
                    speed=pace,
                    timed=lambda _: broker.clock.now_us(),
                    heard=span.note,
                    said=_told_to(show),
                )
            except MonocoqueError as ended:
                error = ended
    tell_all(
        screen, console, span.tally, span.last_us - span.first_us, error, as_json=asked.as_json
    )


async def _free_part(
    broker: OutsideConnection, translation: Translation, car_id: CarId
) -> Translation:
    """What nobody says in the car. Raises SignalClaimed when that is nothing."""
    readings = await broker.read(translation.numbers)
    free = (Freshness.NEVER, Freshness.PROVIDER_GONE)
    taken = [reading.number for reading in readings if reading.freshness not in free]
    paths = sorted(broker.catalogue.numbered(number).path for number in taken)
    if len(taken) == len(readings):
        more = "" if len(paths) == 1 else f", as are {len(paths) - 1} more of the mapping"
        raise SignalClaimed(
            f"{paths[0]} is said by somebody else in {car_id}{more}.",
            hint="Run the car with --can and this mapping, on a bus that is silent.",
        )
    if paths:
        more = f" and {len(paths) - NAMED_MAX} more" if len(paths) > NAMED_MAX else ""
        named = ", ".join(paths[:NAMED_MAX])
        typer.echo(f"left out, since others say them: {named}{more}", err=True)
    return translation.only(set(translation.numbers) - set(taken))


class _Span:
    """How far the log is."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self.tally = Tally()
        self.first_us = 0
        self.last_us = 0
        self._frames = frames

    def frames(self) -> Iterator[Frame]:
        """Those of the log."""
        for frame in self._frames:
            self.first_us = self.first_us or frame.time_us
            yield frame

    def note(self, tally: Tally, time_us: int) -> None:
        """So far it was told."""
        self.tally, self.last_us = tally, max(self.last_us, time_us)


def _told_to(show: Show) -> Said:
    """Shows what is said and not refused."""

    def said(
        numbers: Sequence[int],
        values: Sequence[Value],
        times_us: Sequence[int],
        refused: Container[int],
    ) -> None:
        kept = [place for place, number in enumerate(numbers) if number not in refused]
        show(
            Batch(
                tuple(numbers[place] for place in kept),
                [values[place] for place in kept],
                [times_us[place] for place in kept],
                "",
            )
        )

    return said

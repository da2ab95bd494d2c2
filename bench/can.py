"""How fast a vehicle bus becomes signals: a candump log of our own virtual car, read and published.

The log is written to a temporary directory: the messages of ``arden7.dbc``, each field moving, so
that hardly a value is held back. Figures, each the best of three runs on one event loop:

* ``decoded_frames_per_second``: frames of the log, read, decoded and published to the hub;
* ``decoded_values_per_second``: the values found in them;
* ``log_frames_per_second``: the same log only read, which is python-can's share;
* ``published_values_per_second``: of these values, those that a subscriber was told.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import can

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.database import load_database
from monocoque.car.can.service.files import load_translation, own_files
from monocoque.car.can.service.hearing import Tally
from monocoque.car.can.service.replay import replay
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.service.hub import SignalHub
from monocoque.contracts.signals import SIGNALS
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from monocoque.plumbing.clock import SystemClock

NAMES = ("Motion", "Battery", "Climate", "Place", "Motion", "Doors")

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    frames: int = 60_000
    runs: int = 3
    """The best of them counts."""


FULL = Effort()


def measure(progress: Progress, effort: Effort = FULL) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    with tempfile.TemporaryDirectory(prefix="monocoque-bench-") as directory:
        log = Path(directory) / "drive.log"
        progress(f"writing a log of {effort.frames} frames")
        _write(log, effort.frames)
        progress("reading it")
        read_s = min(_read(log, effort.frames) for _ in range(effort.runs))
        progress("telling it to the signals")
        runs = [asyncio.run(_tell(log, effort.frames)) for _ in range(effort.runs)]
    told_s, tally = min(runs, key=lambda run: run[0])
    return {
        "decoded_frames_per_second": round(tally.decoded_frames / told_s),
        "decoded_values_per_second": round(tally.values / told_s),
        "log_frames_per_second": round(effort.frames / read_s),
        "published_values_per_second": round(tally.published_values / told_s),
    }


def _write(log: Path, frames: int) -> None:
    random = Random(3)
    database = load_database(own_files()[0].read_text(), is_lenient=False)
    messages = [database.get_message_by_name(name) for name in NAMES]
    with can.CanutilsLogWriter(log) as writer:
        for index in range(frames):
            message = messages[index % len(messages)]
            data = message.encode(
                {each.name: random.randrange(2 ** min(each.length, 6)) for each in message.signals},
                scaling=False,
                strict=False,
            )
            writer.on_message_received(
                can.Message(
                    timestamp=1_780_000_000 + index / 2_000,
                    arbitration_id=message.frame_id,
                    is_extended_id=False,
                    data=data,
                )
            )


def _read(log: Path, frames: int) -> float:
    started_s = time.perf_counter()
    assert sum(1 for _ in read_log(log, CanBusConfig())) == frames
    return time.perf_counter() - started_s


async def _tell(log: Path, frames: int) -> tuple[float, Tally]:
    catalogue, config = Catalogue(SIGNALS), CanConfig()
    translation = load_translation(*own_files(), catalogue, config, is_lenient=False)
    hub = SignalHub(catalogue, SystemClock(), Random(1))
    broker = hub.connect("bench", everything(catalogue.numbers))
    async with broker.subscribe(translation.numbers) as subscription, asyncio.TaskGroup() as group:

        async def listen() -> None:
            while True:
                await subscription.next()

        listener = group.create_task(listen())
        started_s = time.perf_counter()
        tally = await replay(broker, translation, read_log(log, CanBusConfig()), config)
        told_s = time.perf_counter() - started_s
        listener.cancel()
    assert tally.decoded_frames == frames
    return told_s, tally


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()

"""A log of a bus, told to the signals again: at the pace of its recording, faster, or at once.

Rules:

* frames of one moment are published together, and no more of them than one batch;
* values have the times of the recording, or those that the caller gives them; pace is kept by the
  times of the recording;
* a log that is broken is told up to where it is broken; then its error is raised.

Left out on purpose: what is shown of it, which is the command line's affair.
"""

import asyncio
from collections.abc import Callable, Iterable

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.translation import Translation
from monocoque.car.can.service.hearing import Hearing, Said, Tally
from monocoque.car.signals.service.port import Broker
from monocoque.plumbing.can.port import Frame

MICROSECONDS = 1_000_000

Heard = Callable[[Tally, int], None]
"""Is told after each publication: what came of it all, and the time of the recording."""


async def replay(
    broker: Broker,
    translation: Translation,
    frames: Iterable[Frame],
    config: CanConfig,
    *,
    speed: float | None = None,
    timed: Callable[[int], int] = lambda time_us: time_us,
    before: Heard = lambda _tally, _time_us: None,
    heard: Heard = lambda _tally, _time_us: None,
    said: Said | None = None,
) -> Tally:
    """Tell all of it, and return what came of it. Raises what frames and broker raise.

    speed: 1 for the pace of the recording, 2 for twice that; None for as fast as it goes.
    timed: from a time of the recording to that which its values have.
    before: is told before each publication, as ``heard`` after it; ``said`` is told its values.
    """
    async with broker.provide(translation.numbers) as provision:
        hearing = Hearing(translation, provision, config, said=said)
        loop = asyncio.get_running_loop()
        started_s, first_us, last_us = loop.time(), None, 0
        batch: list[Frame] = []

        async def tell() -> None:
            nonlocal last_us
            last_us = batch[-1].time_us
            before(hearing.tally, last_us)
            await hearing.take([frame._replace(time_us=timed(frame.time_us)) for frame in batch])
            await hearing.take_due(timed(last_us))
            batch.clear()
            heard(hearing.tally, last_us)
            await asyncio.sleep(0)  # let those who listen have a turn

        try:
            for frame in frames:
                if first_us is None:
                    first_us = frame.time_us
                if speed is not None:
                    due_s = started_s + (frame.time_us - first_us) / MICROSECONDS / speed
                    if (wait_s := due_s - loop.time()) > config.batch_gather_s:
                        if batch:
                            await tell()
                        await asyncio.sleep(wait_s)
                batch.append(frame)
                if len(batch) >= config.batch_frames_max:
                    await tell()
        finally:
            if batch:
                await tell()
            await hearing.take_rest(timed(last_us))
        return hearing.tally

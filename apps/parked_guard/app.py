"""Parked guard: keeps what happened around an alarm of a parked car.

Rules:

* the last seconds are in a ring in memory; an alarm writes them down, and the seconds after it;
* an alarm is what a locked, parked car does not do: a door opens, or it moves;
* each alarm is a file of its own, and the oldest goes when there are too many; a second alarm
  while one is being written belongs to it.

Left out on purpose: pictures, which are no signals, and telling somebody: that is the phone's.
"""

import asyncio
import json
from collections import deque
from typing import Any

from monocoque.app import App, Limits, read, signals

BEFORE_S = 30.0
AFTER_S = 30.0
ROWS_MAX = 2_000
"""In the ring, and of one alarm."""
ALARMS_KEPT = 20


class ParkedGuard(App):
    """Records what happened around an alarm."""

    name, version = "parked-guard", "1.0.0"
    publisher = "Monocoque"
    purpose = (
        "When a locked, parked car is opened or moved, keeps what its signals said in the half "
        "minute before and after. Nothing leaves the car."
    )
    limits = Limits(memory_mb=192, cpu_percent=15, start_s=20)

    is_locked = read(signals.IS_LOCKED, bool)
    is_door_open = read(signals.IS_DOOR_OPEN, bool)
    is_moving = read(signals.IS_MOVING, bool)
    speed = read(signals.SPEED, float)
    latitude = read(signals.LATITUDE, float)
    longitude = read(signals.LONGITUDE, float)
    cabin = read(signals.CABIN_TEMPERATURE, float)

    async def start(self) -> None:
        """Begin with an empty ring."""
        self.ring: deque[tuple[int, str, Any]] = deque(maxlen=ROWS_MAX)
        self.known: dict[str, Any] = {}
        self.alarm: tuple[int, str] | None = None

    async def run(self) -> None:
        """Hear every signal, and write alarms down."""
        heard = [
            self.is_locked, self.is_door_open, self.is_moving, self.speed,
            self.latitude, self.longitude, self.cabin,
        ]  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for signal in heard:
                group.create_task(self.hear(signal))
            group.create_task(self.finish())

    async def hear(self, signal: Any) -> None:
        """Put what one signal says into the ring; see whether it is an alarm."""
        path = signal.signal.path
        async for value in signal.changes():
            if self.known.get(path) == value:
                continue
            before = dict(self.known)
            self.known[path] = value
            self.ring.append((self.now_us(), path, value))
            cause = self.cause(path, value, before)
            if cause and self.alarm is None:
                self.alarm = (self.now_us(), cause)
                self.log(f"alarm: {cause}")
                self.write()

    def cause(self, path: str, value: Any, before: dict[str, Any]) -> str:
        """Why this is an alarm, or nothing."""
        was_locked = before.get(signals.IS_LOCKED.path) is True
        was_parked = before.get(signals.IS_MOVING.path) is not True
        if not was_locked or not was_parked:
            return ""
        if path == signals.IS_DOOR_OPEN.path and value:
            return "a door was opened while the car was locked"
        if path == signals.IS_MOVING.path and value:
            return "the car was moved while it was locked"
        return ""

    async def finish(self) -> None:
        """Write an alarm again when the time after it is over."""
        while True:
            await self.sleep(1)
            if self.alarm and self.now_us() - self.alarm[0] >= AFTER_S * 1_000_000:
                self.write()
                self.alarm = None
                for old in sorted(self.data.glob("alarm-*.json"))[:-ALARMS_KEPT]:
                    old.unlink()

    def write(self) -> None:
        """Write the alarm down as far as it is known, so that a cut loses only what follows."""
        assert self.alarm is not None
        at_us, cause = self.alarm
        since_us, until_us = at_us - BEFORE_S * 1_000_000, at_us + AFTER_S * 1_000_000
        rows = [
            {"after_s": round((row_us - at_us) / 1_000_000, 3), "path": path, "value": value}
            for row_us, path, value in self.ring
            if since_us <= row_us <= until_us
        ]
        text = json.dumps({"at_us": at_us, "cause": cause, "rows": rows}, indent=1)
        (self.data / f"alarm-{at_us}.json").write_text(text, encoding="utf-8")

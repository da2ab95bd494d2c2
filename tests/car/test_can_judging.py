"""What the guard judges a car on a bus by: what its bus said lately, and nothing older."""

import asyncio
from dataclasses import replace

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.database import load_database
from monocoque.car.can.logic.mapping import parse_mapping
from monocoque.car.can.logic.translation import bind
from monocoque.car.can.service import own_files
from monocoque.car.can.service.gateway import SILENT, Gateway, bus_silent_after_us, guard_of
from monocoque.car.signals.logic.access import everything
from monocoque.contracts.signals import IS_LOCKED
from monocoque.plumbing.can.port import Frame
from tests.car.can_samples import OWN_CAR_PARKED, bound
from tests.car.door_stand import DoorStand
from tests.fixtures.http import SettableClock

CLOCK, CONFIG = SettableClock(), CanConfig()  # so that nothing grows old while a stand is made


class Says:
    """A bus that says these frames, then nothing more; it takes every frame."""

    lost_frames = 0

    def __init__(self, *frames) -> None:
        self._frames = list(frames)
        self.sent = []

    async def receive(self, frames_max, gather_s):
        if not self._frames:
            await asyncio.Event().wait()
        said, self._frames = self._frames[:frames_max], self._frames[frames_max:]
        return said

    async def send(self, frame):
        self.sent.append(frame)


HOUR_US = 3_600_000_000
OWN_DATABASE = load_database(own_files()[0].read_text(), is_lenient=False)


def frame(time_us, name, **fields):
    """A frame of our own car, parked but for these fields."""
    message = OWN_DATABASE.get_message_by_name(name)
    data = message.encode({**OWN_CAR_PARKED[name], **fields})
    return Frame(time_us, message.frame_id, False, data)


async def unlock_after(frames, mapping_text=None):
    """Why the guard refuses to unlock our own car after these frames; None when it does not."""
    stand = DoorStand()
    rows = parse_mapping(mapping_text or own_files()[1].read_text(), 100)
    translation = bind(rows, OWN_DATABASE, stand.hub.catalogue)
    configs = {**stand.configs, CanConfig: CONFIG}
    context = replace(stand.context, clock=CLOCK, configs=configs)
    guard, judged = guard_of(context, translation), []

    async def gate(act, heard):
        judged.append(await guard(act, heard))
        return judged[-1]

    everyone = everything(stand.hub.catalogue.numbers)
    async with stand.hub.connect("can", everyone).provide([], [IS_LOCKED.number]) as provision:
        gateway = Gateway(Says(*frames), translation, provision, CONFIG, CLOCK, gate)
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            hearing = group.create_task(gateway.hear())
            while gateway.tally.frames < len(frames):
                await asyncio.sleep(0.001)
            asking = group.create_task(gateway.ask())
            await stand.hub.connect("client", everyone).actuate({IS_LOCKED.number: False}, 5)
            asking.cancel()
            hearing.cancel()
    (reason,) = judged
    return reason


async def test_a_car_that_was_parked_an_hour_ago_is_not_unlocked_since_its_climate_spoke() -> None:
    now_us = CLOCK.now_us()
    just_now = [frame(now_us, name) for name in OWN_CAR_PARKED]
    assert await unlock_after(just_now) is None
    long_ago = [frame(now_us - HOUR_US, name) for name in OWN_CAR_PARKED]
    assert await unlock_after([*long_ago, frame(now_us, "Climate")]) == SILENT
    ahead = [frame(now_us + HOUR_US, name) for name in OWN_CAR_PARKED]
    assert await unlock_after([*ahead, frame(now_us, "Climate")]) == SILENT


async def test_a_message_of_events_counts_for_as_long_as_its_rows_say() -> None:
    now_us = CLOCK.now_us()
    doors_long_ago = [
        frame(now_us - (HOUR_US // 2 if name == "Doors" else 0), name) for name in OWN_CAR_PARKED
    ]
    assert await unlock_after(doors_long_ago) == SILENT
    own = own_files()[1].read_text()
    of_events = own.replace(
        "    field: LockState\n", "    field: LockState\n    silent_after_ms: 3600000\n"
    ).replace("    field: DriverDoor\n", "    field: DriverDoor\n    silent_after_ms: 3600000\n")
    assert await unlock_after(doors_long_ago, of_events) is None


async def test_a_car_that_no_longer_knows_its_speed_is_not_unlocked() -> None:
    now_us = CLOCK.now_us()
    just_now = [frame(now_us, name) for name in OWN_CAR_PARKED]
    assert await unlock_after([*just_now, frame(now_us, "Motion", Speed="UNKNOWN")]) == SILENT
    gear = frame(now_us, "Motion", Gear="UNKNOWN")
    assert await unlock_after([*just_now, gear]) == SILENT


def test_a_bus_of_events_alone_is_silent_when_the_most_talkative_of_them_is() -> None:
    def silent_after_us(*rows):
        text = "".join(
            f"  - {{signal: Vehicle.{name}, message: Fast, field: {name}{more}}}\n"
            for name, more in rows
        )
        return bus_silent_after_us(bound(text), CONFIG)

    door = ("Door", ", silent_after_ms: 60000")
    assert silent_after_us(door, ("Exact", ", silent_after_ms: 90000")) == 60_000_000
    assert silent_after_us(door, ("Exact", "")) == 5_000_000
    assert silent_after_us(("Door", ", silent_after_ms: 100")) == 5_000_000

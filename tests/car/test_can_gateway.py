"""The gateway between a virtual bus and the signals: heard, asked, flooded, lied to."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import can
import pytest

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.translation import Translation
from monocoque.car.can.service import load_translation, own_files, run, run_gateway
from monocoque.car.can.service.gateway import (
    NOT_SAYABLE,
    NOT_SENT,
    SILENT,
    Gateway,
    Heard,
    guard_of,
    is_target,
)
from monocoque.car.can.service.hearing import Hearing
from monocoque.car.signals.logic.access import NOTHING, everything
from monocoque.car.signals.logic.acts import DEADLINE, REPLACED, Act, ActState
from monocoque.car.signals.logic.readings import Freshness
from monocoque.car.signals.service.hub import SignalHub
from monocoque.contracts import signals
from monocoque.contracts.errors import CanBusUnavailable, SignalDenied, SignalProviderMissing
from monocoque.contracts.signals import IS_LOCKED
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.port import CanBus, Frame
from monocoque.plumbing.can.python_can import open_bus
from monocoque.plumbing.clock import SystemClock
from tests.car.can_samples import (
    CATALOGUE,
    COMMAND,
    DOOR,
    FAST,
    GEAR,
    ROWS_IN,
    ROWS_OUT,
    SLOW,
    SPEED,
    TARGET,
    bound,
    fast,
)
from tests.car.door_stand import DoorStand

CONFIG = CanConfig(batch_gather_s=0.002, look_s=0.01)
CLOCK = SystemClock()
ALL = everything(CATALOGUE.numbers)


async def freely(_act, _heard) -> None:
    """A gate that forbids nothing."""


class Stand:
    """A gateway that runs, a hub beside it, and another participant of the bus."""

    def __init__(self, hub, other) -> None:
        self.hub = hub
        self.client = hub.connect("client", ALL)
        self._other = other

    def say(self, address, data):
        """Put a frame on the bus, as a control unit does."""
        identifier, is_extended = address
        self._other.send(
            can.Message(arbitration_id=identifier, is_extended_id=is_extended, data=data)
        )

    async def hear(self):
        """The next frame that the gateway puts on the bus."""
        message = await asyncio.to_thread(self._other.recv, 5)
        return (message.arbitration_id, message.is_extended_id), bytes(message.data)

    async def until(self, number, value):
        async with asyncio.timeout(10):
            while (await self.client.read([number]))[0].value != value:
                await asyncio.sleep(0.005)

    def value(self, number):
        return self.hub.readings([number])[0].value


@asynccontextmanager
async def standing(channel, rows_in=ROWS_IN):
    hub = SignalHub(CATALOGUE, CLOCK, Random(1))
    translation = bound(rows_in, ROWS_OUT)
    async with open_bus("virtual", channel, CLOCK, CanBusConfig(look_s=0.02)) as bus:
        with can.Bus(channel=channel, interface="virtual") as other:
            async with asyncio.TaskGroup() as group:
                broker = hub.connect("can", ALL)
                task = group.create_task(
                    run_gateway(broker, bus, translation, CONFIG, CLOCK, freely)
                )
                yield Stand(hub, other)
                task.cancel()


@pytest.fixture
async def stand(request):
    async with standing(request.node.name) as found:
        yield found


async def test_what_is_heard_on_the_bus_is_read_as_signals(stand) -> None:
    stand.say(FAST, fast(speed=1_100, gear=1, door=1))
    await stand.until(GEAR, 127)
    assert stand.value(SPEED) == pytest.approx(160.9344)
    assert stand.value(DOOR) is True
    reading = stand.hub.readings([SPEED])[0]
    assert reading.source == "can"
    assert CLOCK.now_us() - reading.time_us < 10_000_000


async def test_broken_and_unknown_frames_stop_nothing(stand) -> None:
    for data in (b"", b"\x00", bytes(7)):
        stand.say(FAST, data)
    stand.say((0x7FF, False), bytes(8))
    stand.say((256, True), bytes(8))
    stand.say(SLOW, bytes([9, 9, 9, 9]))
    stand.say(FAST, fast(gear=2))
    await stand.until(GEAR, -1)


async def test_a_flood_ends_with_the_newest_values(stand) -> None:
    for count in range(3_000):
        stand.say(FAST, fast(speed=count))
    stand.say(FAST, fast(speed=4_000, gear=1))
    await stand.until(GEAR, 127)
    assert stand.value(SPEED) is not None


async def test_an_act_is_accepted_when_sent_and_done_when_the_bus_shows_it(stand) -> None:
    (act,) = await stand.client.actuate({TARGET: 21.5}, timeout_s=5)
    assert act.state is ActState.ACCEPTED
    assert await stand.hear() == (COMMAND, bytes([43, 1]))
    assert await stand.client.targets([TARGET]) == {TARGET: 21.5}
    stand.say(SLOW, bytes([0, 42, 0, 0]))
    await stand.until(TARGET, 21.0)
    assert await stand.client.targets([TARGET]) == {TARGET: 21.5}
    stand.say(SLOW, bytes([0, 43, 0, 0]))
    assert (await stand.client.outcome(act.act_id)).state is ActState.DONE
    assert await stand.client.targets([TARGET]) == {}


async def test_a_target_between_two_steps_is_met_by_the_nearer_one(stand) -> None:
    (act,) = await stand.client.actuate({TARGET: 21.3}, timeout_s=5)
    stand.say(SLOW, bytes([0, 43, 0, 0]))
    assert (await stand.client.outcome(act.act_id)).state is ActState.DONE


async def test_what_is_as_asked_already_is_done_when_the_bus_says_so_again(stand) -> None:
    stand.say(FAST, fast(door=1))
    await stand.until(DOOR, True)
    (act,) = await stand.client.actuate({DOOR: True}, timeout_s=5)
    assert act.state is ActState.ACCEPTED
    stand.say(FAST, fast(door=1))
    assert (await stand.client.outcome(act.act_id)).state is ActState.DONE


async def test_an_act_that_the_bus_never_shows_fails_at_its_deadline(stand) -> None:
    (act,) = await stand.client.actuate({TARGET: 21.5}, timeout_s=0.1)
    ended = await stand.client.outcome(act.act_id)
    assert (ended.state, ended.reason) == (ActState.FAILED, DEADLINE)


async def test_a_newer_wish_replaces_the_older(stand) -> None:
    (older,) = await stand.client.actuate({TARGET: 21.5}, timeout_s=5)
    (newer,) = await stand.client.actuate({TARGET: 25.0}, timeout_s=5)
    assert (await stand.client.outcome(older.act_id)).reason == REPLACED
    stand.say(SLOW, bytes([0, 50, 0, 0]))
    assert (await stand.client.outcome(newer.act_id)).state is ActState.DONE


async def test_a_target_that_no_field_can_say_is_refused(stand) -> None:
    (act,) = await stand.client.actuate({TARGET: 150.0}, timeout_s=5)
    assert (act.state, act.reason) == (ActState.REFUSED, NOT_SAYABLE)


async def test_a_value_that_was_held_back_is_said_without_another_frame(request) -> None:
    rows = ROWS_IN.replace("field: Door}", "field: Door, interval_ms: 200}")
    async with standing(request.node.name, rows) as stand:
        stand.say(FAST, fast(door=0))
        await stand.until(DOOR, False)
        stand.say(FAST, fast(door=1))
        await stand.until(DOOR, True)


async def test_when_the_gateway_ends_its_signals_say_that_nobody_stands_behind_them(
    request,
) -> None:
    async with standing(request.node.name) as stand:
        stand.say(FAST, fast(gear=1))
        await stand.until(GEAR, 127)
        hub = stand.hub
    assert hub.readings([GEAR])[0].freshness is Freshness.PROVIDER_GONE


async def test_the_service_takes_bus_translation_and_broker_from_its_context(request) -> None:
    stand = DoorStand()
    translation = load_translation(*own_files(), stand.hub.catalogue, CONFIG, is_lenient=False)
    async with open_bus("virtual", request.node.name, CLOCK, CanBusConfig(look_s=0.02)) as bus:
        context = replace(
            stand.context,
            configs={**stand.configs, CanConfig: CONFIG},
            ports={**stand.context.ports, CanBus: bus, Translation: translation},
        )
        with can.Bus(channel=request.node.name, interface="virtual") as other:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(run(context))
                other.send(can.Message(arbitration_id=288, is_extended_id=False, data=b"\x01\x00"))
                async with asyncio.timeout(10):
                    while stand.hub.readings([IS_LOCKED.number])[0].value is not True:
                        await asyncio.sleep(0.005)
                task.cancel()


class NoBus:
    """A bus that takes nothing and then goes."""

    lost_frames = 0

    def __init__(self) -> None:
        self.goes = asyncio.Event()

    async def receive(self, frames_max, gather_s):
        await self.goes.wait()
        raise CanBusUnavailable("The bus has gone.")

    async def send(self, frame):
        raise CanBusUnavailable("The bus did not take a frame.")


async def test_a_bus_that_takes_no_frame_fails_the_act_and_one_that_goes_ends_the_gateway() -> None:
    hub, bus = SignalHub(CATALOGUE, CLOCK, Random(1)), NoBus()
    translation = bound(rows_out=ROWS_OUT)

    async def ask() -> None:
        act = None
        async with asyncio.timeout(5):
            while act is None:
                try:
                    (act,) = await hub.connect("client", ALL).actuate({TARGET: 20.0}, 5)
                except SignalProviderMissing:  # not yet
                    await asyncio.sleep(0.005)
        assert (act.state, act.reason) == (ActState.FAILED, NOT_SENT)
        bus.goes.set()

    asking = asyncio.ensure_future(ask())
    with pytest.raises(CanBusUnavailable, match="has gone"):
        await run_gateway(hub.connect("can", ALL), bus, translation, CONFIG, CLOCK, freely)
    await asking


async def test_what_the_guard_forbids_is_refused_and_never_put_on_the_bus() -> None:
    hub, bus = SignalHub(CATALOGUE, CLOCK, Random(1)), NoBus()

    async def forbids(_act, _heard) -> str:
        return "moving"

    async with hub.connect("can", ALL).provide([], [TARGET]) as provision:
        gateway = Gateway(bus, bound(ROWS_IN, ROWS_OUT), provision, CONFIG, CLOCK, forbids)
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            asking = group.create_task(gateway.ask())
            (act,) = await hub.connect("client", ALL).actuate({TARGET: 20.0}, 5)
            asking.cancel()
    assert (act.state, act.reason) == (ActState.REFUSED, "moving")


async def test_a_gateway_without_the_right_to_provide_does_not_begin() -> None:
    hub = SignalHub(CATALOGUE, CLOCK, Random(1))
    with pytest.raises(SignalDenied):
        await run_gateway(hub.connect("can", NOTHING), NoBus(), bound(), CONFIG, CLOCK, freely)


async def test_what_came_of_frames_and_values_is_counted() -> None:
    hub = SignalHub(CATALOGUE, CLOCK, Random(1))
    rows = ROWS_IN.replace("unit: mph", "factor: 10")
    translation = bound(rows)
    async with hub.connect("can", ALL).provide(translation.numbers) as provision:
        config = CanConfig(unknown_kept_max=1)
        gateway = Gateway(NoBus(), translation, provision, config, CLOCK, freely)
        hearing = Hearing(translation, provision, config)
        frames = [
            Frame(1, *FAST, fast(speed=4_000, gear=7)),
            Frame(2, *FAST, fast(speed=200, gear=1)),
            Frame(3, *FAST, b""),
            Frame(4, 5, False, b""),
            Frame(5, 6, False, b""),
            Frame(6, 5, False, b""),
        ]
        await hearing.take(frames)
        tally = hearing.tally
        assert gateway.tally.frames == 0
    assert (tally.frames, tally.decoded_frames, tally.broken_frames) == (6, 2, 1)
    assert (tally.unknown_frames, dict(tally.unknown)) == (3, {5: 2})
    assert (tally.values, tally.meaningless_values) == (6, 1)
    # The first speed is beyond what the signal takes; the second, 10 times 10, is not.
    assert dict(tally.refused) == {"Vehicle.Speed": 1}
    assert tally.published_values == 3
    assert "at most 250" in tally.reasons["Vehicle.Speed"]
    assert hub.readings([GEAR])[0].value == 127


@pytest.mark.parametrize(
    ("target", "value", "is_met"),
    [
        (True, True, True),
        (True, False, False),
        ("ARDEN", "ARDEN", True),
        (20, 20.2, True),
        (20.0, 20.3, False),
        (20.0, "20", False),
    ],
)
def test_a_target_is_met_as_near_as_its_field_can_say_it(target, value, is_met) -> None:
    assert is_target(target, value, 0.25) is is_met


class SpeaksOnce(NoBus):
    """A bus on which one frame was heard, and no other."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = [Frame(CLOCK.now_us(), *FAST, fast(gear=1))]

    async def receive(self, frames_max, gather_s):
        if not self._frames:
            await self.goes.wait()
        said, self._frames = self._frames, []
        return said


async def test_nobody_stands_behind_the_signals_of_a_bus_that_fell_silent() -> None:
    hub = SignalHub(CATALOGUE, CLOCK, Random(1))
    config = replace(CONFIG, silent_after_s=0.05)
    with pytest.raises(CanBusUnavailable, match=r"silent for 0\.05 s"):
        async with asyncio.timeout(10):
            await run_gateway(hub.connect("can", ALL), SpeaksOnce(), bound(), config, CLOCK, freely)
    (reading,) = hub.readings([GEAR])
    assert (reading.value, reading.freshness) == (127, Freshness.PROVIDER_GONE)


async def test_the_guard_judges_by_what_the_bus_says_and_by_nothing_old() -> None:
    stand = DoorStand()
    translation = load_translation(*own_files(), stand.hub.catalogue, CONFIG, is_lenient=False)
    context = replace(stand.context, configs={**stand.configs, CanConfig: CONFIG})
    guard = guard_of(context, translation)
    now_us = CLOCK.now_us()
    unlock = Act("act_1", IS_LOCKED.number, False, "me", now_us, now_us)
    heard = Heard()
    for number in translation.numbers:
        heard.note(number, 0, now_us)
    heard.values[signals.SELECTED_GEAR.number] = 126
    assert await guard(unlock, heard) is None
    heard.values[signals.SPEED.number] = 60.0
    assert await guard(unlock, heard) == "moving"
    del heard.values[signals.SPEED.number]
    assert await guard(unlock, heard) == SILENT
    heard.note(signals.SPEED.number, 0.0, now_us)
    assert await guard(unlock, heard) is None
    heard.time_us = now_us - 10_000_000
    assert await guard(unlock, heard) == SILENT

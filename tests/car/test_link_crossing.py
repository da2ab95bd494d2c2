"""The one crossing between the car's own bus and the cell's: what passes, and what never does."""

import asyncio
import os
import signal
from itertools import pairwise
from random import Random

from monocoque.car.link.config import LinkConfig
from monocoque.car.link.service import DOWN, UP
from monocoque.contracts import topics
from monocoque.contracts.topics import (
    CAR_BODY,
    CAR_COMMANDS,
    CAR_RECEIPTS,
    CAR_RECEIPTS_CONFIRMED,
    CAR_SCENES,
    CAR_UPDATE_DIRECTIONS,
    CAR_UPDATE_MANIFEST,
    Role,
)
from monocoque.contracts.wire import car_pb2
from monocoque.contracts.wire.command_pb2 import (
    CarBody,
    CarReceipt,
    CommandEnvelope,
    ReceiptsConfirmed,
)
from monocoque.contracts.wire.home_pb2 import CarScenes, HomeRequest
from monocoque.contracts.wire.update_pb2 import UpdateDirections, UpdateManifest
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.metrics import Metrics
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.loop import run_virtual
from monocoque.sim.machine import silent_log
from monocoque.sim.network import FaultyBus, Path
from tests.car.test_link import CAR_ID, RARELY, context_of, living
from tests.fixtures.bus import NatsCellBus

WAIT_S_MAX = 20.0
MINE = {"car_id": CAR_ID}


class Crossing:
    """A car's bus and the cell's, with the link between them and somebody at each end."""

    def __init__(self, config: LinkConfig = RARELY) -> None:
        self.clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        self.random = Random(1)
        self.cell_hub = MemoryHub(self.clock, Metrics(), silent_log())
        self.car_hub = MemoryHub(self.clock, Metrics(), silent_log())
        self.path = Path(Weather(Faults.none()), Random(1))
        self.commands = self.cell_hub.connect(Identity(Role.COMMANDS))
        self.car = self.car_hub.connect(Identity(Role.CAR, MINE))
        self.in_cell: list[tuple[float, str]] = []
        self.in_car: list[tuple[float, str]] = []
        self.cell_hub.observers.append(lambda subject, _: self._note(self.in_cell, subject))
        self.car_hub.observers.append(lambda subject, _: self._note(self.in_car, subject))
        uplink = FaultyBus(self.cell_hub.connect(Identity(Role.CAR, MINE)), self.path)
        self.context = context_of(uplink, records_in_memory(Random(1)), self.clock, config)
        link = self.car_hub.connect(Identity(Role.LINK, MINE))
        object.__setattr__(self.context, "bus", link)

    def _note(self, where: list[tuple[float, str]], subject: str) -> None:
        where.append((asyncio.get_running_loop().time(), subject.rpartition(".")[2]))

    def stamped(self, message):
        stamp(message, self.clock, self.random)
        return message

    def count(self, where: list[tuple[float, str]], word: str) -> int:
        return sum(said == word for _, said in where)


def through(story) -> None:
    async def main() -> None:
        crossing = Crossing()
        async with living(crossing.context):
            await asyncio.sleep(1.0)
            await story(crossing)

    run_virtual(main())


def test_the_lists_of_what_may_pass_are_short() -> None:
    assert DOWN == (CAR_COMMANDS, CAR_RECEIPTS_CONFIRMED, CAR_UPDATE_DIRECTIONS)
    assert UP == (CAR_RECEIPTS, CAR_BODY, CAR_UPDATE_MANIFEST, CAR_SCENES)
    # On the car's own bus the link can say what comes down, and nothing that a car says.
    assert {t for t in topics.TOPICS if Role.LINK in t.published_by} == set(DOWN)
    assert {t for t in topics.TOPICS if Role.LINK in t.read_by} == set(UP)


def test_commands_come_down_and_receipts_go_up_as_they_were_said() -> None:
    async def story(crossing: Crossing) -> None:
        command = crossing.stamped(CommandEnvelope(command=b"c", grants=[b"g"]))
        receipt = crossing.stamped(CarReceipt(receipt=b"r"))
        async with (
            crossing.car.listen(CAR_COMMANDS, **MINE) as down,
            crossing.commands.listen(CAR_RECEIPTS, **MINE) as up,
        ):
            await crossing.commands.publish(CAR_COMMANDS, command, **MINE)
            assert (await down.next(1.0)).message == command
            await crossing.car.publish(CAR_RECEIPTS, receipt, **MINE)
            assert (await up.next(1.0)).message == receipt

    through(story)


def test_what_scenes_ask_for_waits_for_a_way_and_then_goes_up_at_once() -> None:
    async def story(crossing: Crossing) -> None:
        crossing.path.cut()
        for number in (1, 2):
            older = crossing.stamped(CarScenes(requests=[HomeRequest(request_id=str(number))]))
            await crossing.car.publish(CAR_SCENES, older, **MINE)
            await asyncio.sleep(1.0)
        said = crossing.stamped(CarScenes(requests=[HomeRequest(request_id="3")]))
        await crossing.car.publish(CAR_SCENES, said, **MINE)
        homes = crossing.cell_hub.connect(Identity(Role.HOMES))
        async with homes.listen(CAR_SCENES, **MINE) as up:
            crossing.path.mend()
            assert (await up.next(5.0)).message == said
            await asyncio.sleep(5.0)
            said = crossing.stamped(CarScenes())
            await crossing.car.publish(CAR_SCENES, said, **MINE)
            assert (await up.next(0.01)).message == said

    through(story)


def test_nothing_but_what_is_named_passes() -> None:
    async def story(crossing: Crossing) -> None:
        event = crossing.stamped(car_pb2.CarEvent(kind="other"))
        await crossing.car.publish(topics.CAR_EVENTS, event, **MINE)
        before = crossing.count(crossing.in_cell, "events")
        await asyncio.sleep(5.0)
        assert crossing.count(crossing.in_cell, "events") == before

    through(story)


def test_a_car_asks_at_every_new_connection_how_far_the_cell_has_its_log() -> None:
    async def story(crossing: Crossing) -> None:
        async with crossing.car.watch(CAR_RECEIPTS_CONFIRMED, **MINE) as heard:
            assert (await heard.next(1.0)).message.sequence == 0
            known = crossing.stamped(ReceiptsConfirmed(sequence=7))
            await crossing.commands.publish(CAR_RECEIPTS_CONFIRMED, known, **MINE)
            assert (await heard.next(1.0)).message.sequence == 7
            for _ in range(3):
                crossing.path.cut()
                await asyncio.sleep(5.0)
                crossing.path.mend()
                assert (await heard.next(5.0)).message == known

    through(story)


def test_a_receipt_without_a_way_is_dropped_and_the_newest_body_waits() -> None:
    async def story(crossing: Crossing) -> None:
        crossing.path.cut()
        await crossing.car.publish(CAR_RECEIPTS, crossing.stamped(CarReceipt(receipt=b"r")), **MINE)
        for charge in range(40):
            body = crossing.stamped(CarBody(charge_percent=charge))
            await crossing.car.publish(CAR_BODY, body, **MINE)
            await asyncio.sleep(1.0)
        assert crossing.in_cell[-1][0] < 2.0
        crossing.path.mend()
        await asyncio.sleep(5.0)
        assert crossing.count(crossing.in_cell, "receipts") == 0
        last = await crossing.cell_hub.connect(Identity(Role.TWIN)).last(CAR_BODY, **MINE)
        assert last.message.charge_percent == 39

    through(story)


def test_bodies_cross_at_their_pace_and_the_last_one_always_does() -> None:
    async def story(crossing: Crossing) -> None:
        began_s = asyncio.get_running_loop().time()
        for charge in range(100):
            body = crossing.stamped(CarBody(charge_percent=charge))
            await crossing.car.publish(CAR_BODY, body, **MINE)
            await asyncio.sleep(0.1)
        await asyncio.sleep(2.0)
        at_s = [said_s for said_s, word in crossing.in_cell if word == "body"]
        assert all(later - earlier >= 0.499 for earlier, later in pairwise(at_s))
        assert 15 <= len(at_s) <= 2 * (asyncio.get_running_loop().time() - began_s) + 1
        last = await crossing.cell_hub.connect(Identity(Role.TWIN)).last(CAR_BODY, **MINE)
        assert last.message.charge_percent == 99

    through(story)


def test_a_flood_of_commands_ends_at_the_pace_of_the_topic() -> None:
    async def story(crossing: Crossing) -> None:
        subject = CAR_COMMANDS.subject(**MINE)
        for _ in range(10_000):
            envelope = crossing.stamped(CommandEnvelope(command=b"c"))
            crossing.cell_hub.accept(CAR_COMMANDS, subject, envelope.SerializeToString())
        await asyncio.sleep(5.0)
        passed = crossing.count(crossing.in_car, "commands")
        assert 0 < passed <= CAR_COMMANDS.rate_per_minute_max * 2
        await asyncio.sleep(60.0)
        await crossing.commands.publish(
            CAR_COMMANDS, crossing.stamped(CommandEnvelope(command=b"d")), **MINE
        )
        await asyncio.sleep(1.0)
        assert crossing.count(crossing.in_car, "commands") == passed + 1

    through(story)


async def test_it_crosses_on_a_real_bus_and_again_when_its_server_was_killed(
    nats_server: NatsServer,
) -> None:
    cell_bus = NatsCellBus(nats_server)
    commands = await cell_bus.connect(Role.COMMANDS)
    twin = await cell_bus.connect(Role.TWIN)
    uplink = await cell_bus.connect(Role.CAR, car_id=CAR_ID)
    clock, random = SystemClock(), Random(1)
    context = context_of(uplink, records_in_memory(Random(1)), clock)
    hub = MemoryHub(clock, Metrics(), silent_log())
    object.__setattr__(context, "bus", hub.connect(Identity(Role.LINK, MINE)))
    car = hub.connect(Identity(Role.CAR, MINE))

    def stamped(message):
        stamp(message, clock, random)
        return message

    async with (
        asyncio.timeout(60.0),
        car.listen(CAR_COMMANDS, **MINE) as down,
        car.watch(CAR_RECEIPTS_CONFIRMED, **MINE) as confirmed,
        living(context),
    ):
        assert (await confirmed.next(WAIT_S_MAX)).message.sequence == 0
        consumer = await commands.consumer(CAR_RECEIPTS, "mailbox")
        for round_number in range(2):
            heard = None
            while heard is None:  # what keeps nothing may be lost while the bus comes back
                envelope = stamped(CommandEnvelope(command=b"c"))
                await commands.publish(CAR_COMMANDS, envelope, **MINE)
                heard = await down.next(1.0)
            taken = []
            while not taken:  # the car says it again until the cell has it
                receipt = stamped(CarReceipt(receipt=f"r{round_number}".encode()))
                await car.publish(CAR_RECEIPTS, receipt, **MINE)
                taken = await consumer.fetch(10, 1.0)
            await consumer.acknowledge(taken)
            body = stamped(CarBody(charge_percent=round_number + 1))
            await car.publish(CAR_BODY, body, **MINE)
            async with twin.watch(CAR_BODY, **MINE) as bodies:
                while (await bodies.next(WAIT_S_MAX)).message.charge_percent != round_number + 1:
                    pass
            if round_number == 0:
                said = stamped(ReceiptsConfirmed(sequence=1))
                await commands.publish(CAR_RECEIPTS_CONFIRMED, said, **MINE)
                assert (await confirmed.next(WAIT_S_MAX)).message.sequence == 1
                await _killed_and_back(nats_server, cell_bus, uplink, commands)
                assert (await confirmed.next(WAIT_S_MAX)).message.sequence == 1
    for bus in cell_bus.buses:
        await bus.close()


async def _killed_and_back(nats_server: NatsServer, cell_bus: NatsCellBus, *buses) -> None:
    assert nats_server.pid is not None
    os.kill(nats_server.pid, signal.SIGKILL)
    await cell_bus.until(lambda: not any(bus.is_connected for bus in buses))
    await nats_server.start()
    await cell_bus.until(lambda: all(bus.is_connected for bus in buses))


def test_what_a_car_is_to_install_comes_down_at_once_and_again_at_each_new_connection() -> None:
    async def story(crossing: Crossing) -> None:
        campaigns = crossing.cell_hub.connect(Identity(Role.CAMPAIGNS))
        async with crossing.car.watch(CAR_UPDATE_DIRECTIONS, **MINE) as heard:
            said = crossing.stamped(UpdateDirections(targets=b"first"))
            await campaigns.publish(CAR_UPDATE_DIRECTIONS, said, **MINE)
            assert (await heard.next(WAIT_S_MAX)).message.targets == b"first"
            crossing.path.cut()
            said = crossing.stamped(UpdateDirections(targets=b"second"))
            await campaigns.publish(CAR_UPDATE_DIRECTIONS, said, **MINE)
            await asyncio.sleep(5.0)
            crossing.path.mend()
            assert (await heard.next(WAIT_S_MAX)).message.targets == b"second"

    through(story)


def test_what_a_car_has_goes_up_and_waits_for_a_connection() -> None:
    async def story(crossing: Crossing) -> None:
        campaigns = crossing.cell_hub.connect(Identity(Role.CAMPAIGNS))
        async with campaigns.watch(CAR_UPDATE_MANIFEST, **MINE) as heard:
            crossing.path.cut()
            for text in (b"old", b"new"):
                said = crossing.stamped(UpdateManifest(manifest=text))
                await crossing.car.publish(CAR_UPDATE_MANIFEST, said, **MINE)
                await asyncio.sleep(1.0)
            crossing.path.mend()
            assert (await heard.next(WAIT_S_MAX)).message.manifest == b"new"

    through(story)

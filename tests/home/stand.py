"""A home on a stand: its bridge and virtual devices on virtual time, with a hand on the cell's bus.

Rules: the bridge, the devices and the records are production's; a test plays the cell.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from monocoque.contracts import identifiers
from monocoque.contracts.topics import (
    HOME_HELLO,
    HOME_OUTCOMES,
    HOME_REQUESTS,
    HOME_STATE,
    Role,
    Topic,
)
from monocoque.contracts.wire import home_pb2
from monocoque.home.bridge import service as bridge
from monocoque.home.bridge.config import BridgeConfig
from monocoque.home.devices import service as devices
from monocoque.home.devices.config import DevicesConfig
from monocoque.home.devices.service import Device, Wiring, virtual_wiring
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual
from monocoque.sim.machine import silent_log
from tests.fixtures.bus import SecretsInMemory

HOME = "home_0123456789abcdefghjkmnpqrs"
CAR = "car_0123456789abcdefghjkmnpqrs"
OTHER_CAR = "car_1123456789abcdefghjkmnpqrs"
SCENE = "scene_0123456789abcdefghjkmnpqrs"
START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
WAIT_S_MAX = 300.0
LAMP_ON = '{"action":"home.lamp.turn_on"}'
LAMP_OFF = '{"action":"home.lamp.turn_off"}'
HEAT = '{"action":"home.heat_pump.set","target_decicelsius":215}'


@dataclass
class Reach:
    """What a life of the bridge is given in place of the plain parts."""

    records: Callable[[Records], Any] | None = None
    uplink: Callable[[Bus], Any] | None = None
    wiring: Callable[[Context], Mapping[str, Device]] = virtual_wiring


class HomeStand:
    """One home, its records, and all that the cell hears of it."""

    def __init__(self, config: BridgeConfig | None = None, reach: Reach | None = None) -> None:
        self.time = MachineTime(asyncio.get_running_loop().time, start_us=START_US)
        self.clock = VirtualClock(self.time)
        self.random = Random(1)
        self.metrics = Metrics()
        self.log = silent_log()
        self.config = config or BridgeConfig()
        self.reach = reach or Reach()
        self.records = records_in_memory(Random(2))
        self.cell = MemoryHub(self.clock, self.metrics, self.log)
        self.cell.observers.append(self._observe)
        self.hand = self.cell.connect(Identity(Role.HOMES))
        self.hellos = 0
        self.states: list[home_pb2.HomeState] = []
        self.outcomes: list[home_pb2.HomeOutcome] = []
        """Every outcome that was said, in order, repetitions too."""
        self.order: list[str] = []
        """The names of the topics on which the home spoke, in order."""
        self._lives = 0
        self._heard = asyncio.Event()

    def _observe(self, subject: str, data: bytes) -> None:
        said: tuple[tuple[Topic[Any], Callable[[bytes], None]], ...] = (
            (HOME_HELLO, lambda _: self._count_hello()),
            (HOME_STATE, lambda d: self.states.append(home_pb2.HomeState.FromString(d))),
            (HOME_OUTCOMES, lambda d: self.outcomes.append(home_pb2.HomeOutcome.FromString(d))),
        )
        for topic, keep in said:
            if topic.identifiers(subject) is not None:
                keep(data)
                self.order.append(topic.name)
                self._heard.set()

    def _count_hello(self) -> None:
        self.hellos += 1

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """The bridge runs inside this block, and is killed at its end."""
        self._lives += 1
        async with asyncio.TaskGroup() as group:
            life = group.create_task(bridge.run(self.context()))
            await asyncio.sleep(0.05)  # virtual: until it listens
            try:
                yield
            finally:
                life.cancel()

    def context(self) -> Context:
        """What one life of the bridge is given."""
        own, reach = {"home_id": HOME}, self.reach
        uplink: Bus = self.cell.connect(Identity(Role.HOME, own))
        return Context(
            machine_id=HOME,
            service_name="bridge",
            clock=self.clock,
            random=Random(f"bridge {self._lives}"),
            bus=MemoryHub(self.clock, self.metrics, self.log).connect(Identity(Role.HOME, own)),
            records=self.records if reach.records is None else reach.records(self.records),
            keystore=SecretsInMemory(),
            metrics=self.metrics,
            log=self.log,
            disk_free_bytes=lambda: 1,
            software_version="stand",
            configs={BridgeConfig: self.config, DevicesConfig: DevicesConfig()},
            uplink=uplink if reach.uplink is None else reach.uplink(uplink),
            ports={Wiring: reach.wiring},
        )

    def request(self, action: str = LAMP_ON, **changes: Any) -> home_pb2.HomeRequest:
        """A new request; changes: its fields."""
        now_us = self.clock.now_us()
        members: dict[str, Any] = {
            "request_id": identifiers.make("request", self.random.getrandbits),
            "car_id": CAR,
            "scene_id": SCENE,
            "action": action,
            "occurred_at_us": now_us,
            "expires_at_us": now_us + 60 * SECOND_US,
        }
        return home_pb2.HomeRequest(**(members | changes))

    async def say(self, request: home_pb2.HomeRequest) -> None:
        """The cell says it, under a new message id."""
        message = home_pb2.HomeRequest()
        message.CopyFrom(request)
        message.ClearField("header")
        stamp(message, self.clock, self.random)
        await self.hand.publish(HOME_REQUESTS, message, home_id=HOME)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until it is so, for a bounded virtual time."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not is_so():
                self._heard.clear()
                await self._heard.wait()

    async def answer(self, request: home_pb2.HomeRequest) -> tuple[str, str]:
        """Say it, and return the next outcome and why."""
        before = len(self.outcomes)
        await self.say(request)
        await self.until(lambda: len(self.outcomes) > before)
        said = self.outcomes[before]
        assert said.request_id == request.request_id
        return said.outcome, said.reason

    async def acts(self) -> dict[str, int]:
        """How often a device did something, by the request."""
        return await devices.acts_by_cause(self.records)

    async def jam(self, *names: str) -> None:
        """These devices fail from now on."""
        await devices.jam(self.records, names, self.clock.now_us())

    def device(self, name: str) -> tuple[bool, int]:
        """How a device was when the home said so last: on, and its target."""
        [device] = [found for found in self.states[-1].devices if found.name == name]
        return device.on, device.target_decicelsius

    def counted(self, code: str) -> int:
        """How often this error was counted at the bridge."""
        return round(self.metrics.errors.labels(where="bridge", code=code)._value.get())


def in_a_home(
    story: Callable[[HomeStand], Awaitable[None]],
    config: BridgeConfig | None = None,
    reach: Reach | None = None,
) -> HomeStand:
    """Live through the story in virtual time."""

    async def main() -> HomeStand:
        stand = HomeStand(config, reach)
        async with stand.living():
            await story(stand)
        return stand

    return run_virtual(main())

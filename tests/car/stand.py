"""A car on a stand: its body and its commands on virtual time, with a hand on its bus.

The keys are those of the vectors (tests/vectors/people.py), so that whatever the vectors name can
be said over the bus. ``Phone`` signs what an owner asks.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.commands import service as commands
from monocoque.car.commands.config import CommandsConfig
from monocoque.car.keys import service as keys
from monocoque.car.keys.config import KeysConfig
from monocoque.contracts.topics import (
    CAR_BODY,
    CAR_COMMANDS,
    CAR_RECEIPTS,
    CAR_RECEIPTS_CONFIRMED,
    Role,
)
from monocoque.contracts.wire.command_pb2 import (
    CarBody,
    CarReceipt,
    CommandEnvelope,
    ReceiptsConfirmed,
)
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context, Run
from monocoque.roles.migrations import records_in_memory
from monocoque.roles.table import DOERS
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual
from monocoque.sim.machine import silent_log
from monocoque.trust.commands import CommandRequest, sign_command
from monocoque.trust.keys import PrivateKey
from monocoque.trust.receipts import Receipt, verify_log, verify_receipt
from monocoque.trust.sealing import SeededEncrypter
from tests.fixtures.bus import SecretsInMemory
from tests.vectors import people

CAR_ID = people.CAR_ID
SECOND_US = 1_000_000
START_US = people.NOW_S * SECOND_US
WAIT_S_MAX = 120.0


def freely(_body) -> None:
    """A gate that forbids nothing."""


@dataclass
class Phone:
    """A key with its grants and its counter."""

    key: PrivateKey = people.OWNER
    grants: tuple[bytes, ...] = (people.makers().encode(),)
    counter: int = 0
    random: Random = field(default_factory=lambda: Random("phone"))

    def ask(
        self, scope: str, now_s: int = people.NOW_S, epoch: str = people.EPOCH, **changes: Any
    ) -> bytes:
        """A signed command; changes: fields of the request, ``arguments`` among them."""
        self.counter += 1
        request: dict[str, Any] = {
            "command_id": people.identifier("command", self.random.getrandbits(64)),
            "car_id": CAR_ID,
            "epoch": epoch,
            "counter": self.counter,
            "scope": scope,
            "arguments": {},
            "issued_s": now_s,
            "deadline_s": now_s + 600,
        }
        encrypter = SeededEncrypter(self.random.randbytes)
        wanted = CommandRequest(**(request | changes))
        return sign_command(wanted, people.CAR_SEAL.public_jwk, self.key, encrypter)


def friend() -> Phone:
    """Somebody with a grant of the owner's, for lock and climate."""
    return Phone(people.FRIEND, (people.makers().encode(), people.friends().encode()))


class Stand:
    """One car, its records, and all that it said."""

    def __init__(
        self,
        config: CommandsConfig | None = None,
        records: Callable[[Records], Any] | None = None,
    ) -> None:
        """Build it. records: what the services are given in place of the real ones."""
        self.time = MachineTime(asyncio.get_running_loop().time, start_us=START_US)
        self.inner = records_in_memory(Random(1))
        self.records = self.inner if records is None else records(self.inner)
        self.keystore = SecretsInMemory()
        self.keystore.write(keys.IDENTITY_KEY, people.CAR_SIGN.export())
        self.keystore.write(keys.SEAL_KEY, people.CAR_SEAL.export())
        self.keystore.write(keys.MAKER_ROOT, people.ROOT.export())
        self.metrics = Metrics()
        self.log = silent_log()
        self.configs: dict[type, Any] = {
            BodyConfig: BodyConfig(),
            KeysConfig: KeysConfig(),
            CommandsConfig: config or CommandsConfig(),
        }
        self.ports: dict[type, Any] = {}
        self.doers: dict[str, commands.Doer] = dict(DOERS)
        self.services: dict[str, Run] = {"body": body.run}
        """What runs beside the commands."""
        self.said: list[Receipt] = []
        """Every receipt that was said, in order, repetitions too."""
        self.messages: list[CarReceipt] = []
        self.bodies: list[tuple[float, CarBody]] = []
        self.lives = 0
        self._heard = asyncio.Event()
        self._begin_bus()

    def _begin_bus(self) -> None:
        """The car's own bus is memory, and as new with every life."""
        self.clock = VirtualClock(self.time)
        self.hub = MemoryHub(self.clock, self.metrics, self.log)
        self.hub.observers.append(self._observe)
        self.hand = self.hub.connect(Identity(Role.LINK, {"car_id": CAR_ID}))

    def _observe(self, subject: str, data: bytes) -> None:
        if subject == CAR_RECEIPTS.subject(car_id=CAR_ID):
            message = CarReceipt.FromString(data)
            self.messages.append(message)
            jwk = people.CAR_SIGN.public_jwk
            self.said.append(verify_receipt(message.receipt, CAR_ID, jwk))
            self._heard.set()
        elif subject == CAR_BODY.subject(car_id=CAR_ID):
            now_s = asyncio.get_running_loop().time()
            self.bodies.append((now_s, CarBody.FromString(data)))

    @contextlib.asynccontextmanager
    async def living(self, epoch: str = people.EPOCH) -> AsyncIterator[None]:
        """The services run inside this block, and are killed at its end."""
        await self.records.transact(lambda c: keys.begin(c, CAR_ID, epoch))
        self.lives += 1
        if self.lives > 1:
            self._begin_bus()
        async with asyncio.TaskGroup() as group:
            desk: Run = partial(commands.run, doers=self.doers)
            runs = self.services | {"car-commands": desk}
            lives = [group.create_task(_live(run, self.context(n))) for n, run in runs.items()]
            await asyncio.sleep(0.05)  # virtual: until they listen
            try:
                yield
            finally:
                for life in lives:
                    life.cancel()

    def context(self, name: str) -> Context:
        """What one life of one service is given."""
        return Context(
            machine_id=CAR_ID,
            service_name=name,
            clock=self.clock,
            random=Random(f"{name} {self.lives}"),
            bus=self.hub.connect(Identity(Role.CAR, {"car_id": CAR_ID})),
            records=self.records,
            keystore=self.keystore,
            metrics=self.metrics,
            log=self.log,
            disk_free_bytes=lambda: 1,
            software_version="stand",
            configs=self.configs,
            ports=self.ports,
        )

    async def send(self, command: bytes, grants: tuple[bytes, ...] | None = None) -> None:
        """Bring a command to the car, as the link does."""
        wanted = Phone().grants if grants is None else grants
        envelope = CommandEnvelope(command=command, grants=wanted)
        stamp(envelope, self.clock, Random(len(self.said) + self.hub.clock.now_us()))
        await self.hand.publish(CAR_COMMANDS, envelope, car_id=CAR_ID)

    async def confirm(self, sequence: int) -> None:
        """Say that the cell has the log up to here."""
        message = ReceiptsConfirmed(sequence=sequence)
        stamp(message, self.clock, Random(sequence))
        await self.hand.publish(CAR_RECEIPTS_CONFIRMED, message, car_id=CAR_ID)

    async def until(self, receipts: int) -> list[Receipt]:
        """Everything that was said, once it is so many."""
        async with asyncio.timeout(WAIT_S_MAX):
            while len(self.said) < receipts:
                self._heard.clear()
                await self._heard.wait()
        return self.said

    async def answer(self, phone: Phone, command: bytes) -> Receipt:
        """Send it, and return what the car says next."""
        before = len(self.said)
        await self.send(command, phone.grants)
        return (await self.until(before + 1))[before]

    async def acts(self) -> dict[str, int]:
        """How often the body was set in motion, by the command's digest."""
        return await body.acts(self.records)

    def counted(self, code: str) -> int:
        """How often this error was counted at the commands."""
        counter = self.metrics.errors.labels(where="car-commands", code=code)
        return round(counter._value.get())

    def check_log(self) -> tuple[Receipt, ...]:
        """The lines that were said, each once, as a chain without a gap."""
        documents = {line.sequence: line.document for line in self.said}
        ordered = [documents[sequence] for sequence in sorted(documents)]
        return verify_log(ordered, CAR_ID, people.CAR_SIGN.public_jwk)


async def _live(run: Run, context: Context) -> None:
    await run(context)


def on_a_stand(
    story: Callable[[Stand], Awaitable[None]],
    config: CommandsConfig | None = None,
    records: Callable[[Records], Any] | None = None,
    configs: Mapping[type, Any] | None = None,
) -> Stand:
    """Live through the story in virtual time."""

    async def main() -> Stand:
        stand = Stand(config, records)
        stand.configs |= configs or {}
        async with stand.living():
            await story(stand)
        return stand

    return run_virtual(main())


def outcome(receipt: Receipt) -> tuple[str, str | None]:
    """Outcome and reason, as plain text."""
    return str(receipt.answer.outcome), receipt.answer.reason

"""The car's services are killed, and lose power, at every step of a command's life.

A plain mailbox in the cell says three commands again and again until each has its receipt, and
confirms the log. After every death the same must hold: done at most once, always a final answer, no
receipt "done" without an act, no act without a line, and a log without a gap.
"""

import asyncio
import contextvars
import json
from dataclasses import dataclass, field
from random import Random

import pytest

from monocoque.car.body import service as body
from monocoque.car.keys import service as keys
from monocoque.contracts.topics import (
    CAR_COMMANDS,
    CAR_RECEIPTS,
    CAR_RECEIPTS_CONFIRMED,
    Role,
)
from monocoque.contracts.wire.command_pb2 import CommandEnvelope, ReceiptsConfirmed
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.service import Context
from monocoque.roles.table import SERVICES, MachineKind, ServiceRow
from monocoque.sim.faults import Faults
from monocoque.sim.loop import run_virtual
from monocoque.sim.power import LIVING
from monocoque.sim.world import Setting, World, WorldReport
from monocoque.trust import base64url
from monocoque.trust.commands import CommandRequest, command_digest, sign_command
from monocoque.trust.grants import CarKeys, sign_root_grant
from monocoque.trust.receipts import LogPlace, Receipt, verify_log
from monocoque.trust.sealing import SeededEncrypter
from tests.vectors import people
from tests.world.test_kills import cut_power, kill

ASKED = (("unlock", {}), ("climate", {"on": True, "temperature_decicelsius": 220}), ("lock", {}))
BEGIN_S, DURATION_S, CALM_S = 4.0, 12.0, 60.0
AGAIN_S = 2.0
SLOW = Faults(delay_s_min=0.01, delay_s_max=0.05, disk_delay_s_max=0.01)
"""Everything takes a moment, so that a death finds work under way; nothing else goes wrong."""
ROWS = tuple(row for row in SERVICES if row.name in ("link", "body", "car-commands", "registry"))


@dataclass
class Mailbox:
    """The cell's side, which stays alive: what it said, and what it was answered."""

    world: World | None = None
    commands: list[bytes] = field(default_factory=list)
    grant: bytes = b""
    lines: list[Receipt] = field(default_factory=list)

    async def run(self, context: Context) -> None:
        """Say each command until it is answered; a service of the cell."""
        await asyncio.sleep(BEGIN_S - asyncio.get_running_loop().time())
        [car] = self.world.cars
        await self._write_commands(car, context)
        consumer = await context.bus.consumer(CAR_RECEIPTS, "mailbox")
        while True:
            answered = {line.answer.command_sha256 for line in self.lines}
            for command in self.commands:
                if command_digest(command) not in answered:
                    envelope = CommandEnvelope(command=command, grants=[self.grant])
                    stamp(envelope, context.clock, context.random)
                    await context.bus.publish(CAR_COMMANDS, envelope, car_id=car.machine_id)
            deliveries = await consumer.fetch(20, AGAIN_S)
            for delivery in deliveries:
                self._take(car.machine_id, delivery.message.receipt)
            await consumer.acknowledge(deliveries)
            if deliveries:
                confirmed = ReceiptsConfirmed(sequence=len(self.lines))
                stamp(confirmed, context.clock, context.random)
                await context.bus.publish(CAR_RECEIPTS_CONFIRMED, confirmed, car_id=car.machine_id)

    def _take(self, car_id: str, receipt: bytes) -> None:
        """The next line, when it is the next; a later one comes again."""
        place = self.lines[-1].place if self.lines else LogPlace()
        claimed = receipt_sequence(receipt)
        if claimed == place.sequence + 1:
            jwk = people.CAR_SIGN.public_jwk
            self.lines.extend(verify_log([receipt], car_id, jwk, place))

    async def _write_commands(self, car, context: Context) -> None:
        memory = None
        while memory is None:
            await asyncio.sleep(0.1)
            memory = await car.records.transact(lambda c: keys.recall(c, car.machine_id))
        now_s = context.clock.now_us() // 1_000_000
        for number, (scope, arguments) in enumerate(ASKED, 1):
            request = CommandRequest(
                command_id=people.identifier("command", number),
                car_id=car.machine_id,
                epoch=memory.epoch,
                counter=number,
                scope=scope,
                arguments=arguments,
                issued_s=now_s,
                deadline_s=now_s + 600,
            )
            encrypter = SeededEncrypter(Random(number).randbytes)
            jwk = people.CAR_SEAL.public_jwk
            self.commands.append(sign_command(request, jwk, people.OWNER, encrypter))


def receipt_sequence(receipt: bytes) -> int:
    """The sequence that a receipt claims, before it is checked."""
    return int(json.loads(base64url.decode(receipt.decode().split(".")[1]))["sequence"])


class Striker:
    """Counts the steps of one service while commands are under way, and strikes at one."""

    def __init__(self, service_name: str, strike_at: int = 0, strike=kill) -> None:
        self.steps = 0
        self._service_name = service_name
        self._strike_at = strike_at
        self._strike = strike

    def __call__(self, power, life) -> None:
        now_s = asyncio.get_running_loop().time()
        if life.service_name == self._service_name and BEGIN_S <= now_s < DURATION_S:
            self.steps += 1
            if self.steps == self._strike_at:
                self._strike(power, life)


def live(striker: Striker) -> tuple[Mailbox, WorldReport]:
    """One world with this striker; checks what must hold whatever it struck."""
    mailbox, worlds = Mailbox(), []
    row = ServiceRow("mailbox", MachineKind.CELL, Role.COMMANDS, mailbox.run, (), "Plays the cell.")
    setting = Setting(
        seed=5,
        duration_s=DURATION_S,
        calm_s=CALM_S,
        faults=SLOW,
        services=(*ROWS, row),
    )

    async def main() -> WorldReport:
        world = World(setting)
        worlds.append(world)
        mailbox.world = world
        [car] = world.cars
        car.keystore.write(keys.IDENTITY_KEY, people.CAR_SIGN.export())
        car.keystore.write(keys.SEAL_KEY, people.CAR_SEAL.export())
        car.keystore.write(keys.MAKER_ROOT, people.ROOT.export())
        public = CarKeys(people.CAR_SIGN.public_jwk, people.CAR_SEAL.public_jwk)
        mailbox.grant = sign_root_grant(
            people.ROOT,
            people.identifier("grant", 1),
            car.machine_id,
            people.OWNER.public_jwk,
            public,
            1_767_225_000,
        )
        asking = asyncio.create_task(oracle(world, mailbox))
        report = await world.run()
        await asking
        return report

    def observe(context: contextvars.Context) -> None:
        life = context.get(LIVING)
        if life is not None:
            striker(worlds[0].power, life)

    return mailbox, run_virtual(main(), observer=observe)


async def oracle(world: World, mailbox: Mailbox) -> None:
    """Just before the end: what the car's own records say."""
    await asyncio.sleep(DURATION_S + CALM_S - 1.0)
    [car] = world.cars
    acts = await body.acts(car.records)
    wanted = {command_digest(command) for command in mailbox.commands}
    by_digest = {line.answer.command_sha256: line for line in mailbox.lines}
    assert len(by_digest) == len(mailbox.lines), "one line for each command, and no more"
    assert set(by_digest) == wanted, "always a final answer"
    assert set(acts) <= wanted
    assert all(count == 1 for count in acts.values()), "done at most once"
    for digest, line in by_digest.items():
        said = str(line.answer.outcome)
        assert said in ("done", "unknown")
        assert said != "done" or acts.get(digest) == 1, "no receipt without an act"
    assert [line.sequence for line in mailbox.lines] == list(range(1, len(ASKED) + 1))


@pytest.mark.parametrize("strike", [kill, cut_power])
@pytest.mark.parametrize("service_name", ["car-commands", "link", "body"])
def test_a_command_survives_a_death_at_any_step(service_name, strike) -> None:
    counting = Striker(service_name)
    mailbox, calm = live(counting)
    assert calm.violations == ()
    assert [str(line.answer.outcome) for line in mailbox.lines] == ["done"] * 3
    assert counting.steps > 5
    outcomes = set()
    for step in range(1, counting.steps + 1):
        mailbox, report = live(Striker(service_name, step, strike))
        assert report.violations == (), f"step {step}"
        assert report.kills + report.power_cuts == 1, f"step {step}"
        outcomes |= {str(line.answer.outcome) for line in mailbox.lines}
    if service_name == "car-commands":
        assert outcomes == {"done", "unknown"}

"""An enemy that holds the cell: its database, its bus, and the code that answers the phone.

Rules: it has every secret and every row of the cell, and none of the car, the factory or the owner;
what it says goes to the real server and the real car, past all code of ours that would have refused
it. A test looks into the car's own records only to count what was done.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

import httpx
from google.protobuf.message import Message
from nats.aio.client import Client
from sqlalchemy import Connection

from monocoque.cli.hand_over import hand_over_url
from monocoque.contracts.errors import DocumentRefused
from monocoque.contracts.identifiers import CarId, PersonId
from monocoque.contracts.rights import PersonRole, Site
from monocoque.contracts.strict_json import strict_object
from monocoque.contracts.topics import CAR_COMMANDS, CAR_RECEIPTS, Topic
from monocoque.contracts.wire.command_pb2 import CarReceipt, CommandEnvelope
from monocoque.phone.accounts import records as accounts
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.nats_credentials import (
    NatsAuthority,
    NatsCredentials,
    make_bus_key,
    public_key,
)
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.process_file import read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.opening import open_records
from monocoque.roles.factory import open_factory
from monocoque.roles.layout import Layout
from monocoque.shop.build.service import hand_over_paper
from monocoque.trust import base64url
from monocoque.trust.commands import CommandRequest, command_digest, sign_command
from monocoque.trust.grants import CarKeys, Grant, read_chain, sign_child_grant
from monocoque.trust.keys import PrivateKey, SystemKeyMaker
from monocoque.trust.receipts import LogPlace, Receipt, answers, verify_log, verify_receipt
from monocoque.trust.sealing import SystemEncrypter
from tests.e2e.installation import START_S_MAX, Installation, wait_until
from tests.fixtures.phone import Phone, new_id, signed_in_phone

ANSWER_S_MAX = 60.0
SAY_AGAIN_S = 1.0
CLOCK = SystemClock()
CELL_ACCOUNT = "nats-account-cell"


def now_s() -> int:
    """Seconds since 1970."""
    return CLOCK.now_us() // 1_000_000


async def hand_over_link(installation: Installation, car_id: str) -> str:
    """What goes with a car on paper; no enemy has it."""
    layout = Layout(installation.data)
    async with open_factory(layout, RecordsConfig(), SystemRandom()) as records:
        paper = await hand_over_paper(records, FileKeyStore(layout.factory.secrets), car_id)
    return hand_over_url(paper, installation.port)


@contextlib.asynccontextmanager
async def new_owner(
    installation: Installation, car_id: str, key: PrivateKey | None = None
) -> AsyncIterator[Phone]:
    """The phone of a new person, who takes this car over by a key of theirs."""
    code = await link_code_of_a_new_person(installation)
    async with signed_in_phone(installation.port, code) as client:
        phone = Phone(client, CLOCK)
        phone.key = key or phone.key
        await phone.take_over(await hand_over_link(installation, car_id))
        yield phone


async def link_code_of_a_new_person(installation: Installation) -> str:
    """A one-time code; the cell itself makes links for its first owner alone."""
    person_id, code = PersonId(new_id("person")), new_id("message")
    expires_us = CLOCK.now_us() + 600_000_000
    digest = hashlib.sha256(code.encode()).digest()

    def work(connection: Connection) -> None:
        accounts.add_person(connection, person_id, "Owner", PersonRole.OWNER, CLOCK.now_us())
        accounts.add_link(connection, digest, person_id, Site.PHONE, expires_us)

    records = open_records(Layout(installation.data).cell.records, SystemRandom(), RecordsConfig())
    try:
        await records.transact(work)
    finally:
        await records.close()
    return code


@dataclass
class Holder:
    """Somebody with a key, its grants and its counter; what the enemy carries is signed here."""

    key: PrivateKey
    grants: tuple[bytes, ...]
    keys: CarKeys
    car_id: str
    epoch: str
    counter: int = field(default=0)

    def ask(self, scope: str, arguments: Any = None, **changes: Any) -> bytes:
        """A signed command; changes: fields of the request."""
        self.counter += 1
        wanted: dict[str, Any] = {
            "command_id": new_id("command"),
            "car_id": self.car_id,
            "epoch": self.epoch,
            "counter": self.counter,
            "scope": scope,
            "arguments": arguments or {},
            "issued_s": now_s(),
            "deadline_s": now_s() + 600,
        }
        request = CommandRequest(**(wanted | changes))
        return sign_command(request, self.keys.seal, self.key, SystemEncrypter())

    def chain(self, root: dict[str, str]) -> tuple[Grant, ...]:
        """Its grants, as they were read."""
        return read_chain(self.grants, root, self.car_id)

    def friend(self, root: dict[str, str], *rights: str) -> "Holder":
        """Somebody whom this holder gave these rights."""
        key = SystemKeyMaker().make("ES256")
        grant = sign_child_grant(
            self.key,
            self.chain(root)[-1],
            new_id("grant"),
            key.public_jwk,
            frozenset(rights),
            1,
            now_s(),
            now_s() + 86_400,
        )
        return Holder(key, (*self.grants, grant), self.keys, self.car_id, self.epoch)


class LyingTransport(httpx.AsyncHTTPTransport):
    """The cell's code in the enemy's hand: each answer is what the lie makes of the true one."""

    def __init__(self, lie: Callable[[httpx.Request, Any], Any]) -> None:
        super().__init__()
        self._lie = lie

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the cell, and answer otherwise."""
        answer = await super().handle_async_request(request)
        await answer.aread()
        return httpx.Response(answer.status_code, json=self._lie(request, answer.json()))


@contextlib.asynccontextmanager
async def lied_to(phone: Phone, lie: Callable[[httpx.Request, Any], Any]) -> AsyncIterator[None]:
    """Inside the block this phone is told lies."""
    honest = phone.client
    async with httpx.AsyncClient(
        base_url=honest.base_url,
        headers=honest.headers,
        timeout=ANSWER_S_MAX,
        transport=LyingTransport(lie),
    ) as client:
        phone.client = client
        try:
            yield
        finally:
            phone.client = honest


@dataclass
class Held:
    """An installation that the enemy holds, with two owners in it and two cars that nobody has."""

    installation: Installation
    phones: list[Phone] = field(default_factory=list)
    holders: list[Holder] = field(default_factory=list)
    free_cars: list[str] = field(default_factory=list)
    root: dict[str, str] = field(default_factory=dict)

    @property
    def mine(self) -> Holder:
        """The owner of the first car."""
        return self.holders[0]

    @property
    def theirs(self) -> Holder:
        """The owner of another one."""
        return self.holders[1]

    async def give_cars_away(self) -> None:
        """Two people take over a car each."""
        installation = self.installation
        cars = sorted(path.name for path in Layout(installation.data).cars.glob("car_*"))
        self.free_cars = cars[2:]
        self.root = json.loads(
            (Layout(installation.data).secrets / "trusted-maker-root").read_text()
        )
        for car_id in cars[:2]:
            async with new_owner(installation, car_id) as phone:
                assert phone.keys is not None
                epoch = await phone.epoch()
                grants = (phone.grant,)
                self.holders.append(Holder(phone.key, grants, phone.keys, car_id, epoch))
                self.phones.append(phone)


class Enemy:
    """Whoever holds the cell."""

    def __init__(self, installation: Installation, client: Client) -> None:
        self.installation = installation
        self.layout = Layout(installation.data)
        self._client = client
        self._heard: list[tuple[str, bytes]] = []
        self._news = asyncio.Event()

    async def hear(self, topic: Topic[Any]) -> None:
        """Read along from now on, whoever it is for."""

        async def keep(message: Any) -> None:
            self._heard.append((message.subject, message.data))
            self._news.set()

        await self.listen(topic.pattern(), keep)

    async def listen(self, pattern: str, keep: Callable[[Any], Awaitable[None]]) -> None:
        """Give each message on these subjects to somebody, from now on."""
        await self._client.subscribe(pattern, cb=keep)
        await self._client.flush()

    async def say_bytes(self, subject: str, data: bytes) -> None:
        """Say anything to anybody."""
        await self._client.publish(subject, data)
        await self._client.flush()

    async def say(self, topic: Topic[Any], message: Message, car_id: str) -> None:
        """Say a message as whoever may say it."""
        stamp(message, CLOCK, SystemRandom())
        await self.say_bytes(topic.subject(car_id=car_id), message.SerializeToString())

    async def bring_unflushed(self, car_id: str, command: bytes, grants: Sequence[bytes]) -> None:
        """Bring an envelope to a car, as fast as the connection takes it."""
        message = CommandEnvelope(command=command, grants=grants)
        stamp(message, CLOCK, SystemRandom())
        subject = CAR_COMMANDS.subject(car_id=car_id)
        await self._client.publish(subject, message.SerializeToString())

    async def bring(self, car_id: str, command: bytes, grants: Sequence[bytes]) -> None:
        """Bring an envelope to a car."""
        message = CommandEnvelope(command=command, grants=grants)
        await self.say(CAR_COMMANDS, message, car_id)

    async def answer(self, holder: Holder, command: bytes) -> Receipt:
        """Bring a command until the car says what became of it; its signature is checked."""
        async with asyncio.timeout(ANSWER_S_MAX):
            while (found := self.receipt_of(holder, command)) is None:
                self._news.clear()
                await self.bring(holder.car_id, command, holder.grants)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SAY_AGAIN_S):
                        while self.receipt_of(holder, command) is None:
                            await self._news.wait()
                            self._news.clear()
        return found

    def receipt_of(self, holder: Holder, command: bytes) -> Receipt | None:
        """What was heard of the car about this command."""
        wanted = command_digest(command)
        for receipt in self.receipts(holder):
            if receipt.answer.command_sha256 == wanted:
                return receipt
        return None

    def receipts(self, holder: Holder) -> list[Receipt]:
        """Every receipt of this car that was heard, in order."""
        subject = CAR_RECEIPTS.subject(car_id=holder.car_id)
        found = [CarReceipt.FromString(data) for where, data in self._heard if where == subject]
        return [verify_receipt(each.receipt, holder.car_id, holder.keys.sign) for each in found]

    def read(self, statement: str, *values: Any) -> list[Any]:
        """Read in the cell's database."""
        with contextlib.closing(sqlite3.connect(self.layout.cell.records, timeout=10)) as records:
            return records.execute(statement, values).fetchall()

    def write(self, statement: str, *values: Any) -> int:
        """Write into the cell's database; returns how many rows there were."""
        with contextlib.closing(sqlite3.connect(self.layout.cell.records, timeout=10)) as records:
            changed = records.execute(statement, values).rowcount
            records.commit()
            return changed

    def acts(self, car_id: str) -> dict[str, int]:
        """How often the car moved something, by the command's digest, in its own records."""
        path = self.layout.car(CarId(car_id)).records
        statement = "SELECT command_sha256, count(*) FROM body_acts GROUP BY command_sha256"
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as records:
            return dict(records.execute(statement).fetchall())


@contextlib.asynccontextmanager
async def in_the_cell(installation: Installation) -> AsyncIterator[Enemy]:
    """An enemy with the key of the cell's account on the bus, which may say and hear everything."""
    authority = NatsAuthority(FileKeyStore(Layout(installation.data).secrets), CLOCK)
    seed, name = make_bus_key(), "enemy"
    rights = {"pub": {"allow": [">"]}, "sub": {"allow": [">"]}}
    rights |= dict.fromkeys(("subs", "data", "payload"), -1)  # type: ignore[arg-type]
    jwt = authority._sign(CELL_ACCOUNT, "user", name, public_key(seed), rights)
    place = NatsCredentials(jwt, seed)
    client = Client()
    await client.connect(
        published_address(installation.data),
        user_jwt_cb=lambda: place.jwt.encode(),
        signature_cb=lambda nonce: place.sign(nonce.encode()),
        allow_reconnect=False,
    )
    enemy = Enemy(installation, client)
    await enemy.hear(CAR_RECEIPTS)
    try:
        yield enemy
    finally:
        await client.close()


def new_key() -> PrivateKey:
    """A key of whoever wants one."""
    return SystemKeyMaker().make("ES256")


async def harmless(enemy: Enemy, held: Held, holder: Holder) -> Receipt:
    """A line of this car's log about a command that its key may not give."""
    friend = holder.friend(held.root, "lock")
    receipt = await enemy.answer(friend, friend.ask("unlock"))
    assert (receipt.answer.outcome, receipt.answer.reason) == ("refused", "right_missing")
    return receipt


@contextlib.asynccontextmanager
async def untouched(enemy: Enemy, held: Held, holder: Holder | None = None) -> AsyncIterator[None]:
    """What is said inside the block, this car neither does nor takes for a command."""
    whose = holder or held.mine
    acts = enemy.acts(whose.car_id)
    before = await harmless(enemy, held, whose)
    yield
    after = await harmless(enemy, held, whose)
    assert (after.sequence, after.previous_sha256) == (before.sequence + 1, before.place.sha256)
    assert enemy.acts(whose.car_id) == acts


def command_of(owner: Phone, held: Held, scope: str, *given: Any, **how: Any) -> tuple[str, Any]:
    """A command with the next number of the owner's key, whoever took the last one."""
    owner.counter = held.mine.counter
    made_command: tuple[str, Any] = owner.command(scope, *given, **how)
    held.mine.counter = owner.counter
    return made_command


async def done(
    owner: Phone, held: Held, scope: str = "lock", arguments: Any = None
) -> dict[str, Any]:
    """The owner asks, the car does it, and the phone has its proof."""
    command_id, envelope = command_of(owner, held, scope, arguments, epoch=held.mine.epoch)
    assert (await owner.hand_in(envelope)).status_code == 202
    found = await owner.settled(command_id)
    assert found["state"] == "done"
    owner.verified(found)
    return found


def believes(owner: Phone, found: dict[str, object]) -> bool:
    """Whether a phone takes what the cell says of a command."""
    assert owner.keys is not None
    if not isinstance(found["receipt"], str):
        return False
    try:
        receipt = verify_receipt(found["receipt"].encode(), owner.car_id, owner.keys.sign)
    except DocumentRefused:
        return False
    command_id = str(found["command_id"])
    speaks_of_it = answers(receipt, command_id, owner.key.key_id, owner.documents[command_id])
    return speaks_of_it and receipt.answer.outcome == found["state"]


def parts_of(document: bytes) -> tuple[dict[str, object], dict[str, object], str]:
    """Header, claims and signature."""
    first, second, signature = document.decode().split(".")
    return (
        strict_object(base64url.decode(first)),
        strict_object(base64url.decode(second)),
        signature,
    )


def with_claims(document: bytes, **changes: object) -> bytes:
    """The document with other claims under its old signature."""
    first, _, signature = document.decode().split(".")
    claims = parts_of(document)[1] | changes
    return f"{first}.{base64url.encode(json.dumps(claims).encode())}.{signature}".encode()


async def restart_the_cars(installation: Installation) -> None:
    """kill -9; the cell starts them again."""
    path = Layout(installation.data).run / "cars.json"
    before = read_process_file(path)
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)

    def is_another() -> bool:
        now = read_process_file(path)
        return now is not None and now.pid != before.pid

    await asyncio.to_thread(wait_until, "the cars are started again", is_another, START_S_MAX)


async def until_said(enemy: Enemy, command_id: str) -> None:
    """The mailbox itself has brought this command to the car."""
    statement = "SELECT sends FROM commands_mailbox WHERE command_id = ?"

    def is_said() -> bool:
        return bool(enemy.read(statement, command_id)[0][0] > 1)

    await asyncio.to_thread(wait_until, "the mailbox sends the row", is_said, ANSWER_S_MAX)


async def log_of(owner: Phone) -> list[bytes]:
    """The car's log, as the cell gives it."""
    answer = await owner.client.get(f"/api/cars/{owner.car_id}/log")
    assert answer.status_code == 200, answer.text
    return [receipt.encode() for receipt in answer.json()["receipts"]]


async def is_broken(owner: Phone, after: LogPlace | None = None) -> bool:
    """Whether a phone that knows the log up to some place refuses what it is shown."""
    assert owner.keys is not None
    lines = await log_of(owner)
    known = after or LogPlace()
    try:
        verify_log(lines[known.sequence :], owner.car_id, owner.keys.sign, known)
    except DocumentRefused:
        return True
    return False

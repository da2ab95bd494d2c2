"""People in a world: an owner with a phone, who takes a car over, sends commands and remembers.

Rules:

* a person knows what a person knows: a sign-in link, the paper that came with the car, and what the
  cell answers over HTTP; the key is made in the phone, and the car's key comes out of the grant;
* who gets no answer asks again, with the very same document; who is refused at the door looks
  whether an earlier try was taken;
* what was acknowledged is kept here, and nowhere else: this list is what the world is judged by;
* a receipt counts when the car's key signed it for this very document.

Left out on purpose: pages and live streams. A phone of a world looks again after growing pauses.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from monocoque.contracts import identifiers
from monocoque.contracts.errors import DocumentRefused
from monocoque.plumbing.clock import Clock
from monocoque.shop.build.service import HandOverPaper
from monocoque.sim.calling import NOT_FOUND, Caller, CallingConfig
from monocoque.sim.door import PHONE_ADDRESS
from monocoque.trust.commands import CommandRequest, sign_command
from monocoque.trust.grants import CarKeys, car_keys, read_chain
from monocoque.trust.hand_over import LIFETIME_S, sign_hand_over
from monocoque.trust.keys import PrivateKey, SeededKeyMaker, thumbprint
from monocoque.trust.receipts import Receipt, answers, verify_receipt
from monocoque.trust.scopes import CHARGE_LIMIT, CLIMATE, LOCK, UNLOCK, Arguments
from monocoque.trust.sealing import SeededEncrypter

SECOND_US: Final = 1_000_000
Wish = tuple[str, Arguments]
"""What a button is for: the scope of a command, and its arguments."""
OPEN: Final = frozenset({"waiting", "sent"})
WITHOUT_RECEIPT: Final = frozenset({"expired", "cancelled", "unknown"})
"""What the cell may say of a command that the car has not answered."""


@dataclass(frozen=True)
class PeopleConfig(CallingConfig):
    """How people live."""

    begin_s_max: float = 60.0
    """Everybody begins within this time."""
    pause_s_min: float = 3_600.0
    pause_s_max: float = 12_000.0
    """Between two commands of one person: more than six a day."""
    lifetime_s_min: int = 60
    lifetime_s_max: int = 240
    """How long a command may wait for its car; less than the calm at the end of a world."""
    first_look_s: float = 0.0
    """How long after a command was handed in it is looked what became of it."""
    commands_max: int = 1_000_000
    """A person who sent so many has enough."""
    double_share: float = 0.15
    """How often somebody presses a button twice."""


@dataclass
class Sent:
    """One command, as its person remembers it."""

    command_id: str
    document: bytes
    begun_s: float
    """When it was handed in first, in virtual seconds."""
    scope: str = ""
    """What it asks for."""
    is_acknowledged: bool = False
    """Whether the cell said that it has it."""
    state: str = ""
    """What the cell said last; empty when it never said anything."""
    receipt: Receipt | None = None
    """The car's own answer, verified."""
    settled_s: float | None = None
    """When its end was seen first."""


@dataclass(frozen=True)
class Errands:
    """What a person gets otherwise than over HTTP."""

    sign_in_code: Callable[[], Awaitable[str]]
    """A new one-time code for the phone site, as ``monocoque sign-in phone`` prints it."""
    paper: Callable[[str], Awaitable[HandOverPaper | None]]
    """The hand-over paper of a car, as ``monocoque car hand-over`` prints it."""


@dataclass
class Memory:
    """What a person remembers of all commands, and what was wrong with the answers."""

    commands: list[Sent] = field(default_factory=list)
    wrongs: list[tuple[str, str]] = field(default_factory=list)
    """Name of an invariant, and what did not hold."""


class Person:
    """The owner of one car."""

    def __init__(
        self,
        car_id: str,
        transport: httpx.AsyncBaseTransport,
        errands: Errands,
        clock: Clock,
        random: Random,
        config: PeopleConfig,
    ) -> None:
        """transport: the phone's way to the cell. clock: the phone's own."""
        self.car_id = car_id
        self.memory = Memory()
        self.has_car = asyncio.Event()
        """Set when the car is theirs."""
        self.grant = b""
        self.key: PrivateKey = SeededKeyMaker(random.randbytes).make("ES256")
        self._car_keys: CarKeys | None = None
        self._counter = 0
        self._is_resting = False
        self._errands = errands
        self._clock = clock
        self._random = random
        self._config = config
        self._encrypter = SeededEncrypter(random.randbytes)
        self._caller = Caller(PHONE_ADDRESS, transport, errands.sign_in_code, random, config)

    async def live(self) -> None:
        """Take the car over, then send commands, until cancelled."""
        await asyncio.sleep(self._random.uniform(0.0, self._config.begin_s_max))
        await self.take_over()
        self.has_car.set()
        while not self._is_resting and self._commands_left > 0:
            await self.press()
            await asyncio.sleep(
                self._random.uniform(self._config.pause_s_min, self._config.pause_s_max)
            )

    @property
    def _commands_left(self) -> int:
        return self._config.commands_max - len(self.memory.commands)

    async def press(self, wish: Wish | None = None) -> None:
        """Press a button, some by accident twice; watch what it was to its end.

        wish: what the button is for; one by chance when it is not said.
        """
        scope, arguments = wish or self._wish()
        times = 2 if self._random.random() < self._config.double_share else 1
        async with asyncio.TaskGroup() as group:
            for _ in range(min(times, self._commands_left)):
                group.create_task(self.command(scope, arguments))

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """What the phone site answers; see Caller.ask."""
        return await self._caller.ask(method, path, body)

    def rest(self) -> None:
        """No new commands from now on; what was begun is brought to its end."""
        self._is_resting = True

    async def look_back(self) -> None:
        """See once more what became of everything that was acknowledged."""
        for sent in self.memory.commands:
            if sent.is_acknowledged:
                await self.look_at(sent)

    async def take_over(self) -> None:
        """Become the owner, whatever it takes."""
        paper = await self._paper()
        path = f"/api/cars/{self.car_id}/hand-over"
        while True:
            request_id = self._new_id("message")
            now_s = self._clock.now_us() // SECOND_US
            request = sign_hand_over(self.key, self.car_id, paper.code, request_id, now_s)
            answer = await self._caller.ask("POST", path, {"request": request.decode()})
            if answer.is_success and await self._is_granted(f"{path}/{request_id}", paper):
                return
            await self._caller.pause()

    async def _paper(self) -> HandOverPaper:
        while True:
            paper = await self._errands.paper(self.car_id)
            if paper is not None:
                return paper
            await self._caller.pause()

    async def _is_granted(self, path: str, paper: HandOverPaper) -> bool:
        """Wait for the factory's answer as long as the request lives; keep the grant."""
        for pause_s in self._caller.pauses(LIFETIME_S):
            found = (await self._caller.ask("GET", path)).json()
            if found.get("state") == "granted":
                root = found["maker_root"]
                if thumbprint(root) != paper.root_key_id:
                    self._wrong("foreign_root", self.car_id)
                    return False
                chain = read_chain([found["grant"].encode()], root, self.car_id)
                if chain[0].key_id != self.key.key_id:
                    self._wrong("foreign_grant", self.car_id)
                    return False
                self.grant, self._car_keys = found["grant"].encode(), car_keys(chain[0])
                return True
            if found.get("state") == "refused":
                return False
            await asyncio.sleep(pause_s)
        return False

    async def command(self, scope: str, arguments: Arguments) -> Sent:
        """Send one command, and watch it to its end; returns it."""
        sent = await self._new_command(scope, arguments)
        self.memory.commands.append(sent)
        envelope = {"command": sent.document.decode(), "grants": [self.grant.decode()]}
        answer = await self._caller.ask("POST", f"/api/cars/{self.car_id}/commands", envelope)
        if answer.is_success:
            sent.is_acknowledged = True
        await self._watch(sent)
        return sent

    async def _watch(self, sent: Sent) -> None:
        await asyncio.sleep(self._config.first_look_s)
        for pause_s in self._caller.pauses():
            await self.look_at(sent)
            if not sent.is_acknowledged or sent.state not in OPEN:
                sent.settled_s = asyncio.get_running_loop().time()
                return
            await asyncio.sleep(pause_s)

    async def look_at(self, sent: Sent) -> None:
        """See what became of one command, and check what is said."""
        path = f"/api/cars/{self.car_id}/commands/{sent.command_id}"
        answer = await self._caller.ask("GET", path)
        if answer.status_code == NOT_FOUND:
            if sent.is_acknowledged:
                self._wrong("command_lost", sent.command_id)
            return
        sent.is_acknowledged = True
        said = answer.json()
        sent.state = said["state"]
        self._check(sent, said)

    def _check(self, sent: Sent, said: dict[str, Any]) -> None:
        assert self._car_keys is not None
        if said["receipt"] is None:
            was_answered = sent.receipt is not None
            if was_answered or sent.state not in OPEN | WITHOUT_RECEIPT:
                self._wrong("answer_without_receipt", f"{sent.command_id}: {sent.state}")
            return
        document = said["receipt"].encode()
        try:
            receipt = verify_receipt(document, self.car_id, self._car_keys.sign)
        except DocumentRefused as error:
            self._wrong("receipt_forged", f"{sent.command_id}: {error.code}")
            return
        if not answers(receipt, sent.command_id, self.key.key_id, sent.document):
            self._wrong("receipt_forged", f"{sent.command_id}: of another command")
        elif str(receipt.answer.outcome) != sent.state:
            self._wrong("answer_without_receipt", f"{sent.command_id}: {sent.state}")
        elif sent.receipt is not None and sent.receipt.document != receipt.document:
            self._wrong("answered_otherwise", sent.command_id)
        else:
            sent.receipt = receipt

    async def _new_command(self, scope: str, arguments: Arguments) -> Sent:
        assert self._car_keys is not None
        self._counter += 1
        counter = self._counter
        epoch = await self._epoch()
        command_id = self._new_id("command")
        now_s = self._clock.now_us() // SECOND_US
        lasts_s = self._random.randint(self._config.lifetime_s_min, self._config.lifetime_s_max)
        request = CommandRequest(
            command_id=command_id,
            car_id=self.car_id,
            epoch=epoch,
            counter=counter,
            scope=scope,
            arguments=arguments,
            issued_s=now_s,
            deadline_s=now_s + lasts_s,
        )
        document = sign_command(request, self._car_keys.seal, self.key, self._encrypter)
        return Sent(command_id, document, asyncio.get_running_loop().time(), scope)

    def _wish(self) -> Wish:
        name = self._random.choice((LOCK.name, UNLOCK.name, CLIMATE.name, CHARGE_LIMIT.name))
        if name == CLIMATE.name:
            celsius = self._random.randint(16, 28)
            return name, {
                "on": self._random.random() < 0.5,
                "temperature_decicelsius": celsius * 10,
            }
        if name == CHARGE_LIMIT.name:
            return name, {"percent": self._random.randint(50, 100)}
        return name, {}

    async def _epoch(self) -> str:
        """The epoch that the car said last; without it no command can be made."""
        while True:
            car = (await self._caller.ask("GET", f"/api/own-cars/{self.car_id}")).json()
            if car.get("body"):
                return str(car["body"]["epoch"])
            await self._caller.pause()

    def _new_id(self, prefix: str) -> str:
        return identifiers.make(prefix, self._random.getrandbits)

    def _wrong(self, invariant: str, what: str) -> None:
        self.memory.wrongs.append((invariant, what))

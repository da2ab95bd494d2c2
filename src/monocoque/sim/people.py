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
import json
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from monocoque.contracts import identifiers
from monocoque.contracts.errors import DocumentRefused
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.http.sessions import COOKIE_NAME
from monocoque.shop.build.service import HandOverPaper
from monocoque.sim.door import PHONE_ADDRESS
from monocoque.trust.commands import CommandRequest, sign_command
from monocoque.trust.grants import CarKeys, car_keys, read_chain
from monocoque.trust.hand_over import LIFETIME_S, sign_hand_over
from monocoque.trust.keys import PrivateKey, SeededKeyMaker, thumbprint
from monocoque.trust.receipts import Receipt, answers, verify_receipt
from monocoque.trust.scopes import CHARGE_LIMIT, CLIMATE, LOCK, UNLOCK, Arguments
from monocoque.trust.sealing import SeededEncrypter

SECOND_US: Final = 1_000_000
OPEN: Final = frozenset({"waiting", "sent"})
WITHOUT_RECEIPT: Final = frozenset({"expired", "cancelled", "unknown"})
"""What the cell may say of a command that the car has not answered."""
NOT_SIGNED_IN, NOT_FOUND = 401, 404
TRY_AGAIN: Final = frozenset({409, 429, 503, 504})
"""Answers that pass by themselves."""


@dataclass(frozen=True)
class PeopleConfig:
    """How people live."""

    begin_s_max: float = 60.0
    """Everybody begins within this time."""
    pause_s_min: float = 3_600.0
    pause_s_max: float = 12_000.0
    """Between two commands of one person: more than six a day."""
    lifetime_s_min: int = 60
    lifetime_s_max: int = 240
    """How long a command may wait for its car; less than the calm at the end of a world."""
    commands_max: int = 1_000_000
    """A person who sent so many has enough."""
    look_s_min: float = 0.5
    look_s_max: float = 30.0
    """The pause between two looks at what became of something doubles from the first to the
    second of these."""
    retry_s: float = 2.0
    """Pause before the same request is tried again; spread by chance."""
    answer_s_max: float = 40.0
    """A request without an answer for so long is given up, and is in doubt."""


@dataclass
class Order:
    """One command, as its person remembers it."""

    command_id: str
    document: bytes
    begun_s: float
    """When it was handed in first, in virtual seconds."""
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
    """What a person remembers of all orders, and what was wrong with the answers."""

    orders: list[Order] = field(default_factory=list)
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
        self._session: dict[str, str] = {}
        self._client = httpx.AsyncClient(
            base_url=PHONE_ADDRESS,
            transport=transport,
            headers={"origin": PHONE_ADDRESS},
            timeout=None,  # noqa: S113 - asked with a timeout of virtual time
        )

    async def live(self) -> None:
        """Take the car over, then send commands, until cancelled."""
        await asyncio.sleep(self._random.uniform(0.0, self._config.begin_s_max))
        await self.take_over()
        while not self._is_resting and len(self.memory.orders) < self._config.commands_max:
            await self.command()
            await asyncio.sleep(
                self._random.uniform(self._config.pause_s_min, self._config.pause_s_max)
            )

    def rest(self) -> None:
        """No new commands from now on; what was begun is brought to its end."""
        self._is_resting = True

    async def look_back(self) -> None:
        """See once more what became of everything that was acknowledged."""
        for order in self.memory.orders:
            if order.is_acknowledged:
                await self.look_at(order)

    async def take_over(self) -> None:
        """Become the owner, whatever it takes."""
        paper = await self._paper()
        path = f"/api/cars/{self.car_id}/hand-over"
        while True:
            request_id = self._new_id("message")
            now_s = self._clock.now_us() // SECOND_US
            request = sign_hand_over(self.key, self.car_id, paper.code, request_id, now_s)
            answer = await self._ask("POST", path, {"request": request.decode()})
            if answer.is_success and await self._is_granted(f"{path}/{request_id}", paper):
                return
            await self._pause()

    async def _paper(self) -> HandOverPaper:
        while True:
            paper = await self._errands.paper(self.car_id)
            if paper is not None:
                return paper
            await self._pause()

    async def _is_granted(self, path: str, paper: HandOverPaper) -> bool:
        """Wait for the factory's answer as long as the request lives; keep the grant."""
        for pause_s in self._pauses(LIFETIME_S):
            found = (await self._ask("GET", path)).json()
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

    async def command(self) -> None:
        """Send one command, and watch it to its end."""
        order = await self._new_order()
        self.memory.orders.append(order)
        envelope = {"command": order.document.decode(), "grants": [self.grant.decode()]}
        answer = await self._ask("POST", f"/api/cars/{self.car_id}/commands", envelope)
        if answer.is_success:
            order.is_acknowledged = True
        await self._watch(order)

    async def _watch(self, order: Order) -> None:
        for pause_s in self._pauses():
            await self.look_at(order)
            if not order.is_acknowledged or order.state not in OPEN:
                order.settled_s = asyncio.get_running_loop().time()
                return
            await asyncio.sleep(pause_s)

    async def look_at(self, order: Order) -> None:
        """See what became of one order, and check what is said."""
        path = f"/api/cars/{self.car_id}/commands/{order.command_id}"
        answer = await self._ask("GET", path)
        if answer.status_code == NOT_FOUND:
            if order.is_acknowledged:
                self._wrong("order_lost", order.command_id)
            return
        order.is_acknowledged = True
        said = answer.json()
        order.state = said["state"]
        self._check(order, said)

    def _check(self, order: Order, said: dict[str, Any]) -> None:
        assert self._car_keys is not None
        if said["receipt"] is None:
            was_answered = order.receipt is not None
            if was_answered or order.state not in OPEN | WITHOUT_RECEIPT:
                self._wrong("answer_without_receipt", f"{order.command_id}: {order.state}")
            return
        document = said["receipt"].encode()
        try:
            receipt = verify_receipt(document, self.car_id, self._car_keys.sign)
        except DocumentRefused as error:
            self._wrong("receipt_forged", f"{order.command_id}: {error.code}")
            return
        if not answers(receipt, order.command_id, self.key.key_id, order.document):
            self._wrong("receipt_forged", f"{order.command_id}: of another command")
        elif str(receipt.answer.outcome) != order.state:
            self._wrong("answer_without_receipt", f"{order.command_id}: {order.state}")
        elif order.receipt is not None and order.receipt.document != receipt.document:
            self._wrong("answered_otherwise", order.command_id)
        else:
            order.receipt = receipt

    async def _new_order(self) -> Order:
        assert self._car_keys is not None
        scope, arguments = self._wish()
        self._counter += 1
        epoch = await self._epoch()
        command_id = self._new_id("command")
        now_s = self._clock.now_us() // SECOND_US
        lasts_s = self._random.randint(self._config.lifetime_s_min, self._config.lifetime_s_max)
        request = CommandRequest(
            command_id=command_id,
            car_id=self.car_id,
            epoch=epoch,
            counter=self._counter,
            scope=scope,
            arguments=arguments,
            issued_s=now_s,
            deadline_s=now_s + lasts_s,
        )
        document = sign_command(request, self._car_keys.seal, self.key, self._encrypter)
        return Order(command_id, document, asyncio.get_running_loop().time())

    def _wish(self) -> tuple[str, Arguments]:
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
            car = (await self._ask("GET", f"/api/own-cars/{self.car_id}")).json()
            if car.get("body"):
                return str(car["body"]["epoch"])
            await self._pause()

    async def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """The answer of the cell, once it is one that lasts; signs in where that is needed."""
        while True:
            if not self._session:
                await self._sign_in()
            try:
                answer = await self._request(method, path, body)
            except httpx.TransportError:
                await self._pause()
                continue
            if answer.status_code == NOT_SIGNED_IN:
                self._session = {}
            elif answer.status_code not in TRY_AGAIN:
                return answer
            await self._pause()

    async def _sign_in(self) -> None:
        """Use new links until one has signed in, and its session is known to be good."""
        while True:
            code = await self._errands.sign_in_code()
            try:
                answer = await self._request("POST", "/api/session", {"link_code": code})
                if answer.is_success:
                    cookie = answer.headers["set-cookie"].partition(";")[0]
                    assert cookie.startswith(COOKIE_NAME)
                    self._session = {"cookie": cookie}
                    me = await self._request("GET", "/api/me", None)
                    if me.is_success:
                        self._session["x-csrf-token"] = me.json()["csrf_token"]
                        return
            except httpx.TransportError:
                pass  # perhaps the link is spent; the next one is not
            self._session = {}
            await self._pause()

    async def _request(self, method: str, path: str, body: object) -> httpx.Response:
        """One try; raises httpx.TransportError."""
        content = None if body is None else json.dumps(body).encode()
        headers = self._session | ({} if content is None else {"content-type": "application/json"})
        try:
            async with asyncio.timeout(self._config.answer_s_max):
                answer = await self._client.request(method, path, content=content, headers=headers)
        except TimeoutError as error:
            raise httpx.ReadTimeout("There was no answer.") from error
        # The session is kept by hand: a jar of cookies would ask the clock on the wall.
        self._client.cookies.clear()
        return answer

    def _pauses(self, total_s: float = math.inf) -> Iterator[float]:
        return _growing(self._config.look_s_min, self._config.look_s_max, total_s)

    async def _pause(self) -> None:
        await asyncio.sleep(self._config.retry_s * (0.5 + self._random.random()))

    def _new_id(self, prefix: str) -> str:
        return identifiers.make(prefix, self._random.getrandbits)

    def _wrong(self, invariant: str, what: str) -> None:
        self.memory.wrongs.append((invariant, what))


def _growing(least_s: float, most_s: float, total_s: float) -> Iterator[float]:
    """Growing pauses that add up to a total."""
    pause_s, left_s = least_s, total_s
    while left_s > 0.0:
        yield pause_s
        left_s -= pause_s
        pause_s = min(pause_s * 2, most_s)

"""An owner's cell in tests: its HTTP and services on a bus in memory, and the car's side by hand.

Rules: services, routes and records are production's; a test plays the car and the factory, with
real keys, so that it can also play them falsely.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import httpx
import structlog

from monocoque.cloud.commands import service as commands
from monocoque.cloud.commands import web as commands_web
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.service.mailbox import Mailbox
from monocoque.cloud.homes import service as homes
from monocoque.cloud.homes import web as homes_web
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service.desk import HomeDesk
from monocoque.cloud.pairing import service as pairing
from monocoque.cloud.pairing import web as pairing_web
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.twin import service as twin
from monocoque.cloud.twin import web as twin_web
from monocoque.cloud.twin.config import TwinConfig
from monocoque.contracts import identifiers, topics
from monocoque.contracts.rights import PersonRole, Site
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import car_pb2, command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.http.application import build_application
from monocoque.plumbing.http.sessions import COOKIE_NAME, csrf_token
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context, Run
from monocoque.shop.build.service import public_text
from monocoque.trust.commands import AuthenticCommand, open_envelope
from monocoque.trust.documents import unverified_bound_key, unverified_claim
from monocoque.trust.grants import CarKeys, sign_root_grant
from monocoque.trust.hand_over import sign_hand_over
from monocoque.trust.keys import SystemKeyMaker
from monocoque.trust.outcomes import Outcome
from monocoque.trust.receipts import LogPlace, answer_to, sign_receipt, verify_receipt
from tests.fixtures.http import (
    HOSTS,
    SecretsInMemory,
    SessionsInMemory,
    SettableClock,
    in_process,
    make_context,
)
from tests.fixtures.phone import Phone

CAR = "car_0123456789abcdefghjkmnpqrs"
OTHER_CAR = "car_1123456789abcdefghjkmnpqrs"
EPOCH = "epoch-of-the-car-in-tests"
WAIT_S_MAX = 20.0
PAIRING = PairingConfig(answers_wait_s=0.1, send_interval_s=0.05)
TWIN = TwinConfig(flush_interval_s=0.01)
MAILBOX = MailboxConfig(receipts_wait_s=0.1, look_s=0.02, hello_flush_s=0.01, retry_s=0.05)
HOMES = HomesConfig(hello_flush_s=0.01, outcomes_wait_s=0.1, cars_flush_s=0.01, retry_s=0.05)
REGISTRY = RegistryConfig(flush_interval_s=0.01, events_wait_s=0.1)
SERVICES: dict[str, tuple[Role, Run]] = {
    "registry": (Role.REGISTRY, registry.run),
    "pairing": (Role.PAIRING, pairing.run),
    "twin": (Role.TWIN, twin.run),
    "commands": (Role.COMMANDS, commands.run),
    "homes": (Role.HOMES, homes.run),
}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds, for a bounded time."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not await condition():
            await asyncio.sleep(0.005)


class Cell:
    """One cell, its maker, and a car that a test plays."""

    def __init__(
        self,
        clients: contextlib.AsyncExitStack,
        records: Records,
        mailbox: MailboxConfig = MAILBOX,
        pairing_config: PairingConfig = PAIRING,
        homes_config: HomesConfig = HOMES,
    ) -> None:
        keys = SystemKeyMaker()
        self.root, self.car, self.seal = (keys.make("ES256") for _ in range(3))
        self.records = records
        self.clock = SettableClock()
        self.random = Random(1)
        self.metrics = Metrics()
        self.hub = MemoryHub(self.clock, self.metrics, structlog.stdlib.get_logger())
        self.secrets = SecretsInMemory()
        self.secrets.write("trusted-maker-root", public_text(self.root.public_jwk).encode())
        self.configs: dict[type, Any] = {
            MailboxConfig: mailbox,
            PairingConfig: pairing_config,
            TwinConfig: TWIN,
            RegistryConfig: REGISTRY,
            HomesConfig: homes_config,
        }
        self.sessions = SessionsInMemory()
        self.place = LogPlace()
        self._clients = clients
        self._build(mailbox, pairing_config)

    def _build(self, mailbox_config: MailboxConfig, pairing_config: PairingConfig) -> None:
        phone = self.hub.connect(Identity(Role.PHONE))
        self.pairing_bus = self.hub.connect(Identity(Role.PAIRING))
        self.desk = pairing.Desk(
            self.records,
            self.pairing_bus,
            self.clock,
            self.random,
            pairing_config,
        )
        self.garage = twin_web.Garage(self.records, phone, self.clock, TWIN, REGISTRY)
        self.mailbox = Mailbox(
            self.records,
            self.hub.connect(Identity(Role.COMMANDS)),
            self.clock,
            self.random,
            self.root.public_jwk,
            mailbox_config,
            REGISTRY,
        )
        self.live = commands_web.LiveCommands(self.mailbox, phone, self.clock, mailbox_config)
        homes_bus = self.hub.connect(Identity(Role.HOMES))
        homes_config: HomesConfig = self.configs[HomesConfig]
        self.homes = HomeDesk(self.records, homes_bus, self.clock, self.random, homes_config)
        self.live_scenes = homes_web.LiveScenes(self.homes, phone, self.clock, homes_config)
        self.application = build_application(
            make_context(self.clock, records=self.records),
            routers=[
                pairing_web.routes(self.desk, self.records, self.root.public_jwk),
                twin_web.routes(self.garage),
                commands_web.routes(self.live),
                homes_web.routes(self.live_scenes),
            ],
            sessions=self.sessions,
            pages=None,
        )

    @contextlib.asynccontextmanager
    async def living(self, *names: str) -> AsyncIterator[None]:
        """These services run inside this block, all of them when none is named."""
        async with asyncio.TaskGroup() as group:
            lives = [group.create_task(self._life(name)) for name in names or SERVICES]
            try:
                await asyncio.sleep(0)  # they begin to listen
                yield
            finally:
                for life in lives:
                    life.cancel()

    async def _life(self, name: str) -> None:
        role, run = SERVICES[name]
        await run(
            Context(
                machine_id="cell",
                service_name=name,
                clock=self.clock,
                random=Random(2),
                bus=self.hub.connect(Identity(role)),
                records=self.records,
                keystore=self.secrets,
                metrics=self.metrics,
                log=structlog.stdlib.get_logger(),
                disk_free_bytes=lambda: 0,
                software_version="1",
                configs=self.configs,
            )
        )

    async def browser(self) -> httpx.AsyncClient:
        """A new person, an owner, signed in on the phone site."""
        token = self.sessions.open(Site.PHONE, PersonRole.OWNER)
        client = await in_process(self._clients, self.application, HOSTS[Site.PHONE])
        client.headers.update(
            {"cookie": f"{COOKIE_NAME}={token}", "x-csrf-token": csrf_token(token)}
        )
        return client

    async def phone(self) -> Phone:
        """A new person's phone, without a car."""
        return Phone(await self.browser(), self.clock)

    async def owner(self, car_id: str = CAR) -> Phone:
        """A new person's phone that has taken the car over, in a cell that lives."""
        phone = await self.phone()
        phone.car_id = car_id
        request = self.hand_over_request(phone)
        await phone.client.post(f"/api/cars/{car_id}/hand-over", json={"request": request.decode()})
        await self.answer_hand_over(request, self.grant_for(request), car_id)
        path = f"/api/cars/{car_id}/hand-over/{unverified_claim(request, 'jti')}"

        async def is_granted() -> bool:
            return (await phone.client.get(path)).json()["state"] == "granted"

        await until(is_granted)
        answer = (await phone.client.get(path)).json()
        phone.believe(answer["grant"].encode(), answer["maker_root"])
        return phone

    def hand_over_request(self, phone: Phone) -> bytes:
        """A request of this phone; the cell does not know the code, so any will do."""
        request_id = identifiers.make("message", self.random.getrandbits)
        return sign_hand_over(phone.key, phone.car_id, "A" * 22, request_id, phone.now_s)

    def grant_for(self, request: bytes, car_id: str = "") -> bytes:
        """The maker's grant that answers this request."""
        grant_id = identifiers.make("grant", self.random.getrandbits)
        car_keys = CarKeys(self.car.public_jwk, self.seal.public_jwk)
        jwk = unverified_bound_key(request)
        asked = car_id or unverified_claim(request, "sub")
        now_s = self.clock.now_us() // 1_000_000
        return sign_root_grant(self.root, grant_id, asked, jwk, car_keys, now_s)

    async def answer_hand_over(
        self, request: bytes, grant: bytes = b"", car_id: str = CAR, refusal_code: str = ""
    ) -> None:
        """The factory answers."""
        request_id = unverified_claim(request, "jti")
        answer = command_pb2.HandOverAnswer(
            request_id=request_id, grant=grant, refusal_code=refusal_code
        )
        stamp(answer, self.clock, self.random)
        factory = self.hub.connect(Identity(Role.FACTORY))
        await factory.publish(topics.HAND_OVER_ANSWERS, answer, car_id=car_id)

    def as_car(self, car_id: str = CAR) -> Any:
        """The car's place on the bus."""
        return self.hub.connect(Identity(Role.CAR, {"car_id": car_id}))

    async def hello(self, car_id: str = CAR) -> None:
        """The car says that it is there."""
        message = car_pb2.CarHello(boot_count=1, software_version="7.1.0")
        stamp(message, self.clock, self.random)
        await self.as_car(car_id).publish(topics.CAR_HELLO, message, car_id=car_id)

    async def be_there(self, car_id: str = CAR) -> None:
        """The car says hello until the registry has heard it."""

        async def is_heard() -> bool:
            await self.hello(car_id)
            return await registry.is_online(self.records, car_id, self.clock, REGISTRY)

        await until(is_heard)

    async def say_body(self, car_id: str = CAR, **members: Any) -> None:
        """The car says how it is."""
        body = command_pb2.CarBody(epoch=EPOCH, gear="park", **members)
        stamp(body, self.clock, self.random)
        await self.as_car(car_id).publish(topics.CAR_BODY, body, car_id=car_id)

    def opened(self, envelope: command_pb2.CommandEnvelope, car_id: str = CAR) -> AuthenticCommand:
        """The command in an envelope, as the car takes it."""
        return open_envelope(envelope.command, envelope.grants, self.root.public_jwk, car_id)

    def receipt(
        self,
        command: AuthenticCommand,
        outcome: Outcome = Outcome.DONE,
        reason: str | None = None,
        after: LogPlace | None = None,
    ) -> bytes:
        """The next line of the car's log, or the one after another place."""
        now_s = self.clock.now_us() // 1_000_000
        answer = answer_to(command, outcome, reason)
        place = self.place if after is None else after
        document = sign_receipt(answer, place, command.car_id, now_s, self.car)
        if after is None:
            self.place = verify_receipt(document, command.car_id, self.car.public_jwk).place
        return document

    async def say_receipt(self, document: bytes, car_id: str = CAR) -> None:
        """The car says a line of its log."""
        message = command_pb2.CarReceipt(receipt=document)
        stamp(message, self.clock, self.random)
        await self.as_car(car_id).publish(topics.CAR_RECEIPTS, message, car_id=car_id)

    async def confirmed(self, car_id: str = CAR) -> int:
        """How far the cell says it has the car's log; -1 for nothing said."""
        said = await self.as_car(car_id).last(topics.CAR_RECEIPTS_CONFIRMED, car_id=car_id)
        return -1 if said is None else int(said.message.sequence)

"""A car's signals with a door on a real socket: hub, tokens, history, in real time."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import grpc
import grpc.aio

from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.logic.catalogue import Catalogue, own_catalogue
from monocoque.car.signals.service.history import KeptHistory
from monocoque.car.signals.service.hub import HubConnection, SignalHub
from monocoque.car.signals.service.port import Brokers, DoorPlate, History
from monocoque.car.tokens import service as tokens
from monocoque.car.tokens.config import TokensConfig
from monocoque.car.tokens.service import Tokens
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import kuksa_v1_pb2, kuksa_v2_pb2
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context, Run
from monocoque.roles.doors import HubBrokers
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.machine import silent_log
from tests.fixtures.bus import SecretsInMemory
from tests.vectors import people

CAR_ID = people.CAR_ID
WAIT_S_MAX = 20.0


@dataclass
class Plate:
    """Where the doors listen."""

    shown: dict[str, str] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, door: str, address: str) -> None:
        self.shown[door] = address
        self.news.set()

    async def address(self, door: str) -> str:
        async with asyncio.timeout(WAIT_S_MAX):
            while door not in self.shown:
                self.news.clear()
                await self.news.wait()
        return self.shown[door]


class DoorStand:
    """A car with doors."""

    def __init__(self, catalogue: Catalogue | None = None, **configs: Any) -> None:
        self.address = ""
        """Of the door that is tested, and the token of its client."""
        self.token_id = ""
        self.clock = SystemClock()
        self.random = Random(1)
        self.records = records_in_memory(self.random)
        self.keystore = SecretsInMemory()
        self.metrics = Metrics(self.clock)
        self.log = silent_log()
        self.hub = SignalHub(catalogue or own_catalogue(), self.clock, self.random)
        self.all: HubConnection = HubBrokers(self.hub).connect("stand")
        self.key = tokens.key_of(self.keystore)
        self.plate = Plate()
        self.history = KeptHistory(self.records)
        self.tokens = Tokens(self.hub, self.key, CAR_ID, TokensConfig().judged_max)
        self.configs: dict[type, Any] = {
            SignalsConfig: SignalsConfig(),
            TokensConfig: TokensConfig(look_interval_s=0.05),
            KuksaConfig: KuksaConfig(),
            **{type(config): config for config in configs.values()},
        }
        self.ports: dict[type, Any] = {
            SignalHub: self.hub,
            Brokers: HubBrokers(self.hub),
            KeptHistory: self.history,
            History: self.history,
            DoorPlate: self.plate,
            Tokens: self.tokens,
        }
        bus = MemoryHub(self.clock, self.metrics, self.log)
        self.context = Context(
            machine_id=CAR_ID,
            service_name="door",
            clock=self.clock,
            random=self.random,
            bus=bus.connect(Identity(Role.CAR, {"car_id": CAR_ID})),
            records=self.records,
            keystore=self.keystore,
            metrics=self.metrics,
            log=self.log,
            disk_free_bytes=lambda: shutil.disk_usage(Path.cwd()).free,
            software_version="stand",
            configs=self.configs,
            ports=self.ports,
        )

    def number(self, path: str) -> int:
        """The number of a path."""
        return self.hub.catalogue.at(path).number

    async def token(self, scope: str = "read", lifetime_s: float = 600.0) -> tuple[str, str]:
        """A new token, and its name."""
        now_us = self.clock.now_us()
        return await tokens.issue(
            self.records, self.key, CAR_ID, "tester", scope, lifetime_s, now_us, self.random, 1_000
        )

    @contextlib.asynccontextmanager
    async def open(self, *runs: Run) -> AsyncIterator[None]:
        """These services run inside the block, and the look for revoked tokens."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_live(run, self.context)) for run in (tokens.run, *runs)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    def access(self, numbers: frozenset[int]) -> Any:
        """Everything about these."""
        return everything(numbers)


async def _live(run: Run, context: Context) -> None:
    await run(context)


class KuksaClient:
    """Every method of both versions, with a token."""

    def __init__(self, address: str, token: str = "", **metadata: str) -> None:
        self.channel = grpc.aio.insecure_channel(address)
        shown = (("authorization", f"Bearer {token}"),) if token else ()
        self.metadata = (*shown, *((k.replace("_", "-"), v) for k, v in metadata.items()))
        self.v1 = _methods(self.channel, kuksa_v1_pb2, self.metadata)
        self.v2 = _methods(self.channel, kuksa_v2_pb2, self.metadata)

    async def __aenter__(self) -> "KuksaClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()


def _methods(channel: Any, module: Any, metadata: Any) -> dict[str, Callable[..., Any]]:
    service = module.DESCRIPTOR.services_by_name["VAL"]
    made = {}
    for method in service.methods:
        words = [
            "stream" if streams else "unary"
            for streams in (method.client_streaming, method.server_streaming)
        ]
        call = getattr(channel, "_".join(words))(
            f"/{service.full_name}/{method.name}",
            request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
            response_deserializer=getattr(module, method.output_type.name).FromString,
        )
        made[method.name] = _with_metadata(call, metadata)
    return made


def _with_metadata(call: Any, metadata: Any) -> Callable[..., Any]:
    def ask(*arguments: Any, **options: Any) -> Any:
        return call(*arguments, metadata=metadata, **options)

    return ask

"""kill -9 of each process at random moments: whatever was acknowledged is there afterwards.

Rules: a publisher and a person go on throughout and keep their own list of what was acknowledged;
"serving again" means that the cell answers and has heard every car anew, after the kill, and that
the fleet is the same; how long that takes is printed, and is a failure only beyond a deadline that
no healthy machine comes near. HTTP and the registry run in processes of their own; whoever started
them starts them again, which is this test.

Left out on purpose: the figure that is wanted as a failure. A busy machine would fail it by chance.
"""

import asyncio
import contextlib
import itertools
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import structlog

from monocoque.contracts.errors import UnavailableError
from monocoque.contracts.topics import ECHO_REQUESTS, Role
from monocoque.contracts.wire.echo_pb2 import Echo
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import read_process_file, send_signal
from tests.e2e.installation import START_S_MAX, STOP_S_MAX, Installation, wait_until

CARS = 3
PARTS = ("registry", "http")
PROCESSES = ("cell", "nats", "cars", *PARTS)
SERVING_S_MAX = 30.0
SERVING_S_WANTED = 5.0
"""Printed beside what was measured."""
HELLO_S = 1.0
"""Cars speak often here: what is measured is how soon a killed process serves again, and not how
long it takes until cars that nobody killed say their next hello."""
CALM_S_MAX = 1.5
"""A kill comes after up to so long; some therefore hit a part that has only just come back."""
PAUSE_S = 0.02
REQUEST_S_MAX = 3.0
SETTINGS = list(itertools.product(("en", "zh", "de"), ("system", "light", "dark")))


class Publisher:
    """Publishes to a synced stream, and remembers what the bus acknowledged."""

    def __init__(self, bus: NatsBus, chance: random.Random) -> None:
        self.acknowledged: list[int] = []
        self._bus = bus
        self._random = chance

    async def publish(self) -> None:
        """One message after the other; one that failed is left, and promises nothing."""
        for sequence in itertools.count():
            message = Echo(sequence=sequence)
            stamp(message, SystemClock(), self._random)
            try:
                await self._bus.publish(ECHO_REQUESTS, message, echo_id="kills")
                self.acknowledged.append(sequence)
            except UnavailableError:
                pass
            await asyncio.sleep(PAUSE_S)

    async def missing(self) -> set[int]:
        """What was acknowledged and is not in the stream."""
        consumer = await self._bus.consumer(ECHO_REQUESTS, "kills")
        wanted = set(self.acknowledged)
        deadline_s = time.monotonic() + SERVING_S_MAX
        while wanted and time.monotonic() < deadline_s:
            try:
                deliveries = await consumer.fetch(1_000, 2.0)
                await consumer.acknowledge(deliveries)
            except UnavailableError:  # the last kill, which others have got over already
                await asyncio.sleep(PAUSE_S)
                continue
            wanted -= {delivery.message.sequence for delivery in deliveries}
        return wanted


class Person:
    """Changes settings at the console; looks after every failure whether one was lost."""

    def __init__(self, installation: Installation) -> None:
        authority = f"console.localhost:{installation.port}"
        self._browser = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{installation.port}",
            headers={"host": authority},
            timeout=REQUEST_S_MAX,
            trust_env=False,
        )
        self._link_code = installation.sign_in_link("console").partition("#")[2]
        self._kept = {"locale": "en", "theme": "system"}
        self._tried = self._kept
        self.acknowledged = 0

    async def sign_in(self) -> None:
        """Spend the link."""
        answer = await self._browser.post("/api/session", json={"link_code": self._link_code})
        assert answer.status_code == 204, answer.text
        self._browser.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        me = (await self._browser.get("/api/me")).json()
        self._browser.headers["x-csrf-token"] = me["csrf_token"]
        self._kept = self._tried = me["settings"]

    async def change_settings(self) -> None:
        """Another setting each time; one that failed is tried until it is acknowledged."""
        for locale, theme in itertools.cycle(SETTINGS):
            self._tried = {"locale": locale, "theme": theme}
            while await self._ask("PUT", "/api/me/settings", self._tried) is None:
                await asyncio.sleep(PAUSE_S)
                await self.check_settings()
            self._kept = self._tried
            self.acknowledged += 1
            await asyncio.sleep(PAUSE_S)

    async def check_settings(self) -> None:
        """What the cell has is what it acknowledged last, or what was tried after that."""
        me = await self._ask("GET", "/api/me")
        if me is not None:
            assert me["settings"] in (self._kept, self._tried), (self._kept, self._tried)

    async def hears_every_car_since(self, since_s: float) -> bool:
        """Whether the cell is well and has heard a hello of each car after this moment."""
        fleet = await self._ask("GET", "/api/cars")
        health = await self._ask("GET", "/api/health")
        if fleet is None or health is None:
            return False
        assert len(fleet["cars"]) == CARS, fleet
        heard = [datetime.fromisoformat(car["last_hello_at"]) for car in fleet["cars"]]
        return health["cars_online"] == CARS and min(heard).timestamp() > since_s

    async def aclose(self) -> None:
        """Close the browser."""
        await self._browser.aclose()

    async def _ask(self, method: str, path: str, body: object = None) -> dict | None:
        """The answer, or None when there was none; any other refusal fails the test."""
        try:
            answer = await self._browser.request(method, path, json=body)
        except httpx.TransportError:
            return None
        assert answer.status_code in (200, 503), answer.text
        return answer.json() if answer.status_code == 200 else None


@asynccontextmanager
async def publisher(data: Path, chance: random.Random) -> AsyncGenerator[Publisher]:
    """A participant in a process that nobody kills."""

    async def address() -> str:
        return published_address(data)

    authority = NatsAuthority(FileKeyStore(data / "secrets"), SystemClock())
    bus = await NatsBus.connect(
        identity=Identity(Role.ECHO),
        credentials=authority.service_credentials(Role.ECHO),
        server_address=address,
        clock=SystemClock(),
        random=chance,
        metrics=Metrics(),
        log=structlog.get_logger(),
    )
    try:
        yield Publisher(bus, chance)
    finally:  # else what it leaves open fails the test after this one
        await bus.close()


class Apart(Installation):
    """An installation whose HTTP and another part are processes of their own."""

    def __init__(self, directory: Path, cars: int, apart: tuple[str, ...] = PARTS) -> None:
        super().__init__(directory, cars)
        self.data.mkdir()
        (self.data / "monocoque.toml").write_text(f"[link]\nhello_interval_s = {HELLO_S}\n")
        self.apart = apart
        self._parts: dict[str, subprocess.Popen[bytes]] = {}

    def start_apart(self) -> None:
        """Start the cell, and the parts that do not run."""
        words = ["run", "cell", "--cars", str(self.cars)]
        for part in self.apart:
            words += ["--without", part]
        self._up = self._started("cell", words)
        for part in self.apart:
            if part not in self._parts:
                self.start_part(part)

    def start_part(self, name: str) -> None:
        """Start a part; returns when it says that it is ready."""
        port = ["--port", str(self.port)] if name == "http" else []
        self._parts[name] = self._started(name, ["run", name, *port])

    def kill_part(self, name: str) -> None:
        """End a part the way a power cut does."""
        part = self._parts.pop(name)
        part.kill()
        part.wait(STOP_S_MAX)

    def stop(self) -> int:
        """End the parts and then the cell; the first status that is not 0, or 0."""
        statuses = []
        for part in self._parts.values():
            part.send_signal(signal.SIGINT)
            statuses.append(part.wait(STOP_S_MAX))
        return next(filter(None, [*statuses, super().stop()]), 0)

    def _started(self, name: str, words: list[str]) -> "subprocess.Popen[bytes]":
        output = self.directory / f"{name}-output"
        with output.open("wb") as file:
            process = self._spawn([*words, "--data", str(self.data)], file.fileno())

        def is_ready() -> bool:
            printed = output.read_text("utf-8", "replace")
            assert process.poll() is None, f"{name} ended with {process.returncode}:\n{printed}"
            return "ready" in printed

        wait_until(f"{name} is ready", is_ready, START_S_MAX)
        return process


async def kill(installation: Apart, name: str) -> None:
    """kill -9 of one process; a cell or part is started again, others come back by themselves."""
    if name == "cell":
        installation.kill()
        await asyncio.to_thread(installation.start_apart)
    elif name in installation.apart:
        installation.kill_part(name)
        await asyncio.to_thread(installation.start_part, name)
    else:
        process = read_process_file(installation.data / "run" / f"{name}.json")
        assert process is not None
        assert send_signal(process, signal.SIGKILL), f"{name} does not run"


async def kill_all(
    installation: Apart, person: Person, times: int, chance: random.Random
) -> dict[str, float]:
    """Kill each process so many times, in any order; the longest return of each, in seconds."""
    longest_s = dict.fromkeys(PROCESSES, 0.0)
    for name in chance.sample(PROCESSES * times, len(PROCESSES) * times):
        await asyncio.sleep(chance.uniform(0, CALM_S_MAX))
        killed_at_s, started_at_s = time.time(), time.monotonic()
        await kill(installation, name)
        while not await person.hears_every_car_since(killed_at_s):
            assert time.monotonic() < started_at_s + SERVING_S_MAX, f"{name} does not come back"
            await asyncio.sleep(PAUSE_S)
        longest_s[name] = max(longest_s[name], time.monotonic() - started_at_s)
    return longest_s


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(3, id="three times each", marks=pytest.mark.timeout(400)),
        pytest.param(
            20, id="twenty times each", marks=[pytest.mark.prove, pytest.mark.timeout(1_200)]
        ),
    ],
)
async def test_what_was_acknowledged_outlives_every_kill(
    times: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.getrandbits(32)  # follows the seed that pytest-randomly prints
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    installation = Apart(tmp_path, CARS)
    installation.start_apart()
    try:
        await asyncio.to_thread(
            wait_until,
            "every car is online",
            lambda: installation.cars_online() == CARS,
            START_S_MAX,
        )
        async with contextlib.aclosing(Person(installation)) as person:
            await person.sign_in()
            async with publisher(installation.data, chance) as bus:
                async with asyncio.TaskGroup() as group:
                    working = [
                        group.create_task(bus.publish()),
                        group.create_task(person.change_settings()),
                    ]
                    longest_s = await kill_all(installation, person, times, chance)
                    for task in working:
                        task.cancel()
                missing = await bus.missing()
            await person.check_settings()
    finally:
        status = installation.stop()
    with capsys.disabled():
        times_s = ", ".join(f"{name} {longest:.2f} s" for name, longest in longest_s.items())
        sys.stdout.write(
            f"\nseed {seed}: longest return {times_s} (wanted {SERVING_S_WANTED:.0f} s); "
            f"acknowledged {len(bus.acknowledged)} messages, {person.acknowledged} settings\n"
        )
    assert not missing
    assert bus.acknowledged
    assert person.acknowledged
    assert status == 0

"""A car with its signals at a broker outside: real processes, and a broker that comes and goes."""

import asyncio
import contextlib
from pathlib import Path
from random import Random

from monocoque.car.kuksa import service as kuksa
from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.kuksa.service.outside import OutsideConnection, open_broker
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.car.signals.logic.readings import Freshness
from monocoque.car.tokens.service import Tokens
from monocoque.contracts.signals import IS_LOCKED, SPEED
from monocoque.plumbing.clock import SystemClock
from tests.car.door_stand import CAR_ID, DoorStand
from tests.conformance.kuksa_broker import KuksaBroker
from tests.e2e.installation import MONOCOQUE, Installation
from tests.fixtures.ports import reserved_port

WAIT_S_MAX = 60.0
LOOK_S = 0.1


@contextlib.asynccontextmanager
async def car_at(installation: Installation, address: str, token: Path):
    """``monocoque run car`` with this broker, ended at the end."""
    words = ("run", "car", "--data", str(installation.data), "--until-input-ends")
    car = await asyncio.create_subprocess_exec(
        MONOCOQUE, *words, "--broker", f"grpc://{address}", "--broker-token", str(token),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        car.stdin.close()
        async with asyncio.timeout(WAIT_S_MAX):
            await car.wait()


async def until_fresh(stand: DoorStand) -> object:
    """What the broker knows of the car's locks, once the car has said it."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            (reading,) = await stand.all.read([IS_LOCKED.number])
            if reading.freshness is Freshness.FRESH:
                return reading.value
            await asyncio.sleep(LOOK_S)


async def test_a_car_says_its_signals_to_a_broker_outside_and_is_asked_there(
    own_installation, tmp_path
):
    port = reserved_port()
    first = DoorStand(config=KuksaConfig(port=port))
    secret, _ = await first.token("read actuate provide")
    token = tmp_path / "token"
    token.write_text(secret)
    async with contextlib.AsyncExitStack() as stack:
        async with first.open(kuksa.run):
            address = await first.plate.address("kuksa")
            await stack.enter_async_context(car_at(own_installation, address, token))
            assert await until_fresh(first) is True
            (act,) = await first.all.actuate({IS_LOCKED.number: False}, 20.0)
            assert (await first.all.outcome(act.act_id)).state is ActState.DONE
            assert (await first.all.read([SPEED.number]))[0].value == 0.0
        # The broker goes; another comes at its place, which the same car finds.
        second = DoorStand(config=KuksaConfig(port=port))
        second.ports[Tokens] = Tokens(second.hub, first.key, CAR_ID, 100)
        async with second.open(kuksa.run):
            assert await until_fresh(second) is False


async def test_a_car_lives_at_a_broker_that_does_as_kuksas_does(own_installation, tmp_path):
    token = tmp_path / "token"
    token.write_text("read actuate provide")
    own, port = own_catalogue(), reserved_port()
    async with contextlib.AsyncExitStack() as stack:
        async with (
            KuksaBroker(own.signals).serving(port) as address,
            client_of(address) as broker,
        ):
            await stack.enter_async_context(car_at(own_installation, address, token))
            await until_locked_is(broker, True)
            (act,) = await broker.actuate({IS_LOCKED.number: False}, 20.0)
            assert (await broker.outcome(act.act_id)).state is ActState.DONE
        # It is started anew, and then has fewer signals, so that each has another number.
        known = tuple(signal for signal in own.signals if "Trip" not in signal.path)
        async with KuksaBroker(known).serving(port) as address, client_of(address) as broker:
            await until_locked_is(broker, False)


@contextlib.asynccontextmanager
async def client_of(address: str):
    """Somebody else at that broker, who may do everything."""
    everything = "read actuate provide"
    broker = await open_broker(address, everything, SystemClock(), Random(1), own=own_catalogue())
    try:
        yield broker
    finally:
        await broker.close()


async def until_locked_is(broker: OutsideConnection, is_locked: bool) -> None:
    """Until the car has said that of its locks."""
    async with asyncio.timeout(WAIT_S_MAX):
        while (await broker.read([IS_LOCKED.number]))[0].value is not is_locked:
            await asyncio.sleep(LOOK_S)


def test_an_address_that_is_none_is_refused(own_installation):
    for words in (
        ("--broker", "http://x"),
        ("--broker", "grpc://127.0.0.1:1", "--broker-token", "x"),
    ):
        done = own_installation.typed("run", "car", "--data", str(own_installation.data), *words)
        assert done.returncode == 1
        assert "--broker" in done.stderr
        assert "Traceback" not in done.stderr

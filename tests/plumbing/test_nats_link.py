"""One connection to NATS while its server dies and subscriptions come and go."""

import asyncio
import contextlib
import itertools
import os
import signal
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest
from nats.aio.msg import Msg

from monocoque.contracts.errors import BusUnavailable
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.nats_link import NatsLink
from tests.fixtures.bus import QUICK, NatsCellBus

WAIT_S = 10.0
KILLS = 5
COMERS = 20
MUCH = 10
CANCELLATIONS = 100
CONNECTING_S = 0.006
"""How long connecting takes, about."""
GREETING = b'INFO {"server_id": "one", "version": "2.15.1", "max_payload": 1000}\r\n'


class Ear:
    """What one subscription heard."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    async def hear(self, message: Msg) -> None:
        """Keep it."""
        self.heard.append(message.data)


@asynccontextmanager
async def opened(cell_bus: NatsCellBus) -> AsyncIterator[tuple[NatsLink, str]]:
    """A link as a service, and the inbox that it may write to and read."""
    credentials = cell_bus.credentials(Role.ECHO, {})
    inbox = f"_INBOX_{credentials.name}"
    address, chance, log = cell_bus.server.address, cell_bus.random, cell_bus.log
    link = NatsLink(address, credentials, f"{inbox}.own", chance, log, QUICK, None)
    await link.open()
    try:
        yield link, inbox
    finally:
        await link.close()


async def is_kept(cell_bus: NatsCellBus, cancelled_after_s: float) -> bool:
    """Cancel a link while it connects; whether that ended it, or came when it had connected."""
    credentials = cell_bus.credentials(Role.ECHO, {})
    own, address, chance = (
        f"_INBOX_{credentials.name}.own",
        cell_bus.server.address,
        cell_bus.random,
    )
    link = NatsLink(address, credentials, own, chance, cell_bus.log, QUICK, None)
    opening = asyncio.create_task(link.open())
    await asyncio.wait({opening}, timeout=cancelled_after_s)
    was_late = opening.done()
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled():
        await link.close()
    return was_late or opening.cancelled()


async def restart(cell_bus: NatsCellBus, link: NatsLink) -> None:
    """Kill the server, start it, and return when the link is connected anew."""
    pid = cell_bus.server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await cell_bus.until(lambda: not link.is_connected)
    await cell_bus.server.start()
    await cell_bus.until(lambda: link.is_connected)


async def say(link: NatsLink, subject: str, data: bytes) -> None:
    """Say it, however often the server is away."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await link.send_to_all([subject], data)
            except BusUnavailable:
                await asyncio.sleep(0.01)


async def come_and_go(link: NatsLink, inbox: str) -> None:
    """Subscribe and stop, again and again, without a pause."""
    for number in itertools.count():
        stop = await link.subscribe(f"{inbox}.comer.{number}", Ear().hear)
        await asyncio.sleep(0)
        await stop()


async def say_much(link: NatsLink, subject: str) -> None:
    """Say something whenever there is a connection, so that some waits to be written."""
    while True:
        for _ in range(MUCH):
            with contextlib.suppress(BusUnavailable):
                await link.send(subject, b"much")
        await asyncio.sleep(0)


async def test_it_comes_back_every_time_while_much_waits_to_be_written(nats_bus: NatsCellBus):
    async with opened(nats_bus) as (link, inbox), asyncio.TaskGroup() as group:
        sayers = [group.create_task(say_much(link, f"{inbox}.nobody")) for _ in range(COMERS)]
        for _ in range(KILLS):
            await restart(nats_bus, link)
        for sayer in sayers:
            sayer.cancel()


async def test_it_comes_back_every_time_while_subscriptions_come_and_go(nats_bus: NatsCellBus):
    async with opened(nats_bus) as (link, inbox), asyncio.TaskGroup() as group:
        comers = [group.create_task(come_and_go(link, inbox)) for _ in range(COMERS)]
        staying = Ear()
        await link.subscribe(f"{inbox}.staying", staying.hear)
        for number in range(KILLS):
            await restart(nats_bus, link)
            await say(link, f"{inbox}.staying", b"%d" % number)
        for comer in comers:
            comer.cancel()
        assert staying.heard == [b"%d" % number for number in range(KILLS)]


async def test_whoever_is_told_to_end_while_it_connects_ends(nats_bus: NatsCellBus):
    # nats-py alone lets one cancellation of four pass within this time.
    waits_s = [nats_bus.random.uniform(0.0, CONNECTING_S) for _ in range(CANCELLATIONS)]
    assert all([await is_kept(nats_bus, wait_s) for wait_s in waits_s])


async def test_a_server_that_goes_while_it_is_asked_whether_it_has_all_is_soon_tried_again(
    nats_bus: NatsCellBus,
):
    patient = replace(QUICK, connect_timeout_s=600.0, request_timeout_s=600.0)
    credentials = nats_bus.credentials(Role.ECHO, {})
    inbox, came = f"_INBOX_{credentials.name}.own", asyncio.Semaphore(0)

    async def go_at_the_question(reader: StreamReader, writer: StreamWriter) -> None:
        came.release()
        with closing(writer):
            writer.write(GREETING)
            while (line := await reader.readline()) and not line.startswith(b"PUB"):
                if line.startswith(b"PING"):
                    writer.write(b"PONG\r\n")

    async with await asyncio.start_server(go_at_the_question, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]

        async def address() -> str:
            return f"nats://127.0.0.1:{port}"

        link = NatsLink(address, credentials, inbox, nats_bus.random, nats_bus.log, patient, None)
        async with asyncio.timeout(WAIT_S):
            await link.open()
            for _ in range(3):
                await came.acquire()
        await link.close()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"INFO []\r\n",
        b'INFO {"max_payload": "x", "connect_urls": 7}\r\nPONG\r\n',
        b"INFO \xff\r\n",
        b"x" * 1_000_000 + b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        GREETING + b"PONG\r\nMSG\r\n",
        GREETING + b"PONG\r\nMSG x y z\r\n",
    ],
)
async def test_a_stranger_at_the_address_is_left_for_the_server_when_it_is_there(
    nats_bus: NatsCellBus, nonsense: bytes
):
    credentials = nats_bus.credentials(Role.ECHO, {})
    inbox, came = f"_INBOX_{credentials.name}.own", 0

    async def talk(_: StreamReader, writer: StreamWriter) -> None:
        nonlocal came
        came += 1
        with contextlib.suppress(ConnectionError), closing(writer):
            writer.write(nonsense)
            await writer.drain()

    async with await asyncio.start_server(talk, "127.0.0.1") as stranger:
        port = stranger.sockets[0].getsockname()[1]

        async def address() -> str:
            return await nats_bus.server.address() if came > 1 else f"nats://127.0.0.1:{port}"

        link = NatsLink(address, credentials, inbox, nats_bus.random, nats_bus.log, QUICK, None)
        await link.open()
        await nats_bus.until(lambda: link.is_connected)
        await link.close()
    assert came == 2


async def test_what_is_subscribed_while_it_connects_is_heard_on_the_new_connection(
    nats_bus: NatsCellBus,
):
    async with opened(nats_bus) as (link, inbox):
        ears: list[Ear] = []

        async def subscribe_until_connected() -> None:
            while not link.is_connected:
                ears.append(Ear())
                await link.subscribe(f"{inbox}.all", ears[-1].hear)
                await asyncio.sleep(0.001)

        async with asyncio.TaskGroup() as group:
            restarting = group.create_task(restart(nats_bus, link))
            await nats_bus.until(lambda: not link.is_connected)
            group.create_task(subscribe_until_connected())
            await restarting
        await say(link, f"{inbox}.all", b"news")
        assert ears
        assert {tuple(ear.heard) for ear in ears} == {(b"news",)}


async def test_what_was_ended_after_a_reconnection_is_heard_no_more(nats_bus: NatsCellBus):
    async with opened(nats_bus) as (link, inbox):
        ended, going_on = Ear(), Ear()
        stop = await link.subscribe(f"{inbox}.all", ended.hear)
        await link.subscribe(f"{inbox}.all", going_on.hear)
        await restart(nats_bus, link)
        await say(link, f"{inbox}.all", b"before")
        await stop()
        await say(link, f"{inbox}.all", b"after")
        assert (ended.heard, going_on.heard) == ([b"before"], [b"before", b"after"])

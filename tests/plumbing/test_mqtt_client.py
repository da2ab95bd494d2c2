"""Our MQTT client, and servers that are none: silent, refusing, or talking nonsense."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import (
    BusUnavailable,
    CredentialsRefused,
    MessageRefused,
    MessageTooLarge,
    TopicRefused,
)
from monocoque.plumbing.mqtt import packets
from monocoque.plumbing.mqtt.client import MqttLogin, mqtt_session
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.mqtt.port import MqttMessage, matches

QUICK = MqttConfig(connect_timeout_s=2.0, answer_timeout_s=0.3, keep_alive_s=0.1)
WILL = MqttMessage("homeassistant/presence", b"offline", is_retained=True)
TAKEN = b"\x20\x02\x00\x00"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[MqttLogin]:
    """A server that talks so to whoever connects."""

    served: list[asyncio.Task] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        try:
            with contextlib.suppress(OSError):
                await reader.read(1_000)
                await talk(reader, writer)
                while await reader.read(1_000):
                    pass
        finally:
            writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield MqttLogin("127.0.0.1", port, "name", "user", "password")
    if served:
        await asyncio.wait(served, timeout=5)


def saying(*answers: bytes) -> Talk:
    """Say this, whatever was said."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            await writer.drain()

    return talk


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(b"\x20\x02\x00\x04", CredentialsRefused, id="wrong password"),
        pytest.param(b"\x20\x02\x00\x05", CredentialsRefused, id="not allowed"),
        pytest.param(b"\x20\x02\x00\x03", BusUnavailable, id="server away"),
        pytest.param(b"\x20\x02\x00\x63", BusUnavailable, id="an answer that does not exist"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", BusUnavailable, id="another protocol"),
        pytest.param(b"\xd0\x00", BusUnavailable, id="a pong to who connects"),
        pytest.param(b"\x20\xff\xff\xff\xff\xff", BusUnavailable, id="no length"),
        pytest.param(b"\x30\xff\xff\xff\x7f", BusUnavailable, id="far too long"),
        pytest.param(b"", BusUnavailable, id="nothing"),
    ],
)
async def test_whoever_is_not_taken_is_told_why(answer: bytes, error: type[Exception]):
    async with server(saying(answer)) as login:
        with pytest.raises(error):
            async with mqtt_session(login, WILL, QUICK):
                pass


async def test_nobody_there_is_away():
    async with server(saying(TAKEN)) as login:
        pass
    with pytest.raises(BusUnavailable):
        async with mqtt_session(login, WILL, QUICK):
            pass


async def test_a_server_that_falls_silent_is_left():
    async with server(saying(TAKEN)) as login, mqtt_session(login, WILL, QUICK) as session:
        async with asyncio.timeout(5):
            with pytest.raises(BusUnavailable):
                await session.next()


async def test_a_subscription_that_nobody_answers_ends():
    patient = replace(QUICK, keep_alive_s=60.0)
    async with server(saying(TAKEN)) as login, mqtt_session(login, WILL, patient) as session:
        with pytest.raises(BusUnavailable):
            await session.subscribe("homeassistant/#")


async def test_a_refused_subscription_says_so():
    patient = replace(QUICK, keep_alive_s=60.0, answer_timeout_s=5.0)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(TAKEN)
        said = b""
        while b"homeassistant/#" not in said:
            said += await reader.read(1_000)
        writer.write(b"\x90\x03\x00\x01\x80")

    async with server(talk) as login, mqtt_session(login, WILL, patient) as session:
        with pytest.raises(TopicRefused):
            await session.subscribe("homeassistant/#")


async def test_nonsense_ends_the_connection_and_nothing_else():
    answers = (TAKEN, b"\x30\x03\x00\x01a", b"\x30\x02\x00\x09", b"\x30\x03\x00\x01b")
    async with server(saying(*answers)) as login, mqtt_session(login, WILL, QUICK) as session:
        async with asyncio.timeout(5):
            assert (await session.next()).topic == "a"
            with pytest.raises(BusUnavailable):
                await session.next()


@given(
    st.text(min_size=1, max_size=40),
    st.binary(max_size=400),
    st.booleans(),
    st.lists(st.integers(1, 50), max_size=20),
)
def test_a_message_comes_back_as_it_was_however_it_was_cut(topic, payload, is_retained, cuts):
    message = MqttMessage(topic, payload, is_retained)
    data = packets.publish(message) * 2
    parser, found = packets.Parser(10_000), []
    for cut in (*cuts, len(data)):
        found += parser.feed(data[:cut])
        data = data[cut:]
    assert found == [message, message]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes):
    with contextlib.suppress(MessageRefused):
        list(packets.Parser(100).feed(data))


@pytest.mark.parametrize("size", [0, 127, 128, 16_383, 16_384])
def test_lengths_are_written_as_the_standard_says(size: int):
    payload = b"x" * size
    [message] = packets.Parser(100_000).feed(packets.publish(MqttMessage("t", payload)))
    assert message == MqttMessage("t", payload)


def test_a_text_that_is_too_long_is_not_sent():
    with pytest.raises(MessageTooLarge):
        packets.publish(MqttMessage("t" * 70_000, b""))


@pytest.mark.parametrize(
    ("pattern", "topic", "fits"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/b/c", False),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("#", "a/b", True),
        ("a/b", "a/b", True),
        ("a/b", "a", False),
        ("a", "a/b", False),
        ("a/b/#", "a/c/d", False),
    ],
)
def test_a_pattern_matches_as_the_standard_says(pattern: str, topic: str, fits: bool):
    assert matches(pattern, topic) is fits

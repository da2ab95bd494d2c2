"""A vehicle bus through python-can's virtual one: heard, sent, flooded, gone."""

import asyncio
import contextlib
import queue
import socket

import can
import msgpack  # type: ignore[import-untyped]
import pytest

from monocoque.contracts.errors import CanBusUnavailable
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.port import Frame
from monocoque.plumbing.can.python_can import UDP, PythonCanBus, check_bus, open_bus
from monocoque.plumbing.clock import SystemClock
from tests.fixtures.ports import reserved_port
from tests.plumbing.can_frames import message_of, some_frames

CONFIG = CanBusConfig(look_s=0.02)
CLOCK = SystemClock()


@pytest.fixture
def channel(request) -> str:
    """A virtual bus of this test's own."""
    return f"test {request.node.name}"


@pytest.fixture
def other(channel):
    """Another participant of it."""
    with can.Bus(channel=channel, interface="virtual") as bus:
        yield bus


async def receive(bus, count):
    frames = []
    async with asyncio.timeout(10):
        while len(frames) < count:
            frames += await bus.receive(1_000, 0.001)
    return frames


async def test_what_another_sends_is_heard_in_order_and_stamped(channel, other) -> None:
    async with open_bus("virtual", channel, CLOCK, CONFIG) as bus:
        before_us = CLOCK.now_us()
        for frame in some_frames(100):
            other.send(message_of(frame))
        heard = await receive(bus, 100)
        assert [frame[1:] for frame in heard] == [frame[1:] for frame in some_frames(100)]
        assert before_us <= heard[0].time_us <= heard[-1].time_us <= CLOCK.now_us()
        assert bus.lost_frames == 0


@pytest.mark.parametrize("data", [b"", b"\x01", bytes(8)])
async def test_what_is_sent_is_heard_by_another(channel, other, data) -> None:
    async with open_bus("virtual", channel, CLOCK, CONFIG) as bus:
        await bus.send(Frame(0, 0x123, False, data))
        message = await asyncio.to_thread(other.recv, 5)
        assert (message.arbitration_id, bytes(message.data)) == (0x123, data)
        assert not message.is_extended_id


async def test_a_list_has_as_many_frames_as_were_asked_for(channel, other) -> None:
    async with open_bus("virtual", channel, CLOCK, CONFIG) as bus:
        for frame in some_frames(30):
            other.send(message_of(frame))
        async with asyncio.timeout(10):
            lists = [await bus.receive(10, 1.0) for _ in range(3)]
        assert [len(each) for each in lists] == [10, 10, 10]


async def test_a_flood_loses_the_oldest_frames_and_says_how_many(channel, other) -> None:
    config = CanBusConfig(look_s=0.02, frames_waiting_max=50)
    async with open_bus("virtual", channel, CLOCK, config) as bus:
        for frame in some_frames(500):
            other.send(message_of(frame))
        async with asyncio.timeout(10):
            while bus.lost_frames < 450:
                await asyncio.sleep(0.01)
        assert [frame[1:] for frame in await bus.receive(1_000, 0)] == [
            frame[1:] for frame in some_frames(500)[-50:]
        ]


async def test_remote_requests_and_errors_go_no_further(channel, other) -> None:
    async with open_bus("virtual", channel, CLOCK, CONFIG) as bus:
        other.send(can.Message(is_remote_frame=True, dlc=2))
        other.send(can.Message(is_error_frame=True))
        other.send(can.Message(arbitration_id=7, is_extended_id=False, data=b"\x07"))
        assert [frame.identifier for frame in await receive(bus, 1)] == [7]
        assert bus.other_frames == 2


async def test_a_frame_that_the_bus_cannot_take_is_refused(channel) -> None:
    async with open_bus("virtual", channel, CLOCK, CONFIG) as bus:
        with pytest.raises(CanBusUnavailable, match="did not take"):
            await bus.send(Frame(0, 2**40, True, b""))


class Gone(can.BusABC):
    """A bus whose interface was taken away."""

    def __init__(self) -> None:
        super().__init__(channel=None)

    def _recv_internal(self, timeout):
        raise can.CanOperationError("the network is down")

    def send(self, msg, timeout=None):
        raise can.CanOperationError("the network is down")


async def test_a_bus_that_has_gone_ends_who_listens() -> None:
    with Gone() as gone:
        bus = PythonCanBus(gone, CLOCK, CONFIG)
        bus.listen()
        async with asyncio.timeout(5):
            with pytest.raises(CanBusUnavailable, match="the network is down"):
                await bus.receive(1, 0)
        with pytest.raises(CanBusUnavailable, match="the network is down"):
            await bus.send(Frame(0, 1, False, b""))


@pytest.mark.parametrize(
    ("interface", "channel"), [("socketcan", "no such interface"), ("no such kind", "can0")]
)
async def test_a_bus_that_is_not_there_is_named(interface, channel) -> None:
    with pytest.raises(CanBusUnavailable, match=channel):
        async with open_bus(interface, channel, CLOCK, CONFIG):
            pytest.fail("it was there")


@pytest.mark.parametrize("group", ["239.255.77.7", "[ff15::77]"])
async def test_over_udp_others_are_heard_and_what_we_sent_is_not(group) -> None:
    place = f"{group}:{reserved_port()}"
    async with open_bus(UDP, place, CLOCK, CONFIG) as bus, open_bus(UDP, place, CLOCK, CONFIG) as b:
        await bus.send(Frame(0, 1, False, b"\x01"))
        assert [frame[1:] for frame in await receive(b, 1)] == [(1, False, b"\x01")]
        await b.send(Frame(0, 1, False, b"\x01"))
        await b.send(Frame(0, 2, False, b""))
        heard = await receive(bus, 2)
    assert [frame[1:] for frame in heard] == [(1, False, b"\x01"), (2, False, b"")]


async def test_a_datagram_that_is_no_frame_is_counted_and_passed_over() -> None:
    group, port = "239.255.77.8", reserved_port()
    place = f"{group}:{port}"
    async with open_bus(UDP, place, CLOCK, CONFIG) as bus, open_bus(UDP, place, CLOCK, CONFIG) as b:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
            speaker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
            for data in (b"", b"nonsense", b"\x90"):
                speaker.sendto(data, (group, port))
        async with asyncio.timeout(10):
            while bus.unreadable_frames < 3:
                await asyncio.sleep(0.005)
        await b.send(Frame(0, 3, False, b""))
        assert [frame.identifier for frame in await receive(bus, 1)] == [3]


class Lossy(can.BusABC):
    """A bus that brings back what is sent, when it takes it and does not lose it."""

    def __init__(self) -> None:
        self.takes = self.brings_back = True
        self.waiting = queue.SimpleQueue()
        super().__init__(channel=None)

    def _recv_internal(self, timeout):
        try:
            return self.waiting.get(timeout=timeout), False
        except queue.Empty:
            return None, False

    def send(self, msg, timeout=None):
        if not self.takes:
            raise can.CanOperationError("No buffer space available")
        if self.brings_back:
            self.waiting.put(msg)


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.us = 1_000_000_000

    def now_us(self):
        return self.us


@contextlib.asynccontextmanager
async def lossy(clock):
    """Such a bus, and who listens to it."""
    with Lossy() as interface:
        bus = PythonCanBus(interface, clock, CONFIG, echoes_max=8)
        listening = asyncio.ensure_future(asyncio.to_thread(bus.listen))
        yield interface, bus
        bus.end()
        await listening


FRAME, END = Frame(0, 5, False, b"\x01"), can.Message(arbitration_id=6, is_extended_id=False)


async def test_what_others_send_is_heard_after_a_like_frame_was_not_taken() -> None:
    async with lossy(HandClock()) as (interface, bus):
        interface.takes = False
        with pytest.raises(CanBusUnavailable, match="No buffer space"):
            await bus.send(FRAME)
        interface.waiting.put(message_of(FRAME))
        assert [frame[1:] for frame in await receive(bus, 1)] == [FRAME[1:]]


async def test_an_echo_that_was_lost_swallows_nothing_of_others_for_long() -> None:
    clock = HandClock()
    async with lossy(clock) as (interface, bus):
        await bus.send(FRAME)
        interface.waiting.put(END)
        assert [frame.identifier for frame in await receive(bus, 1)] == [6]  # the echo is not heard
        interface.brings_back = False
        await bus.send(FRAME)
        clock.us += round(CONFIG.echo_s_max * 1_000_000) + 1
        interface.waiting.put(message_of(FRAME))
        assert [frame[1:] for frame in await receive(bus, 1)] == [FRAME[1:]]


@pytest.mark.parametrize(
    "odd",
    [
        {"is_extended_id": []},
        {"is_extended_id": {}},
        {"arbitration_id": 5.0},
        {"arbitration_id": True},
        {"arbitration_id": float("nan")},
        {"data": 10**9},
        {"is_error_frame": {}},
        {"is_remote_frame": "x", "data": b""},
    ],
)
async def test_a_datagram_with_odd_members_gives_plain_frames_or_none(odd) -> None:
    group, port = "239.255.77.9", reserved_port()
    place = f"{group}:{port}"
    usual = {"arbitration_id": 5, "is_extended_id": False, "data": b"\x01"}
    async with open_bus(UDP, place, CLOCK, CONFIG) as bus, open_bus(UDP, place, CLOCK, CONFIG) as b:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
            speaker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
            speaker.sendto(msgpack.packb({**usual, **odd}), (group, port))
        await b.send(Frame(0, 7, False, b""))
        heard = await receive(bus, 1)
        while heard[-1].identifier != 7:
            heard += await receive(bus, 1)
    kinds = {tuple(type(each) for each in frame) for frame in heard}
    assert kinds == {(int, int, bool, bytes)}
    assert len(heard) + bus.unreadable_frames + bus.other_frames == 2


def test_a_bus_is_tried_and_left_again() -> None:
    check_bus("virtual", "tried")
    with pytest.raises(CanBusUnavailable, match="no group at all"):
        check_bus(UDP, "no group at all")

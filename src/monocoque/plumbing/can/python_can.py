"""A bus through python-can: SocketCAN in a car, the virtual bus in tests, and its other interfaces.

Rules:

* one thread listens, and does nothing but pass frames on; it ends with the block;
* what it passes on is bounded: a reader that is too slow loses the oldest frames;
* a frame is stamped by our clock when it is heard, since interfaces count time in their own ways;
* what cannot be read is counted and passed over; only a bus of which nothing can be read has gone;
* a datagram is unpacked into no more than it is; python-can makes a thousand million bytes of data
  that are the number 1,000,000,000;
* frames over UDP do not leave this machine; what comes back of our own there is not heard, so that
  nobody takes what was asked for what happened.

Left out on purpose: setting up an interface (bit rate, up and down), which the system does.
"""

import asyncio
import contextlib
import re
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

import can
import msgpack  # type: ignore[import-untyped]
from can.interfaces.udp_multicast import UdpMulticastBus

from monocoque.contracts.errors import CanBusUnavailable, MonocoqueError
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.port import Frame
from monocoque.plumbing.clock import Clock

BYTES_OF_CLASSIC_CAN = 8
MICROSECONDS: Final = 1_000_000
UDP: Final = "udp_multicast"
_UDP_PLACE: Final = re.compile(r"\[?(?P<group>[0-9a-fA-F:.]+?)\]?:(?P<port>\d{1,5})\Z")
"""A group and its port; a group of IPv6 stands in brackets then."""
_FAIL_WITH: Final = (
    can.CanError,
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
)
"""What python-can raises at interfaces that are not there, and at bytes that it did not expect."""


class PythonCanBus:
    """The port ``CanBus`` on an interface that python-can knows."""

    def __init__(
        self, bus: can.BusABC, clock: Clock, config: CanBusConfig, echoes_max: int = 0
    ) -> None:
        """Begin with ``listening``.

        echoes_max: so many of our own frames are known again when they come back.
        """
        self._echoes: deque[Frame] = deque(maxlen=echoes_max)
        """What we sent, and when; the oldest first."""
        self._bus = bus
        self._clock = clock
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._frames: deque[Frame] = deque()
        self._has_frames = asyncio.Event()
        self._error: MonocoqueError | None = None
        self._ends = threading.Event()
        self.lost_frames = 0
        """See CanBus."""
        self.other_frames = 0
        """Remote requests and errors of the bus, which go no further."""
        self.unreadable_frames = 0
        """Of which the interface could make nothing."""

    async def receive(self, frames_max: int, gather_s: float) -> list[Frame]:
        """See CanBus."""
        while not self._frames:
            if self._error is not None:
                raise self._error
            self._has_frames.clear()
            await self._has_frames.wait()
        if len(self._frames) < frames_max:
            await asyncio.sleep(gather_s)
        return [self._frames.popleft() for _ in range(min(frames_max, len(self._frames)))]

    async def send(self, frame: Frame) -> None:
        """See CanBus."""
        echo = frame._replace(time_us=self._clock.now_us())
        self._echoes.append(echo)  # before it is sent: it may be back at once
        try:
            message = can.Message(
                arbitration_id=frame.identifier,
                is_extended_id=frame.is_extended,
                is_fd=len(frame.data) > BYTES_OF_CLASSIC_CAN,
                data=frame.data,
                check=True,
            )
            self._bus.send(message)  # without a timeout: a full interface refuses at once
        except _FAIL_WITH as error:
            with contextlib.suppress(ValueError):  # where none are kept
                self._echoes.remove(echo)
            raise CanBusUnavailable(f"The bus did not take a frame: {_one_line(error)}.") from error

    def listen(self) -> None:
        """What the thread does."""
        errors = 0
        while not self._ends.is_set():
            try:
                message = self._bus.recv(self._config.look_s)
                heard = None if message is None else self._heard(message)
            except _FAIL_WITH as error:
                errors += 1
                self._say(self._note_unreadable)
                if errors >= self._config.errors_in_a_row_max:
                    what = f"The bus has gone: {_one_line(error)}."
                    self._say(self._note_end, CanBusUnavailable(what))
                    return
                continue
            errors = 0
            if heard is not None:
                self._say(self._note, heard)
            elif message is not None:
                self._say(self._note_other)

    def end(self) -> None:
        """The thread shall end, and does so within ``look_s``."""
        self._ends.set()

    def _say(self, note: Any, *what: Any) -> None:
        # The loop may be over before the thread is.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(note, *what)

    def _heard(self, message: can.Message) -> Frame | None:
        """The frame, of the very types that a frame has; None of one without data.

        Interfaces that unpack what others sent give it on in whatever types it came.
        """
        if message.is_error_frame or message.is_remote_frame:
            return None
        return Frame(
            self._clock.now_us(),
            int(message.arbitration_id),
            bool(message.is_extended_id),
            bytes(message.data),
        )

    def _note(self, frame: Frame) -> None:
        if self._is_echo(frame):
            return
        if len(self._frames) >= self._config.frames_waiting_max:
            self._frames.popleft()
            self.lost_frames += 1
        self._frames.append(frame)
        self._has_frames.set()

    def _is_echo(self, frame: Frame) -> bool:
        """Whether we sent it, and it was not back yet."""
        us_max = round(self._config.echo_s_max * MICROSECONDS)
        # A clock that was set back must not make an echo young.
        while self._echoes and abs(frame.time_us - self._echoes[0].time_us) > us_max:
            self._echoes.popleft()
        for echo in self._echoes:
            if echo[1:] == frame[1:]:
                self._echoes.remove(echo)
                return True
        return False

    def _note_other(self) -> None:
        self.other_frames += 1

    def _note_unreadable(self) -> None:
        self.unreadable_frames += 1

    def _note_end(self, error: MonocoqueError) -> None:
        self._error = error
        self._has_frames.set()


class _BoundedUdp(UdpMulticastBus):
    """python-can's bus over UDP, for datagrams of whoever reaches the group."""

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        received = self._multicast.recv(timeout)
        if not received:
            return None, False
        data, _, timestamp = received
        members = msgpack.unpackb(data, raw=False)
        if not isinstance(members, dict) or isinstance(members.get("data"), int):
            raise can.CanOperationError("a datagram is no frame")
        message = can.Message(check=True, **(members | {"timestamp": timestamp}))
        if message.is_fd and self._can_protocol is not can.CanProtocol.CAN_FD:
            return None, False
        return message, False


@contextlib.asynccontextmanager
async def open_bus(
    interface: str, channel: str, clock: Clock, config: CanBusConfig, *, is_fd: bool = False
) -> AsyncIterator[PythonCanBus]:
    """A bus, until the block ends. Raises CanBusUnavailable.

    interface: as python-can names it: ``socketcan``, ``udp_multicast``, ``virtual``.
    channel: such as ``can0``; of UDP a group, or ``GROUP:PORT``.
    """
    opened = _opened(interface, channel, is_fd=is_fd)
    echoes_max = config.echoes_max if interface == UDP else 0
    bus = PythonCanBus(opened, clock, config, echoes_max)
    thread = threading.Thread(target=bus.listen, name=f"can {channel}", daemon=True)
    thread.start()
    try:
        yield bus
    finally:
        bus.end()
        await asyncio.to_thread(thread.join)
        opened.shutdown()


def check_bus(interface: str, channel: str) -> None:
    """Open this bus and leave it again. Raises CanBusUnavailable."""
    _opened(interface, channel, is_fd=False).shutdown()


def _opened(interface: str, channel: str, *, is_fd: bool) -> can.BusABC:
    options: dict[str, Any] = {"fd": True} if is_fd else {}
    place = channel
    if interface == UDP:
        options["hop_limit"] = 0
        if (match := _UDP_PLACE.match(channel)) is not None:
            place, options["port"] = match["group"], int(match["port"])
    try:
        if interface == UDP:
            return _BoundedUdp(place, **options)
        return can.Bus(channel=place, interface=interface, **options)
    except (*_FAIL_WITH, OverflowError) as error:
        raise CanBusUnavailable(
            f"The bus {channel} of {interface} cannot be opened: {_one_line(error)}."
        ) from error


def _one_line(error: BaseException) -> str:
    """What an error says, and what was behind it."""
    cause = error.__cause__ or error.__context__
    said = str(error) or type(error).__name__
    return f"{said} ({cause})" if cause is not None and str(cause) else said

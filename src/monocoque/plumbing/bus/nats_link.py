"""One connection to a NATS server that comes back for ever.

Rules:

* the address is asked for anew before every attempt, since the server's port may change;
* pauses between attempts double up to a limit and are jittered, so that a fleet does not come back
  all at once;
* after every connection the subscriptions are made again before anybody is told, those also that
  began while they were being made; one that has ended is made no more;
* refused credentials are an error at the first attempt; later they are tried again, slowly, since
  the server may be about to be given the right keys;
* a connection that nats-py has given up is lost, whether it says so or not: when something waits to
  be written to a server that has died, its ``Client._close`` fails before it tells anybody (2.16);
* without TLS it connects to loopback only.

nats-py's own ``flush`` is of no use here: it writes its question past what still waits to be
written (nats-py 2.16, ``Client._send_ping``). ``settle`` sends a message to ourselves instead,
which the server can only pass on after all that went before.

Left out on purpose: any meaning of what is sent; that is nats_bus.py. nats-py's own reconnecting is
off: it knows a fixed list of addresses.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import urlsplit

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from monocoque.contracts.errors import (
    BusUnavailable,
    CredentialsRefused,
    MonocoqueError,
    SettingInvalid,
)
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.connections import Connections
from monocoque.plumbing.bus.nats_accounts import end_client
from monocoque.plumbing.bus.nats_credentials import NatsCredentials
from monocoque.plumbing.bus.nats_rights import INBOX
from monocoque.plumbing.bus.nats_server import is_loopback

ServerAddress = Callable[[], Awaitable[str]]
"""Where the server is now, such as ``nats://127.0.0.1:4222``; raises BusUnavailable."""

Hear = Callable[[Msg], Awaitable[None]]

_CANCELLATIONS_MAX: Final = 20
_CANCELLATION_WAIT_S: Final = 0.25
_LOST_LOOK_S: Final = 1.0
_NO_SERVER: Final = (AttributeError, LookupError, OSError, TimeoutError, TypeError, ValueError)
"""What nats-py raises where no server is, and where somebody listens who speaks otherwise."""
_OUTGOING_BYTES_MAX: Final = 8 * 1_024 * 1_024


@dataclass(eq=False)
class _Heard:
    """One subscription, over every connection."""

    subject: str
    hear: Hear
    is_over: bool = False
    made_on: Client | None = None
    """The connection that it was made on last."""
    made: Subscription | None = None


class NatsLink:
    """The connection of one participant."""

    def __init__(
        self,
        server_address: ServerAddress,
        credentials: NatsCredentials,
        inbox: str,
        random: Random,
        log: structlog.stdlib.BoundLogger,
        config: BusConfig,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._server_address = server_address
        self._credentials = credentials
        self._settling_subject = f"{inbox}.settled"
        self._settling: deque[asyncio.Future[None]] = deque()
        self._random = random
        self._log = log
        self._config = config
        self._tls = tls
        self._client: Client | None = None
        self._refusal: CredentialsRefused | None = None
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._heard: set[_Heard] = set()
        self.connections = Connections()
        self.on_lost: list[Callable[[], None]] = []

    @property
    def is_connected(self) -> bool:
        """Whether something can be sent right now."""
        return self._client is not None and self._client.is_connected

    @property
    def client(self) -> Client:
        """The connected client; raises BusUnavailable, or CredentialsRefused when that is why."""
        if self._client is not None and self._client.is_connected:
            return self._client
        if self._client is not None:
            self._lost.set()  # nats-py has given it up, perhaps without a word
        raise self._refusal or BusUnavailable("The bus server cannot be reached.")

    def check(self) -> None:
        """Whether something can be sent right now; raises like ``client``."""
        _ = self.client

    async def open(self) -> None:
        """Try once, and go on trying in the background; raises CredentialsRefused."""
        with contextlib.suppress(BusUnavailable):
            await self._connect()
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Leave for good."""
        self.connections.end()
        if self._task is not None:
            await end_task(self._task)
        client, self._client = self._client, None
        if client is not None:
            await end_client(client)

    async def subscribe(self, subject: str, hear: Hear) -> Callable[[], Awaitable[None]]:
        """Hear what is said on a subject, over every reconnection; returns how to stop.

        Without a connection, or when it goes meanwhile, the next connection begins with it.
        """
        heard = _Heard(subject, hear)
        self._heard.add(heard)

        async def stop() -> None:
            heard.is_over = True
            self._heard.discard(heard)
            if heard.made is not None:
                with contextlib.suppress(nats.errors.Error):
                    await heard.made.unsubscribe()

        if self.is_connected:
            try:
                with contextlib.suppress(BusUnavailable):
                    client = self.client
                    await self._make(client, heard)
                    await self._settle(client)
            except asyncio.CancelledError:
                await stop()
                raise
        return stop

    async def send(
        self, subject: str, data: bytes, reply: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """Hand over to the socket; raises BusUnavailable when there is no connection."""
        with _client_errors():
            await self.client.publish(subject, data, reply, headers)

    async def send_to_all(self, subjects: Sequence[str], data: bytes) -> None:
        """The same to each; returns when the server has it. Raises BusUnavailable."""
        client = self.client
        with _client_errors():
            for subject in subjects:
                await client.publish(subject, data)
        await self._settle(client)

    async def _keep(self) -> None:
        wait_s = self._config.reconnect_wait_s_min
        while True:
            if self._client is not None:
                await self._until_lost(self._client)
                self._client = None
                self.connections.lose()
                self._give_up_settling()
                for tell in self.on_lost:
                    tell()
                wait_s = self._config.reconnect_wait_s_min
            await asyncio.sleep(wait_s * self._random.uniform(0.5, 1.5))
            wait_s = min(wait_s * 2, self._config.reconnect_wait_s_max)
            try:
                await self._connect()
            except CredentialsRefused as refusal:
                if self._refusal is None:
                    self._log.error("bus credentials refused", error_code=refusal.code)
                self._refusal = refusal
                wait_s = self._config.reconnect_wait_s_max
            except MonocoqueError:
                self._refusal = None

    async def _until_lost(self, client: Client) -> None:
        while client.is_connected and not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOST_LOOK_S):
                    await self._lost.wait()

    async def _connect(self) -> None:
        address = await self._server_address()
        self._check_address(address)
        name = self._credentials.name
        client = Client()
        lost = self._lost = asyncio.Event()
        self._give_up_settling()

        async def tell_lost() -> None:
            lost.set()
            if self._lost is lost:  # also while it connects, when nobody watches yet
                self._give_up_settling()

        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                with _cancellable():
                    await client.connect(
                        address,
                        name=name,
                        user_jwt_cb=lambda: self._credentials.jwt.encode(),
                        signature_cb=lambda nonce: self._credentials.sign(nonce.encode()),
                        inbox_prefix=f"{INBOX}{name}".encode(),
                        allow_reconnect=False,
                        max_reconnect_attempts=1,  # else it tries the same address for ever
                        reconnect_time_wait=0,
                        connect_timeout=max(1, round(self._config.connect_timeout_s)),
                        ping_interval=max(1, round(self._config.ping_interval_s)),
                        pending_size=_OUTGOING_BYTES_MAX,
                        skip_subject_validation=True,  # rights.py made every subject
                        closed_cb=tell_lost,
                        error_cb=self._note_error,
                        tls=self._tls,
                    )
                await client.subscribe(self._settling_subject, cb=self._hear_settled)
                await self._make_missing(client)
                await self._settle(client)
                # Others began meanwhile. Settling again would give still others time to begin;
                # whatever is said over this connection from now on comes after them anyway.
                await self._make_missing(client)
        except (asyncio.CancelledError, BusUnavailable):
            await end_client(client)
            raise
        except (nats.errors.Error, *_NO_SERVER) as error:
            await end_client(client)
            if "authorization violation" in str(error).lower():
                raise CredentialsRefused("The bus server refused the credentials.") from error
            raise BusUnavailable("The bus server cannot be reached.") from error
        self._client = client
        self._refusal = None
        self.connections.begin()

    async def _make_missing(self, client: Client) -> None:
        while missing := [heard for heard in self._heard if heard.made_on is not client]:
            for heard in missing:
                await self._make(client, heard)

    async def _make(self, client: Client, heard: _Heard) -> None:
        """Tell the server of this subscription; raises BusUnavailable."""
        heard.made_on, heard.made = client, None
        with _client_errors():
            made = await client.subscribe(heard.subject, cb=heard.hear)
            if heard.is_over:
                await made.unsubscribe()
        if heard.made_on is client:  # else the next connection was quicker
            heard.made = made

    async def _settle(self, client: Client) -> None:
        """Return when the server has taken all that was sent; raises BusUnavailable."""
        with _client_errors():
            await client.publish(self._settling_subject, b"")
            settled = asyncio.get_running_loop().create_future()
            self._settling.append(settled)
            async with asyncio.timeout(self._config.request_timeout_s):
                await settled

    def _give_up_settling(self) -> None:
        while self._settling:
            waiting = self._settling.popleft()
            if not waiting.done():
                waiting.set_exception(BusUnavailable("The bus went away."))

    async def _hear_settled(self, heard: Msg) -> None:
        if self._settling:
            settled = self._settling.popleft()
            if not settled.done():
                settled.set_result(None)

    async def _note_error(self, error: Exception) -> None:
        self._log.info("bus connection reports", error=str(error)[:200])

    def _check_address(self, address: str) -> None:
        host = urlsplit(address).hostname or ""
        if self._tls is None and not is_loopback(host):
            raise SettingInvalid("Without TLS the bus is used on loopback only.")


async def end_task(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it has ended: nats-py lets a cancellation pass now and then."""
    for _ in range(_CANCELLATIONS_MAX):
        task.cancel()
        ended, _ = await asyncio.wait({task}, timeout=_CANCELLATION_WAIT_S)
        if ended:
            return


@contextlib.contextmanager
def _client_errors() -> Iterator[None]:
    try:
        yield
    except (nats.errors.Error, TimeoutError, OSError) as error:
        raise BusUnavailable("The bus server cannot be reached.") from error


@contextlib.contextmanager
def _cancellable() -> Iterator[None]:
    """Raise at the end a cancellation that the code inside let pass.

    ``asyncio.wait_for``, by which nats-py connects, does so before Python 3.12 when its time comes
    together with what it waited for; and whoever was told to end would go on for ever.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    yield
    if task.cancelling() > before:
        raise asyncio.CancelledError

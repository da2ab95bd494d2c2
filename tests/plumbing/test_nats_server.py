"""The NATS server under our care: started, killed, orphaned, moved, stopped."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from random import Random

import nats
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from monocoque.contracts.errors import (
    BusOutcomeUnknown,
    BusUnavailable,
    ServerFailed,
    SettingInvalid,
)
from monocoque.contracts.topics import (
    ECHO_FRAMES,
    ECHO_REQUESTS,
    ECHO_STATE,
    TOPICS,
    Kept,
    Role,
    Topic,
)
from monocoque.plumbing.bus.config import NATS_DEFAULTS, NatsServerConfig
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_rights import INBOX
from monocoque.plumbing.bus.nats_server import NatsServer, published_address
from monocoque.plumbing.bus.nats_streams import stream_configuration
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import is_alive, read_process_file, write_process_file
from tests.fixtures.bus import NatsCellBus, SecretsInMemory, make_server, reserve_ports

SERVES_AGAIN_S = 20.0


@contextlib.asynccontextmanager
async def running(server: NatsServer):
    """The server, supervised, until the end of the block."""
    await server.start()
    async with asyncio.TaskGroup() as group:
        supervision = group.create_task(server.supervise())
        try:
            yield server
        finally:
            await server.stop()
            await supervision


@contextlib.asynccontextmanager
async def stranger():
    """A process that is not ours to touch."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path):
    async with running(make_server(tmp_path)) as server:
        cell_bus = NatsCellBus(server)
        bus = await cell_bus.connect(Role.ECHO)
        acknowledged: list[int] = []
        chance = Random(7)
        for kill in range(4):
            die_after = kill * 1_000 + chance.randrange(20, 80)
            for sequence in range(kill * 1_000, kill * 1_000 + 100):
                if sequence == die_after:
                    os.kill(server.pid, signal.SIGKILL)
                message = cell_bus.echo(sequence)
                async with asyncio.timeout(SERVES_AGAIN_S):
                    while sequence not in acknowledged[-1:]:
                        try:
                            await bus.publish(ECHO_REQUESTS, message, echo_id="a")
                            acknowledged.append(sequence)
                        except (BusUnavailable, BusOutcomeUnknown):
                            await asyncio.sleep(0.01)
        reader = await bus.consumer(ECHO_REQUESTS, "oracle")
        kept: list[int] = []
        while more := await reader.fetch(1_000, 0.5):
            await reader.acknowledge(more)
            kept += [delivery.message.sequence for delivery in more]
        assert set(acknowledged) <= set(kept)
        assert list(dict.fromkeys(kept)) == acknowledged
        await bus.close()


async def test_whoever_asks_a_server_that_dies_is_told_before_the_time_for_answers_is_over(
    tmp_path: Path,
):
    server = make_server(tmp_path)
    await server.start()
    async with asyncio.timeout(SERVES_AGAIN_S):
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ServerFailed):
            await server._while_it_runs(asyncio.sleep(3_600))


async def test_a_killed_server_serves_again_on_the_same_port(tmp_path: Path):
    async with running(make_server(reserve_ports(tmp_path))) as server:
        cell_bus = NatsCellBus(server)
        bus = await cell_bus.connect(Role.ECHO)
        address, pid = await server.address(), server.pid
        os.kill(pid, signal.SIGKILL)
        await cell_bus.until(lambda: server.pid not in {pid, None} and bus.is_connected)
        assert await server.address() == address
        await bus.publish(ECHO_REQUESTS, cell_bus.echo(), echo_id="a")
        await bus.close()


async def test_the_orphan_of_a_crashed_cell_is_ended_and_its_port_taken_over(tmp_path: Path):
    secrets = SecretsInMemory()
    orphaned = make_server(reserve_ports(tmp_path), secrets)
    await orphaned.start()
    orphan = read_process_file(tmp_path / "run" / "nats.json")
    successor = make_server(tmp_path, secrets)
    async with asyncio.timeout(SERVES_AGAIN_S):
        await successor.start()
    try:
        assert orphan is not None
        assert not is_alive(orphan)
        assert await successor.address() == await orphaned.address()
    finally:
        await successor.stop()
        await orphaned.stop()


@pytest.mark.parametrize("content", [None, b"not json", b'{"pid": 1}', b""])
async def test_an_orphan_is_found_though_its_process_file_is_lost(tmp_path: Path, content):
    secrets = SecretsInMemory()
    orphaned = make_server(tmp_path, secrets)
    await orphaned.start()
    file = tmp_path / "run" / "nats.json"
    orphan = read_process_file(file)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    successor = make_server(tmp_path, secrets)
    await successor.start()
    try:
        assert orphan is not None
        assert not is_alive(orphan)
    finally:
        await successor.stop()
        await orphaned.stop()


async def test_a_strangers_process_with_the_orphans_number_is_not_touched(tmp_path: Path):
    async with stranger() as process:
        (tmp_path / "run").mkdir()
        file = tmp_path / "run" / "nats.json"
        write_process_file(file, process.pid, {"nats": 1})
        written = read_process_file(file)
        assert written is not None
        ticks = written.started_ticks
        text = file.read_text().replace(str(ticks), str(ticks - 1))
        file.write_text(text)
        server = make_server(tmp_path)
        await server.start()
        await server.stop()
        assert process.returncode is None


async def test_another_port_is_taken_when_a_stranger_listens_on_ours(tmp_path: Path):
    secrets = SecretsInMemory()
    first = make_server(reserve_ports(tmp_path), secrets)
    await first.start()
    taken = int((await first.address()).rpartition(":")[2])
    await first.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        second = make_server(tmp_path, secrets)
        await second.start()
        try:
            assert not (await second.address()).endswith(f":{taken}")
            assert published_address(tmp_path) == await second.address()
        finally:
            await second.stop()


async def test_the_server_keeps_its_port_over_an_orderly_restart(tmp_path: Path):
    secrets, addresses = SecretsInMemory(), []
    reserve_ports(tmp_path)
    for _ in range(2):
        server = make_server(tmp_path, secrets)
        await server.start()
        addresses.append(await server.address())
        await server.stop()
    assert addresses[0] == addresses[1]


async def test_the_server_is_in_a_session_of_its_own(nats_server: NatsServer):
    pid = nats_server.pid
    assert pid is not None
    assert os.getsid(pid) == pid


async def test_a_stopped_server_is_gone_and_is_not_started_again(tmp_path: Path):
    async with running(make_server(tmp_path)) as server:
        process = read_process_file(tmp_path / "run" / "nats.json")
        assert process is not None
        assert is_alive(process)
    assert server.pid is None
    assert not is_alive(process)


async def test_a_server_that_cannot_start_says_so(tmp_path: Path):
    await (server := make_server(tmp_path)).start()
    await server.stop()
    (tmp_path / "cell" / "nats" / "jetstream").rename(tmp_path / "aside")
    (tmp_path / "cell" / "nats" / "jetstream").write_text("a file where a folder must be")
    with pytest.raises(ServerFailed):
        await server.start()
    assert server.pid is None


def test_no_address_is_known_before_a_server_has_run(tmp_path: Path):
    with pytest.raises(BusUnavailable):
        published_address(tmp_path)


async def test_an_acknowledgement_waits_for_the_disk_but_on_streams_that_promise_nothing(
    nats_server: NatsServer, tmp_path: Path
):
    # A killed process leaves what it wrote with the kernel, so only a loss of power would show it.
    assert "sync_interval: always" in (tmp_path / "cell" / "nats" / "server.conf").read_text()
    modes = {
        topic.kept: stream_configuration(topic, NATS_DEFAULTS).get("persist_mode")
        for topic in (ECHO_FRAMES, ECHO_REQUESTS, ECHO_STATE)
    }
    assert modes == {Kept.STREAM: "async", Kept.STREAM_SYNCED: None, Kept.LAST_VALUE: None}


async def test_the_configuration_is_readable_by_its_owner_alone(
    nats_server: NatsServer, tmp_path: Path
):
    for place in ("cell/nats/server.conf", "cell/nats", "run"):
        assert (tmp_path / place).stat().st_mode & 0o077 == 0, place


async def test_every_stream_has_the_limits_of_its_topic_by_the_servers_own_word(
    nats_server: NatsServer,
):
    steward = nats_server.authority.steward_credentials()
    client = await nats.connect(
        await nats_server.address(),
        user_jwt_cb=lambda: steward.jwt.encode(),
        signature_cb=lambda nonce: steward.sign(nonce.encode()),
        inbox_prefix=f"{INBOX}{steward.name}".encode(),
    )
    try:
        for topic in TOPICS:
            if topic.is_durable:
                answer = await client.request(f"$JS.API.STREAM.INFO.{topic.stream_name}", b"")
                said = json.loads(answer.data)["config"]
                assert_limits_of(topic, said)
    finally:
        await client.close()


def assert_limits_of(topic: Topic, said: dict) -> None:
    """What the row says, and the limits of the server's settings, are what the server says."""
    limits, nanoseconds = NATS_DEFAULTS, 1_000_000_000
    if topic.kept is Kept.LAST_VALUE:
        assert said["max_age"] == 0, topic.name
        assert said["max_bytes"] == limits.last_values_bytes_max, topic.name
        assert said["max_msgs_per_subject"] == 1, topic.name
    else:
        assert said["max_age"] == topic.retention_s * nanoseconds, topic.name
        assert said["max_bytes"] == limits.stream_bytes_max, topic.name
        assert said["max_msgs_per_subject"] == -1, topic.name
    # What the sender keeps itself is not looked for twice; the server wants a window all the same.
    seconds = 0.1 if topic.kept is Kept.STREAM else limits.duplicate_window_s
    longest_s = min(seconds, said["max_age"] / nanoseconds or seconds)
    assert said["duplicate_window"] == round(longest_s * nanoseconds), topic.name


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_another_address_than_loopback_without_tls_is_refused(tmp_path: Path, host: str):
    with pytest.raises(SettingInvalid):
        make_server(tmp_path, config=NatsServerConfig(listen_host=host))


async def test_a_participant_refuses_another_address_without_tls(nats_bus: NatsCellBus):
    async def elsewhere() -> str:
        return "nats://192.0.2.1:4222"

    with pytest.raises(SettingInvalid):
        await NatsBus.connect(
            identity=Identity(Role.ECHO),
            credentials=nats_bus.credentials(Role.ECHO, {}),
            server_address=elsewhere,
            clock=SystemClock(),
            random=Random(1),
            metrics=Metrics(),
            log=structlog.get_logger(),
        )


async def test_with_a_certificate_the_bus_speaks_tls(tmp_path: Path):
    certificate, key = make_certificate(tmp_path)
    config = NatsServerConfig(tls_certificate_file=certificate, tls_key_file=key)
    context = ssl.create_default_context(cafile=str(certificate))
    async with running(make_server(tmp_path, config=config)) as server:
        cell_bus = NatsCellBus(server)
        bus = await cell_bus.join_with(
            cell_bus.credentials(Role.ECHO, {}), Identity(Role.ECHO), tls=context
        )
        await bus.publish(ECHO_REQUESTS, cell_bus.echo(), echo_id="a")
        assert (await server.address()).startswith("tls://")
        await bus.close()


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cell")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    files = directory / "certificate.pem", directory / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files

"""The bus over NATS when the server goes away, comes back, or does not answer."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from monocoque.contracts import errors
from monocoque.contracts.topics import (
    CAR_STATE,
    ECHO_ANSWERS,
    ECHO_FRAMES,
    ECHO_REQUESTS,
    ECHO_STATE,
    Role,
)
from monocoque.contracts.wire.car_pb2 import CarState
from monocoque.contracts.wire.echo_pb2 import Echo
from monocoque.plumbing.bus.nats_credentials import public_key
from monocoque.plumbing.bus.nats_flight import Flight, Flights
from monocoque.plumbing.bus.port import Bus, Identity, Outgoing, Subscription
from tests.fixtures.bus import QUICK, NatsCellBus, RawClient, make_server

WAIT_S = 5.0


@pytest.fixture
async def supervised(tmp_path: Path) -> AsyncIterator[NatsCellBus]:
    """A bus whose server is started again when it dies."""
    server = make_server(tmp_path)
    await server.start()
    async with asyncio.TaskGroup() as group:
        supervision = group.create_task(server.supervise())
        cell_bus = NatsCellBus(server)
        try:
            yield cell_bus
        finally:
            for bus in cell_bus.buses:
                await bus.close()
            await server.stop()
            await supervision


async def kill(cell_bus: NatsCellBus, bus: Bus) -> None:
    """Kill the server and return when the bus has found its successor."""
    pid = cell_bus.server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await cell_bus.until(lambda: not bus.is_connected)
    await cell_bus.until(lambda: bus.is_connected)


async def first_of(subscription: Subscription[Echo]) -> int:
    """The number of the next message."""
    delivery = await subscription.next(WAIT_S)
    assert delivery is not None
    return delivery.message.sequence


@contextlib.asynccontextmanager
async def frozen(cell_bus: NatsCellBus) -> AsyncIterator[None]:
    """The server takes no step inside the block."""
    pid = cell_bus.server.pid
    assert pid is not None
    stop(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def stop(pid: int) -> None:
    """Let our child take no further step; returns when all its threads stand."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)


async def test_a_live_reader_hears_again_after_the_server_died_and_is_told_of_the_gap(supervised):
    bus = await supervised.connect(Role.ECHO)
    async with bus.listen(ECHO_ANSWERS) as subscription:
        await kill(supervised, bus)
        await bus.publish(ECHO_ANSWERS, supervised.echo(3), echo_id="a")
        delivery = await subscription.next(WAIT_S)
        assert delivery.message.sequence == 3
        assert subscription.missed == 1


async def test_every_new_connection_is_told_when_readers_hear_again(supervised):
    bus = await supervised.connect(Role.ECHO)
    async with bus.listen(ECHO_ANSWERS) as subscription:
        for count in (2, 3):
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(bus.connected_after(count - 1))
                os.kill(supervised.server.pid, signal.SIGKILL)
            assert (waiting.result(), bus.connection_count) == (count, count)
            await bus.publish(ECHO_ANSWERS, supervised.echo(count), echo_id="a")
            assert await first_of(subscription) == count
        assert await bus.connected_after(1) == 3, "who was away hears of it too"


async def test_a_consumer_goes_on_after_the_server_died(supervised):
    bus = await supervised.connect(Role.ECHO)
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    assert await consumer.fetch(10, 0.05) == []
    await bus.publish(ECHO_REQUESTS, supervised.echo(1), echo_id="a")
    await kill(supervised, bus)
    await bus.publish(ECHO_REQUESTS, supervised.echo(2), echo_id="a")
    fetched: list[int] = []
    while len(fetched) < 2:
        more = await consumer.fetch(10, WAIT_S)
        await consumer.acknowledge(more)
        fetched += [delivery.message.sequence for delivery in more]
    assert fetched == [1, 2]


async def test_a_fetch_that_waits_while_the_server_dies_says_so(supervised):
    bus = await supervised.connect(Role.ECHO)
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    assert await consumer.fetch(10, 0.05) == []
    async with asyncio.TaskGroup() as group:
        group.create_task(kill(supervised, bus))
        with pytest.raises(errors.BusUnavailable):
            await consumer.fetch(10, 60.0)


async def test_a_watcher_goes_on_after_the_server_died(supervised):
    bus = await supervised.connect(Role.ECHO)
    async with bus.watch(ECHO_STATE) as watched:
        await bus.publish(ECHO_STATE, supervised.echo(1), echo_id="a")
        assert (await watched.next(WAIT_S)).message.sequence == 1
        await kill(supervised, bus)
        await bus.publish(ECHO_STATE, supervised.echo(2), echo_id="a")
        async with asyncio.timeout(WAIT_S):
            async for delivery in watched:
                if delivery.message.sequence == 2:
                    break


async def test_a_publisher_is_told_at_once_that_the_bus_is_away(nats_bus: NatsCellBus):
    bus = await nats_bus.connect(Role.ECHO)
    await nats_bus.server.stop()
    await nats_bus.until(lambda: not bus.is_connected)
    for topic in (ECHO_REQUESTS, ECHO_ANSWERS):
        with pytest.raises(errors.BusUnavailable):
            await bus.publish(topic, nats_bus.echo(), echo_id="a")
    consumer = await bus.consumer(ECHO_REQUESTS, "reader")
    with pytest.raises(errors.BusUnavailable):
        await consumer.fetch(1, 0.1)


async def test_a_participant_may_come_before_the_server(tmp_path: Path):
    server = make_server(tmp_path)
    await server.start()
    await server.stop()
    cell_bus = NatsCellBus(server)
    bus = await cell_bus.join(Identity(Role.ECHO), QUICK)
    assert not bus.is_connected
    assert bus.connection_count == 0
    async with bus.listen(ECHO_ANSWERS) as subscription:
        await server.start()
        await cell_bus.until(lambda: bus.is_connected)
        await bus.publish(ECHO_ANSWERS, cell_bus.echo(4), echo_id="a")
        assert await first_of(subscription) == 4
    await bus.close()
    await server.stop()


async def test_without_an_answer_in_time_the_outcome_is_unknown(nats_bus: NatsCellBus):
    hasty = await nats_bus.connect(Role.ECHO, replace(QUICK, publish_timeout_s=0.2))
    # A server that runs again may take longer than that, too.
    patient = await nats_bus.connect(Role.ECHO)
    message = nats_bus.echo(1)
    async with frozen(nats_bus):
        with pytest.raises(errors.BusOutcomeUnknown):
            await hasty.publish(ECHO_REQUESTS, message, echo_id="a")
    await patient.publish(ECHO_REQUESTS, message, echo_id="a")
    consumer = await patient.consumer(ECHO_REQUESTS, "reader")
    assert len(await consumer.fetch(10, WAIT_S)) == 1, "said twice, kept once"


async def test_a_server_that_dies_before_it_answers_leaves_the_outcome_unknown(supervised):
    bus = await supervised.connect(Role.ECHO, replace(QUICK, publish_timeout_s=60.0))
    batch = [Outgoing(supervised.echo(n), {"echo_id": "a"}) for n in range(50)]
    stop(supervised.server.pid)
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        publishing = group.create_task(publish_and_catch(bus, batch))
        await asyncio.sleep(0)
        os.kill(supervised.server.pid, signal.SIGKILL)
    assert isinstance(publishing.result(), errors.BusOutcomeUnknown)


async def publish_and_catch(bus: Bus, batch: list[Outgoing]) -> errors.MonocoqueError | None:
    try:
        await bus.publish_batch(ECHO_REQUESTS, batch)
    except errors.MonocoqueError as error:
        return error
    return None


async def test_a_stored_message_that_is_led_to_a_live_reader_is_refused(nats_bus: NatsCellBus):
    bus = await nats_bus.connect(Role.ECHO)
    await bus.publish(ECHO_STATE, nats_bus.echo(1), echo_id="a")
    async with bus.listen(ECHO_ANSWERS) as subscription, raw_echo(nats_bus) as raw:
        question = "$JS.API.DIRECT.GET.ECHO_STATE.echo.a.state"
        await raw.publish(question, b"", reply="echo.a.answers")
        await raw.settle()
        await nats_bus.until(lambda: nats_bus.refused(ECHO_ANSWERS, "message_malformed") == 1)
        await bus.publish(ECHO_ANSWERS, nats_bus.echo(2), echo_id="a")
        assert await first_of(subscription) == 2


def raw_echo(cell_bus: NatsCellBus) -> contextlib.AbstractAsyncContextManager[RawClient]:
    return cell_bus.raw_client(Role.ECHO)


async def test_a_subject_of_the_wrong_form_is_refused_where_it_arrives(nats_bus: NatsCellBus):
    bus = await nats_bus.connect(Role.ECHO)
    async with bus.listen(ECHO_ANSWERS), raw_echo(nats_bus) as raw:
        await raw.publish("echo.!!.answers", nats_bus.echo().SerializeToString())
        await nats_bus.until(lambda: nats_bus.refused(ECHO_ANSWERS, "message_malformed") == 1)


async def test_more_than_fits_in_flight_is_published_all_the_same(nats_bus: NatsCellBus):
    bus = await nats_bus.connect(Role.ECHO, replace(QUICK, in_flight_messages_max=3))
    batch = [Outgoing(nats_bus.echo(n), {"echo_id": "a"}) for n in range(20)]
    await bus.publish_batch(ECHO_FRAMES, batch)
    consumer = await bus.consumer(ECHO_FRAMES, "reader")
    fetched = await consumer.fetch(100, WAIT_S)
    assert [delivery.message.sequence for delivery in fetched] == list(range(20))


async def test_a_revoked_car_is_refused_at_once_and_for_ever_and_the_others_stay(
    supervised: NatsCellBus,
):
    bad, good = supervised.new("car"), supervised.new("car")
    credentials = {car: supervised.credentials(Role.CAR, {"car_id": car}) for car in (bad, good)}
    buses = {
        car: await supervised.join_with(credentials[car], Identity(Role.CAR, {"car_id": car}))
        for car in (bad, good)
    }
    await supervised.server.revoke([public_key(credentials[bad].seed)])
    await supervised.until(lambda: not buses[bad].is_connected)
    assert (buses[good].is_connected, buses[good].connection_count) == (True, 1)
    for is_restarted in (False, True):
        if is_restarted:
            await kill(supervised, buses[good])
        with pytest.raises(errors.CredentialsRefused):
            await supervised.join_with(credentials[bad], Identity(Role.CAR, {"car_id": bad}))
        await buses[good].publish(CAR_STATE, supervised.stamped(CarState()), car_id=good)
        assert not buses[bad].is_connected
    again = await supervised.connect(Role.CAR, car_id=bad)
    assert again.is_connected, "with a new key it has its place again"


async def test_a_service_cannot_read_the_state_of_cars_without_a_row(nats_bus: NatsCellBus):
    console = await nats_bus.connect(Role.CONSOLE)
    with pytest.raises(errors.TopicRefused):
        await console.last(CAR_STATE, car_id=nats_bus.new("car"))


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        pytest.param(b'{"stream":"S","seq":1}', None, None, id="taken"),
        pytest.param(b'{"stream":"S","seq":1,"duplicate":true}', None, None, id="taken before"),
        pytest.param(b"", "503", errors.BusUnavailable, id="no stream"),
        pytest.param(b"nonsense", None, errors.BusOutcomeUnknown, id="nonsense"),
        pytest.param(
            b'{"error":{"code":503,"err_code":10023,"description":"insufficient resources"}}',
            None,
            errors.DiskFull,
            id="no room",
        ),
        pytest.param(
            b'{"error":{"code":500,"err_code":1,"description":"write: no space left on device"}}',
            None,
            errors.DiskFull,
            id="disk full",
        ),
        pytest.param(
            b'{"error":{"code":400,"err_code":2,"description":"else"}}',
            None,
            errors.BusUnavailable,
            id="another error",
        ),
    ],
)
async def test_an_acknowledgement_is_understood(answer, status, error):
    flights, flight = Flights(), Flight()
    flights.land(flights.add(flight), answer, status)
    outcome = None
    try:
        await flight.wait_below(1, WAIT_S)
    except errors.MonocoqueError as raised:
        outcome = type(raised)
    assert outcome is error

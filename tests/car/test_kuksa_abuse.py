"""Who floods KUKSA's door, who stalls it, and who goes on after the token has ended."""

import asyncio
import contextlib
import gc

import grpc
import pytest

from monocoque.car.kuksa import service as kuksa
from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.signals.logic.readings import Freshness
from monocoque.car.tokens import service as tokens
from monocoque.contracts.signals import CHARGE_LIMIT, SPEED
from monocoque.contracts.wire import kuksa_v1_pb2 as v1
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from tests.car.door_stand import DoorStand, KuksaClient

WAIT_S_MAX = 20.0
SHARE = 5
INFO = v2.GetServerInfoRequest()
HEAR_SPEED = v2.SubscribeRequest(signal_paths=[SPEED.path])


def publish_speed(value):
    point = v2.Datapoint(value=v2.Value(float=value))
    said = v2.PublishValuesRequest(request_id=1, data_points={SPEED.number: point})
    return v2.OpenProviderStreamRequest(publish_values_request=said)


def set_speed(value):
    entry = v1.DataEntry(path=SPEED.path, value=v1.Datapoint(float=value))
    update = v1.EntryUpdate(entry=entry, fields=[v1.FIELD_VALUE])
    return v1.StreamedUpdateRequest(updates=[update])


def ask_limit(percent):
    where = v2.SignalID(path=CHARGE_LIMIT.path)
    return v2.ActuateRequest(signal_id=where, value=v2.Value(uint32=percent))


async def refusal_of(awaitable):
    """The code of the error that this ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    return caught.value.code().name


@contextlib.asynccontextmanager
async def floodable(scope="read actuate provide", **limits):
    """A door whose clients have a small share, and what connects to it with a token of its own."""
    stand = DoorStand(config=KuksaConfig(calls_per_client_max=SHARE, calls_max=50, **limits))
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run), contextlib.AsyncExitStack() as s:
        address = await stand.plate.address("kuksa")

        async def come():
            token, token_id = await stand.token(scope)
            return await s.enter_async_context(KuksaClient(address, token)), token_id

        yield stand, come


async def test_who_opens_more_streams_than_its_share_is_refused_and_the_others_go_on():
    async with floodable() as (stand, come):
        other, _ = await come()
        heard = other.v2["Subscribe"](HEAR_SPEED)
        await heard.read()
        flooding, _ = await come()
        streams = [flooding.v2["Subscribe"](HEAR_SPEED) for _ in range(40)]
        await asyncio.gather(*(each.read() for each in streams), return_exceptions=True)
        refused = [(await each.code()).name for each in streams if each.done()]
        assert refused == ["RESOURCE_EXHAUSTED"] * (40 - SHARE)
        assert await refusal_of(flooding.v2["GetServerInfo"](INFO)) == "RESOURCE_EXHAUSTED"
        await other.v2["GetServerInfo"](INFO)
        async with stand.all.provide([SPEED.number]) as provision:
            await provision.publish([SPEED.number], [7.0], stand.clock.now_us())
            assert (await heard.read()).entries[SPEED.path].value.float == 7.0
        # A stream that ends makes room again.
        [running, *_] = [each for each in streams if not each.done()]
        running.cancel()
        while await _is_refused(flooding):
            pass


async def test_calls_that_never_send_their_request_cost_only_whoever_opened_them():
    async with floodable() as (_, come):
        stalling, _ = await come()
        path = "/kuksa.val.v2.VAL/GetValue"
        stalled = stalling.channel.stream_unary(path)
        calls = [stalled(metadata=stalling.metadata) for _ in range(SHARE)]
        for call in calls:
            await call.wait_for_connection()
        while not await _is_refused(stalling):
            pass
        # Without a token, a call is answered before it has said anything.
        nameless = [stalled() for _ in range(60)]
        for call in nameless:
            assert await call.code() == grpc.StatusCode.UNAUTHENTICATED
        other, _ = await come()
        await other.v2["GetServerInfo"](INFO)


async def test_values_that_a_slow_subscriber_missed_are_counted():
    async with floodable() as (stand, come):
        slow, _ = await come()
        streams = [slow.v2["Subscribe"](HEAR_SPEED), slow.v1["Subscribe"](speed_v1())]
        for stream in streams:
            await stream.read()
        async with stand.all.provide([SPEED.number]) as provision:
            for value in range(1_000):  # more than waits, and all before a subscriber's turn
                await provision.publish([SPEED.number], [float(value % 200)], value + 1)
            seen = [await heard_until(stream, 1_000) for stream in streams]
        lost = stand.metrics.registry.get_sample_value(
            "monocoque_signal_values_lost_total", {"door": "kuksa"}
        )
        assert lost == 2 * 1_000 - sum(seen)
        assert lost > 0


def speed_v1():
    entry = v1.SubscribeEntry(path=SPEED.path, view=v1.VIEW_CURRENT_VALUE, fields=[v1.FIELD_VALUE])
    return v1.SubscribeRequest(entries=[entry])


async def heard_until(stream, last_us):
    """How many values came, up to the one of this time."""
    count = 0
    while True:
        message = await stream.read()
        count += 1
        points = (
            [message.entries[SPEED.path].timestamp]
            if hasattr(message, "entries")
            else [update.entry.value.timestamp for update in message.updates]
        )
        if points[-1].ToMicroseconds() == last_us:
            return count


async def _is_refused(client):
    try:
        await client.v2["GetServerInfo"](INFO)
    except grpc.aio.AioRpcError as error:
        return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return False


async def test_a_call_that_ends_before_its_request_is_malformed():
    async with floodable() as (_, come):
        client, _ = await come()
        call = client.channel.stream_unary("/kuksa.val.v2.VAL/GetValue")(metadata=client.metadata)
        await call.done_writing()
        assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_streams_that_are_open_do_nothing_more_when_their_token_was_revoked():
    async with floodable() as (stand, come), stand.all.provide([], [CHARGE_LIMIT.number]) as doer:
        client, token_id = await come()
        asking, setting = client.v2["ActuateStream"](), client.v1["StreamedUpdate"]()
        publishing, idle = client.v2["OpenProviderStream"](), client.v2["OpenProviderStream"]()
        targets = client.v1["Subscribe"](target_of_limit())
        await targets.read()
        await asking.write(ask_limit(60))
        (act,) = await doer.next_acts()
        await doer.tell(act.act_id, ActState.ACCEPTED)
        await targets.read()
        await setting.write(set_speed(1.0))
        await setting.read()
        await publishing.write(publish_speed(2.0))
        await until_speed(stand, 2.0)

        await tokens.revoke(stand.records, token_id, stand.clock.now_us())
        # Whoever waits is told, and what it said is marked; whoever speaks on is refused.
        assert await refusal_of(targets.read()) == "UNAUTHENTICATED"
        assert await refusal_of(publishing.read()) == "UNAUTHENTICATED"
        [reading] = await stand.all.read([SPEED.number])
        assert reading.freshness is Freshness.PROVIDER_GONE
        await setting.write(set_speed(55.0))
        answer = await setting.read()
        assert [each.error.code for each in answer.errors] == [401]
        await asking.write(ask_limit(77))
        assert await refusal_of(asking) == "UNAUTHENTICATED"
        await idle.write(publish_speed(99.0))
        assert await refusal_of(idle.read()) == "UNAUTHENTICATED"
        [reading] = await stand.all.read([SPEED.number])
        assert (reading.value, reading.freshness) == (2.0, Freshness.PROVIDER_GONE)
        assert await stand.all.targets([CHARGE_LIMIT.number]) == {CHARGE_LIMIT.number: 60}


async def test_who_publishes_and_falls_silent_is_gone_when_its_token_expires():
    stand = DoorStand()
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        address = await stand.plate.address("kuksa")
        token, _ = await stand.token("provide read", lifetime_s=5.0)
        async with KuksaClient(address, token) as client:
            targets = client.v1["Subscribe"](target_of_limit())
            await targets.read()
            publishing = client.v2["OpenProviderStream"]()
            await publishing.write(publish_speed(3.0))
            await until_speed(stand, 3.0)
            assert await refusal_of(publishing.read()) == "UNAUTHENTICATED"
            assert await refusal_of(targets.read()) == "UNAUTHENTICATED"
        [reading] = await stand.all.read([SPEED.number])
        assert (reading.value, reading.freshness) == (3.0, Freshness.PROVIDER_GONE)


async def test_a_claim_of_nothing_is_refused_and_takes_no_place():
    async with floodable("read") as (_, come):
        client, _ = await come()
        for message in (
            v2.OpenProviderStreamRequest(provide_actuation_request=v2.ProvideActuationRequest()),
            publish_speed(1.0),
        ):
            stream = client.v2["OpenProviderStream"]()
            await stream.write(message)
            assert await refusal_of(stream.read()) in ("INVALID_ARGUMENT", "PERMISSION_DENIED")


def target_of_limit():
    entry = v1.SubscribeEntry(
        path=CHARGE_LIMIT.path, view=v1.VIEW_TARGET_VALUE, fields=[v1.FIELD_ACTUATOR_TARGET]
    )
    return v1.SubscribeRequest(entries=[entry])


async def until_speed(stand, value):
    async with stand.all.subscribe([SPEED.number]) as heard:
        while True:
            batch = await heard.next()
            if list(batch.values) == [value]:
                return


async def test_whoever_reads_no_answers_and_leaves_leaves_nothing_behind():
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    async with floodable() as (stand, come):
        client, _ = await come()
        stream = client.v2["OpenProviderStream"]()
        await stream.write(publish_speed(1.0))
        await until_speed(stand, 1.0)
        numbers = sorted(signal.number for signal in stand.hub.catalogue.signals)[:100]
        wrong = {number: v2.Datapoint() for number in numbers}
        said = v2.PublishValuesRequest(request_id=1, data_points=wrong)
        targets = client.v1["Subscribe"](target_of_limit())
        await targets.read()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):  # until the door can write no more
                while True:
                    await stream.write(v2.OpenProviderStreamRequest(publish_values_request=said))
        stream.cancel()
        targets.cancel()
        while (await stand.all.read([SPEED.number]))[0].freshness is Freshness.FRESH:
            await asyncio.sleep(0.01)
        gc.collect()
        await client.v2["GetServerInfo"](INFO)
    assert complaints == []

"""The door for KUKSA's clients, over a real socket: both versions, their errors, bad input."""

import asyncio
import contextlib

import grpc
import pytest

from monocoque.car.kuksa import service as kuksa
from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.signals.logic.readings import Freshness
from monocoque.car.tokens import service as tokens
from monocoque.contracts.signals import (
    CABIN_TEMPERATURE,
    CHARGE,
    CHARGE_LIMIT,
    IS_CLIMATE_ON,
    IS_LOCKED,
    SPEED,
)
from monocoque.contracts.wire import kuksa_v1_pb2 as v1
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from tests.car.door_stand import DoorStand, KuksaClient

WAIT_S_MAX = 20.0
ALL = "read actuate provide"


@contextlib.asynccontextmanager
async def door(scope=ALL, config=None, **metadata):
    """A car with this door open, and a client of it."""
    stand = DoorStand(**({"kuksa": config} if config else {}))
    async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
        address = await stand.plate.address("kuksa")
        token, stand.token_id = await stand.token(scope)
        stand.address = address
        async with KuksaClient(address, token, **metadata) as client:
            yield stand, client


def by_path(path):
    return v2.SignalID(path=path)


@contextlib.asynccontextmanager
async def code_of(code):
    """A block that ends with this status of gRPC."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        yield refused
    assert refused.value.code().name == code


async def test_a_value_is_read_by_path_and_by_number_with_its_time():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await provision.publish([SPEED.number], [50.5], 1_700_000_000_123_456)
        for signal_id in (by_path(SPEED.path), v2.SignalID(id=SPEED.number)):
            answer = await client.v2["GetValue"](v2.GetValueRequest(signal_id=signal_id))
            assert answer.data_point.value.float == 50.5
            assert answer.data_point.timestamp.seconds == 1_700_000_000
            assert answer.data_point.timestamp.nanos == 123_456_000


async def test_a_signal_that_never_had_a_value_is_answered_without_one():
    async with door() as (_, client):
        answer = await client.v2["GetValue"](v2.GetValueRequest(signal_id=by_path(SPEED.path)))
        assert not answer.data_point.HasField("value")


async def test_several_values_come_in_order_or_not_at_all():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await provision.publish([SPEED.number], [1.0], 1)
        paths = [CHARGE_LIMIT.path, SPEED.path]
        request = v2.GetValuesRequest(signal_ids=[by_path(path) for path in paths])
        answer = await client.v2["GetValues"](request)
        assert [point.value.WhichOneof("typed_value") for point in answer.data_points] == [
            None,
            "float",
        ]
        request.signal_ids.append(by_path("Vehicle.Unknown"))
        async with code_of("NOT_FOUND"):
            await client.v2["GetValues"](request)


async def test_a_subscription_begins_with_all_that_was_asked_for():
    async with door() as (stand, client), stand.all.provide([SPEED.number]) as provision:
        await provision.publish([SPEED.number], [1.0], 1)
        paths = [SPEED.path, IS_LOCKED.path]
        heard = client.v2["Subscribe"](v2.SubscribeRequest(signal_paths=paths, buffer_size=10))
        first = await heard.read()
        assert set(first.entries) == set(paths)
        assert first.entries[SPEED.path].value.float == 1.0
        assert not first.entries[IS_LOCKED.path].HasField("value")
        await provision.publish([SPEED.number], [2.0], 2)
        second = await heard.read()
        assert {path: point.value.float for path, point in second.entries.items()} == {
            SPEED.path: 2.0
        }
        heard.cancel()


async def test_a_subscription_by_number_says_numbers_and_that_a_provider_is_gone():
    async with door() as (stand, client):
        async with stand.all.provide([SPEED.number]) as provision:
            await provision.publish([SPEED.number], [1.0], 1)
            request = v2.SubscribeByIdRequest(signal_ids=[SPEED.number], buffer_size=10)
            heard = client.v2["SubscribeById"](request)
            assert (await heard.read()).entries[SPEED.number].value.float == 1.0
        gone = (await heard.read()).entries[SPEED.number]
        assert not gone.HasField("value")
        assert gone.timestamp.nanos == 1_000
        heard.cancel()


async def test_metadata_lists_what_may_be_read_below_a_branch():
    async with door("read:Vehicle.Cabin") as (_, client):
        answer = await client.v2["ListMetadata"](v2.ListMetadataRequest(root="Vehicle"))
        paths = {said.path for said in answer.metadata}
        assert CABIN_TEMPERATURE.path in paths
        assert SPEED.path not in paths
        async with code_of("PERMISSION_DENIED"):
            await client.v2["ListMetadata"](v2.ListMetadataRequest(root=SPEED.path))
        async with code_of("NOT_FOUND"):
            await client.v2["ListMetadata"](v2.ListMetadataRequest(root="Nothing"))


async def test_a_single_value_is_published_and_a_wrong_one_refused():
    async with door() as (stand, client):
        point = v2.Datapoint(value=v2.Value(float=12.0))
        request = v2.PublishValueRequest(signal_id=by_path(SPEED.path), data_point=point)
        await client.v2["PublishValue"](request)
        (reading,) = await stand.all.read([SPEED.number])
        assert reading.value == 12.0
        for path, wrong in (
            (CHARGE.path, v2.Value(float=100.5)),
            (SPEED.path, v2.Value(string="fast")),
            (SPEED.path, v2.Value()),
        ):
            point = v2.Datapoint(value=wrong)
            request = v2.PublishValueRequest(signal_id=by_path(path), data_point=point)
            async with code_of("INVALID_ARGUMENT"):
                await client.v2["PublishValue"](request)


def published(request_id, **values):
    """A message of a provider's stream; the values by number, as ``n1=...``."""
    points = {
        int(name.removeprefix("n")): v2.Datapoint(value=value) for name, value in values.items()
    }
    return v2.OpenProviderStreamRequest(
        publish_values_request=v2.PublishValuesRequest(request_id=request_id, data_points=points)
    )


async def test_a_provider_publishes_silently_and_hears_what_was_refused_by_number():
    async with door() as (stand, client), stand.all.subscribe([SPEED.number]) as heard:
        await heard.next()
        stream = client.v2["OpenProviderStream"]()
        await stream.write(published(1, n1=v2.Value(float=7.0)))
        assert list((await heard.next()).values) == [7.0]
        await stream.write(published(2, n9=v2.Value(uint32=101), n16=v2.Value(bool=True)))
        answer = await stream.read()
        assert answer.publish_values_response.request_id == 2
        (number,) = answer.publish_values_response.status
        assert number == CHARGE_LIMIT.number
        assert (await stand.all.read([16]))[0].value is True
        await stream.done_writing()
        while await stream.read() is not grpc.aio.EOF:
            pass
        assert (await heard.next()).not_fresh == {SPEED.number: Freshness.PROVIDER_GONE}


async def test_a_provider_is_asked_and_the_act_is_done_when_it_says_the_value():
    async with door() as (stand, client):
        stream = client.v2["OpenProviderStream"]()
        claim = v2.ProvideActuationRequest(actuator_identifiers=[by_path(IS_CLIMATE_ON.path)])
        await stream.write(v2.OpenProviderStreamRequest(provide_actuation_request=claim))
        assert (await stream.read()).HasField("provide_actuation_response")
        request = v2.ActuateRequest(
            signal_id=by_path(IS_CLIMATE_ON.path), value=v2.Value(bool=True)
        )
        await client.v2["Actuate"](request)
        (asked,) = (await stream.read()).batch_actuate_stream_request.actuate_requests
        assert (asked.signal_id.id, asked.value.bool) == (IS_CLIMATE_ON.number, True)
        assert await stand.all.targets([IS_CLIMATE_ON.number]) == {IS_CLIMATE_ON.number: True}
        await stream.write(published(1, n13=v2.Value(bool=True)))
        async with stand.all.subscribe([IS_CLIMATE_ON.number]) as heard:
            while IS_CLIMATE_ON.number not in (await heard.next()).numbers:
                pass
        assert await stand.all.targets([IS_CLIMATE_ON.number]) == {}
        other = client.v2["OpenProviderStream"]()
        await other.write(v2.OpenProviderStreamRequest(provide_actuation_request=claim))
        async with code_of("ALREADY_EXISTS"):
            await other.read()
        stream.cancel()


async def test_a_client_may_wait_for_the_outcome_and_hears_the_reason():
    async with (
        door(wait_for_outcome="1") as (stand, client),
        stand.all.provide([], [IS_CLIMATE_ON.number]) as provision,
    ):

        async def answer(*states):
            (act,) = await provision.next_acts()
            for state, reason in states:
                await provision.tell(act.act_id, state, reason)

        request = v2.ActuateRequest(
            signal_id=by_path(IS_CLIMATE_ON.path), value=v2.Value(bool=True)
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(answer((ActState.ACCEPTED, ""), (ActState.DONE, "")))
            await client.v2["Actuate"](request)
            group.create_task(answer((ActState.REFUSED, "charge_low")))
            async with code_of("FAILED_PRECONDITION") as refused:
                await client.v2["Actuate"](request)
            assert "charge_low" in refused.value.details()
            group.create_task(answer((ActState.ACCEPTED, ""), (ActState.FAILED, "jammed")))
            async with code_of("FAILED_PRECONDITION") as refused:
                await client.v2["BatchActuate"](v2.BatchActuateRequest(actuate_requests=[request]))
            assert "jammed" in refused.value.details()
        async with code_of("DEADLINE_EXCEEDED"):
            await client.v2["Actuate"](request, timeout=0.2)


async def test_what_cannot_be_asked_is_said_with_its_number():
    async with door() as (_, client):
        for path, value, code in (
            (SPEED.path, v2.Value(float=1.0), "INVALID_ARGUMENT"),
            (CHARGE_LIMIT.path, v2.Value(uint32=101), "INVALID_ARGUMENT"),
            (CHARGE_LIMIT.path, v2.Value(uint32=80), "UNAVAILABLE"),
            ("Vehicle.Unknown", v2.Value(uint32=80), "NOT_FOUND"),
            ("", v2.Value(uint32=80), "INVALID_ARGUMENT"),
            ("V" * 10_000, v2.Value(uint32=80), "INVALID_ARGUMENT"),
        ):
            async with code_of(code):
                await client.v2["Actuate"](v2.ActuateRequest(signal_id=by_path(path), value=value))
        stream = client.v2["ActuateStream"]()
        await stream.write(
            v2.ActuateRequest(signal_id=by_path(SPEED.path), value=v2.Value(float=1.0))
        )
        async with code_of("INVALID_ARGUMENT"):
            await stream


@pytest.mark.parametrize("method", ["GetValue", "GetServerInfo", "ListMetadata"])
async def test_nobody_comes_in_without_a_good_token(method):
    async with door() as (stand, _):
        other = DoorStand()
        foreign, _ = await other.token(ALL)
        for token in ("", "nonsense", foreign):
            async with KuksaClient(stand.address, token) as client:
                request = getattr(v2, f"{method}Request")()
                async with code_of("UNAUTHENTICATED"):
                    await client.v2[method](request)


async def test_a_scope_opens_no_more_than_it_says():
    async with door("read:Vehicle.Speed") as (_, client):
        info = await client.v2["GetServerInfo"](v2.GetServerInfoRequest())
        assert info.name == "monocoque"
        await client.v2["GetValue"](v2.GetValueRequest(signal_id=by_path(SPEED.path)))
        async with code_of("PERMISSION_DENIED"):
            await client.v2["GetValue"](v2.GetValueRequest(signal_id=by_path(IS_LOCKED.path)))
        async with code_of("PERMISSION_DENIED"):
            await client.v2["PublishValue"](
                v2.PublishValueRequest(
                    signal_id=by_path(SPEED.path), data_point=v2.Datapoint(value=v2.Value(float=1))
                )
            )


async def test_a_revoked_token_ends_its_streams():
    async with door() as (stand, client):
        heard = client.v2["Subscribe"](v2.SubscribeRequest(signal_paths=[SPEED.path]))
        await heard.read()
        await tokens.revoke(stand.records, stand.token_id, stand.clock.now_us())
        async with code_of("UNAUTHENTICATED"):
            await heard.read()


async def test_bad_messages_and_floods_cost_nobody_else_anything():
    config = KuksaConfig(message_bytes_max=10_000, values_per_request_max=100)
    async with door(config=config) as (_, client):
        good = v2.GetValueRequest(signal_id=by_path(SPEED.path))
        async with code_of("RESOURCE_EXHAUSTED"):
            await client.v2["GetValue"](b"\x0a" + b"\xff" * 20_000)
        async with code_of("INVALID_ARGUMENT"):
            await client.v2["GetValue"](b"\xff\xff\xff")
        many = v2.GetValuesRequest(signal_ids=[by_path(SPEED.path)] * 101)
        async with code_of("INVALID_ARGUMENT"):
            await client.v2["GetValues"](many)
        for wrong in (v2.OpenProviderStreamRequest(), b"\xff\xff\xff"):
            stream = client.v2["OpenProviderStream"]()
            await stream.write(wrong)
            async with code_of("INVALID_ARGUMENT"):
                await stream.read()
        for request in (
            v2.SubscribeRequest(),
            v2.SubscribeRequest(signal_paths=[SPEED.path], buffer_size=1_001),
        ):
            async with code_of("INVALID_ARGUMENT"):
                await client.v2["Subscribe"](request).read()
        await asyncio.gather(*(client.v2["GetValue"](good) for _ in range(300)))


def v1_update(path, field, **value):
    entry = v1.DataEntry(path=path)
    target = entry.value if field == v1.FIELD_VALUE else entry.actuator_target
    for name, its_value in value.items():
        setattr(target, name, its_value)
    return v1.EntryUpdate(entry=entry, fields=[field])


async def test_version_1_reads_values_targets_and_metadata():
    async with (
        door() as (stand, client),
        stand.all.provide([SPEED.number], [CHARGE_LIMIT.number]) as provision,
    ):
        await provision.publish([SPEED.number], [3.0], 5)

        async def take():
            (act,) = await provision.next_acts()
            await provision.tell(act.act_id, ActState.ACCEPTED)

        async with asyncio.TaskGroup() as group:
            group.create_task(take())
            update = v1_update(CHARGE_LIMIT.path, v1.FIELD_ACTUATOR_TARGET, uint32=70)
            assert not (await client.v1["Set"](v1.SetRequest(updates=[update]))).errors
        request = v1.GetRequest(
            entries=[
                v1.EntryRequest(path=SPEED.path, view=v1.VIEW_CURRENT_VALUE),
                v1.EntryRequest(path=CHARGE_LIMIT.path, view=v1.VIEW_ALL),
                v1.EntryRequest(path="Vehicle.Unknown", view=v1.VIEW_ALL),
            ]
        )
        answer = await client.v1["Get"](request)
    speed, limit = answer.entries
    assert speed.value.float == 3.0
    assert limit.actuator_target.uint32 == 70
    assert limit.metadata.data_type == v1.DATA_TYPE_UINT8
    assert limit.metadata.value_restriction.unsigned.max == 100
    assert [(error.path, error.error.code) for error in answer.errors] == [("Vehicle.Unknown", 404)]


async def test_version_1_writes_several_and_says_which_were_refused():
    async with door() as (stand, client):
        updates = [
            v1_update(SPEED.path, v1.FIELD_VALUE, float=4.0),
            v1_update(SPEED.path, v1.FIELD_VALUE, string="x"),
            v1_update(CHARGE_LIMIT.path, v1.FIELD_ACTUATOR_TARGET, uint32=70),
        ]
        answer = await client.v1["Set"](v1.SetRequest(updates=updates))
        assert [error.error.code for error in answer.errors] == [400, 503]
        assert (await stand.all.read([SPEED.number]))[0].value == 4.0
        stream = client.v1["StreamedUpdate"]()
        await stream.write(v1.StreamedUpdateRequest(updates=updates[:1]))
        assert not (await stream.read()).errors
        stream.cancel()


async def test_version_1_subscribes_to_values_and_targets():
    async with (
        door() as (stand, client),
        stand.all.provide([SPEED.number], [CHARGE_LIMIT.number]) as provision,
    ):
        await provision.publish([SPEED.number], [3.0], 5)
        heard = client.v1["Subscribe"](
            v1.SubscribeRequest(
                entries=[
                    v1.SubscribeEntry(path=SPEED.path, fields=[v1.FIELD_VALUE]),
                    v1.SubscribeEntry(path=CHARGE_LIMIT.path, fields=[v1.FIELD_ACTUATOR_TARGET]),
                ]
            )
        )
        first = [await heard.read(), await heard.read()]
        said = [update.entry for message in first for update in message.updates]
        assert [entry.value.float for entry in said] == [3.0]

        async def take():
            (act,) = await provision.next_acts()
            await provision.tell(act.act_id, ActState.DONE)

        async with asyncio.TaskGroup() as group:
            group.create_task(take())
            await stand.all.actuate({CHARGE_LIMIT.number: 60}, 5.0)
        (update,) = (await heard.read()).updates
        assert update.entry.actuator_target.uint32 == 60
        heard.cancel()

"""Providers that are asked for values and hear what is wanted: over a real socket, good and bad."""

import asyncio
import contextlib
import gc
import itertools
from random import Random

import grpc
import pytest

from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.kuksa.service.outside import open_broker
from monocoque.car.kuksa.service.outside_streams import SETS_KEPT_MAX
from monocoque.car.signals.logic.acts import Act
from monocoque.car.signals.logic.readings import Freshness
from monocoque.car.signals.service.acts import ACTS_KEPT
from monocoque.car.signals.service.supplies import ANSWER_S_MAX
from monocoque.contracts.signals import (
    CABIN_TEMPERATURE,
    CHARGE_LIMIT,
    IS_LOCKED,
    SPEED,
    DataType,
)
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import SystemClock
from tests.car.door_stand import KuksaClient
from tests.car.test_kuksa import WAIT_S_MAX, by_path, code_of, door, published

PATIENT = KuksaConfig(answer_s_max=WAIT_S_MAX)
HASTY = KuksaConfig(answer_s_max=0.5)


class Provider:
    """A provider's stream that said what it supplies."""

    def __init__(self, client: KuksaClient) -> None:
        self.stream = client.v2["OpenProviderStream"]()

    async def supply(self, **intervals_ms: int) -> "Provider":
        """Signals by number, as ``n1=100``; returns when that was answered."""
        request = v2.ProvideSignalRequest(
            signals_sample_intervals={
                int(name.removeprefix("n")): v2.SampleInterval(interval_ms=interval_ms)
                for name, interval_ms in intervals_ms.items()
            }
        )
        await self.stream.write(v2.OpenProviderStreamRequest(provide_signal_request=request))
        assert (await self.stream.read()).HasField("provide_signal_response")
        return self

    async def publish(self, **values: v2.Value) -> None:
        await self.stream.write(published(1, **values))

    async def wanted(self) -> dict[int, int | None]:
        """The next filters: milliseconds by number, None for a filter without an interval."""
        request = (await self.stream.read()).update_filter_request
        return {
            number: (
                each.min_sample_interval.interval_ms
                if each.HasField("min_sample_interval")
                else None
            )
            for number, each in request.filters_update.items()
        }

    async def question(self) -> v2.GetProviderValueRequest:
        answer = await self.stream.read()
        assert answer.HasField("get_provider_value_request")
        return answer.get_provider_value_request

    async def answer(self, request_id: int, **points: v2.Datapoint) -> None:
        response = v2.GetProviderValueResponse(
            request_id=request_id,
            entries={int(name.removeprefix("n")): point for name, point in points.items()},
        )
        await self.stream.write(v2.OpenProviderStreamRequest(get_provider_value_response=response))


def point(seconds=None, **value):
    made = v2.Datapoint(value=v2.Value(**value)) if value else v2.Datapoint()
    if seconds is not None:
        made.timestamp.seconds = seconds
    return made


@contextlib.asynccontextmanager
async def provided(config=PATIENT, scope="read actuate provide", **intervals_ms):
    """A door with a provider, and a reader of it."""
    async with door(scope, config) as (stand, client):
        provider = await Provider(client).supply(**(intervals_ms or {"n1": 100}))
        yield stand, client, provider
        provider.stream.cancel()


async def get(client, *paths, **options):
    """The datapoints of these, as the reader gets them."""
    request = v2.GetValuesRequest(signal_ids=[by_path(path) for path in paths])
    return (await client.v2["GetValues"](request, **options)).data_points


@contextlib.asynccontextmanager
async def subscribed(client, *paths, interval_ms=None):
    """A subscription that has begun."""
    request = v2.SubscribeRequest(signal_paths=paths, buffer_size=10)
    if interval_ms is not None:
        request.filter.min_sample_interval.interval_ms = interval_ms
    heard = client.v2["Subscribe"](request)
    await heard.read()
    yield heard
    heard.cancel()


async def test_a_provider_hears_the_fastest_wish_as_subscribers_come_and_go():
    async with provided(n1=100, n14=50) as (_, client, provider):
        async with subscribed(client, SPEED.path, interval_ms=500):
            assert await provider.wanted() == {1: 500}
            async with subscribed(client, SPEED.path, IS_LOCKED.path, interval_ms=200):
                assert await provider.wanted() == {1: 200, 14: 200}
                async with subscribed(client, SPEED.path):
                    assert await provider.wanted() == {1: 100}
                assert await provider.wanted() == {1: 200}
            assert await provider.wanted() == {1: 500, 14: None}
        assert await provider.wanted() == {1: None}


async def test_a_provider_that_comes_later_hears_what_is_wanted_already_and_of_no_other_signal():
    async with (
        door() as (_, client),
        subscribed(client, SPEED.path, CHARGE_LIMIT.path, interval_ms=30),
        subscribed(client, SPEED.path, interval_ms=40),
    ):
        provider = await Provider(client).supply(n1=100)
        assert await provider.wanted() == {1: 30}
        await provider.supply(n14=0)
        async with subscribed(client, IS_LOCKED.path):
            assert await provider.wanted() == {14: 0}


async def test_wishes_of_the_cars_own_services_count_too():
    async with provided() as (stand, _, provider):
        async with stand.all.subscribe([SPEED.number], interval_s_min=1.5):
            assert await provider.wanted() == {1: 1_500}
        assert await provider.wanted() == {1: None}


async def test_who_asks_for_a_value_is_answered_by_the_provider_and_all_hear_it():
    async with (
        provided(n1=100, n14=0) as (stand, client, provider),
        stand.all.subscribe([SPEED.number]) as heard,
        asyncio.TaskGroup() as group,
    ):
        await provider.wanted()
        assert not (await heard.next()).numbers
        asked = group.create_task(get(client, SPEED.path, IS_LOCKED.path, CHARGE_LIMIT.path))
        question = await provider.question()
        assert (question.request_id, list(question.signal_ids)) == (1, [1, 14])
        await provider.answer(1, n1=point(1_000, float=7.5), n14=point(1_000, bool=True))
        speed, lock, limit = await asked
        assert (speed.value.float, speed.timestamp.seconds) == (7.5, 1_000)
        assert lock.value.bool
        assert not limit.HasField("value")
        assert list((await heard.next()).values) == [7.5]
        again = group.create_task(get(client, SPEED.path))
        question = await provider.question()
        await provider.answer(question.request_id, n1=point(1_000, float=7.5))
        assert (await again)[0].value.float == 7.5
        await provider.publish(n1=v2.Value(float=8.0))
        assert list((await heard.next()).values) == [8.0]  # what was known is not said again


async def test_readers_of_one_signal_share_a_question():
    async with door() as (stand, _), stand.all.supply() as supply, asyncio.TaskGroup() as group:
        supply.answer_s_max = WAIT_S_MAX
        supply.cover({1: 100, 14: 0})
        numbers = ([1], [1, 1, 14], [14])
        asked = [group.create_task(stand.all.read_anew(each, WAIT_S_MAX)) for each in numbers]
        first, second = [await supply.next() for _ in range(2)]
        assert (first.numbers, second.numbers) == ((1,), (14,))
        supply.answer(first.question_id, [])
        await asked[0]
        supply.answer(0, [14])
        for each in asked:
            await each


async def test_a_provider_that_never_answers_is_not_asked_at_every_read():
    """When it is asked again: test_supplies.py, on virtual time."""
    async with provided(HASTY) as (_, client, provider):
        await provider.publish(n1=v2.Value(float=3.0))
        await _until_read(client, 3.0)
        for _ in range(20):
            assert (await get(client, SPEED.path))[0].value.float == 3.0
        assert (await provider.question()).request_id == 1
        await provider.publish(n1=v2.Value(string="fast"))
        assert (await provider.stream.read()).HasField("publish_values_response")


async def _until_read(client, value):
    while (await get(client, SPEED.path))[0].value.float != value:
        pass


async def test_a_reader_with_a_deadline_is_answered_before_it_and_others_may_wait_for_longer():
    async with provided(PATIENT) as (stand, client, provider), asyncio.TaskGroup() as group:
        (speed,) = await get(client, SPEED.path, timeout=2.4 * ANSWER_S_MAX)
        assert not speed.HasField("value")
        assert (await provider.question()).request_id == 1
        patient = group.create_task(stand.all.read_anew([SPEED.number], WAIT_S_MAX))
        await asyncio.sleep(0)  # now it waits for that answer, too
        await provider.answer(1, n1=point(1_000, float=7.5))
        assert (await patient)[0].value == 7.5


async def test_a_wrong_answer_is_refused_by_number_and_the_last_value_stands():
    async with provided(n1=100, n14=0) as (_, client, provider), asyncio.TaskGroup() as group:
        await provider.publish(n1=v2.Value(float=3.0))
        asked = group.create_task(get(client, SPEED.path, IS_LOCKED.path))
        question = await provider.question()
        far = point(2**40, bool=True)
        stranger = point(float=1.0)
        await provider.answer(
            question.request_id, n1=point(string="fast"), n14=far, n999999=stranger
        )
        refused = (await provider.stream.read()).publish_values_response
        assert refused.request_id == question.request_id
        assert {number: error.code for number, error in refused.status.items()} == {
            1: v2.ERROR_CODE_INVALID_ARGUMENT,
            14: v2.ERROR_CODE_INVALID_ARGUMENT,
            999_999: v2.ERROR_CODE_PERMISSION_DENIED,
        }
        speed, lock = await asked
        assert speed.value.float == 3.0
        assert not lock.HasField("value")


async def test_a_provider_does_not_find_out_by_guessing_what_it_may_not_read():
    async with (
        provided(scope=f"provide:{SPEED.path}") as (stand, _, provider),
        stand.all.provide([IS_LOCKED.number]) as provision,
    ):
        await provision.publish([IS_LOCKED.number], [True], 1_000_000)
        for guess in (True, False):
            await provider.answer(1, n14=point(1, bool=guess))
            refused = (await provider.stream.read()).publish_values_response.status
            assert {number: error.code for number, error in refused.items()} == {
                14: v2.ERROR_CODE_PERMISSION_DENIED
            }


async def test_acts_that_a_provider_never_speaks_of_are_not_kept_for_ever():
    async with door() as (stand, client), asyncio.TaskGroup() as group:
        stream = client.v2["OpenProviderStream"]()
        claim = v2.ProvideActuationRequest(actuator_identifiers=[by_path(CHARGE_LIMIT.path)])
        await stream.write(v2.OpenProviderStreamRequest(provide_actuation_request=claim))
        await stream.read()

        async def read_for_ever():
            while True:
                await stream.read()

        reading = group.create_task(read_for_ever())
        for turn in range(2 * ACTS_KEPT):
            await stand.all.actuate({CHARGE_LIMIT.number: 50 + turn % 50}, WAIT_S_MAX)
        gc.collect()
        assert sum(isinstance(each, Act) for each in gc.get_objects()) < ACTS_KEPT + 100
        reading.cancel()


async def test_an_answer_under_a_number_of_its_own_counts_for_what_it_names():
    async with provided(n1=100, n14=0) as (_, client, provider), asyncio.TaskGroup() as group:
        asked = group.create_task(get(client, SPEED.path, IS_LOCKED.path))
        await provider.question()
        await provider.answer(0)
        await provider.answer(77, n1=point(float=1.0))
        await provider.answer(0, n14=point(bool=True))
        speed, lock = await asked
        assert (speed.value.float, lock.value.bool) == (1.0, True)


async def test_what_an_answer_leaves_out_keeps_its_last_value_and_what_it_has_none_for_is_marked():
    async with provided(n1=100, n14=0) as (_, client, provider), asyncio.TaskGroup() as group:
        await provider.publish(n1=v2.Value(float=3.0), n14=v2.Value(bool=True))
        for leaves, has in ((["n14"], [True, True]), ([], [False, True])):
            asked = group.create_task(get(client, SPEED.path, IS_LOCKED.path))
            question = await provider.question()
            entries = {"n1": point(float=3.0) if leaves else point()}
            await provider.answer(question.request_id, **entries)
            assert [each.HasField("value") for each in await asked] == has


async def test_a_provider_that_dies_while_it_is_asked_is_named_at_once():
    async with provided() as (_, client, provider), asyncio.TaskGroup() as group:
        await provider.publish(n1=v2.Value(float=3.0))
        asked = group.create_task(get(client, SPEED.path))
        await provider.question()
        provider.stream.cancel()
        (speed,) = await asked
        assert speed.HasField("timestamp")
        assert not speed.HasField("value")
        assert not (await get(client, SPEED.path))[0].HasField("value")


async def test_of_two_that_supply_a_signal_the_last_is_asked_and_after_it_the_first():
    async with provided() as (stand, client, first), asyncio.TaskGroup() as group:
        second = await Provider(client).supply(n1=100)
        asked = group.create_task(get(client, SPEED.path))
        await second.answer((await second.question()).request_id, n1=point(float=2.0))
        assert (await asked)[0].value.float == 2.0
        async with stand.all.subscribe([SPEED.number]) as heard:
            assert await first.wanted() == await second.wanted() == {1: 100}
            second.stream.cancel()
            while not (await heard.next()).not_fresh:
                pass
        assert await first.wanted() == {1: None}
        asked = group.create_task(get(client, SPEED.path))
        await first.answer((await first.question()).request_id, n1=point(float=1.0))
        assert (await asked)[0].value.float == 1.0


async def test_an_error_of_a_provider_with_itself_marks_what_it_said_until_it_says_it_anew():
    async with provided() as (stand, _, provider):
        async with stand.all.subscribe([SPEED.number]) as heard:
            await provider.wanted()
            await heard.next()
            await provider.publish(n1=v2.Value(float=3.0))
            assert not (await heard.next()).not_fresh
            error = v2.ProviderErrorIndication(provider_error=v2.CODE_NETWORK_ERROR)
            await provider.stream.write(
                v2.OpenProviderStreamRequest(provider_error_indication=error)
            )
            assert (await heard.next()).not_fresh == {1: Freshness.PROVIDER_GONE}
            await provider.publish(n1=v2.Value(float=3.0))
            assert not (await heard.next()).not_fresh
        assert (await stand.all.read([SPEED.number]))[0].freshness is not Freshness.PROVIDER_GONE


@pytest.mark.parametrize(
    ("scope", "number", "code"),
    [
        ("read provide:Vehicle.Cabin", "n1", "PERMISSION_DENIED"),
        ("provide", "n999999", "NOT_FOUND"),
    ],
)
async def test_nobody_supplies_what_it_may_not(scope, number, code):
    async with door(scope) as (_, client), code_of(code):
        await Provider(client).supply(**{number: 100})


async def test_a_supplier_ends_with_its_token_at_once():
    async with provided() as (stand, _, provider):
        stand.hub.revoke(stand.token_id)
        async with code_of("UNAUTHENTICATED"):
            await provider.stream.read()


async def test_answers_that_nobody_asked_for_and_errors_of_who_said_nothing_mean_nothing():
    async with door() as (stand, client):
        provider = Provider(client)
        await provider.answer(5, n1=point(float=9.0))
        for action in (
            {"provider_error_indication": v2.ProviderErrorIndication()},
            {"update_filter_response": v2.UpdateFilterResponse(request_id=1)},
        ):
            await provider.stream.write(v2.OpenProviderStreamRequest(**action))
        await provider.supply(n1=10)
        assert (await stand.all.read([SPEED.number]))[0].value is None
        await provider.stream.done_writing()
        assert await provider.stream.read() is grpc.aio.EOF


async def test_a_flood_of_subscribers_is_one_piece_of_news_to_who_listens_later():
    async with door() as (_, client), contextlib.AsyncExitStack() as stack:
        for turn in range(50):
            await stack.enter_async_context(
                subscribed(client, SPEED.path, interval_ms=1_000 - turn)
            )
        provider = await Provider(client).supply(n1=100)
        assert await provider.wanted() == {1: 951}


async def test_a_broker_that_asks_the_cars_own_provider_hears_what_was_said_last():
    async with door("read provide", PATIENT) as (stand, client):
        token, _ = await stand.token("read provide")
        broker = await open_broker(stand.address, token, SystemClock(), Random(1))
        floats = [
            signal.number
            for signal in stand.hub.catalogue.signals
            if signal.data_type is DataType.FLOAT and signal.minimum is None
        ][:6]
        sets = [(1, *each) for each in itertools.permutations(floats)]
        assert len(sets) > SETS_KEPT_MAX
        async with broker.provide([1, 14, CABIN_TEMPERATURE.number, *floats]) as provision:
            await provision.publish([14], [True], 1)
            for turn, numbers in enumerate(sets):
                await provision.publish(numbers, [turn / 4] * len(numbers), 1_000_000 + turn)
            speed, lock, cabin = await get(
                client, SPEED.path, IS_LOCKED.path, CABIN_TEMPERATURE.path
            )
            assert (speed.value.float, speed.timestamp.seconds) == (turn / 4, 1)
            assert lock.value.bool
            assert not cabin.HasField("value")
            refused = await provision.publish([1, 14], [5.0, False], [-1, 5])
            assert list(refused) == [1]
        await broker.close()


async def test_who_publishes_all_the_time_can_be_asked_all_the_time():
    """An answer and a publication may want to be written at the same moment."""
    async with door("read provide", PATIENT) as (stand, client):
        token, _ = await stand.token("read provide")
        broker = await open_broker(stand.address, token, SystemClock(), Random(1))
        async with broker.provide([SPEED.number]) as provision:
            await provision.publish([SPEED.number], [0.0], 1)
            is_over = asyncio.Event()

            async def keep_asking():
                while not is_over.is_set():
                    await get(client, SPEED.path)

            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(keep_asking())
                for turn in range(2_000):
                    assert not await provision.publish([SPEED.number], [float(turn)], turn + 2)
                is_over.set()
            await _until_read(client, 1_999.0)
        await broker.close()


@pytest.mark.parametrize("seconds", [-1, 2**40, 2**62])
async def test_an_absurd_time_is_refused_by_name_and_the_rest_of_the_batch_stands(seconds):
    async with door() as (stand, client):
        provider = Provider(client)
        message = published(3, n1=v2.Value(float=7.0), n14=v2.Value(bool=True))
        points = message.publish_values_request.data_points
        points[1].timestamp.seconds = seconds
        await provider.stream.write(message)
        answer = (await provider.stream.read()).publish_values_response
        (refused,) = answer.status.items()
        assert refused[0] == SPEED.number
        assert SPEED.path in refused[1].message
        speed, lock = await stand.all.read([SPEED.number, IS_LOCKED.number])
        assert (speed.value, lock.value) == (None, True)
        request = v2.PublishValueRequest(signal_id=by_path(SPEED.path), data_point=points[1])
        async with code_of("INVALID_ARGUMENT"):
            await client.v2["PublishValue"](request)

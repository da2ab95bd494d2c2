"""The broker inside the car: what it takes, keeps, passes on and refuses."""

import asyncio
import contextlib
from random import Random

import pytest

from monocoque.car.signals.logic.access import NOTHING, Access, everything
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.readings import Freshness
from monocoque.car.signals.service.hub import ACTS_WAITING_MAX, PROVISIONS_PER_TOKEN_MAX, SignalHub
from monocoque.contracts.errors import (
    QueueFull,
    SignalClaimed,
    SignalClientsFull,
    SignalDenied,
    SignalNotActuator,
    SignalProviderMissing,
    SignalTokenExpired,
    SignalTokenRefused,
    SignalUnknown,
    SignalValueRefused,
)
from monocoque.contracts.signals import DataType, EntryType, Signal
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual

SPEED, GEAR, TARGET, NAME, WHEELS = 1, 2, 3, 4, 5
CATALOGUE = Catalogue(
    Signal(number, path, data_type, entry_type, "", "x", **more)
    for number, path, data_type, entry_type, more in (
        (SPEED, "Vehicle.Speed", DataType.FLOAT, EntryType.SENSOR,
         {"minimum": -250, "maximum": 250, "fresh_s": 2.0}),
        (GEAR, "Vehicle.Gear", DataType.INT8, EntryType.SENSOR, {}),
        (TARGET, "Vehicle.Target", DataType.FLOAT, EntryType.ACTUATOR,
         {"minimum": 16, "maximum": 28}),
        (NAME, "Vehicle.Name", DataType.STRING, EntryType.SENSOR, {"allowed": ("ARDEN", "LUMIO")}),
        (WHEELS, "Vehicle.Wheels", DataType.UINT8_ARRAY, EntryType.SENSOR, {}),
    )
)  # fmt: skip
ALL = everything(CATALOGUE.numbers)
NOW_US = 1_000_000_000


class Bench:
    """A hub on virtual time."""

    def __init__(self) -> None:
        self.time = MachineTime(asyncio.get_running_loop().time, start_us=NOW_US)
        self.clock = VirtualClock(self.time)
        self.hub = SignalHub(CATALOGUE, self.clock, Random(1))
        self.all = self.hub.connect("all", ALL)

    def with_access(self, **members):
        return self.hub.connect("client", Access(**members))


def on_bench(test):
    """Run a test on virtual time."""

    async def main():
        await test(Bench())

    def run():
        run_virtual(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@on_bench
async def test_what_was_published_is_read_with_time_and_source(bench):
    async with bench.all.provide([SPEED, GEAR]) as provision:
        assert not await provision.publish([SPEED, GEAR], [50, 3], NOW_US)
        speed, gear, name = await bench.all.read([SPEED, GEAR, NAME])
    assert (speed.value, speed.time_us, speed.source) == (50.0, NOW_US, "all")
    assert isinstance(speed.value, float)
    assert gear.freshness is Freshness.FRESH
    assert (name.value, name.freshness) == (None, Freshness.NEVER)


@on_bench
async def test_one_bad_value_is_refused_by_number_and_the_rest_stand(bench):
    numbers = [SPEED, GEAR, NAME, WHEELS, TARGET]
    values = [251.0, 7, "OTHER", (1, 256), 20.5]
    async with bench.all.provide(numbers) as provision:
        refused = await provision.publish(numbers, values, NOW_US)
        readings = await bench.all.read(numbers)
    assert set(refused) == {SPEED, NAME, WHEELS}
    assert all(isinstance(error, SignalValueRefused) for error in refused.values())
    assert "Vehicle.Speed is at most 250" in refused[SPEED].what
    assert [reading.value for reading in readings] == [None, 7, None, None, 20.5]


@pytest.mark.parametrize(
    ("number", "value"),
    [(SPEED, True), (SPEED, float("nan")), (SPEED, "5"), (GEAR, 128), (GEAR, 1.0), (WHEELS, 3)],
)
def test_a_value_of_another_type_is_refused(number, value):
    async def main():
        async with Bench().all.provide([number]) as provision:
            assert number in await provision.publish([number], [value], NOW_US)

    run_virtual(main())


@on_bench
async def test_a_subscriber_hears_the_present_first_and_then_each_batch(bench):
    async with bench.all.provide([SPEED, GEAR]) as provision:
        await provision.publish([SPEED], [10.0], NOW_US)
        async with bench.all.subscribe([SPEED, NAME]) as heard:
            assert (await heard.next()).numbers == (SPEED,)
            await provision.publish([SPEED, GEAR], [11.0, 1], NOW_US)
            await provision.publish([GEAR], [2], NOW_US)
            await provision.publish([SPEED], [12.0], NOW_US)
            assert [list((await heard.next()).values) for _ in range(2)] == [[11.0], [12.0]]


@on_bench
async def test_readers_of_the_same_signals_share_each_batch(bench):
    async with (
        bench.all.provide([SPEED, GEAR]) as provision,
        bench.all.subscribe([SPEED]) as one,
        bench.all.subscribe([SPEED]) as two,
    ):
        await one.next(), await two.next()
        await provision.publish([SPEED, GEAR], [11.0, 1], NOW_US)
        first, second = await one.next(), await two.next()
    assert first is second
    encoded = [each.encoded("form", lambda batch: [batch.numbers]) for each in (first, second)]
    assert encoded[0] is encoded[1]


@on_bench
async def test_a_slow_reader_gets_the_newest_and_is_told_what_it_missed(bench):
    async with (
        bench.all.provide([SPEED, GEAR]) as provision,
        bench.all.subscribe([SPEED, GEAR], queue_batches=4) as heard,
    ):
        await heard.next()
        for turn in range(10):
            await provision.publish([SPEED, GEAR], [float(turn), turn], NOW_US)
        batches = []
        while not batches or batches[-1].values[-1] != 9:
            batches.append(await heard.next())
    said = sum(len(batch.numbers) for batch in batches)
    assert said + sum(batch.lost for batch in batches) == 20
    assert len(batches) <= 4
    assert dict(zip(batches[-1].numbers, batches[-1].values, strict=True)) == {SPEED: 9.0, GEAR: 9}


@on_bench
async def test_a_reader_that_wants_it_seldom_misses_nothing_it_wanted(bench):
    loop = asyncio.get_running_loop()
    async with (
        bench.all.provide([SPEED]) as provision,
        bench.all.subscribe([SPEED], interval_s_min=1.0) as heard,
    ):
        await heard.next()
        began_s = loop.time()
        for turn in range(5):
            await provision.publish([SPEED], [float(turn)], NOW_US)
            await asyncio.sleep(0.1)
        batch = await heard.next()
        assert (list(batch.values), batch.lost) == ([4.0], 0)
        assert loop.time() - began_s == pytest.approx(1.0)


@on_bench
async def test_a_value_grows_stale_and_a_lost_provider_is_named(bench):
    async with bench.all.subscribe([SPEED]) as heard:
        await heard.next()
        async with bench.all.provide([SPEED]) as provision:
            await provision.publish([SPEED], [5.0], bench.clock.now_us())
            await asyncio.sleep(2.5)
            assert (await bench.all.read([SPEED]))[0].freshness is Freshness.STALE
            await provision.publish([SPEED], [6.0], bench.clock.now_us())
            assert (await bench.all.read([SPEED]))[0].freshness is Freshness.FRESH
        assert not (await heard.next()).not_fresh
        assert not (await heard.next()).not_fresh
        assert (await heard.next()).not_fresh == {SPEED: Freshness.PROVIDER_GONE}
    assert (await bench.all.read([SPEED]))[0].freshness is Freshness.PROVIDER_GONE
    async with bench.all.provide([SPEED]) as provision:
        await provision.publish([SPEED], [7.0], bench.clock.now_us())
        assert (await bench.all.read([SPEED]))[0].freshness is Freshness.FRESH


@on_bench
async def test_nothing_is_allowed_that_no_access_names(bench):
    nobody = bench.hub.connect("nobody", NOTHING)
    reader = bench.with_access(reads=frozenset({SPEED}))
    with pytest.raises(SignalDenied, match=r"Vehicle\.Speed"):
        await nobody.read([SPEED])
    with pytest.raises(SignalDenied, match=r"Vehicle\.Gear"):
        await reader.read([SPEED, GEAR])
    with pytest.raises(SignalDenied):
        async with reader.subscribe([GEAR]):
            pass
    with pytest.raises(SignalDenied):
        async with reader.provide([SPEED]):
            pass
    with pytest.raises(SignalDenied):
        await reader.actuate({TARGET: 20.0}, 1.0)
    with pytest.raises(SignalUnknown):
        await reader.read([99])


@on_bench
async def test_an_access_that_ends_ends_what_stands_on_it(bench):
    short = bench.with_access(
        reads=CATALOGUE.numbers, provides=CATALOGUE.numbers, expires_us=NOW_US + 5_000_000
    )
    loop = asyncio.get_running_loop()
    async with short.subscribe([SPEED]) as heard:
        await heard.next()
        with pytest.raises(SignalTokenExpired):
            await heard.next()
    assert loop.time() == pytest.approx(5.0)
    with pytest.raises(SignalTokenExpired):
        await short.read([SPEED])


@on_bench
async def test_a_revoked_token_ends_its_own_clients_and_no_others(bench):
    his = bench.with_access(reads=CATALOGUE.numbers, provides=CATALOGUE.numbers, token_id="his")
    hers = bench.with_access(reads=CATALOGUE.numbers, token_id="hers")
    async with his.subscribe([SPEED]) as one, hers.subscribe([SPEED]) as two:
        async with his.provide([SPEED], [TARGET]) as provision:
            await one.next(), await two.next()
            await provision.publish([SPEED], [1.0], NOW_US)
            bench.hub.revoke("his")
            for refused in (one.next(), provision.next_acts()):
                with pytest.raises(SignalTokenRefused):
                    await refused
            with pytest.raises(SignalTokenRefused):
                await provision.publish([SPEED], [2.0], NOW_US)
        assert list((await two.next()).values) == [1.0]


@on_bench
async def test_a_connection_whose_token_was_revoked_does_nothing_more_whatever_it_had_open(bench):
    access = {"reads": frozenset({SPEED}), "provides": frozenset({SPEED}), "token_id": "token_a"}
    ended, other = bench.with_access(**access), bench.with_access(**access | {"token_id": "b"})
    async with ended.provide([SPEED]) as provision:
        await provision.publish([SPEED], [5.0], NOW_US)
        bench.hub.revoke("token_a")
        # What it said is marked at once, though its holder has not left.
        [reading] = await bench.all.read([SPEED])
        assert reading.freshness is Freshness.PROVIDER_GONE
        for wish in (ended.read([SPEED]), ended.provide([SPEED]).__aenter__()):
            with pytest.raises(SignalTokenRefused):
                await wish
    [reading] = await other.read([SPEED])
    assert reading.value == 5.0


@on_bench
async def test_a_provider_says_only_what_it_provides(bench):
    async with bench.all.provide([SPEED]) as provision:
        refused = await provision.publish([SPEED, GEAR], [5.0, 1], NOW_US)
    assert set(refused) == {GEAR}
    assert isinstance(refused[GEAR], SignalDenied)
    speed, gear = await bench.all.read([SPEED, GEAR])
    assert (speed.value, gear.value) == (5.0, None)


@on_bench
async def test_an_actuator_has_one_doer_and_a_sensor_none(bench):
    async with bench.all.provide([], [TARGET]):
        with pytest.raises(SignalClaimed):
            async with bench.all.provide([], [TARGET]):
                pass
    with pytest.raises(SignalNotActuator):
        async with bench.all.provide([], [SPEED]):
            pass
    async with bench.all.provide([], [TARGET]):
        pass  # free again


async def _do(provision, *answers):
    """Take one request and answer for each act in it."""
    acts = await provision.next_acts()
    for act in acts:
        for answer in answers:
            await provision.tell(act.act_id, *answer)
    return acts


@on_bench
async def test_an_act_is_visible_as_a_target_until_its_value_is_met(bench):
    async with bench.all.provide([], [TARGET]) as provision, asyncio.TaskGroup() as group:
        group.create_task(_do(provision, (ActState.ACCEPTED,)))
        (act,) = await bench.all.actuate({TARGET: 21}, 10.0)
        assert (act.state, act.target) == (ActState.ACCEPTED, 21.0)
        assert await bench.all.targets([TARGET, SPEED]) == {TARGET: 21.0}
        await provision.publish([TARGET], [20.0], NOW_US)
        assert await bench.all.targets([TARGET]) == {TARGET: 21.0}
        await provision.publish([TARGET], [21.0], NOW_US)
        assert (await bench.all.outcome(act.act_id)).state is ActState.DONE
        assert await bench.all.targets([TARGET]) == {}


@on_bench
async def test_a_value_that_was_refused_meets_no_target(bench):
    async with bench.all.provide([], [TARGET]) as provision, asyncio.TaskGroup() as group:
        group.create_task(_do(provision, (ActState.ACCEPTED,)))
        await bench.all.actuate({TARGET: 21.0}, 10.0)
        refused = await provision.publish([TARGET], [21.0], 2**61)
        assert set(refused) == {TARGET}
        assert await bench.all.targets([TARGET]) == {TARGET: 21.0}
    client = bench.with_access(provides=frozenset({TARGET}), token_id="token_a")
    async with client.provide([], [TARGET]) as provision, asyncio.TaskGroup() as group:
        group.create_task(_do(provision, (ActState.ACCEPTED,)))
        await bench.all.actuate({TARGET: 22.0}, 10.0)
        assert set(client.publish_once([TARGET], [22.0], [2**61])) == {TARGET}
        assert await bench.all.targets([TARGET]) == {TARGET: 22.0}
        assert client.publish_once([TARGET], [22.0], [NOW_US]) == {}
        assert await bench.all.targets([TARGET]) == {}


@on_bench
async def test_who_may_provide_nothing_takes_no_place_and_one_token_not_all_of_them(bench):
    reader = bench.with_access(reads=frozenset({SPEED}))
    with pytest.raises(SignalDenied):
        async with reader.provide([]):
            pass
    greedy = bench.with_access(provides=frozenset({SPEED}), token_id="token_a")
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(PROVISIONS_PER_TOKEN_MAX):
            await stack.enter_async_context(greedy.provide([SPEED]))
        with pytest.raises(SignalClientsFull):
            await stack.enter_async_context(greedy.provide([SPEED]))
        other = bench.with_access(provides=frozenset({SPEED}), token_id="token_b")
        await stack.enter_async_context(other.provide([SPEED]))


@on_bench
async def test_what_is_gone_is_said_once(bench):
    async with bench.all.provide([SPEED]) as provision, bench.all.subscribe([SPEED]) as heard:
        await provision.publish([SPEED], [5.0], NOW_US)
        for _ in range(3):
            provision.doubt(frozenset({SPEED}))
        await provision.publish([SPEED], [6.0], NOW_US)
        batches = [await heard.next() for _ in range(4)]
    assert [list(batch.not_fresh) for batch in batches] == [[], [], [SPEED], []]


@on_bench
async def test_a_refusal_and_a_failure_come_with_their_reason(bench):
    async with bench.all.provide([], [TARGET]) as provision, asyncio.TaskGroup() as group:
        group.create_task(_do(provision, (ActState.REFUSED, "moving"), (ActState.DONE,)))
        (act,) = await bench.all.actuate({TARGET: 21.0}, 10.0)
        assert (act.state, act.reason) == (ActState.REFUSED, "moving")
        group.create_task(_do(provision, (ActState.ACCEPTED,), (ActState.FAILED, "jammed")))
        (act,) = await bench.all.actuate({TARGET: 22.0}, 10.0)
        ended = await bench.all.outcome(act.act_id)
        assert (ended.state, ended.reason) == (ActState.FAILED, "jammed")


@on_bench
async def test_an_act_that_nobody_finishes_fails_at_its_deadline(bench):
    async with bench.all.provide([], [TARGET]):
        (act,) = await bench.all.actuate({TARGET: 21.0}, 3.0)
        assert (act.state, act.reason) == (ActState.FAILED, "deadline")
        assert asyncio.get_running_loop().time() == pytest.approx(3.0)


@on_bench
async def test_a_newer_wish_replaces_an_older(bench):
    async with bench.all.provide([], [TARGET]) as provision, asyncio.TaskGroup() as group:
        group.create_task(_do(provision, (ActState.ACCEPTED,)))
        (older,) = await bench.all.actuate({TARGET: 21.0}, 10.0)
        group.create_task(_do(provision, (ActState.ACCEPTED,), (ActState.DONE,)))
        (newer,) = await bench.all.actuate({TARGET: 22.0}, 10.0)
        assert (await bench.all.outcome(older.act_id)).reason == "replaced"
        assert (await bench.all.outcome(newer.act_id)).state is ActState.DONE


@on_bench
async def test_the_acts_of_a_doer_that_leaves_have_failed(bench):
    async with asyncio.TaskGroup() as group:
        async with bench.all.provide([], [TARGET]) as provision:
            group.create_task(_do(provision, (ActState.ACCEPTED,)))
            (act,) = await bench.all.actuate({TARGET: 21.0}, 10.0)
        ended = await bench.all.outcome(act.act_id)
    assert (ended.state, ended.reason) == (ActState.FAILED, "provider_gone")
    with pytest.raises(SignalProviderMissing):
        await bench.all.actuate({TARGET: 21.0}, 10.0)


@on_bench
async def test_a_request_with_one_wrong_wish_forwards_none(bench):
    async with bench.all.provide([], [TARGET]):
        for wishes, error in (
            ({TARGET: 21.0, SPEED: 5.0}, SignalNotActuator),
            ({TARGET: 40.0}, SignalValueRefused),
        ):
            with pytest.raises(error):
                await bench.all.actuate(wishes, 1.0)
        assert await bench.all.targets([TARGET]) == {}


@on_bench
async def test_a_doer_that_takes_nothing_is_not_buried(bench):
    async with bench.all.provide([], [TARGET]), asyncio.TaskGroup() as group:
        asking = [
            group.create_task(bench.all.actuate({TARGET: 21.0}, 1.0))
            for _ in range(ACTS_WAITING_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await bench.all.actuate({TARGET: 21.0}, 1.0)
        for asked in asking:
            assert (await asked)[0].state is ActState.FAILED


@on_bench
async def test_the_outcome_of_an_act_that_nobody_knows_is_an_error(bench):
    with pytest.raises(SignalUnknown):
        await bench.all.outcome("act_unknown")

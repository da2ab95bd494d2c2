"""One suite for every broker of signals: the hub in this process, and one outside over gRPC.

Outside are our own door, and one that does as KUKSA's does (kuksa_broker.py).
"""

import asyncio
import contextlib
from dataclasses import replace
from random import Random

import pytest

from monocoque.car.kuksa import service as kuksa
from monocoque.car.kuksa.service.outside import open_broker
from monocoque.car.signals.logic.acts import ActState
from monocoque.car.signals.logic.catalogue import Catalogue, own_catalogue
from monocoque.car.signals.logic.readings import Freshness
from monocoque.contracts.errors import (
    SignalClaimed,
    SignalDenied,
    SignalNotActuator,
    SignalProviderMissing,
    SignalUnknown,
    SignalValueRefused,
)
from monocoque.contracts.signals import CHARGE, CHARGE_LIMIT, IS_LOCKED, SELECTED_GEAR, SPEED
from monocoque.plumbing.clock import SystemClock
from tests.car.door_stand import DoorStand
from tests.conformance.kuksa_broker import KuksaBroker

WAIT_S_MAX = 20.0
ALL = "read actuate provide"


class InProcess:
    """Connections to a hub."""

    def __init__(self, stand: DoorStand) -> None:
        self._stand = stand

    async def connect(self, scope: str = ALL):
        text, _ = await self._stand.token(scope)
        access = self._stand.tokens.access_of(f"Bearer {text}", self._stand.hub.catalogue)
        return self._stand.hub.connect(f"client {text[-5:]}", access)


class Outside:
    """Connections to the same over a socket."""

    def __init__(self, stand: DoorStand, address: str, stack: contextlib.AsyncExitStack) -> None:
        self._stand, self._address, self._stack = stand, address, stack

    async def connect(self, scope: str = ALL):
        text, _ = await self._stand.token(scope)
        broker = await open_broker(
            self._address, text, SystemClock(), Random(text), own=own_catalogue()
        )
        self._stack.push_async_callback(broker.close)
        return broker


class OfKuksa:
    """Connections to a broker that does as KUKSA's does; a scope is its token."""

    def __init__(self, address: str, stack: contextlib.AsyncExitStack) -> None:
        self._address, self._stack = address, stack

    async def connect(self, scope: str = ALL):
        broker = await open_broker(
            self._address, scope, SystemClock(), Random(scope), own=own_catalogue()
        )
        self._stack.push_async_callback(broker.close)
        return broker


@contextlib.asynccontextmanager
async def brokers(kind):
    """A broker of this kind, to connect to."""
    if kind == KUKSA:
        async with asyncio.timeout(WAIT_S_MAX), contextlib.AsyncExitStack() as stack:
            serving = KuksaBroker(tuple(own_catalogue().signals)).serving()
            yield OfKuksa(await stack.enter_async_context(serving), stack)
        return
    numbered_otherwise = Catalogue(
        replace(signal, number=signal.number + 3) for signal in own_catalogue().signals
    )
    stand = DoorStand(numbered_otherwise if kind == "outside, other numbers" else None)
    async with asyncio.timeout(WAIT_S_MAX), contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(stand.open(kuksa.run))
        if kind == "in process":
            yield InProcess(stand)
        else:
            yield Outside(stand, await stand.plate.address("kuksa"), stack)


KUKSA = "as KUKSA's does"
pytestmark = pytest.mark.parametrize(
    "kind", ["in process", "outside", "outside, other numbers", KUKSA]
)


async def test_what_was_published_is_read_with_its_time(kind):
    async with brokers(kind) as made:
        broker, other = await made.connect(), await made.connect()
        async with broker.provide([SPEED.number]) as provision:
            assert not await provision.publish([SPEED.number], [50.5], 1_700_000_000_000_000)
            reading = await _until_read(other, SPEED.number)
            assert (reading.value, reading.time_us) == (50.5, 1_700_000_000_000_000)
        (never,) = await other.read([IS_LOCKED.number])
        # A KUKSA broker gives such a signal the time at which it was started itself.
        expected = Freshness.PROVIDER_GONE if kind == KUKSA else Freshness.NEVER
        assert (never.value, never.freshness) == (None, expected)


async def test_one_bad_value_is_refused_by_number_and_the_rest_stand(kind):
    async with brokers(kind) as made:
        broker = await made.connect()
        numbers = [CHARGE.number, SELECTED_GEAR.number, IS_LOCKED.number]
        async with broker.provide(numbers[:2]) as provision:
            refused = await provision.publish(numbers, [1_000.0, 3, True], 1)
            assert {number: type(error) for number, error in refused.items()} == {
                CHARGE.number: SignalValueRefused,
                IS_LOCKED.number: SignalDenied,
            }
            assert (await _until_read(broker, SELECTED_GEAR.number)).value == 3


async def test_a_subscriber_hears_the_present_and_then_each_batch(kind):
    async with brokers(kind) as made:
        broker = await made.connect()
        async with broker.provide([SPEED.number, SELECTED_GEAR.number]) as provision:
            await provision.publish([SPEED.number], [1.0], 1)
            await _until_read(broker, SPEED.number)
            async with broker.subscribe([SPEED.number]) as heard:
                assert list((await heard.next()).values) == [1.0]
                for turn in (2.0, 3.0):
                    await provision.publish([SPEED.number, SELECTED_GEAR.number], [turn, 1], 2)
                assert [list((await heard.next()).values) for _ in range(2)] == [[2.0], [3.0]]


async def test_a_provider_that_leaves_is_named(kind):
    async with brokers(kind) as made:
        broker, other = await made.connect(), await made.connect()
        async with other.subscribe([SPEED.number]) as heard:
            await heard.next()
            async with broker.provide([SPEED.number]) as provision:
                await provision.publish([SPEED.number], [1.0], 1)
                assert list((await heard.next()).values) == [1.0]
            if kind == KUKSA:  # it goes on showing the last
                (reading,) = await other.read([SPEED.number])
                assert (reading.value, reading.freshness) == (1.0, Freshness.STALE)
                return
            assert (await heard.next()).not_fresh == {SPEED.number: Freshness.PROVIDER_GONE}
        (reading,) = await other.read([SPEED.number])
        assert reading.freshness is Freshness.PROVIDER_GONE


async def test_an_act_is_accepted_visible_as_a_target_and_done_when_met(kind):
    async with brokers(kind) as made:
        doer, client = await made.connect(), await made.connect()
        async with doer.provide([], [CHARGE_LIMIT.number]) as provision:

            async def accept():
                (act,) = await provision.next_acts()
                assert act.target == 70
                await provision.tell(act.act_id, ActState.ACCEPTED)

            async with asyncio.TaskGroup() as group:
                group.create_task(accept())
                (act,) = await client.actuate({CHARGE_LIMIT.number: 70}, 10.0)
            assert act.state is ActState.ACCEPTED
            assert await client.targets([CHARGE_LIMIT.number]) == {CHARGE_LIMIT.number: 70}
            await provision.publish([CHARGE_LIMIT.number], [70], 1)
            assert (await client.outcome(act.act_id)).state is ActState.DONE
            assert await client.targets([CHARGE_LIMIT.number]) == {}


async def test_an_act_that_nobody_does_fails_by_its_deadline(kind):
    async with brokers(kind) as made:
        doer, client = await made.connect(), await made.connect()
        async with doer.provide([], [CHARGE_LIMIT.number]) as provision:

            async def accept():
                (act,) = await provision.next_acts()
                await provision.tell(act.act_id, ActState.ACCEPTED)

            async with asyncio.TaskGroup() as group:
                group.create_task(accept())
                (act,) = await client.actuate({CHARGE_LIMIT.number: 70}, 1.0)
            ended = await client.outcome(act.act_id)
            assert (ended.state, ended.reason) == (ActState.FAILED, "deadline")


async def test_what_cannot_be_done_is_refused_before_anything_is(kind):
    async with brokers(kind) as made:
        broker, reader = await made.connect(), await made.connect("read:Vehicle.Speed")
        with pytest.raises(SignalNotActuator):
            await broker.actuate({SPEED.number: 1.0}, 1.0)
        with pytest.raises(SignalValueRefused):
            await broker.actuate({CHARGE_LIMIT.number: 101}, 1.0)
        with pytest.raises(SignalProviderMissing):
            await broker.actuate({CHARGE_LIMIT.number: 70}, 1.0)
        with pytest.raises(SignalUnknown):
            await broker.read([999_999_999])
        with pytest.raises((SignalDenied, SignalUnknown)):
            await reader.read([IS_LOCKED.number])
        with pytest.raises(SignalDenied):
            async with reader.provide([SPEED.number]):
                pass


async def test_an_actuator_has_one_doer(kind):
    async with brokers(kind) as made:
        one, two = await made.connect(), await made.connect()
        async with one.provide([], [CHARGE_LIMIT.number]):
            with pytest.raises(SignalClaimed):
                async with two.provide([], [CHARGE_LIMIT.number]):
                    pass
        with pytest.raises(SignalNotActuator):
            async with two.provide([], [SPEED.number]):
                pass


async def _until_read(broker, number):
    """The reading, once there is a value."""
    while (reading := (await broker.read([number]))[0]).value is None:
        await asyncio.sleep(0.01)
    return reading

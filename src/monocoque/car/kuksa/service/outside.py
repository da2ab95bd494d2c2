"""A broker outside this process as the car's own: the port ``Broker`` over kuksa.val.v2.

Rules:

* it works with KUKSA's databroker as with our door. The numbers of signals are the broker's, asked
  for when a connection is opened and after each loss, since a KUKSA broker gives others at each
  start; whoever is in this process knows them by ours;
* what the broker cannot say is worked out here: whether values fit before they are sent, and if
  an act was done, by waiting for the value that was asked for;
* a KUKSA broker keeps the value of a provider that left, and gives a signal that never had a value
  the time of its own start: the first is fresh here until it is stale, the second is gone;
* a broker that does not answer is an UnavailableError; who uses the connection begins anew.

Left out on purpose: sources of values, which this protocol does not say, and how many values a slow
reader missed.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from monocoque.car.kuksa.logic.metadata import signal_of
from monocoque.car.kuksa.logic.names import Names, match
from monocoque.car.kuksa.logic.reading import OF_MANY, Reader
from monocoque.car.kuksa.logic.replies import reason_of
from monocoque.car.kuksa.logic.values import read_time_us, read_value, write_value
from monocoque.car.kuksa.service.calls import WAIT_FOR_OUTCOME
from monocoque.car.kuksa.service.outside_streams import ACTS_KEPT, ENTRIES, Heard, OutsideProvision
from monocoque.car.kuksa.service.stub import KuksaStub
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.acts import DEADLINE, Act, ActState, follow
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.checks import check_actuator
from monocoque.car.signals.logic.readings import Freshness, Reading
from monocoque.car.signals.service.acts import is_met
from monocoque.car.signals.service.port import QUEUE_BATCHES
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    MonocoqueError,
    SignalProviderMissing,
    SignalUnknown,
    UnavailableError,
)
from monocoque.contracts.signals import Signal, Value, check
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import Clock

ROOT: Final = "Vehicle"
BUFFER_SIZE_MAX: Final = 1_000
MICROSECONDS: Final = 1_000_000
DONE_WHEN_MET_S: Final = 0.05
"""Pause between two looks whether an act's value is met."""


async def open_broker(
    address: str,
    token: str,
    clock: Clock,
    random: Random,
    *,
    own: Catalogue | None = None,
    waits_for_outcome: bool = False,
    time_ahead_s_max: float = SignalsConfig.time_ahead_s_max,
) -> "OutsideConnection":
    """A connection to the broker at HOST:PORT. Raises UnavailableError, SignalTokenRefused.

    own: signals that are in it keep the numbers that they have here. waits_for_outcome: whether an
    act is answered when it has ended, as our own door can. time_ahead_s_max: of values that are
    said, see ``SignalsConfig``.
    """
    stub = KuksaStub(address, token, {WAIT_FOR_OUTCOME: "1"} if waits_for_outcome else {})
    try:
        catalogue, names = match(own, await _listed(stub))
    except MonocoqueError:
        await stub.close()
        raise
    good = ActState.DONE if waits_for_outcome else ActState.ACCEPTED
    ahead_us = round(time_ahead_s_max * MICROSECONDS)
    return OutsideConnection(stub, catalogue, names, clock, random, good, ahead_us)


async def _listed(stub: KuksaStub) -> list[Signal]:
    """The signals of the broker, with its numbers; those of types that we do not have left out."""
    answer = await stub.ask("ListMetadata", v2.ListMetadataRequest(root=ROOT))
    found = (signal_of(said) for said in answer.metadata)
    return [signal for signal in found if signal is not None]


class OutsideConnection:
    """The port ``Broker``, on a broker outside."""

    def __init__(
        self,
        stub: KuksaStub,
        catalogue: Catalogue,
        names: Names,
        clock: Clock,
        random: Random,
        good: ActState,
        ahead_us: int,
    ) -> None:
        """See ``open_broker``. good: how far an act is that was answered without an error."""
        self._good = good
        self._ahead_us = ahead_us
        # What one subscription learns of the messages' shape, the others need not learn again.
        self._reader = Reader(ENTRIES, OF_MANY)
        self.catalogue = catalogue
        self.stub = stub
        self.clock = clock
        self.random = random
        self._names = names
        self._is_lost = False
        self._acts: dict[str, Act] = {}

    async def close(self) -> None:
        """Leave the broker."""
        await self.stub.close()

    async def read(self, numbers: Sequence[int]) -> list[Reading]:
        """See ``Broker.read``."""
        signals = [self.catalogue.numbered(number) for number in numbers]
        ids = [v2.SignalID(path=signal.path) for signal in signals]
        answer = await self.stub.ask("GetValues", v2.GetValuesRequest(signal_ids=ids))
        now_us = self.clock.now_us()
        pairs = zip(signals, answer.data_points, strict=True)
        return [_reading(signal, point, now_us) for signal, point in pairs]

    @asynccontextmanager
    async def subscribe(
        self,
        numbers: Sequence[int],
        *,
        interval_s_min: float = 0.0,
        queue_batches: int = QUEUE_BATCHES,
    ) -> AsyncIterator[Heard]:
        """See ``Broker.subscribe``."""
        for number in numbers:
            self.catalogue.numbered(number)
        await self._find_again()
        request = v2.SubscribeByIdRequest(
            signal_ids=[self._names.theirs[number] for number in numbers],
            buffer_size=min(queue_batches, BUFFER_SIZE_MAX),
        )
        request.filter.min_sample_interval.interval_ms = round(interval_s_min * 1_000)
        call = self.stub.stream("SubscribeById", request)
        heard = Heard(call, self._names, self._reader)
        try:
            heard.first = await heard.receive()
            yield heard
        except UnavailableError:
            self._is_lost = True
            raise
        finally:
            call.cancel()

    @asynccontextmanager
    async def provide(
        self, numbers: Sequence[int], actuators: Sequence[int] = ()
    ) -> AsyncIterator[OutsideProvision]:
        """See ``Broker.provide``."""
        for number in numbers:
            self.catalogue.numbered(number)
        for number in actuators:
            check_actuator(self.catalogue.numbered(number))
        await self._find_again()
        call = self.stub.stream("OpenProviderStream")
        provision = OutsideProvision(
            call,
            frozenset((*numbers, *actuators)),
            self._names,
            self.catalogue,
            self.clock,
            self.random,
            self._ahead_us,
        )
        try:
            # Of what it does, too, it will say the value, and KUKSA hears only who said so before.
            await provision.begin_to_say((*numbers, *actuators))
            if actuators:
                await provision.claim(actuators)
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(provision.read_for_ever())
                try:
                    yield provision
                finally:
                    reading.cancel()
        except ExceptionGroup as errors:
            # What went wrong inside the block, as it is; reading raises nothing.
            raise errors.exceptions[0] from None
        finally:
            self._is_lost = self._is_lost or provision.has_ended
            call.cancel()

    async def _find_again(self) -> None:
        """After a loss, ask anew: a KUKSA broker gives other numbers at each start."""
        if self._is_lost:
            _, names = match(self.catalogue, await _listed(self.stub))
            missing = self.catalogue.numbers - names.theirs.keys()
            if missing:
                path = self.catalogue.numbered(min(missing)).path
                raise SignalProviderMissing(f"The broker does not know {path} any more.")
            self._names, self._is_lost = names, False

    async def actuate(self, wishes: Mapping[int, Value], timeout_s: float) -> tuple[Act, ...]:
        """See ``Broker.actuate``. A refusal of our own door becomes an act that was refused."""
        checked: dict[Signal, Value] = {}
        for number, target in wishes.items():
            signal = self.catalogue.numbered(number)
            check_actuator(signal)
            checked[signal] = check(signal, target)
        request = v2.BatchActuateRequest()
        for signal, target in checked.items():
            one = request.actuate_requests.add()
            one.signal_id.path = signal.path
            write_value(one.value, signal.data_type, target)
        now_us = self.clock.now_us()
        deadline_us = now_us + round(timeout_s * MICROSECONDS)
        state, reason = self._good, ""
        try:
            await self.stub.ask("BatchActuate", request, timeout_s)
        except MonocoqueError as error:
            state, reason = reason_of(error)
            if not reason:
                raise
        acts = tuple(
            Act(
                identifiers.make("act", self.random.getrandbits),
                signal.number, target, "outside", now_us, deadline_us, state, reason,
            )
            for signal, target in checked.items()
        )  # fmt: skip
        self._acts |= {act.act_id: act for act in acts}
        for act_id in list(self._acts)[:-ACTS_KEPT]:
            del self._acts[act_id]
        return acts

    async def outcome(self, act_id: str) -> Act:
        """See ``Broker.outcome``: it is done when the value is met, by its deadline."""
        act = self._acts.get(act_id)
        if act is None:
            raise SignalUnknown("Nobody remembers such an act.")
        while not act.has_ended:
            (reading,) = await self.read([act.number])
            if reading.value is not None and is_met(act.target, reading.value):
                act = follow(act, ActState.DONE)
            elif self.clock.now_us() >= act.deadline_us:
                act = follow(act, ActState.FAILED, DEADLINE)
            else:
                await asyncio.sleep(DONE_WHEN_MET_S)
        self._acts[act_id] = act
        return act

    async def targets(self, numbers: Sequence[int]) -> Mapping[int, Value]:
        """See ``Broker.targets``; of what was asked by this connection alone."""
        wanted = set(numbers)
        now_us = self.clock.now_us()
        open_acts = [
            act
            for act in self._acts.values()
            if act.number in wanted and not act.has_ended and now_us < act.deadline_us
        ]
        readings = await self.read([act.number for act in open_acts]) if open_acts else []
        return {
            act.number: act.target
            for act, reading in zip(open_acts, readings, strict=True)
            if reading.value is None or not is_met(act.target, reading.value)
        }


@dataclass(frozen=True)
class OutsideBrokers:
    """The port ``Brokers``, on a broker outside: everyone in the car shares one connection."""

    connection: OutsideConnection

    def connect(self, name: str) -> OutsideConnection:
        """See ``Brokers.connect``; the broker knows its clients by their token, not by a name."""
        return self.connection


def _reading(signal: Signal, point: v2.Datapoint, now_us: int) -> Reading:
    value = read_value(point.value, "typed_value")
    time_us = read_time_us(point, 0)
    if value is None:
        gone = Freshness.PROVIDER_GONE if time_us else Freshness.NEVER
        return Reading(signal.number, None, time_us, "", gone)
    limit_s = signal.fresh_s
    is_stale = limit_s is not None and now_us - time_us > limit_s * MICROSECONDS
    freshness = Freshness.STALE if is_stale else Freshness.FRESH
    return Reading(signal.number, value, time_us, "", freshness)

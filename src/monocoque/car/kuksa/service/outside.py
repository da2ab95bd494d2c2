"""A broker outside this process as the car's own: the port ``Broker`` over kuksa.val.v2.

Rules:

* it works with KUKSA's databroker as with our door. The numbers of signals are the broker's, asked
  for when a connection is opened, since a KUKSA broker gives others at each start;
* what the broker cannot say is worked out here: whether values fit before they are sent, and if
  an act was done, by waiting for the value that was asked for;
* a broker that does not answer is an UnavailableError; who uses the connection begins anew.

Left out on purpose: sources of values, which this protocol does not say, and how many values a slow
reader missed.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

import grpc
import grpc.aio

from monocoque.car.kuksa.logic.metadata import signal_of
from monocoque.car.kuksa.logic.reading import Reader
from monocoque.car.kuksa.logic.replies import error_of, reason_of
from monocoque.car.kuksa.logic.values import (
    member_of,
    read_time_us,
    read_value,
    write_time,
    write_value,
)
from monocoque.car.kuksa.logic.writing import Writer, write_published
from monocoque.car.kuksa.service.calls import WAIT_FOR_OUTCOME
from monocoque.car.signals.logic.acts import DEADLINE, Act, ActState, follow
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.checks import Bounds, all_fit, bounds_of, sift
from monocoque.car.signals.logic.readings import Batch, Freshness, Reading
from monocoque.car.signals.service.acts import is_met
from monocoque.car.signals.service.port import QUEUE_BATCHES
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    MonocoqueError,
    SignalDenied,
    SignalNotActuator,
    SignalProviderMissing,
    SignalUnknown,
)
from monocoque.contracts.signals import EntryType, Signal, Value, check
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import Clock

ROOT: Final = "Vehicle"
CALL_S_MAX: Final = 10.0
ACTS_KEPT: Final = 1_000
BOUNDS_KEPT_MAX: Final = 256
"""Sets of signals whose bounds a provider remembers."""
BUFFER_SIZE_MAX: Final = 1_000
MICROSECONDS: Final = 1_000_000
SERVICE: Final = v2.DESCRIPTOR.services_by_name["VAL"]
RAW: Final = frozenset({"SubscribeById"})
"""Methods whose answers are read here, since they come often."""
ENTRIES: Final = b"\x0a"
DATA_POINTS: Final = b"\x12"
"""How an entry begins in what is heard, and in what is said."""
DONE_WHEN_MET_S: Final = 0.05
"""Pause between two looks whether an act's value is met."""


class KuksaStub:
    """Every method of kuksa.val.v2 of one broker, with a token."""

    def __init__(self, address: str, token: str, metadata: Mapping[str, str]) -> None:
        """address: HOST:PORT. metadata: said with each call."""
        self._channel = grpc.aio.insecure_channel(address)
        shown = {"authorization": f"Bearer {token}"} if token else {}
        self._metadata = tuple({**shown, **metadata}.items())

    async def close(self) -> None:
        """Say goodbye."""
        await self._channel.close()

    def stream(self, method: str, *arguments: Any) -> Any:
        """A call that goes on: what grpc.aio gives for it. Of RAW, answers are bytes."""
        return self._call(method)(*arguments, metadata=self._metadata)

    async def ask(self, method: str, request: Any, timeout_s: float = CALL_S_MAX) -> Any:
        """One question and its answer. Raises the error of our tree that its status stands for."""
        try:
            return await self._call(method)(request, metadata=self._metadata, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise error_of(error.code().name, error.details() or "") from None

    def _call(self, method: str) -> Any:
        found = SERVICE.methods_by_name[method]
        kind = "_".join(
            "stream" if streams else "unary"
            for streams in (found.client_streaming, found.server_streaming)
        )
        make = getattr(self._channel, kind)
        return make(
            f"/{SERVICE.full_name}/{method}",
            request_serializer=_serialize,
            response_deserializer=(
                None if method in RAW else getattr(v2, found.output_type.name).FromString
            ),
        )


def _serialize(message: Any) -> bytes:
    if isinstance(message, bytes):
        return message
    data: bytes = message.SerializeToString()
    return data


async def open_broker(
    address: str, token: str, clock: Clock, random: Random, *, waits_for_outcome: bool = False
) -> "OutsideConnection":
    """A connection to the broker at HOST:PORT. Raises UnavailableError, SignalTokenRefused.

    waits_for_outcome: whether an act is answered when it has ended, as our own door can.
    """
    stub = KuksaStub(address, token, {WAIT_FOR_OUTCOME: "1"} if waits_for_outcome else {})
    try:
        answer = await stub.ask("ListMetadata", v2.ListMetadataRequest(root=ROOT))
    except MonocoqueError:
        await stub.close()
        raise
    found = (signal_of(said) for said in answer.metadata)
    catalogue = Catalogue(signal for signal in found if signal is not None)
    good = ActState.DONE if waits_for_outcome else ActState.ACCEPTED
    return OutsideConnection(stub, catalogue, clock, random, good)


class OutsideConnection:
    """The port ``Broker``, on a broker outside."""

    def __init__(
        self,
        stub: KuksaStub,
        catalogue: Catalogue,
        clock: Clock,
        random: Random,
        good: ActState,
    ) -> None:
        """See ``open_broker``. good: how far an act is that was answered without an error."""
        self._good = good
        self.catalogue = catalogue
        self.stub = stub
        self.clock = clock
        self.random = random
        self.writer = Writer(
            DATA_POINTS,
            {signal.number: member_of(signal.data_type) for signal in catalogue.signals},
            {},
        )
        self._acts: dict[str, Act] = {}

    async def close(self) -> None:
        """Leave the broker."""
        await self.stub.close()

    async def read(self, numbers: Sequence[int]) -> list[Reading]:
        """See ``Broker.read``."""
        signals = [self.catalogue.numbered(number) for number in numbers]
        ids = [v2.SignalID(id=number) for number in numbers]
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
    ) -> AsyncIterator["_Heard"]:
        """See ``Broker.subscribe``."""
        for number in numbers:
            self.catalogue.numbered(number)
        request = v2.SubscribeByIdRequest(
            signal_ids=list(numbers), buffer_size=min(queue_batches, BUFFER_SIZE_MAX)
        )
        request.filter.min_sample_interval.interval_ms = round(interval_s_min * 1_000)
        call = self.stub.stream("SubscribeById", request)
        heard = _Heard(call)
        try:
            heard.first = await heard.receive()
            yield heard
        finally:
            call.cancel()

    @asynccontextmanager
    async def provide(
        self, numbers: Sequence[int], actuators: Sequence[int] = ()
    ) -> AsyncIterator["OutsideProvision"]:
        """See ``Broker.provide``."""
        for number in numbers:
            self.catalogue.numbered(number)
        for number in actuators:
            _check_actuator(self.catalogue.numbered(number))
        call = self.stub.stream("OpenProviderStream")
        provision = OutsideProvision(self, call, frozenset((*numbers, *actuators)))
        try:
            if numbers:
                await provision.begin_to_say(numbers)
            if actuators:
                await provision.claim(actuators)
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(provision.read_for_ever())
                try:
                    yield provision
                finally:
                    reading.cancel()
        finally:
            call.cancel()

    async def actuate(self, wishes: Mapping[int, Value], timeout_s: float) -> tuple[Act, ...]:
        """See ``Broker.actuate``. A refusal of our own door becomes an act that was refused."""
        checked: dict[Signal, Value] = {}
        for number, target in wishes.items():
            signal = self.catalogue.numbered(number)
            _check_actuator(signal)
            checked[signal] = check(signal, target)
        request = v2.BatchActuateRequest()
        for signal, target in checked.items():
            one = request.actuate_requests.add()
            one.signal_id.id = signal.number
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


class _Heard:
    """The port ``Subscription``, on a stream."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._reader = Reader(ENTRIES)
        self.first: Batch | None = None

    async def next(self) -> Batch:
        """See ``Subscription.next``."""
        first, self.first = self.first, None
        return await self.receive() if first is None else first

    async def receive(self) -> Batch:
        """The next message, as a batch; of signals without a value, only those that lost it."""
        data = await _next_message(self._call)
        said = self._reader.read(data, 0, 0)
        if said is not None:
            return Batch(*said, "")
        message = v2.SubscribeByIdResponse.FromString(data)
        numbers: list[int] = []
        values: list[Value] = []
        times_us: list[int] = []
        not_fresh: dict[int, Freshness] = {}
        for number, point in message.entries.items():
            value = read_value(point.value, "typed_value")
            if value is None:
                if point.HasField("timestamp"):
                    not_fresh[number] = Freshness.PROVIDER_GONE
                continue
            numbers.append(number)
            values.append(value)
            times_us.append(read_time_us(point, 0))
        return Batch(tuple(numbers), values, times_us, "", not_fresh)


class OutsideProvision:
    """The port ``Provision``, on a stream."""

    def __init__(self, broker: OutsideConnection, call: Any, numbers: frozenset[int]) -> None:
        """See ``OutsideConnection.provide``."""
        self._broker = broker
        self._call = call
        self._numbers = numbers
        self._bounds: dict[tuple[int, ...], list[Bounds]] = {}
        self._asked: asyncio.Queue[tuple[Act, ...]] = asyncio.Queue()
        self._acts: dict[str, Act] = {}
        self._error: MonocoqueError | None = None
        self._has_ended = asyncio.Event()

    async def begin_to_say(self, numbers: Sequence[int]) -> None:
        """Tell the broker what is provided."""
        request = v2.ProvideSignalRequest(
            signals_sample_intervals={number: v2.SampleInterval() for number in numbers}
        )
        await self._send(v2.OpenProviderStreamRequest(provide_signal_request=request))
        await _next_message(self._call)

    async def claim(self, actuators: Sequence[int]) -> None:
        """Claim them. Raises SignalClaimed."""
        request = v2.ProvideActuationRequest(
            actuator_identifiers=[v2.SignalID(id=number) for number in actuators]
        )
        await self._send(v2.OpenProviderStreamRequest(provide_actuation_request=request))
        await _next_message(self._call)

    async def read_for_ever(self) -> None:
        """Take what the broker says, until the stream ends."""
        try:
            while True:
                answer = await _next_message(self._call)
                if answer.HasField("batch_actuate_stream_request"):
                    self._take(answer.batch_actuate_stream_request)
        except MonocoqueError as error:
            self._error = error
            self._has_ended.set()

    async def publish(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: int | Sequence[int]
    ) -> Mapping[int, MonocoqueError]:
        """See ``Provision.publish``."""
        if self._error is not None:
            raise self._error
        key = tuple(numbers)
        each_us = [times_us] * len(key) if isinstance(times_us, int) else times_us
        refused: Mapping[int, MonocoqueError] = {}
        bounds = self._bounds.get(key) or self._remember(key)
        if bounds is None or not all_fit(bounds, values):
            refused, key, values, each_us = self._sift(key, values, each_us)
        if key:
            entries = self._broker.writer.write(key, values, each_us)
            if entries is not None:
                await self._send(write_published(0, entries))
            else:
                await self._send(self._message(key, values, each_us))
        return refused

    def _remember(self, numbers: tuple[int, ...]) -> list[Bounds] | None:
        """What usual values of these pass; None when some are not provided here."""
        if not self._numbers.issuperset(numbers):
            return None
        if len(self._bounds) >= BOUNDS_KEPT_MAX:
            self._bounds.clear()
        made = [bounds_of(self._broker.catalogue.numbered(number)) for number in numbers]
        self._bounds[numbers] = made
        return made

    def _sift(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: Sequence[int]
    ) -> tuple[Mapping[int, MonocoqueError], tuple[int, ...], Sequence[Value], Sequence[int]]:
        """The refused, and the rest."""
        foreign = {
            number: SignalDenied(f"Signal {number} is not provided here.")
            for number in numbers
            if number not in self._numbers
        }
        kept = [place for place, number in enumerate(numbers) if number not in foreign]
        signals = [self._broker.catalogue.numbered(numbers[place]) for place in kept]
        fitting, taken, taken_us, refused = sift(
            signals, [values[place] for place in kept], [times_us[place] for place in kept]
        )
        return {**foreign, **refused}, fitting, taken, taken_us

    def _message(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: Sequence[int]
    ) -> v2.OpenProviderStreamRequest:
        request = v2.PublishValuesRequest()
        for number, value, time_us in zip(numbers, values, times_us, strict=True):
            point = request.data_points[number]
            write_time(point.timestamp, time_us)
            write_value(point.value, self._broker.catalogue.numbered(number).data_type, value)
        return v2.OpenProviderStreamRequest(publish_values_request=request)

    async def next_acts(self) -> tuple[Act, ...]:
        """See ``Provision.next_acts``."""
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(self._asked.get())
            ended = group.create_task(self._has_ended.wait())
            await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if not asked.done():
                asked.cancel()
        if self._error is not None:
            raise self._error
        return asked.result()

    async def tell(self, act_id: str, state: ActState, reason: str = "") -> None:
        """See ``Provision.tell``: a broker outside hears whether it was begun, and why not."""
        act = self._acts.get(act_id)
        if act is None:
            return
        after = follow(act, state, reason)
        if after is act:
            return
        self._acts[act_id] = after
        if after.has_ended:
            del self._acts[act_id]
        if state is ActState.DONE:
            return
        response = v2.BatchActuateStreamResponse(signal_id=v2.SignalID(id=act.number))
        response.error.code = v2.ERROR_CODE_OK
        if after.has_ended:
            response.error.code = v2.ERROR_CODE_INVALID_ARGUMENT
            response.error.message = reason
        await self._send(v2.OpenProviderStreamRequest(batch_actuate_stream_response=response))

    def _take(self, request: v2.BatchActuateStreamRequest) -> None:
        broker = self._broker
        now_us = broker.clock.now_us()
        acts = []
        for one in request.actuate_requests:
            signal = (
                broker.catalogue.numbered(one.signal_id.id)
                if one.signal_id.WhichOneof("signal") == "id"
                else broker.catalogue.at(one.signal_id.path)
            )
            target = read_value(one.value, "typed_value")
            if target is None:
                continue
            act_id = identifiers.make("act", broker.random.getrandbits)
            deadline_us = now_us + round(CALL_S_MAX * MICROSECONDS)
            act = Act(act_id, signal.number, target, "outside", now_us, deadline_us)
            self._acts[act_id] = act
            acts.append(act)
        for act_id in list(self._acts)[:-ACTS_KEPT]:
            del self._acts[act_id]
        if acts:
            self._asked.put_nowait(tuple(acts))

    async def _send(self, request: v2.OpenProviderStreamRequest | bytes) -> None:
        try:
            await self._call.write(request)
        except grpc.aio.AioRpcError as error:
            raise error_of(error.code().name, error.details() or "") from None
        except asyncio.InvalidStateError:
            raise SignalProviderMissing("The broker has ended the stream.") from None


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


def _check_actuator(signal: Signal) -> None:
    if signal.entry_type is not EntryType.ACTUATOR:
        raise SignalNotActuator(f"{signal.path} is no actuator.")


async def _next_message(call: Any) -> Any:
    try:
        message = await call.read()
    except grpc.aio.AioRpcError as error:
        raise error_of(error.code().name, error.details() or "") from None
    if message is grpc.aio.EOF:
        raise SignalProviderMissing("The broker has ended the stream.")
    return message

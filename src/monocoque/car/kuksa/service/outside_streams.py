"""What goes on for long with a broker outside: hearing signals, and being their provider.

Rules: values are judged here before they are sent, as the hub judges them, so that what is refused
is known at once; a stream that ended raises its error at the next call. A broker that asks for a
value hears what was said last.

Left out on purpose: saying less when nobody wants to hear so much (``update_filter_request``).
"""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

import grpc
import grpc.aio

from monocoque.car.kuksa.logic.names import Names
from monocoque.car.kuksa.logic.reading import Reader
from monocoque.car.kuksa.logic.replies import error_of
from monocoque.car.kuksa.logic.values import (
    member_of,
    read_time_us,
    read_value,
    write_time,
    write_value,
)
from monocoque.car.kuksa.logic.writing import Writer, write_published
from monocoque.car.kuksa.service.stub import CALL_S_MAX, next_message
from monocoque.car.signals.logic.acts import Act, ActState, follow
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.checks import (
    Bounds,
    all_fit,
    all_in_time,
    bounds_of,
    leave_out,
    sift,
)
from monocoque.car.signals.logic.readings import Batch, Freshness
from monocoque.contracts import identifiers
from monocoque.contracts.errors import MonocoqueError, SignalProviderMissing
from monocoque.contracts.signals import Value
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import Clock

ACTS_KEPT: Final = 1_000
SETS_KEPT_MAX: Final = 256
"""Sets of signals of which a provider remembers bounds, and what it said."""
MICROSECONDS: Final = 1_000_000
ENTRIES: Final = b"\x0a"
DATA_POINTS: Final = b"\x12"
"""How an entry begins in what is heard, and in what is said."""


class Heard:
    """The port ``Subscription``, on a stream."""

    def __init__(self, call: Any, names: Names, reader: Reader) -> None:
        """See ``OutsideConnection.subscribe``. reader: of messages that begin with ``ENTRIES``."""
        self._call = call
        self._names = names
        self._reader = reader
        self.first: Batch | None = None

    async def next(self) -> Batch:
        """See ``Subscription.next``."""
        first, self.first = self.first, None
        return await self.receive() if first is None else first

    async def receive(self) -> Batch:
        """The next message, as a batch; of signals without a value, only those that lost it."""
        data = await next_message(self._call)
        said = self._reader.read(data, 0, 0)
        if said is not None:
            return Batch(self._names.ours_of(said[0]), said[1], said[2], "")
        message = v2.SubscribeByIdResponse.FromString(data)
        numbers: list[int] = []
        values: list[Value] = []
        times_us: list[int] = []
        not_fresh: dict[int, Freshness] = {}
        for number, point in message.entries.items():
            value = read_value(point.value, "typed_value")
            if value is None:
                if point.HasField("timestamp"):
                    not_fresh[self._names.ours[number]] = Freshness.PROVIDER_GONE
                continue
            numbers.append(number)
            values.append(value)
            times_us.append(read_time_us(point, 0))
        return Batch(self._names.ours_of(tuple(numbers)), values, times_us, "", not_fresh)


class OutsideProvision:
    """The port ``Provision``, on a stream."""

    def __init__(
        self,
        call: Any,
        numbers: frozenset[int],
        names: Names,
        catalogue: Catalogue,
        clock: Clock,
        random: Random,
        ahead_us: int,
    ) -> None:
        """See ``OutsideConnection.provide``."""
        self._ahead_us = ahead_us
        self._writing = asyncio.Lock()
        self._catalogue, self._clock, self._random = catalogue, clock, random
        self._names = names
        self._writer = Writer(
            DATA_POINTS,
            {number: member_of(catalogue.numbered(number).data_type) for number in numbers},
            names.theirs,
        )
        self._call = call
        self._numbers = numbers
        self._bounds: dict[tuple[int, ...], list[Bounds]] = {}
        self._last: dict[tuple[int, ...], tuple[Sequence[Value], Sequence[int]]] = {}
        """What was said last of each set of signals, the newest last."""
        self._said: dict[int, tuple[Value, int]] = {}
        """What was said of each signal, before that."""
        self._asked: asyncio.Queue[tuple[Act, ...]] = asyncio.Queue()
        self._acts: dict[str, Act] = {}
        self._error: MonocoqueError | None = None
        self._has_ended = asyncio.Event()

    @property
    def has_ended(self) -> bool:
        """Whether the stream is over."""
        return self._has_ended.is_set()

    async def begin_to_say(self, numbers: Sequence[int]) -> None:
        """Tell the broker what is provided."""
        request = v2.ProvideSignalRequest(
            signals_sample_intervals={
                self._names.theirs[number]: v2.SampleInterval() for number in numbers
            }
        )
        await self._send(v2.OpenProviderStreamRequest(provide_signal_request=request))
        await next_message(self._call)

    async def claim(self, actuators: Sequence[int]) -> None:
        """Claim them. Raises SignalClaimed."""
        request = v2.ProvideActuationRequest(
            actuator_identifiers=[
                v2.SignalID(id=self._names.theirs[number]) for number in actuators
            ]
        )
        await self._send(v2.OpenProviderStreamRequest(provide_actuation_request=request))
        await next_message(self._call)

    async def read_for_ever(self) -> None:
        """Take what the broker says, until the stream ends."""
        try:
            while True:
                answer = await next_message(self._call)
                if answer.HasField("batch_actuate_stream_request"):
                    self._take(answer.batch_actuate_stream_request)
                elif answer.HasField("get_provider_value_request"):
                    await self._say_again(answer.get_provider_value_request)
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
        fits = bounds is not None and all_fit(bounds, values)
        if not fits or not all_in_time(each_us, self._latest_us()):
            refused, key, values, each_us = self._sift(key, values, each_us)
        if key:
            entries = self._writer.write(key, values, each_us)
            message: v2.OpenProviderStreamRequest | bytes
            if entries is not None:
                message = write_published(0, entries)
            else:
                message = self._message(key, values, each_us)
            async with self._writing:
                await self._write(message)
                self._keep(key, values, each_us)
        return refused

    async def _say_again(self, request: v2.GetProviderValueRequest) -> None:
        # What is answered is looked up once it can be written, or a newer value could come first.
        async with self._writing:
            await self._write(self._answer(request))

    def _keep(
        self, numbers: tuple[int, ...], values: Sequence[Value], times_us: Sequence[int]
    ) -> None:
        """A broker may ask for these again."""
        if len(self._last) >= SETS_KEPT_MAX:
            self._fold()
        self._last.pop(numbers, None)
        self._last[numbers] = (values, times_us)

    def _fold(self) -> None:
        for numbers, (values, times_us) in self._last.items():
            self._said.update(zip(numbers, zip(values, times_us, strict=True), strict=True))
        self._last.clear()

    def _answer(self, request: v2.GetProviderValueRequest) -> v2.OpenProviderStreamRequest:
        """What was said last; a signal that never was has no value, which KUKSA passes on."""
        self._fold()
        response = v2.GetProviderValueResponse(request_id=request.request_id)
        for number in request.signal_ids:
            point = response.entries[number]
            point.SetInParent()
            mine = self._names.ours.get(number)
            if mine is not None and mine in self._said:
                value, time_us = self._said[mine]
                write_time(point.timestamp, time_us)
                write_value(point.value, self._catalogue.numbered(mine).data_type, value)
        return v2.OpenProviderStreamRequest(get_provider_value_response=response)

    def _remember(self, numbers: tuple[int, ...]) -> list[Bounds] | None:
        """What usual values of these pass; None when some are not provided here."""
        if not self._numbers.issuperset(numbers):
            return None
        if len(self._bounds) >= SETS_KEPT_MAX:
            self._bounds.clear()
        made = [bounds_of(self._catalogue.numbered(number)) for number in numbers]
        self._bounds[numbers] = made
        return made

    def _sift(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: Sequence[int]
    ) -> tuple[Mapping[int, MonocoqueError], tuple[int, ...], Sequence[Value], Sequence[int]]:
        """The refused, and the rest."""
        foreign, kept, values, times_us = leave_out(self._numbers, numbers, values, times_us)
        signals = [self._catalogue.numbered(number) for number in kept]
        fitting, taken, taken_us, refused = sift(signals, values, times_us, self._latest_us())
        return {**foreign, **refused}, fitting, taken, taken_us

    def _latest_us(self) -> int:
        return self._clock.now_us() + self._ahead_us

    def _message(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: Sequence[int]
    ) -> v2.OpenProviderStreamRequest:
        request = v2.PublishValuesRequest()
        for number, value, time_us in zip(numbers, values, times_us, strict=True):
            point = request.data_points[self._names.theirs[number]]
            write_time(point.timestamp, time_us)
            write_value(point.value, self._catalogue.numbered(number).data_type, value)
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
        response = v2.BatchActuateStreamResponse()
        response.signal_id.id = self._names.theirs[act.number]
        response.error.code = v2.ERROR_CODE_OK
        if after.has_ended:
            response.error.code = v2.ERROR_CODE_INVALID_ARGUMENT
            response.error.message = reason
        await self._send(v2.OpenProviderStreamRequest(batch_actuate_stream_response=response))

    def _take(self, request: v2.BatchActuateStreamRequest) -> None:
        now_us = self._clock.now_us()
        acts = []
        for one in request.actuate_requests:
            signal = (
                self._catalogue.numbered(self._names.ours[one.signal_id.id])
                if one.signal_id.WhichOneof("signal") == "id"
                else self._catalogue.at(one.signal_id.path)
            )
            target = read_value(one.value, "typed_value")
            if target is None:
                continue
            act_id = identifiers.make("act", self._random.getrandbits)
            deadline_us = now_us + round(CALL_S_MAX * MICROSECONDS)
            act = Act(act_id, signal.number, target, "outside", now_us, deadline_us)
            self._acts[act_id] = act
            acts.append(act)
        for act_id in list(self._acts)[:-ACTS_KEPT]:
            del self._acts[act_id]
        if acts:
            self._asked.put_nowait(tuple(acts))

    async def _send(self, request: v2.OpenProviderStreamRequest) -> None:
        async with self._writing:
            await self._write(request)

    async def _write(self, request: v2.OpenProviderStreamRequest | bytes) -> None:
        """Inside ``_writing``: gRPC breaks a stream off when two write to it at once."""
        try:
            await self._call.write(request)
        except grpc.aio.AioRpcError as error:
            raise error_of(error.code().name, error.details() or "") from None
        except asyncio.InvalidStateError:
            raise SignalProviderMissing("The broker has ended the stream.") from None

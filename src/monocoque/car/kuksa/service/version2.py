"""kuksa.val.v2, all of it; providers' streams are in providing.py.

Rules: the first message of a subscription has every signal that was asked for, and those that have
no value, or whose provider is gone, without one. What follows is encoded once for all who have the
same subscription.

Left out on purpose: the filter's duration, which KUKSA does not use either.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from monocoque import __version__
from monocoque.car.kuksa.logic.metadata import metadata_v2
from monocoque.car.kuksa.logic.values import read_time_us, read_value, write_time, write_value
from monocoque.car.kuksa.logic.writing import Writer
from monocoque.car.kuksa.service.calls import Call, Desk, Stream, Unary
from monocoque.car.kuksa.service.providing import open_provider_stream
from monocoque.car.signals.logic.acts import Act, ActState
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.readings import Batch, Freshness, Reading
from monocoque.car.signals.service.hub import HubConnection
from monocoque.contracts.errors import (
    CarRefuses,
    DeadlinePassed,
    RequestMalformed,
    SignalDenied,
    SignalProviderMissing,
)
from monocoque.contracts.signals import Signal, Value
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

NAME: Final = "monocoque"
BUFFER_SIZE_MAX: Final = 1_000
"""As KUKSA has it; more is refused."""
VALUES_JOINED_MAX: Final = 1_000
"""Batches about different signals that wait together are one message, up to so many values."""


async def get_value(
    desk: Desk, connection: HubConnection, request: v2.GetValueRequest, call: Call
) -> v2.GetValueResponse:
    """The latest value of one signal."""
    signal = desk.signal_of(request.signal_id)
    (reading,) = await connection.read_anew([signal.number], desk.answer_s(call))
    return v2.GetValueResponse(data_point=_datapoint(signal, reading))


async def get_values(
    desk: Desk, connection: HubConnection, request: v2.GetValuesRequest, call: Call
) -> v2.GetValuesResponse:
    """The latest values of several, in their order; all or nothing."""
    desk.check_count(len(request.signal_ids))
    signals = [desk.signal_of(each) for each in request.signal_ids]
    numbers = [signal.number for signal in signals]
    readings = await connection.read_anew(numbers, desk.answer_s(call))
    points = [_datapoint(*pair) for pair in zip(signals, readings, strict=True)]
    return v2.GetValuesResponse(data_points=points)


async def list_metadata(
    desk: Desk, connection: HubConnection, request: v2.ListMetadataRequest, call: Call
) -> v2.ListMetadataResponse:
    """What there is below a path or a branch; what the token may not read is left out."""
    found = desk.signals_below(request.root)
    readable = [signal for signal in found if signal.number in connection.access.reads]
    if not readable:
        raise SignalDenied("The token does not let its bearer read anything there.")
    return v2.ListMetadataResponse(metadata=[metadata_v2(signal) for signal in readable])


async def subscribe(
    desk: Desk, connection: HubConnection, request: v2.SubscribeRequest, call: Call
) -> AsyncGenerator[bytes, None]:
    """Values by path, as they come."""
    signals = [desk.signal(path) for path in request.signal_paths]
    async for message in _subscribe(desk, connection, request, signals, by_path=True):
        yield message


async def subscribe_by_id(
    desk: Desk, connection: HubConnection, request: v2.SubscribeByIdRequest, call: Call
) -> AsyncGenerator[bytes, None]:
    """Values by number, as they come."""
    signals = [desk.hub.catalogue.numbered(number) for number in request.signal_ids]
    async for message in _subscribe(desk, connection, request, signals, by_path=False):
        yield message


async def actuate(
    desk: Desk, connection: HubConnection, request: v2.ActuateRequest, call: Call
) -> v2.ActuateResponse:
    """Ask one actuator."""
    await ask(desk, connection, [request], call)
    return v2.ActuateResponse()


async def batch_actuate(
    desk: Desk, connection: HubConnection, request: v2.BatchActuateRequest, call: Call
) -> v2.BatchActuateResponse:
    """Ask several; none is asked when one is wrong."""
    desk.check_count(len(request.actuate_requests))
    await ask(desk, connection, request.actuate_requests, call)
    return v2.BatchActuateResponse()


async def actuate_stream(
    desk: Desk, connection: HubConnection, requests: AsyncIterator[v2.ActuateRequest], call: Call
) -> v2.ActuateResponse:
    """Ask again and again; the first that goes wrong ends the stream."""
    async for request in requests:
        await ask(desk, connection, [request], call)
    return v2.ActuateResponse()


async def publish_value(
    desk: Desk, connection: HubConnection, request: v2.PublishValueRequest, call: Call
) -> v2.PublishValueResponse:
    """Say one value; who says many opens a stream."""
    signal = desk.signal_of(request.signal_id)
    value = value_of(request.data_point.value)
    time_us = read_time_us(request.data_point, desk.hub.clock.now_us())
    for error in connection.publish_once([signal.number], [value], [time_us]).values():
        raise error
    return v2.PublishValueResponse()


async def get_server_info(
    desk: Desk, connection: HubConnection, request: v2.GetServerInfoRequest, call: Call
) -> v2.GetServerInfoResponse:
    """Who answers."""
    return v2.GetServerInfoResponse(name=NAME, version=__version__)


METHODS: Final[dict[str, Unary | Stream]] = {
    "GetValue": get_value,
    "GetValues": get_values,
    "Subscribe": subscribe,
    "SubscribeById": subscribe_by_id,
    "Actuate": actuate,
    "ActuateStream": actuate_stream,
    "BatchActuate": batch_actuate,
    "ListMetadata": list_metadata,
    "PublishValue": publish_value,
    "OpenProviderStream": open_provider_stream,
    "GetServerInfo": get_server_info,
}
"""Every method of the service."""
RAW: Final = frozenset({"OpenProviderStream"})
"""Those that read the bytes of their requests themselves."""


def value_of(message: v2.Value) -> Value:
    """The value of a message. Raises RequestMalformed when it has none."""
    value = read_value(message, "typed_value")
    if value is None:
        raise RequestMalformed("A value is missing.")
    return value


async def ask(
    desk: Desk, connection: HubConnection, requests: Sequence[v2.ActuateRequest], call: Call
) -> None:
    """Ask what these requests say; returns when all of it was begun, or has ended.

    Raises CarRefuses with the guard's reason, and what ``Broker.actuate`` raises.
    """
    wishes = {desk.signal_of(each.signal_id).number: value_of(each.value) for each in requests}
    if not wishes:
        raise RequestMalformed("Nothing is asked.")
    acts: Sequence[Act] = await connection.actuate(wishes, desk.act_s(call))
    if desk.waits_for_outcome(call):
        acts = await asyncio.gather(*(connection.outcome(act.act_id) for act in acts))
    for act in acts:
        raise_unless_good(desk.hub.catalogue, act)


def raise_unless_good(catalogue: Catalogue, act: Act) -> None:
    """Raise CarRefuses, DeadlinePassed or SignalProviderMissing for an act that ended badly."""
    path = catalogue.numbered(act.number).path
    if act.state is ActState.REFUSED:
        raise CarRefuses(f"{path} was refused: {act.reason}.", hint="Mend the reason; ask again.")
    if act.state is ActState.FAILED:
        if act.reason == "deadline":
            raise DeadlinePassed(f"{path} was not done in time.")
        if act.reason == "provider_gone":
            raise SignalProviderMissing(f"The provider of {path} left.")
        raise CarRefuses(f"{path} failed: {act.reason}.", hint="Look at the part itself.")


def _datapoint(signal: Signal, reading: Reading) -> v2.Datapoint:
    point = v2.Datapoint()
    if reading.value is not None:
        write_time(point.timestamp, reading.time_us)
        if reading.freshness is not Freshness.PROVIDER_GONE:
            write_value(point.value, signal.data_type, reading.value)
    return point


async def _subscribe(
    desk: Desk,
    connection: HubConnection,
    request: Any,
    signals: Sequence[Signal],
    *,
    by_path: bool,
) -> AsyncGenerator[bytes, None]:
    desk.check_count(len(signals))
    if not signals:
        raise RequestMalformed("No signal is named.")
    if request.buffer_size > BUFFER_SIZE_MAX:
        raise RequestMalformed(f"A buffer has at most {BUFFER_SIZE_MAX} messages.")
    catalogue = {signal.number: signal for signal in signals}
    make = _by_path if by_path else _by_id
    writer = desk.by_path if by_path else desk.by_id
    waiting_max = max(1, min(request.buffer_size, desk.config.batches_waiting_max))
    interval_s = request.filter.min_sample_interval.interval_ms / 1_000
    numbers = list(catalogue)
    async with connection.subscribe(
        numbers, interval_s_min=interval_s, queue_batches=waiting_max
    ) as heard:
        first = await heard.next()
        said = set(first.numbers)
        missing = [signal for signal in signals if signal.number not in said]
        yield make(catalogue, first, missing)
        encode = partial(_encode, writer, partial(make, catalogue))
        while True:
            batches = await heard.next_apart(VALUES_JOINED_MAX, desk.config.gather_s)
            lost = sum([batch.lost for batch in batches])
            if lost:
                desk.count_lost(lost)
            yield b"".join([batch.encoded(by_path, encode) for batch in batches])


def _encode(writer: Writer, make: Callable[[Batch], bytes], batch: Batch) -> bytes:
    """The usual batch as the writer does it; any other member by member."""
    if not batch.not_fresh:
        data = writer.write(batch.numbers, batch.values, batch.times_us)
        if data is not None:
            return data
    return make(batch)


def _by_path(signals: Mapping[int, Signal], batch: Batch, missing: Sequence[Signal] = ()) -> bytes:
    message = v2.SubscribeResponse()
    entries = message.entries
    for number, value, time_us in zip(batch.numbers, batch.values, batch.times_us, strict=True):
        signal = signals[number]
        _fill(entries[signal.path], signal, value, time_us, number in batch.not_fresh, batch)
    for signal in missing:
        entries[signal.path].SetInParent()
    return message.SerializeToString()


def _by_id(signals: Mapping[int, Signal], batch: Batch, missing: Sequence[Signal] = ()) -> bytes:
    message = v2.SubscribeByIdResponse()
    entries = message.entries
    for number, value, time_us in zip(batch.numbers, batch.values, batch.times_us, strict=True):
        signal = signals[number]
        _fill(entries[number], signal, value, time_us, number in batch.not_fresh, batch)
    for signal in missing:
        entries[signal.number].SetInParent()
    return message.SerializeToString()


def _fill(
    point: v2.Datapoint, signal: Signal, value: Value, time_us: int, is_old: bool, batch: Batch
) -> None:
    write_time(point.timestamp, time_us)
    if not is_old or batch.not_fresh[signal.number] is not Freshness.PROVIDER_GONE:
        write_value(point.value, signal.data_type, value)

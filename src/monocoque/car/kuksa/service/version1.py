"""kuksa.val.v1, as far as KUKSA's Python client calls it: present and target values of entries.

Rules: a path may be a branch or a pattern; errors of single entries come beside the others, with
HTTP's numbers; a target is an act like any other, and is there until it is met.

Left out on purpose: changes of metadata, which nobody makes while a car runs.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Final

from monocoque import __version__
from monocoque.car.kuksa.logic.errors import version1_code
from monocoque.car.kuksa.logic.metadata import metadata_v1
from monocoque.car.kuksa.logic.values import read_time_us, read_value, write_time, write_value
from monocoque.car.kuksa.service.calls import Call, Desk, Stream, Unary
from monocoque.car.kuksa.service.version2 import NAME, raise_unless_good
from monocoque.car.signals.logic.readings import Batch, Freshness, Reading
from monocoque.car.signals.service.hub import HubConnection
from monocoque.contracts.errors import MonocoqueError, RequestMalformed
from monocoque.contracts.signals import Signal, Value
from monocoque.contracts.wire import kuksa_v1_pb2 as v1

TARGETS_WAITING_MAX: Final = 256
"""New targets that wait for a subscriber; then the oldest go."""
VALUE, TARGET, METADATA = "value", "target", "metadata"
_FIELDS_OF_VIEW: Final = {
    v1.VIEW_UNSPECIFIED: {VALUE},
    v1.VIEW_CURRENT_VALUE: {VALUE},
    v1.VIEW_TARGET_VALUE: {TARGET},
    v1.VIEW_METADATA: {METADATA},
    v1.VIEW_ALL: {VALUE, TARGET, METADATA},
    v1.VIEW_FIELDS: set[str](),
}


async def get(
    desk: Desk, connection: HubConnection, request: v1.GetRequest, call: Call
) -> v1.GetResponse:
    """Present values, targets or metadata."""
    desk.check_count(len(request.entries))
    if not request.entries:
        raise RequestMalformed("No entry is named.")
    response = v1.GetResponse()
    for entry in request.entries:
        try:
            wanted = _wanted(entry.view, entry.fields)
            signals = [
                signal
                for signal in desk.signals_below(entry.path)
                if signal.path == entry.path or signal.number in connection.access.reads
            ]
            readings = await connection.read([signal.number for signal in signals])
            targets = await connection.targets([signal.number for signal in signals])
        except MonocoqueError as error:
            response.errors.append(_error(entry.path, error))
            response.error.CopyFrom(_top_error(error))
            continue
        for signal, reading in zip(signals, readings, strict=True):
            made = response.entries.add()
            _fill_entry(made, signal, reading, targets.get(signal.number), wanted)
    return response


async def set_entries(
    desk: Desk, connection: HubConnection, request: v1.SetRequest, call: Call
) -> v1.SetResponse:
    """Say values, and ask for targets."""
    return v1.SetResponse(errors=await _set(desk, connection, request.updates, call))


async def streamed_update(
    desk: Desk,
    connection: HubConnection,
    requests: AsyncIterator[v1.StreamedUpdateRequest],
    call: Call,
) -> AsyncGenerator[v1.StreamedUpdateResponse, None]:
    """The same, again and again."""
    async for request in requests:
        errors = await _set(desk, connection, request.updates, call)
        yield v1.StreamedUpdateResponse(errors=errors)


async def subscribe(
    desk: Desk, connection: HubConnection, request: v1.SubscribeRequest, call: Call
) -> AsyncGenerator[v1.SubscribeResponse, None]:
    """Present values and targets as they change; the first message has what there is."""
    desk.check_count(len(request.entries))
    signals: dict[int, tuple[Signal, set[str]]] = {}
    for entry in request.entries:
        wanted = _wanted(entry.view, entry.fields)
        for signal in desk.signals_below(entry.path):
            signals.setdefault(signal.number, (signal, set()))[1].update(wanted)
    if not signals:
        raise RequestMalformed("No entry is named.")
    answers: asyncio.Queue[v1.SubscribeResponse | MonocoqueError] = asyncio.Queue(1)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_tell_values(desk, connection, signals, answers)),
            group.create_task(_tell_targets(desk, connection, signals, answers)),
        ]
        try:
            while not isinstance(answer := await answers.get(), MonocoqueError):
                yield answer
        except GeneratorExit:
            return  # the client left; as an error, the group would say it to nobody
        finally:
            for task in tasks:
                task.cancel()
    raise answer


async def get_server_info(
    desk: Desk, connection: HubConnection, request: v1.GetServerInfoRequest, call: Call
) -> v1.GetServerInfoResponse:
    """Who answers."""
    return v1.GetServerInfoResponse(name=NAME, version=__version__)


METHODS: Final[dict[str, Unary | Stream]] = {
    "Get": get,
    "Set": set_entries,
    "StreamedUpdate": streamed_update,
    "Subscribe": subscribe,
    "GetServerInfo": get_server_info,
}
"""Every method of the service."""


def _wanted(view: int, fields: object) -> set[str]:
    """What a client wants to know of an entry."""
    wanted = set(_FIELDS_OF_VIEW.get(view, set()))  # type: ignore[call-overload]
    for field in fields:  # type: ignore[attr-defined]
        if field == v1.FIELD_VALUE:
            wanted.add(VALUE)
        elif field == v1.FIELD_ACTUATOR_TARGET:
            wanted.add(TARGET)
        elif field >= v1.FIELD_METADATA:
            wanted.add(METADATA)
    return wanted


async def _set(
    desk: Desk, connection: HubConnection, updates: object, call: Call
) -> list[v1.DataEntryError]:
    errors: list[v1.DataEntryError] = []
    now_us = desk.hub.clock.now_us()
    desk.check_count(len(updates))  # type: ignore[arg-type]
    for update in updates:  # type: ignore[attr-defined]
        entry = update.entry
        try:
            signal = desk.signal(entry.path)
            if v1.FIELD_VALUE in update.fields:
                value = _value(entry.value)
                time_us = read_time_us(entry.value, now_us)
                for error in connection.publish_once([signal.number], [value], [time_us]).values():
                    raise error
            if v1.FIELD_ACTUATOR_TARGET in update.fields:
                target = _value(entry.actuator_target)
                acts = await connection.actuate({signal.number: target}, desk.act_s(call))
                raise_unless_good(desk.hub.catalogue, acts[0])
        except MonocoqueError as error:
            errors.append(_error(entry.path, error))
    return errors


async def _tell_values(
    desk: Desk,
    connection: HubConnection,
    signals: Mapping[int, tuple[Signal, set[str]]],
    answers: "asyncio.Queue[v1.SubscribeResponse | MonocoqueError]",
) -> None:
    numbers = [number for number, (_, wanted) in signals.items() if VALUE in wanted]
    try:
        if not numbers:
            return
        async with connection.subscribe(numbers) as heard:
            while True:
                batch = await heard.next()
                desk.count_lost(batch.lost)
                await answers.put(_values_message(signals, batch))
    except MonocoqueError as error:
        await answers.put(error)


async def _tell_targets(
    desk: Desk,
    connection: HubConnection,
    signals: Mapping[int, tuple[Signal, set[str]]],
    answers: "asyncio.Queue[v1.SubscribeResponse | MonocoqueError]",
) -> None:
    numbers = {number for number, (_, wanted) in signals.items() if TARGET in wanted}
    try:
        if not numbers:
            return
        present = await connection.targets(list(numbers))
        with (
            desk.hub.acts.watched(numbers, TARGETS_WAITING_MAX) as asked,
            desk.hub.lives.lasting(connection.access, asked),
        ):
            await answers.put(_targets_message(signals, present))
            while True:
                act = await asked.next()
                await answers.put(_targets_message(signals, {act.number: act.target}))
    except MonocoqueError as error:
        await answers.put(error)


def _values_message(
    signals: Mapping[int, tuple[Signal, set[str]]], batch: Batch
) -> v1.SubscribeResponse:
    message = v1.SubscribeResponse()
    for number, value, time_us in zip(batch.numbers, batch.values, batch.times_us, strict=True):
        signal, _ = signals[number]
        update = message.updates.add(fields=[v1.FIELD_VALUE])
        update.entry.path = signal.path
        write_time(update.entry.value.timestamp, time_us)
        if batch.not_fresh.get(number) is not Freshness.PROVIDER_GONE:
            write_value(update.entry.value, signal.data_type, value)
    return message


def _targets_message(
    signals: Mapping[int, tuple[Signal, set[str]]], targets: Mapping[int, Value]
) -> v1.SubscribeResponse:
    message = v1.SubscribeResponse()
    for number, target in targets.items():
        signal, _ = signals[number]
        update = message.updates.add(fields=[v1.FIELD_ACTUATOR_TARGET])
        update.entry.path = signal.path
        write_value(update.entry.actuator_target, signal.data_type, target)
    return message


def _fill_entry(
    entry: v1.DataEntry,
    signal: Signal,
    reading: Reading,
    target: Value | None,
    wanted: set[str],
) -> None:
    entry.path = signal.path
    if VALUE in wanted and reading.value is not None:
        write_time(entry.value.timestamp, reading.time_us)
        if reading.freshness is not Freshness.PROVIDER_GONE:
            write_value(entry.value, signal.data_type, reading.value)
    if TARGET in wanted and target is not None:
        write_value(entry.actuator_target, signal.data_type, target)
    if METADATA in wanted:
        entry.metadata.CopyFrom(metadata_v1(signal))


def _value(message: v1.Datapoint) -> Value:
    value = read_value(message, "value")
    if value is None:
        raise RequestMalformed("A value is missing.")
    return value


def _top_error(error: MonocoqueError) -> v1.Error:
    return v1.Error(code=version1_code(error), reason=error.code, message=error.what)


def _error(path: str, error: MonocoqueError) -> v1.DataEntryError:
    return v1.DataEntryError(path=path[:1_000], error=_top_error(error))

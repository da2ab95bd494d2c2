"""A broker that does over kuksa.val.v2 as Eclipse KUKSA's does, where ours does otherwise.

KUKSA's own is in no package registry, so this stands in for it, after what its source says:

* numbers are given at each start, in no order of ours; metadata are told to everybody;
* a signal without a value has the time of the start, and no value;
* who publishes has claimed the signals by ``provide_signal_request``, which nobody else may then,
  or the stream ends: ABORTED, ALREADY_EXISTS;
* what was said stays, whoever leaves;
* who provides hears filters that nobody asked for, and questions under one number;
* an actuation is forwarded and forgotten: what a provider answers changes nothing.

Its limits: one scope per token, by its text (``read:PATH`` or everything); no slow subscribers, no
array or struct values, no version 1, and no queue of its own.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio

from monocoque.car.kuksa.logic.metadata import metadata_v2
from monocoque.car.kuksa.logic.values import read_value
from monocoque.contracts.errors import SignalValueRefused
from monocoque.contracts.signals import EntryType, Signal, check
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

FIRST_NUMBER = 1_000
CODES = grpc.StatusCode


class Refused(Exception):
    """The call ends with this status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code.name)
        self.code = code


@dataclass(eq=False)
class Provider:
    """One open stream of a provider."""

    answers: "asyncio.Queue[v2.OpenProviderStreamResponse | grpc.StatusCode]" = field(
        default_factory=asyncio.Queue
    )
    signals: set[int] = field(default_factory=set)
    actuators: set[int] = field(default_factory=set)


class KuksaBroker:
    """The broker."""

    def __init__(self, signals: tuple[Signal, ...]) -> None:
        backwards = sorted(signals, key=lambda signal: signal.path, reverse=True)
        self.signals = {FIRST_NUMBER + at: signal for at, signal in enumerate(backwards)}
        self.numbers = {signal.path: number for number, signal in self.signals.items()}
        self.points = {number: v2.Datapoint() for number in self.signals}
        for point in self.points.values():
            point.timestamp.GetCurrentTime()
        self.providers: list[Provider] = []
        self.heard: list[tuple[set[int], asyncio.Queue[set[int]]]] = []

    @contextlib.asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """It listens at this address. port: 0 for any that is free."""
        server = grpc.aio.server()
        service = v2.DESCRIPTOR.services_by_name["VAL"]
        makes = {
            "GetValues": (grpc.unary_unary_rpc_method_handler, self.get_values),
            "ListMetadata": (grpc.unary_unary_rpc_method_handler, self.list_metadata),
            "BatchActuate": (grpc.unary_unary_rpc_method_handler, self.batch_actuate),
            "SubscribeById": (grpc.unary_stream_rpc_method_handler, self.subscribe),
            "OpenProviderStream": (grpc.stream_stream_rpc_method_handler, self.provide),
        }
        found = {
            name: make(
                method,
                getattr(v2, service.methods_by_name[name].input_type.name).FromString,
                lambda message: message.SerializeToString(),
            )
            for name, (make, method) in makes.items()
        }
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service.full_name, found),)
        )
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            await server.stop(0)

    async def list_metadata(self, request: Any, call: Any) -> v2.ListMetadataResponse:
        said = v2.ListMetadataResponse()
        for number, signal in self.signals.items():
            one = said.metadata.add()
            one.CopyFrom(metadata_v2(signal))
            one.id = number
        return said

    async def get_values(self, request: Any, call: Any) -> v2.GetValuesResponse:
        try:
            numbers = [self.number(each) for each in request.signal_ids]
            self.check_scope(call, numbers, "read")
            return v2.GetValuesResponse(data_points=[self.points[number] for number in numbers])
        except Refused as refused:
            await call.abort(refused.code, "refused")
            raise

    async def subscribe(self, request: Any, call: Any) -> AsyncIterator[v2.SubscribeByIdResponse]:
        numbers = set(request.signal_ids)
        changed: asyncio.Queue[set[int]] = asyncio.Queue()
        self.heard.append((numbers, changed))
        for provider in self.providers:
            self.tell_filter(provider)
        try:
            changed.put_nowait(numbers)
            while True:
                news = await changed.get()
                yield v2.SubscribeByIdResponse(entries={n: self.points[n] for n in news})
        finally:
            self.heard.remove((numbers, changed))

    async def batch_actuate(self, request: Any, call: Any) -> v2.BatchActuateResponse:
        try:
            asked: dict[Provider, list[v2.ActuateRequest]] = {}
            for one in request.actuate_requests:
                number = self.number(one.signal_id)
                self.check_scope(call, [number], "actuate")
                self.check_value(number, one.value, is_target=True)
                doer = next((each for each in self.providers if number in each.actuators), None)
                if doer is None:
                    raise Refused(CODES.UNAVAILABLE)
                by_id = v2.ActuateRequest(signal_id=v2.SignalID(id=number), value=one.value)
                asked.setdefault(doer, []).append(by_id)
            for doer, requests in asked.items():
                batch = v2.BatchActuateStreamRequest(actuate_requests=requests)
                doer.answers.put_nowait(
                    v2.OpenProviderStreamResponse(batch_actuate_stream_request=batch)
                )
            return v2.BatchActuateResponse()
        except Refused as refused:
            await call.abort(refused.code, "refused")
            raise

    async def provide(
        self, requests: AsyncIterator[Any], call: Any
    ) -> AsyncIterator[v2.OpenProviderStreamResponse]:
        provider = Provider()
        self.providers.append(provider)
        reading = asyncio.ensure_future(self.read(provider, requests, call))
        try:
            while not isinstance(answer := await provider.answers.get(), grpc.StatusCode):
                yield answer
            await call.abort(answer, "refused")
        finally:
            reading.cancel()
            self.providers.remove(provider)

    async def read(self, provider: Provider, requests: AsyncIterator[Any], call: Any) -> None:
        """Do what a provider says, until it leaves; its last word is OK."""
        async for request in requests:
            try:
                answer = self.take(provider, request, call)
            except Refused as refused:
                provider.answers.put_nowait(refused.code)
                return
            if answer is not None:
                provider.answers.put_nowait(answer)
                if answer.HasField("provide_signal_response"):
                    self.tell_filter(provider)

    def take(
        self, provider: Provider, request: Any, call: Any
    ) -> v2.OpenProviderStreamResponse | None:
        match request.WhichOneof("action"):
            case "provide_signal_request":
                numbers = set(request.provide_signal_request.signals_sample_intervals)
                self.check_scope(call, numbers, "provide")
                if any(each.signals & numbers for each in self.providers if each is not provider):
                    raise Refused(CODES.ALREADY_EXISTS)
                provider.signals |= numbers
                return v2.OpenProviderStreamResponse(
                    provide_signal_response=v2.ProvideSignalResponse()
                )
            case "provide_actuation_request":
                named = request.provide_actuation_request.actuator_identifiers
                claimed = {self.number(each) for each in named}
                self.check_scope(call, claimed, "provide")
                if any(each.actuators & claimed for each in self.providers):
                    raise Refused(CODES.ALREADY_EXISTS)
                provider.actuators |= claimed
                return v2.OpenProviderStreamResponse(
                    provide_actuation_response=v2.ProvideActuationResponse()
                )
            case "publish_values_request":
                return self.publish(provider, request.publish_values_request)
            case _:
                return None  # KUKSA logs what a provider answers, and nothing comes of it

    def publish(self, provider: Provider, request: Any) -> v2.OpenProviderStreamResponse | None:
        if not provider.signals:
            raise Refused(CODES.ABORTED)
        if not provider.signals >= set(request.data_points):
            raise Refused(CODES.ALREADY_EXISTS)
        status = {}
        for number, point in request.data_points.items():
            try:
                self.check_value(number, point.value)
            except Refused:
                status[number] = v2.Error(code=v2.ERROR_CODE_INVALID_ARGUMENT)
                continue
            self.points[number].CopyFrom(point)
        news = set(request.data_points) - set(status)
        for numbers, changed in self.heard:
            if numbers & news:
                changed.put_nowait(numbers & news)
        if not status:
            return None
        said = v2.PublishValuesResponse(request_id=request.request_id, status=status)
        return v2.OpenProviderStreamResponse(publish_values_response=said)

    def tell_filter(self, provider: Provider) -> None:
        filters = {number: v2.Filter() for number in provider.signals}
        update = v2.UpdateFilterRequest(request_id=1, filters_update=filters)
        question = v2.GetProviderValueRequest(request_id=1, signal_ids=sorted(provider.signals))
        provider.answers.put_nowait(v2.OpenProviderStreamResponse(update_filter_request=update))
        provider.answers.put_nowait(
            v2.OpenProviderStreamResponse(get_provider_value_request=question)
        )

    def number(self, signal_id: Any) -> int:
        number = signal_id.id
        if signal_id.WhichOneof("signal") == "path":
            number = self.numbers.get(signal_id.path, 0)
        if number not in self.signals:
            raise Refused(CODES.NOT_FOUND)
        return int(number)

    def check_value(self, number: int, value: Any, *, is_target: bool = False) -> None:
        signal = self.signals[number]
        if is_target and signal.entry_type is not EntryType.ACTUATOR:
            raise Refused(CODES.INVALID_ARGUMENT)
        said = read_value(value, "typed_value")
        try:
            if said is None:
                raise SignalValueRefused("There is no value.")
            check(signal, said)
        except SignalValueRefused as error:
            raise Refused(CODES.INVALID_ARGUMENT) from error

    def check_scope(self, call: Any, numbers: Any, action: str) -> None:
        shown = dict(call.invocation_metadata()).get("authorization", "").removeprefix("Bearer ")
        allowed, _, path = shown.partition(":")
        if not path:
            return
        paths = {self.signals[number].path for number in numbers}
        if action != allowed or paths != {path}:
            raise Refused(CODES.PERMISSION_DENIED)

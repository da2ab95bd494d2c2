"""The line to a car over kuksa.val.v2 (gRPC), with the token of one app.

Rules:

* each call shows the token that counts at that moment; a subscription whose token has ended begins
  again with the newer one, and nobody notices;
* what is asked waits for its outcome, which our door gives to whoever says ``wait-for-outcome``;
  at another broker an act counts as done when it was taken;
* an error comes back as the one that the car raised, by its code.

Left out on purpose: connecting again. An app whose car has gone ends, and the car starts it anew.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
import grpc.aio

from monocoque.app.line import Outcome
from monocoque.contracts.errors import (
    CarRefuses,
    DeadlinePassed,
    MonocoqueError,
    SignalDenied,
    SignalProviderMissing,
    SignalTokenExpired,
    SignalTokenRefused,
    UnavailableError,
    all_errors,
)
from monocoque.contracts.signals import DataType, Signal, Value
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

CALL_S_MAX: Final = 10.0
"""How long a call may take that asks for nothing to be done."""
BUFFER_MESSAGES: Final = 64
"""So many messages wait for a slow app before newer values replace older ones."""
GRACE_S: Final = 1.0
"""The car's own deadline comes first, since it says the reason."""
ERROR_CODE: Final = "error-code"
SERVICE: Final = v2.DESCRIPTOR.services_by_name["VAL"]
_REASON: Final = re.compile(r"(?:refused|failed): (.+?)\.(?: |\Z)")
_BY_CODE: Final = {kind.code: kind for kind in all_errors()}
_BY_STATUS: Final[Mapping[str, type[MonocoqueError]]] = {
    "PERMISSION_DENIED": SignalDenied,
    "UNAUTHENTICATED": SignalTokenRefused,
    "DEADLINE_EXCEEDED": DeadlinePassed,
}
_MEMBERS: Final = {"boolean": "bool", "string": "string", "float": "float", "double": "double"}
_WHOLE: Final = {"int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}


class KuksaLine:
    """The port ``Line``, on the door of a car."""

    def __init__(
        self, channel: grpc.aio.Channel, token: Callable[[], str], signals: Mapping[str, Signal]
    ) -> None:
        """See ``open``."""
        self._channel = channel
        self._token = token
        self._signals = signals

    @classmethod
    @asynccontextmanager
    async def open(
        cls, address: str, token: Callable[[], str], signals: Mapping[str, Signal]
    ) -> AsyncIterator["KuksaLine"]:
        """A line to ``HOST:PORT`` as long as the block lasts.

        token: gives the one that counts now. signals: those of the app, by path. Raises
        SignalTokenRefused, UnavailableError.
        """
        async with grpc.aio.insecure_channel(address) as channel:
            yield cls(channel, token, signals)

    async def read(self, paths: Sequence[str]) -> list[Value | None]:
        """See Line."""
        ids = [v2.SignalID(path=path) for path in paths]
        answer = await self._ask("GetValues", v2.GetValuesRequest(signal_ids=ids), CALL_S_MAX)
        return [read_value(point.value) for point in answer.data_points]

    @asynccontextmanager
    async def follow(
        self, paths: Sequence[str]
    ) -> AsyncIterator[AsyncIterator[Mapping[str, Value]]]:
        """See Line."""
        batches = self._batches(paths)
        try:
            yield batches
        finally:
            await batches.aclose()

    async def ask(self, path: str, value: Value, timeout_s: float) -> Outcome:
        """See Line."""
        request = v2.ActuateRequest(
            signal_id=v2.SignalID(path=path), value=self._value(path, value)
        )
        try:
            await self._ask("Actuate", request, timeout_s, ("wait-for-outcome", "1"))
        except CarRefuses as error:
            found = _REASON.search(error.what)
            return Outcome(False, found[1] if found else error.what)
        except DeadlinePassed:
            return Outcome(False, "deadline")
        except SignalProviderMissing:
            return Outcome(False, "nobody_does_it")
        return Outcome(True)

    async def say(self, values: Mapping[str, Value]) -> None:
        """See Line."""
        for path, value in values.items():
            point = v2.Datapoint(value=self._value(path, value))
            request = v2.PublishValueRequest(signal_id=v2.SignalID(path=path), data_point=point)
            await self._ask("PublishValue", request, CALL_S_MAX)

    async def _batches(self, paths: Sequence[str]) -> AsyncGenerator[Mapping[str, Value], None]:
        request = v2.SubscribeRequest(signal_paths=list(paths), buffer_size=BUFFER_MESSAGES)
        while True:
            token = self._token()
            call = self._method("Subscribe")(request, metadata=_shown(token))
            try:
                async for message in call:
                    found = {path: read_value(p.value) for path, p in message.entries.items()}
                    known = {path: value for path, value in found.items() if value is not None}
                    if known:
                        yield known
                raise UnavailableError("The car has ended the subscription.")
            except grpc.aio.AioRpcError as error:
                meant = error_of(error)
                if not isinstance(meant, SignalTokenExpired) or self._token() == token:
                    raise meant from None
            finally:
                call.cancel()

    async def _ask(
        self, method: str, request: Any, timeout_s: float, *more: tuple[str, str]
    ) -> Any:
        metadata = (*_shown(self._token()), *more)
        try:
            return await self._method(method)(
                request, metadata=metadata, timeout=timeout_s + GRACE_S
            )
        except grpc.aio.AioRpcError as error:
            raise error_of(error) from None

    def _method(self, name: str) -> Any:
        method = SERVICE.methods_by_name[name]
        make = self._channel.unary_stream if method.server_streaming else self._channel.unary_unary
        return make(
            f"/{SERVICE.full_name}/{name}",
            request_serializer=_serialize,
            response_deserializer=getattr(v2, method.output_type.name).FromString,
        )

    def _value(self, path: str, value: Value) -> v2.Value:
        if path not in self._signals:
            raise SignalDenied(f"The app does not name {path}.")
        return write_value(self._signals[path].data_type, value)


def write_value(data_type: DataType, value: Value) -> v2.Value:
    """The message that holds a value of this type."""
    element = data_type.element.value
    member = _MEMBERS.get(element) or _WHOLE.get(element, element)
    made = v2.Value()
    if isinstance(value, tuple):
        getattr(made, f"{member}_array").values.extend(value)
        getattr(made, f"{member}_array").SetInParent()
    else:
        setattr(made, member, value)
    return made


def read_value(message: v2.Value) -> Value | None:
    """The value in a message; None when it has none."""
    member = message.WhichOneof("typed_value")
    if member is None:
        return None
    found = getattr(message, member)
    value: Value = tuple(found.values) if member.endswith("_array") else found
    return value


def error_of(error: grpc.aio.AioRpcError) -> MonocoqueError:
    """The error of the tree that the car raised, or the nearest to what gRPC says."""
    said = {str(key): str(value) for key, value in error.trailing_metadata() or ()}
    kind = _BY_CODE.get(said.get(ERROR_CODE, ""))
    if kind is None:
        kind = _BY_STATUS.get(error.code().name, UnavailableError)
    return kind(error.details() or error.code().name)


def _shown(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def _serialize(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data

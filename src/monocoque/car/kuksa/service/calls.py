"""What every call has in common: whose it is, how its errors are said, and which calls there are.

Rules:

* a call without a good token is refused before anything of it is read;
* of the calls that the door takes at a time, a client has its share, so that one that floods costs
  nobody else a call;
* an error of the tree is said with its sentence and hint; any other is counted, logged, and said as
  "internal".

Left out on purpose: a share of connections, which come without a name.
"""

import contextlib
import functools
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.kuksa.logic.errors import grpc_code
from monocoque.car.kuksa.logic.values import member_of
from monocoque.car.kuksa.logic.writing import Writer
from monocoque.car.signals.logic.catalogue import PATH_CHARACTERS_MAX
from monocoque.car.signals.service.hub import HubConnection, SignalHub
from monocoque.car.tokens.service import Tokens
from monocoque.contracts.errors import (
    DefectError,
    MonocoqueError,
    RequestMalformed,
    RequestTooLarge,
    SignalClientsFull,
    SignalUnknown,
)
from monocoque.contracts.signals import Signal
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.service import Context

Call = Any
"""``grpc.aio.ServicerContext``, whose types name both messages."""
ENTRIES: Final = b"\x0a"
"""How an entry begins in the answers to both kinds of subscription."""
DOOR: Final = "kuksa"
"""As metrics call it."""
WAIT_FOR_OUTCOME: Final = "wait-for-outcome"
"""A client that says this in its metadata is answered when what it asks has ended."""


@dataclass
class Desk:
    """What the handlers of both versions stand on."""

    context: Context
    hub: SignalHub
    tokens: Tokens
    config: KuksaConfig
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _open: Counter[str] = field(default_factory=Counter)
    """Calls that go on, by client."""

    def __post_init__(self) -> None:
        """Writers that all subscribers share."""
        signals = self.hub.catalogue.signals
        members = {signal.number: member_of(signal.data_type) for signal in signals}
        paths = {signal.number: signal.path for signal in signals}
        self.by_path = Writer(ENTRIES, members, paths)
        self.by_id = Writer(ENTRIES, members, {})

    @contextlib.contextmanager
    def connected(self, call: Call) -> Iterator[HubConnection]:
        """The connection of this call, while it goes on.

        Raises SignalTokenRefused, SignalTokenExpired, and SignalClientsFull when its client has as
        many others already as it may.
        """
        metadata = dict(call.invocation_metadata() or ())
        shown = metadata.get("authorization", "")
        access = self.tokens.access_of(str(shown), self.hub.catalogue)
        client = access.client
        if self._open[client] >= self.config.calls_per_client_max:
            raise SignalClientsFull(
                f"A client has at most {self.config.calls_per_client_max} calls at a time.",
                hint="End a stream, or wait for an answer, before the next.",
            )
        self._open[client] += 1
        try:
            yield self.hub.connect(f"{access.holder}/{next(self._numbers)}", access)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def signal(self, path: str) -> Signal:
        """The signal of a path. Raises RequestMalformed, SignalUnknown."""
        if not path:
            raise RequestMalformed("A path is empty.", hint="Name a signal by path or id.")
        if len(path) > PATH_CHARACTERS_MAX:
            raise RequestMalformed(f"A path has more than {PATH_CHARACTERS_MAX} characters.")
        return self.hub.catalogue.at(path)

    def signal_of(self, signal_id: v2.SignalID) -> Signal:
        """The signal that is meant, by path or number. Raises RequestMalformed, SignalUnknown."""
        if signal_id.WhichOneof("signal") == "id":
            return self.hub.catalogue.numbered(signal_id.id)
        return self.signal(signal_id.path)

    def signals_below(self, pattern: str) -> tuple[Signal, ...]:
        """The signals of a path, branch or pattern. Raises RequestMalformed, SignalUnknown."""
        if len(pattern) > PATH_CHARACTERS_MAX:
            raise RequestMalformed(f"A path has more than {PATH_CHARACTERS_MAX} characters.")
        found = self.hub.catalogue.matching(pattern)
        if not found:
            raise SignalUnknown(f"Nothing is called {pattern[:80]!r}.")
        return found

    def check_count(self, count: int) -> None:
        """Raise RequestTooLarge when one message names too many signals."""
        if count > self.config.values_per_request_max:
            raise RequestTooLarge(
                f"One message names at most {self.config.values_per_request_max} signals."
            )

    def act_s(self, call: Call) -> float:
        """How long what this call asks for may take."""
        left_s: float | None = call.time_remaining()
        return min(self.config.act_s_max, max(0.01, left_s or self.config.act_s_max))

    def answer_s(self, call: Call) -> float:
        """How long this call may wait for providers: it is answered before its own deadline."""
        left_s: float | None = call.time_remaining()
        longest_s = self.config.answer_s_max
        return longest_s if left_s is None else max(0.0, min(longest_s, left_s / 2))

    def count_lost(self, count: int) -> None:
        """So many values were replaced by newer ones before a subscriber took them."""
        self.context.metrics.signal_values_lost.labels(door=DOOR).inc(count)

    def waits_for_outcome(self, call: Call) -> bool:
        """Whether the client wants to know how it ended."""
        return WAIT_FOR_OUTCOME in dict(call.invocation_metadata() or ())


Unary = Callable[[Desk, HubConnection, Any, Call], Awaitable[Any]]
Stream = Callable[[Desk, HubConnection, Any, Call], AsyncGenerator[Any, None]]


def handlers(
    desk: Desk,
    service: ServiceDescriptor,
    methods: dict[str, Unary | Stream],
    raw: frozenset[str] = frozenset(),
) -> grpc.GenericRpcHandler:
    """Every method of a service; raises KeyError when one is missing.

    raw: those that take the bytes of their requests, and read them themselves.
    """
    found = {}
    for method in service.methods:
        # Each is a stream of requests to gRPC, which would else read the one that there is first.
        make = getattr(grpc, f"stream_{_word(method.server_streaming)}_rpc_method_handler")
        serve: Any = _stream if method.server_streaming else _unary
        take: Any = _each if method.client_streaming else _only
        found[method.name] = make(
            functools.partial(serve, desk, methods[method.name], take),
            request_deserializer=(
                None
                if method.name in raw
                else functools.partial(_parse, GetMessageClass(method.input_type))
            ),
            response_serializer=_serialize,
        )
    return grpc.method_handlers_generic_handler(service.full_name, found)


def _word(is_stream: bool) -> str:
    return "stream" if is_stream else "unary"


def _parse(kind: type[Message], data: bytes) -> Message | None:
    """None for what is no such message: said here, gRPC would call it a defect of the car's."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return None


def _checked(request: Any) -> Any:
    """The request. Raises RequestMalformed."""
    if request is None:
        raise RequestMalformed("The bytes are no such message.")
    return request


async def _only(requests: AsyncIterator[Any]) -> Any:
    """The request of a call that has one. Raises RequestMalformed."""
    async for request in requests:
        return _checked(request)
    raise RequestMalformed("The call ended before its request.")


async def _each(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The requests of a stream, as they come, which raise RequestMalformed."""
    return (_checked(request) async for request in requests)


def _serialize(message: Any) -> bytes:
    """Answers that many hear are bytes already."""
    return message if isinstance(message, bytes) else message.SerializeToString()


async def _unary(desk: Desk, method: Unary, take: Any, requests: Any, call: Call) -> Any:
    try:
        with desk.connected(call) as connection:
            return await method(desk, connection, await take(requests), call)
    except MonocoqueError as error:
        await _abort(call, error)
    except Exception:  # a defect in one call disturbs no other
        desk.context.log.exception("a call failed")
        await _fail(desk, call)


async def _stream(
    desk: Desk, method: Stream, take: Any, requests: Any, call: Call
) -> AsyncIterator[Any]:
    try:
        with desk.connected(call) as connection:
            answers = method(desk, connection, await take(requests), call)
            async with contextlib.aclosing(answers):
                async for answer in answers:
                    yield answer
    except MonocoqueError as error:
        await _abort(call, error)
    except Exception:  # a defect in one call disturbs no other
        desk.context.log.exception("a call failed")
        await _fail(desk, call)


async def _abort(call: Call, error: MonocoqueError) -> None:
    code = getattr(grpc.StatusCode, grpc_code(error))
    await call.abort(code, f"{error.what} {error.hint}", (("error-code", error.code),))


async def _fail(desk: Desk, call: Call) -> None:
    desk.context.metrics.errors.labels(where=DOOR, code=DefectError.code).inc()
    await call.abort(grpc.StatusCode.INTERNAL, "The car could not answer; its log says why.")

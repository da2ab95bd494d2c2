"""Clients of a running car's doors, each with a token: one of KUKSA over gRPC, one of VISS.

Rules: real sockets and the car's own process; every call has a deadline.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import grpc
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from monocoque.car.body import service as body
from monocoque.car.body.logic import Body
from monocoque.cli.doorstep import give_token
from monocoque.cli.wheel import at_the_wheel
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import SystemClock

CALL_S_MAX = 20.0
STREAM_S_MAX = 60.0
TOKEN_S = 3_600.0
METHODS = {method.name: method for method in v2.DESCRIPTOR.services_by_name["VAL"].methods}


class SignalClient:
    """A client of KUKSA at one car's door."""

    def __init__(self, address: str, token: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._shown = (("authorization", f"Bearer {token}"), ("wait-for-outcome", "1"))

    def call(self, method: str, request: Any, deadline_s: float = CALL_S_MAX) -> Any:
        """What a method answers; bytes are sent as they are. Raises grpc.RpcError."""
        known = METHODS[method]
        streams = (known.client_streaming, known.server_streaming)
        kind = "_".join("stream" if each else "unary" for each in streams)
        call = getattr(self._channel, kind)(
            f"/kuksa.val.v2.VAL/{method}",
            request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
            response_deserializer=getattr(v2, known.output_type.name).FromString,
        )
        said = iter([request]) if known.client_streaming else request
        return call(said, metadata=self._shown, timeout=deadline_s)

    def value(self, path: str) -> Any:
        """What a signal is now; None when nobody stands behind it."""
        request = v2.GetValueRequest(signal_id=v2.SignalID(path=path))
        return _value_in(self.call("GetValue", request).data_point)

    def hear(self, path: str) -> Iterator[Any]:
        """What is said of a signal, as it is said."""
        request = v2.SubscribeRequest(signal_paths=[path])
        for answer in self.call("Subscribe", request, STREAM_S_MAX):
            yield _value_in(answer.entries[path])

    def say(self, path: str, **value: Any) -> None:
        """Publish a value, such as ``float=1.5``."""
        point = v2.Datapoint(value=v2.Value(**value))
        request = v2.PublishValueRequest(signal_id=v2.SignalID(path=path), data_point=point)
        self.call("PublishValue", request)

    def ask(self, path: str, **value: Any) -> str:
        """Ask an actuator, and wait; why it was not done, or an empty text."""
        request = v2.ActuateRequest(signal_id=v2.SignalID(path=path), value=v2.Value(**value))
        try:
            self.call("Actuate", request)
        except grpc.RpcError as error:
            return str(error)
        return ""

    def close(self) -> None:
        self._channel.close()


def _value_in(point: v2.Datapoint) -> Any:
    kind = point.value.WhichOneof("typed_value")
    return None if kind is None else getattr(point.value, kind)


class VissClient:
    """A client of VISS on a WebSocket."""

    def __init__(self, socket: ClientConnection, token: str) -> None:
        self.socket = socket
        self._token = token

    def ask(self, action: str, **members: Any) -> dict[str, Any]:
        """What a request is answered with."""
        request = {"action": action, "requestId": "1", "authorization": self._token, **members}
        self.socket.send(json.dumps(request))
        answer: dict[str, Any] = json.loads(self.socket.recv(CALL_S_MAX))
        return answer


@contextlib.contextmanager
def viss_at(address: str, token: str) -> Generator[VissClient]:
    """A client of VISS at one car's door."""
    with connect(f"ws://{address}", subprotocols=[Subprotocol("VISSv3")]) as socket:
        yield VissClient(socket, token)


def token_of(data: Path, car_id: CarId, scope: str) -> str:
    """A token of a car of this installation, as `monocoque car token new` gives it out."""
    token, _ = asyncio.run(give_token(data, car_id, "client of a test", scope, TOKEN_S))
    return token


def change_body(data: Path, car_id: CarId, how: Callable[[Body], Body]) -> Body:
    """As a person at the car does, or a fault: the body of a car that runs is so from now on."""
    now_us = SystemClock().now_us()
    return at_the_wheel(data, car_id, lambda records: body.change(records, car_id, now_us, how))

"""Calls of kuksa.val.v2 to a broker, with a token; statuses become errors of our tree."""

from collections.abc import Mapping
from typing import Any, Final

import grpc
import grpc.aio

from monocoque.car.kuksa.logic.replies import error_of
from monocoque.contracts.errors import SignalProviderMissing
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

CALL_S_MAX: Final = 10.0
SERVICE: Final = v2.DESCRIPTOR.services_by_name["VAL"]
RAW: Final = frozenset({"SubscribeById"})
"""Methods whose answers come often, so that who calls them reads the bytes."""


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


async def next_message(call: Any) -> Any:
    """What the stream says next. Raises the error that its status stands for."""
    try:
        message = await call.read()
    except grpc.aio.AioRpcError as error:
        raise error_of(error.code().name, error.details() or "") from None
    if message is grpc.aio.EOF:
        raise SignalProviderMissing("The broker has ended the stream.")
    return message

"""The server of the door for KUKSA's clients: gRPC on loopback.

Rules: it listens when the car lives and ends with it; who comes shows a token; reflection, health
and the rest of what gRPC could offer are not there.

Left out on purpose: TLS. A setting can open the door to others than this machine, and whoever does
that puts it behind something that ends TLS.
"""

import asyncio

import grpc.aio

from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.kuksa.service import version1, version2
from monocoque.car.kuksa.service.calls import Desk, handlers
from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.signals.service.port import DoorPlate
from monocoque.car.tokens.service import tokens_of
from monocoque.contracts.errors import PortInUse
from monocoque.contracts.wire import kuksa_v1_pb2, kuksa_v2_pb2
from monocoque.plumbing.service import Context

NAME = "kuksa"


async def run(context: Context) -> None:
    """Serve until cancelled. Raises PortInUse."""
    config = context.config(KuksaConfig)
    desk = Desk(context, context.port(SignalHub), tokens_of(context), config)
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", config.message_bytes_max),
            ("grpc.max_send_message_length", config.message_bytes_max),
            ("grpc.so_reuseport", 0),
        ],
        maximum_concurrent_rpcs=config.calls_max,
    )
    server.add_generic_rpc_handlers(
        (
            handlers(
                desk,
                kuksa_v2_pb2.DESCRIPTOR.services_by_name["VAL"],
                version2.METHODS,
                version2.RAW,
            ),
            handlers(desk, kuksa_v1_pb2.DESCRIPTOR.services_by_name["VAL"], version1.METHODS),
        )
    )
    try:
        port = server.add_insecure_port(f"{config.host}:{config.port}")
    except RuntimeError as error:
        raise PortInUse(
            f"The door for KUKSA's clients cannot listen on port {config.port}.",
            hint="Choose another with the setting kuksa.port; 0 takes any that is free.",
        ) from error
    await server.start()
    try:
        context.port(DoorPlate).show(NAME, f"{config.host}:{port}")
        # Waiting for the server itself would, when cancelled, cancel what its end waits for.
        await asyncio.Event().wait()
    finally:
        await server.stop(config.end_s_max)

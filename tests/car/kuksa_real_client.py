"""KUKSA's own Python client, as a person would use it; runs in an environment of its own.

Rules: it is a program, started by test_kuksa_client.py with HOST, PORT and a token; what it saw
goes to its output as JSON. It imports nothing of ours.
"""

import asyncio
import contextlib
import json
import sys
from typing import Any

import kuksa_client.grpc.aio  # type: ignore[import-not-found]
from google.protobuf.descriptor import FieldDescriptor
from kuksa.val.v1 import types_pb2 as types_v1  # type: ignore[import-not-found]
from kuksa.val.v1 import val_pb2 as val_v1
from kuksa.val.v2 import types_pb2 as types_v2  # type: ignore[import-not-found]
from kuksa.val.v2 import val_pb2 as val_v2
from kuksa_client.grpc import Datapoint, VSSClient, VSSClientError

SPEED = "Vehicle.Speed"
GEAR = "Vehicle.Powertrain.Transmission.SelectedGear"
LIMIT = "Vehicle.Powertrain.TractionBattery.Charging.ChargeLimit"
CLIMATE = "Vehicle.Cabin.HVAC.IsAirConditioningActive"
WAIT_S_MAX = 15.0


def of_one_thread(host: str, port: int, token: str) -> dict[str, Any]:
    """What the client without asyncio sees."""
    seen: dict[str, Any] = {}
    with VSSClient(host, port, token=token) as client:
        seen["server"] = client.get_server_info().name
        client.set_current_values({SPEED: Datapoint(42.5), GEAR: Datapoint(127)})
        found = client.get_current_values([SPEED, GEAR])
        seen["values"] = {path: point.value for path, point in found.items()}
        said = client.get_metadata([LIMIT])[LIMIT]
        seen["metadata"] = [said.data_type.name, said.unit, said.value_restriction.max]
        for name, wrong in (("range", {LIMIT: Datapoint(101)}), ("path", {"V.X": Datapoint(1)})):
            try:
                client.set_current_values(wrong)
            except VSSClientError as error:
                seen[name] = error.error["code"]
        try:
            client.set_target_values({LIMIT: Datapoint(70)})
        except VSSClientError as error:
            seen["nobody"] = [each["error"]["code"] for each in error.errors]
    try:
        with VSSClient(host, port, token="nonsense") as client:
            client.get_current_values([SPEED])
    except VSSClientError as error:
        seen["stranger"] = error.error["code"]
    return seen


async def together(host: str, port: int, token: str) -> dict[str, Any]:
    """Subscribing, providing and actuating."""
    seen: dict[str, Any] = {"speeds": [], "branch": []}
    client_of = kuksa_client.grpc.aio.VSSClient
    async with client_of(host, port, token=token) as client, asyncio.timeout(WAIT_S_MAX):
        has_begun, has_heard = asyncio.Event(), asyncio.Event()

        async def hear_speeds() -> None:
            async for updates in client.subscribe_current_values([SPEED]):
                seen["speeds"].append(updates[SPEED].value)
                has_begun.set()
                if len(seen["speeds"]) == 3:
                    has_heard.set()

        hearing = asyncio.create_task(hear_speeds())
        await has_begun.wait()
        for value in (50.0, 60.0):
            await client.set_current_values({SPEED: Datapoint(value)})
        await has_heard.wait()
        hearing.cancel()
        async for updates in client.subscribe_current_values(["Vehicle.Powertrain"]):
            seen["branch"] = [path for path in (GEAR, LIMIT, SPEED) if path in updates]
            break

        asked: asyncio.Queue[Any] = asyncio.Queue()

        async def do_what_is_asked() -> None:
            async for updates in client.subscribe_target_values([LIMIT]):
                await asked.put(updates[LIMIT].value)

        doing = asyncio.create_task(do_what_is_asked())
        while True:
            with contextlib.suppress(VSSClientError):
                await client.set_target_values({LIMIT: Datapoint(80)})
                break
            await asyncio.sleep(0.05)
        seen["asked"] = await asked.get()
        targets = await client.get_target_values([LIMIT])
        seen["target"] = targets[LIMIT].value
        await client.set_current_values({LIMIT: Datapoint(80)})
        targets = await client.get_target_values([LIMIT])
        seen["after"] = targets[LIMIT] and targets[LIMIT].value
        values = await client.get_current_values([LIMIT])
        seen["limit"] = values[LIMIT].value
        doing.cancel()
        await asyncio.gather(hearing, doing, return_exceptions=True)
    return seen


def shapes() -> dict[str, Any]:
    """Each message, enumeration and method that the client was built for."""
    found: dict[str, Any] = {}
    for module in (types_v1, val_v1, types_v2, val_v2):
        file = module.DESCRIPTOR
        waiting = list(file.message_types_by_name.values())
        while waiting:
            message = waiting.pop()
            waiting += message.nested_types
            found[message.full_name] = sorted(_shape_of(field) for field in message.fields)
            for kind in message.enum_types:
                found[kind.full_name] = {each.name: each.number for each in kind.values}
        for kind in file.enum_types_by_name.values():
            found[kind.full_name] = {each.name: each.number for each in kind.values}
        for service in file.services_by_name.values():
            for method in service.methods:
                found[method.full_name] = [
                    method.input_type.full_name,
                    method.output_type.full_name,
                    method.client_streaming,
                    method.server_streaming,
                ]
    return found


def _shape_of(field: FieldDescriptor) -> list[Any]:
    kind = field.message_type or field.enum_type
    group = field.containing_oneof
    return [
        field.number,
        field.name,
        field.type,
        bool(field.is_repeated),
        kind.full_name if kind else "",
        group.name if group else "",
    ]


def main() -> None:
    """See the module."""
    if len(sys.argv) == 1:
        seen = shapes()
    else:
        host, port, token = sys.argv[1:]
        seen = of_one_thread(host, int(port), token)
        seen |= asyncio.run(together(host, int(port), token))
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()

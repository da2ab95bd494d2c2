"""The real client of KUKSA reads, subscribes, provides and actuates, in the same messages."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from monocoque.car.kuksa import service as kuksa
from monocoque.contracts.signals import CHARGE_LIMIT, SELECTED_GEAR, SPEED
from monocoque.contracts.wire import kuksa_v1_pb2, kuksa_v2_pb2
from tests.car.door_stand import DoorStand
from tests.fixtures import environments

PROGRAM = Path(__file__).with_name("kuksa_real_client.py")
WAIT_S_MAX = 60.0
NOT_FOUND, INVALID_ARGUMENT, UNAUTHENTICATED = 5, 3, 16
ALL = "read actuate provide"


@pytest.fixture(scope="session")
def python() -> Path:
    """That of the client's environment."""
    return environments.programs_of("kuksa") / "python"


async def seen_by(python: Path, *words: str) -> Any:
    """What the program says."""
    process = await asyncio.create_subprocess_exec(
        python,
        PROGRAM,
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(WAIT_S_MAX):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


@pytest.mark.timeout(600)  # its first run installs the environment
async def test_the_real_client_reads_subscribes_provides_and_actuates(python):
    stand = DoorStand()
    async with stand.open(kuksa.run):
        host, port = (await stand.plate.address("kuksa")).split(":")
        token, _ = await stand.token(ALL)
        seen = await seen_by(python, host, port, token)
    assert seen == {
        "server": "monocoque",
        "values": {
            SPEED.path: 42.5,
            SELECTED_GEAR.path: 127,
        },
        "metadata": ["UINT8", "percent", 100],
        "range": INVALID_ARGUMENT,
        "path": 404,
        "nobody": [503],
        "stranger": UNAUTHENTICATED,
        "speeds": [42.5, 50.0, 60.0],
        "branch": [SELECTED_GEAR.path, CHARGE_LIMIT.path],
        "asked": 80,
        "target": 80,
        "after": None,
        "limit": 80,
    }


@pytest.mark.timeout(600)  # its first run installs the environment
async def test_every_message_and_method_is_what_the_client_was_built_for(python):
    theirs = await seen_by(python)
    ours = _shapes()
    assert len(theirs) > 100
    assert {name: ours.get(name) for name in theirs} == theirs


def _shapes() -> dict[str, Any]:
    """The same of our own stubs, as JSON has it."""
    found: dict[str, Any] = {}
    for module in (kuksa_v1_pb2, kuksa_v2_pb2):
        file = module.DESCRIPTOR
        waiting = list(file.message_types_by_name.values())
        enumerations = list(file.enum_types_by_name.values())
        while waiting:
            message = waiting.pop()
            waiting += message.nested_types
            enumerations += message.enum_types
            found[message.full_name] = sorted(_shape_of(field) for field in message.fields)
        for kind in enumerations:
            found[kind.full_name] = {each.name: each.number for each in kind.values}
        for method in (m for s in file.services_by_name.values() for m in s.methods):
            found[method.full_name] = [
                method.input_type.full_name,
                method.output_type.full_name,
                method.client_streaming,
                method.server_streaming,
            ]
    return found


def _shape_of(field: Any) -> list[Any]:
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

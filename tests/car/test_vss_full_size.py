"""An export as large as the whole of VSS: it loads, and each of its signals is said and read."""

import asyncio
import itertools
import json
from typing import Any

from monocoque.car.kuksa import service as kuksa
from monocoque.car.signals.logic.vss import read_vss
from monocoque.contracts.signals import SIGNALS, DataType, EntryType, Signal, Value, check
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from tests.car.door_stand import DoorStand, KuksaClient

WAIT_S_MAX = 30.0
LEAVES_MIN = 1_250
"""VSS 6.0 has 1 263; 1 367 were on their way to the next (COVESA/vehicle_signal_specification)."""
SIDES = ("DriverSide", "Middle", "PassengerSide")
KINDS: tuple[dict[str, Any], ...] = (
    {"type": "actuator", "datatype": "boolean"},
    {"type": "actuator", "datatype": "uint8", "unit": "percent", "min": 0, "max": 100},
    {"type": "actuator", "datatype": "int8", "unit": "percent", "min": -100, "max": 100},
    {"type": "actuator", "datatype": "string", "allowed": ["NONE", "LEFT", "RIGHT"]},
    {"type": "actuator", "datatype": "float", "unit": "degrees", "min": -45.5, "max": 45.5},
    {"type": "sensor", "datatype": "float", "unit": "celsius"},
    {"type": "sensor", "datatype": "double", "unit": "degrees", "min": -180, "max": 180},
    {"type": "sensor", "datatype": "uint16", "unit": "mm"},
    {"type": "sensor", "datatype": "int16", "unit": "N"},
    {"type": "sensor", "datatype": "uint32", "unit": "s"},
    {"type": "sensor", "datatype": "int32", "unit": "rpm"},
    {"type": "sensor", "datatype": "uint64", "unit": "iso8601"},
    {"type": "sensor", "datatype": "string"},
    {"type": "sensor", "datatype": "string[]"},
    {"type": "sensor", "datatype": "boolean", "deprecation": "V6.0 Moved."},
    {"type": "attribute", "datatype": "uint8", "default": 2, "unit": "cm"},
    {"type": "attribute", "datatype": "string", "default": "UNKNOWN", "comment": "From the plant."},
    {"type": "attribute", "datatype": "uint8[]", "default": [2, 3]},
)
"""What leaves say, in the words of ``vspec export json``."""


def export() -> dict[str, Any]:
    """Our own rows, and parts in every row and on every side, as an export says instances."""
    root: dict[str, Any] = {}
    for signal in SIGNALS:
        _put(root, signal.path, _own(signal))
    parts = itertools.product(("Seat", "Door", "Row", "Light", "Sunblind"), range(1, 5), SIDES)
    for part, row, side in parts:
        for number, kind in enumerate(KINDS):
            path = f"Vehicle.Full.{part}.Row{row}.{side}.Part{number}.Measure"
            _put(root, path, {"description": f"Measure {number} of it.", **kind})
    return root


def _own(signal: Signal) -> dict[str, Any]:
    node: dict[str, Any] = {
        "datatype": signal.data_type.value,
        "description": signal.purpose,
        "type": signal.entry_type.value,
    }
    if signal.unit:
        node["unit"] = signal.unit
    for name, limit in (("min", signal.minimum), ("max", signal.maximum)):
        if limit is not None:
            node[name] = limit
    if signal.allowed:
        node["allowed"] = list(signal.allowed)
    return node


def _put(root: dict[str, Any], path: str, leaf: dict[str, Any]) -> None:
    *branches, name = path.split(".")
    children = root
    for branch in branches:
        node = children.setdefault(
            branch, {"children": {}, "description": f"All of {branch}.", "type": "branch"}
        )
        children = node["children"]
    children[name] = leaf


def _sample(signal: Signal, turn: int) -> Value:
    """A value that the signal takes, another one for each turn where it can be."""
    if signal.allowed:
        word: Any = signal.allowed[turn % len(signal.allowed)]
        return check(signal, (word,) if signal.data_type.is_array else word)
    if signal.data_type is DataType.STRING:
        return f"word {turn}"
    if signal.data_type is DataType.STRING_ARRAY:
        return (f"word {turn}", "grüß")
    if signal.data_type is DataType.BOOLEAN:
        return turn % 2 == 0
    low = 0 if signal.minimum is None else signal.minimum
    high = 100 if signal.maximum is None else signal.maximum
    return check(signal, (1, 2) if signal.data_type.is_array else int(low) + turn % (high - low))


def test_an_export_of_the_size_of_vss_loads_and_each_of_its_signals_is_read() -> None:
    catalogue, unusable = read_vss(json.dumps(export(), indent=2).encode())
    assert unusable == ()
    assert len(catalogue.signals) > LEAVES_MIN
    assert {signal.path: signal.number for signal in SIGNALS}.items() <= {
        signal.path: signal.number for signal in catalogue.signals
    }.items()
    assert {signal.data_type for signal in catalogue.signals} > {
        DataType.BOOLEAN, DataType.FLOAT, DataType.DOUBLE, DataType.STRING, DataType.UINT64,
    }  # fmt: skip
    assert {signal.entry_type for signal in catalogue.signals} == set(EntryType)

    async def main() -> None:
        stand = DoorStand(catalogue)
        signals = catalogue.signals
        numbers = [signal.number for signal in signals]
        values = [_sample(signal, turn) for turn, signal in enumerate(signals)]
        async with asyncio.timeout(WAIT_S_MAX), stand.open(kuksa.run):
            token, _ = await stand.token("read")
            address = await stand.plate.address("kuksa")
            async with KuksaClient(address, token) as client, stand.all.provide(numbers) as said:
                assert await said.publish(numbers, values, 1) == {}
                listed = await client.v2["ListMetadata"](v2.ListMetadataRequest(root="Vehicle"))
                assert {each.path for each in listed.metadata} == {each.path for each in signals}
                wanted = [v2.SignalID(path=signal.path) for signal in signals]
                answer = await client.v2["GetValues"](v2.GetValuesRequest(signal_ids=wanted))
        for signal, value, point in zip(signals, values, answer.data_points, strict=True):
            assert _read(point) == check(signal, value), signal.path

    asyncio.run(main())


def _read(point: v2.Datapoint) -> Value:
    found = getattr(point.value, point.value.WhichOneof("typed_value") or "")
    return tuple(found.values) if hasattr(found, "values") else found

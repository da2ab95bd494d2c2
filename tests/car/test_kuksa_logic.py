"""KUKSA's words for our values, signals and errors, and back."""

from typing import Any

import pytest

from monocoque.car.kuksa.logic.errors import (
    GRPC_CODES,
    HTTP_CODES,
    grpc_code,
    version1_code,
    version2_code,
)
from monocoque.car.kuksa.logic.metadata import metadata_v1, metadata_v2, signal_of
from monocoque.car.kuksa.logic.replies import error_of, reason_of
from monocoque.car.kuksa.logic.values import (
    FLOAT_MAX,
    read_time_us,
    read_value,
    write_time,
    write_value,
)
from monocoque.car.signals.logic.acts import ActState
from monocoque.contracts import errors
from monocoque.contracts.signals import SIGNALS, DataType, EntryType, Signal
from monocoque.contracts.wire import kuksa_v1_pb2 as v1
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

VALUES: dict[DataType, Any] = {
    DataType.BOOLEAN: True,
    DataType.STRING: "a",
    DataType.FLOAT: 0.5,
    DataType.DOUBLE: 0.1,
}


@pytest.mark.parametrize("data_type", list(DataType))
def test_a_value_of_every_type_goes_there_and_back(data_type) -> None:
    one = VALUES.get(data_type.element, 7)
    value = (one, one) if data_type.is_array else one
    for message, oneof in ((v2.Value(), "typed_value"), (v1.Datapoint(), "value")):
        assert read_value(message, oneof) is None
        write_value(message, data_type, value)
        assert read_value(message, oneof) == value
    if data_type.is_array:
        message = v2.Value()
        write_value(message, data_type, ())
        assert read_value(message, "typed_value") == ()


def test_a_number_too_large_for_a_float_is_the_largest() -> None:
    message = v2.Value()
    write_value(message, DataType.FLOAT, 1e300)
    assert message.float == pytest.approx(FLOAT_MAX)


def test_a_time_goes_there_and_back_and_none_is_now() -> None:
    point = v2.Datapoint()
    assert read_time_us(point, 9) == 9
    write_time(point.timestamp, 1_700_000_000_123_456)
    assert read_time_us(point, 9) == 1_700_000_000_123_456


@pytest.mark.parametrize("row", SIGNALS, ids=lambda row: row.path)
def test_what_a_signal_is_can_be_said_and_understood(row) -> None:
    understood = signal_of(metadata_v2(row))
    assert understood is not None
    for name in ("number", "path", "data_type", "entry_type", "unit", "allowed", "maximum"):
        assert getattr(understood, name) == getattr(row, name)
    said = metadata_v1(row)
    assert said.description == row.purpose
    assert said.HasField(row.entry_type.value)


@pytest.mark.parametrize(
    ("data_type", "more", "kind"),
    [
        ("string", {"allowed": ("A",)}, "string"),
        ("float", {"minimum": 0.0}, "floating_point"),
        ("int8", {"maximum": 5}, "signed"),
        ("uint8", {"allowed": (1, 2), "minimum": 1}, "unsigned"),
    ],
)
def test_version_1_has_a_kind_of_restriction_for_each_type(data_type, more, kind) -> None:
    row = Signal(1, "A", DataType(data_type), EntryType.SENSOR, "", "x", **more)
    assert metadata_v1(row).value_restriction.WhichOneof("type") == kind


def test_metadata_of_a_type_that_we_do_not_have_is_no_signal() -> None:
    assert (
        signal_of(v2.Metadata(data_type="DATA_TYPE_TIMESTAMP", entry_type="ENTRY_TYPE_SENSOR"))
        is None
    )
    assert signal_of(v2.Metadata(data_type=v2.DATA_TYPE_FLOAT)) is None


def test_every_error_has_a_number_in_each_version() -> None:
    for kind in errors.all_errors():
        error = kind("x")
        assert grpc_code(error) in HTTP_CODES
        assert version1_code(error) >= 400
        v2.ErrorCode.Value(version2_code(error))
    assert grpc_code(errors.SignalTokenExpired("x")) == "UNAUTHENTICATED"
    assert version2_code(errors.SignalDenied("x")) == "ERROR_CODE_PERMISSION_DENIED"
    assert set(GRPC_CODES.values()) <= set(HTTP_CODES)


def test_a_status_becomes_an_error_again() -> None:
    assert isinstance(error_of("NOT_FOUND", "gone"), errors.SignalUnknown)
    assert isinstance(error_of("INTERNAL", ""), errors.UnavailableError)
    refused = error_of("FAILED_PRECONDITION", "Vehicle.A was refused: moving. Mend it.")
    assert reason_of(refused) == (ActState.REFUSED, "moving")
    failed = error_of("FAILED_PRECONDITION", "Vehicle.A failed: jammed. Look.")
    assert reason_of(failed) == (ActState.FAILED, "jammed")
    assert reason_of(error_of("FAILED_PRECONDITION", "else"))[1] == ""
    assert reason_of(error_of("NOT_FOUND", "Vehicle.A was refused: moving."))[1] == ""

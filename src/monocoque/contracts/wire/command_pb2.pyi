from monocoque.contracts.wire import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CommandEnvelope(_message.Message):
    __slots__ = ("header", "command", "grants")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    command: bytes
    grants: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., command: _Optional[bytes] = ..., grants: _Optional[_Iterable[bytes]] = ...) -> None: ...

class CarReceipt(_message.Message):
    __slots__ = ("header", "receipt")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    receipt: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., receipt: _Optional[bytes] = ...) -> None: ...

class ReceiptsConfirmed(_message.Message):
    __slots__ = ("header", "sequence")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    sequence: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

class CarBody(_message.Message):
    __slots__ = ("header", "epoch", "locked", "doors_open", "climate_on", "climate_target_celsius", "cabin_celsius", "charge_percent", "charge_limit_percent", "range_km", "plugged", "charging", "gear", "speed_kmh", "latitude_degrees", "longitude_degrees", "place_measured_us", "place_accuracy_m", "odometer_m")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    DOORS_OPEN_FIELD_NUMBER: _ClassVar[int]
    CLIMATE_ON_FIELD_NUMBER: _ClassVar[int]
    CLIMATE_TARGET_CELSIUS_FIELD_NUMBER: _ClassVar[int]
    CABIN_CELSIUS_FIELD_NUMBER: _ClassVar[int]
    CHARGE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    CHARGE_LIMIT_PERCENT_FIELD_NUMBER: _ClassVar[int]
    RANGE_KM_FIELD_NUMBER: _ClassVar[int]
    PLUGGED_FIELD_NUMBER: _ClassVar[int]
    CHARGING_FIELD_NUMBER: _ClassVar[int]
    GEAR_FIELD_NUMBER: _ClassVar[int]
    SPEED_KMH_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_DEGREES_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_DEGREES_FIELD_NUMBER: _ClassVar[int]
    PLACE_MEASURED_US_FIELD_NUMBER: _ClassVar[int]
    PLACE_ACCURACY_M_FIELD_NUMBER: _ClassVar[int]
    ODOMETER_M_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    epoch: str
    locked: bool
    doors_open: _containers.RepeatedScalarFieldContainer[str]
    climate_on: bool
    climate_target_celsius: float
    cabin_celsius: float
    charge_percent: float
    charge_limit_percent: float
    range_km: float
    plugged: bool
    charging: bool
    gear: str
    speed_kmh: float
    latitude_degrees: float
    longitude_degrees: float
    place_measured_us: int
    place_accuracy_m: float
    odometer_m: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., epoch: _Optional[str] = ..., locked: _Optional[bool] = ..., doors_open: _Optional[_Iterable[str]] = ..., climate_on: _Optional[bool] = ..., climate_target_celsius: _Optional[float] = ..., cabin_celsius: _Optional[float] = ..., charge_percent: _Optional[float] = ..., charge_limit_percent: _Optional[float] = ..., range_km: _Optional[float] = ..., plugged: _Optional[bool] = ..., charging: _Optional[bool] = ..., gear: _Optional[str] = ..., speed_kmh: _Optional[float] = ..., latitude_degrees: _Optional[float] = ..., longitude_degrees: _Optional[float] = ..., place_measured_us: _Optional[int] = ..., place_accuracy_m: _Optional[float] = ..., odometer_m: _Optional[int] = ...) -> None: ...

class HandOverRequest(_message.Message):
    __slots__ = ("header", "request")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    request: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., request: _Optional[bytes] = ...) -> None: ...

class HandOverAnswer(_message.Message):
    __slots__ = ("header", "request_id", "grant", "refusal_code")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    GRANT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_CODE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    request_id: str
    grant: bytes
    refusal_code: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., request_id: _Optional[str] = ..., grant: _Optional[bytes] = ..., refusal_code: _Optional[str] = ...) -> None: ...

class CommandChanged(_message.Message):
    __slots__ = ("header", "command_id")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    command_id: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., command_id: _Optional[str] = ...) -> None: ...

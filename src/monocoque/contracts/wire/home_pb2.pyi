from monocoque.contracts.wire import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HomeHello(_message.Message):
    __slots__ = ("header", "software_version")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    software_version: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., software_version: _Optional[str] = ...) -> None: ...

class HomeState(_message.Message):
    __slots__ = ("header", "devices")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    devices: _containers.RepeatedCompositeFieldContainer[HomeDevice]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., devices: _Optional[_Iterable[_Union[HomeDevice, _Mapping]]] = ...) -> None: ...

class HomeDevice(_message.Message):
    __slots__ = ("name", "on", "target_decicelsius", "changed_at_us")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ON_FIELD_NUMBER: _ClassVar[int]
    TARGET_DECICELSIUS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_US_FIELD_NUMBER: _ClassVar[int]
    name: str
    on: bool
    target_decicelsius: int
    changed_at_us: int
    def __init__(self, name: _Optional[str] = ..., on: _Optional[bool] = ..., target_decicelsius: _Optional[int] = ..., changed_at_us: _Optional[int] = ...) -> None: ...

class HomeRequest(_message.Message):
    __slots__ = ("header", "request_id", "car_id", "scene_id", "action", "occurred_at_us", "expires_at_us")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CAR_ID_FIELD_NUMBER: _ClassVar[int]
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_US_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_US_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    request_id: str
    car_id: str
    scene_id: str
    action: str
    occurred_at_us: int
    expires_at_us: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., request_id: _Optional[str] = ..., car_id: _Optional[str] = ..., scene_id: _Optional[str] = ..., action: _Optional[str] = ..., occurred_at_us: _Optional[int] = ..., expires_at_us: _Optional[int] = ...) -> None: ...

class HomeOutcome(_message.Message):
    __slots__ = ("header", "request_id", "car_id", "outcome", "reason", "decided_at_us")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CAR_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_US_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    request_id: str
    car_id: str
    outcome: str
    reason: str
    decided_at_us: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., request_id: _Optional[str] = ..., car_id: _Optional[str] = ..., outcome: _Optional[str] = ..., reason: _Optional[str] = ..., decided_at_us: _Optional[int] = ...) -> None: ...

class HomeCars(_message.Message):
    __slots__ = ("header", "cars")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CARS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    cars: _containers.RepeatedCompositeFieldContainer[HomeCar]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., cars: _Optional[_Iterable[_Union[HomeCar, _Mapping]]] = ...) -> None: ...

class HomeCar(_message.Message):
    __slots__ = ("car_id", "locked", "charge_percent", "range_km", "plugged", "charging", "climate_on", "climate_target_celsius", "cabin_celsius", "latitude_degrees", "longitude_degrees", "said_at_us")
    CAR_ID_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    CHARGE_PERCENT_FIELD_NUMBER: _ClassVar[int]
    RANGE_KM_FIELD_NUMBER: _ClassVar[int]
    PLUGGED_FIELD_NUMBER: _ClassVar[int]
    CHARGING_FIELD_NUMBER: _ClassVar[int]
    CLIMATE_ON_FIELD_NUMBER: _ClassVar[int]
    CLIMATE_TARGET_CELSIUS_FIELD_NUMBER: _ClassVar[int]
    CABIN_CELSIUS_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_DEGREES_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_DEGREES_FIELD_NUMBER: _ClassVar[int]
    SAID_AT_US_FIELD_NUMBER: _ClassVar[int]
    car_id: str
    locked: bool
    charge_percent: float
    range_km: float
    plugged: bool
    charging: bool
    climate_on: bool
    climate_target_celsius: float
    cabin_celsius: float
    latitude_degrees: float
    longitude_degrees: float
    said_at_us: int
    def __init__(self, car_id: _Optional[str] = ..., locked: _Optional[bool] = ..., charge_percent: _Optional[float] = ..., range_km: _Optional[float] = ..., plugged: _Optional[bool] = ..., charging: _Optional[bool] = ..., climate_on: _Optional[bool] = ..., climate_target_celsius: _Optional[float] = ..., cabin_celsius: _Optional[float] = ..., latitude_degrees: _Optional[float] = ..., longitude_degrees: _Optional[float] = ..., said_at_us: _Optional[int] = ...) -> None: ...

class CarScenes(_message.Message):
    __slots__ = ("header", "scenes", "requests", "traces")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SCENES_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    TRACES_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    scenes: _containers.RepeatedScalarFieldContainer[str]
    requests: _containers.RepeatedCompositeFieldContainer[HomeRequest]
    traces: _containers.RepeatedCompositeFieldContainer[SceneTrace]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., scenes: _Optional[_Iterable[str]] = ..., requests: _Optional[_Iterable[_Union[HomeRequest, _Mapping]]] = ..., traces: _Optional[_Iterable[_Union[SceneTrace, _Mapping]]] = ...) -> None: ...

class SceneTrace(_message.Message):
    __slots__ = ("scene_id", "request_id", "occurred_at_us", "ran", "reason", "findings")
    SCENE_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_US_FIELD_NUMBER: _ClassVar[int]
    RAN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    scene_id: str
    request_id: str
    occurred_at_us: int
    ran: bool
    reason: str
    findings: _containers.RepeatedCompositeFieldContainer[SceneFinding]
    def __init__(self, scene_id: _Optional[str] = ..., request_id: _Optional[str] = ..., occurred_at_us: _Optional[int] = ..., ran: _Optional[bool] = ..., reason: _Optional[str] = ..., findings: _Optional[_Iterable[_Union[SceneFinding, _Mapping]]] = ...) -> None: ...

class SceneFinding(_message.Message):
    __slots__ = ("what", "found", "fits")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    FITS_FIELD_NUMBER: _ClassVar[int]
    what: str
    found: str
    fits: bool
    def __init__(self, what: _Optional[str] = ..., found: _Optional[str] = ..., fits: _Optional[bool] = ...) -> None: ...

class ScenesChanged(_message.Message):
    __slots__ = ("header",)
    HEADER_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ...) -> None: ...

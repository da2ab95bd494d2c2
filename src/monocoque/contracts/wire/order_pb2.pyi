from monocoque.contracts.wire import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrderEvent(_message.Message):
    __slots__ = ("header", "sequence", "state", "catalogue_version", "options", "week_begins_us")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CATALOGUE_VERSION_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    WEEK_BEGINS_US_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    sequence: int
    state: str
    catalogue_version: str
    options: _containers.RepeatedScalarFieldContainer[str]
    week_begins_us: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., sequence: _Optional[int] = ..., state: _Optional[str] = ..., catalogue_version: _Optional[str] = ..., options: _Optional[_Iterable[str]] = ..., week_begins_us: _Optional[int] = ...) -> None: ...

class BuildEvent(_message.Message):
    __slots__ = ("header", "sequence", "state", "car_id", "as_built", "refusal_code")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAR_ID_FIELD_NUMBER: _ClassVar[int]
    AS_BUILT_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_CODE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    sequence: int
    state: str
    car_id: str
    as_built: bytes
    refusal_code: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., sequence: _Optional[int] = ..., state: _Optional[str] = ..., car_id: _Optional[str] = ..., as_built: _Optional[bytes] = ..., refusal_code: _Optional[str] = ...) -> None: ...

class OrderChanged(_message.Message):
    __slots__ = ("header", "state")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    state: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., state: _Optional[str] = ...) -> None: ...

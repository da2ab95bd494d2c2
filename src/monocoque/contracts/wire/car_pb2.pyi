from monocoque.contracts.wire import header_pb2 as _header_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CarHello(_message.Message):
    __slots__ = ("header", "boot_count", "software_version")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    BOOT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    boot_count: int
    software_version: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., boot_count: _Optional[int] = ..., software_version: _Optional[str] = ...) -> None: ...

class CarState(_message.Message):
    __slots__ = ("header", "boot_count", "started_at_us", "software_version", "disk_free_bytes", "hellos_missed")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    BOOT_COUNT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_US_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    DISK_FREE_BYTES_FIELD_NUMBER: _ClassVar[int]
    HELLOS_MISSED_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    boot_count: int
    started_at_us: int
    software_version: str
    disk_free_bytes: int
    hellos_missed: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., boot_count: _Optional[int] = ..., started_at_us: _Optional[int] = ..., software_version: _Optional[str] = ..., disk_free_bytes: _Optional[int] = ..., hellos_missed: _Optional[int] = ...) -> None: ...

class CarEvent(_message.Message):
    __slots__ = ("header", "kind", "boot_count")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    BOOT_COUNT_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    kind: str
    boot_count: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., kind: _Optional[str] = ..., boot_count: _Optional[int] = ...) -> None: ...

class CarPresence(_message.Message):
    __slots__ = ("header", "online", "last_hello_us", "boot_count", "software_version")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    LAST_HELLO_US_FIELD_NUMBER: _ClassVar[int]
    BOOT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_VERSION_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    online: bool
    last_hello_us: int
    boot_count: int
    software_version: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., online: _Optional[bool] = ..., last_hello_us: _Optional[int] = ..., boot_count: _Optional[int] = ..., software_version: _Optional[str] = ...) -> None: ...

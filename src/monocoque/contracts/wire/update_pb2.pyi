from monocoque.contracts.wire import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpdateManifest(_message.Message):
    __slots__ = ("header", "manifest")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    manifest: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., manifest: _Optional[bytes] = ...) -> None: ...

class UpdateDirections(_message.Message):
    __slots__ = ("header", "roots", "timestamp", "snapshot", "targets")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    ROOTS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    roots: _containers.RepeatedScalarFieldContainer[bytes]
    timestamp: bytes
    snapshot: bytes
    targets: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., roots: _Optional[_Iterable[bytes]] = ..., timestamp: _Optional[bytes] = ..., snapshot: _Optional[bytes] = ..., targets: _Optional[bytes] = ...) -> None: ...

class UpdateChanged(_message.Message):
    __slots__ = ("header", "campaign_id")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CAMPAIGN_ID_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    campaign_id: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., campaign_id: _Optional[str] = ...) -> None: ...

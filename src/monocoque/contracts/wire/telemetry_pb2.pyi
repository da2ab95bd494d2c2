from monocoque.contracts.wire import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Frames(_message.Message):
    __slots__ = ("header", "sequence", "begins_at_us", "signal_ids", "offsets_ms", "values", "texts", "oldest_sequence")
    class TextsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: str
        def __init__(self, key: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BEGINS_AT_US_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_MS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    sequence: int
    begins_at_us: int
    signal_ids: _containers.RepeatedScalarFieldContainer[int]
    offsets_ms: _containers.RepeatedScalarFieldContainer[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    texts: _containers.ScalarMap[int, str]
    oldest_sequence: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., sequence: _Optional[int] = ..., begins_at_us: _Optional[int] = ..., signal_ids: _Optional[_Iterable[int]] = ..., offsets_ms: _Optional[_Iterable[int]] = ..., values: _Optional[_Iterable[float]] = ..., texts: _Optional[_Mapping[int, str]] = ..., oldest_sequence: _Optional[int] = ...) -> None: ...

class FramesInBulk(_message.Message):
    __slots__ = ("header", "sequence", "begins_at_us", "signal_ids", "offsets_ms", "values", "texts", "oldest_sequence")
    class TextsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: str
        def __init__(self, key: _Optional[int] = ..., value: _Optional[str] = ...) -> None: ...
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BEGINS_AT_US_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_IDS_FIELD_NUMBER: _ClassVar[int]
    OFFSETS_MS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    sequence: int
    begins_at_us: int
    signal_ids: bytes
    offsets_ms: bytes
    values: bytes
    texts: _containers.ScalarMap[int, str]
    oldest_sequence: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., sequence: _Optional[int] = ..., begins_at_us: _Optional[int] = ..., signal_ids: _Optional[bytes] = ..., offsets_ms: _Optional[bytes] = ..., values: _Optional[bytes] = ..., texts: _Optional[_Mapping[int, str]] = ..., oldest_sequence: _Optional[int] = ...) -> None: ...

class FramesConfirmed(_message.Message):
    __slots__ = ("header", "sequence")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    sequence: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., sequence: _Optional[int] = ...) -> None: ...

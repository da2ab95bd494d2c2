from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Header(_message.Message):
    __slots__ = ("version", "message_id", "trace_id", "occurred_at_us", "expires_at_us")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRED_AT_US_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_US_FIELD_NUMBER: _ClassVar[int]
    version: int
    message_id: str
    trace_id: str
    occurred_at_us: int
    expires_at_us: int
    def __init__(self, version: _Optional[int] = ..., message_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., occurred_at_us: _Optional[int] = ..., expires_at_us: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("header", "code", "what", "hint", "may_have_happened", "temporary")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    MAY_HAVE_HAPPENED_FIELD_NUMBER: _ClassVar[int]
    TEMPORARY_FIELD_NUMBER: _ClassVar[int]
    header: Header
    code: str
    what: str
    hint: str
    may_have_happened: bool
    temporary: bool
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., code: _Optional[str] = ..., what: _Optional[str] = ..., hint: _Optional[str] = ..., may_have_happened: _Optional[bool] = ..., temporary: _Optional[bool] = ...) -> None: ...

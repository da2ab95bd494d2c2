"""Logs of a vehicle bus: candump, ASC, BLF and MF4, each as one stream of frames.

Rules:

* a frame is given as soon as it is read; of a log that is cut in the middle, all frames before the
  cut are given, and then CanLogBroken says after how many of them it was;
* whole is what ends as its format says: a text with the end of its line (of ASC, of its block
  too), a BLF with the last byte that its head counts;
* no part of a log is larger in memory than its limit, whatever the log says of itself.

Left out on purpose: frames without data (remote requests, errors of the bus); and limits within
MF4, whose reader is not ours: take MF4 logs from those you trust.
"""

import importlib
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

import can
from can.io.blf import BLFParseError

from monocoque.contracts.errors import CanLogBroken, CanLogFormatUnknown
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.port import Frame

MICROSECONDS: Final = 1_000_000
READERS_FAIL_WITH: Final = (
    can.CanError,
    BLFParseError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What the readers of python-can raise at bytes that they did not expect."""

Messages = Iterator[can.Message]


class _Cut(Exception):
    """The log ends before it should, for this reason; it never leaves this file."""


def read_log(path: Path, config: CanBusConfig) -> Iterator[Frame]:
    """The frames of a log, in its order; the end of the name says which format it has.

    Raises CanLogFormatUnknown and, at once or after the frames before it, CanLogBroken.
    """
    read = FORMATS.get(path.suffix.lower())
    if read is None:
        raise CanLogFormatUnknown(f"Nobody here reads {path.suffix or 'no'} logs: {path.name}.")
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise CanLogBroken(
            f"{path.name} cannot be read: {error.strerror}.", hint="Name a log that is there."
        ) from error
    if not size_bytes:
        raise CanLogBroken(f"{path.name} is empty.", hint="Record or copy it again.")
    return _frames(path, read, config)


def _frames(
    path: Path, read: Callable[[Path, CanBusConfig], Messages], config: CanBusConfig
) -> Iterator[Frame]:
    count = 0
    try:
        for message in read(path, config):
            if message.is_error_frame or message.is_remote_frame:
                continue
            count += 1
            yield Frame(
                round(message.timestamp * MICROSECONDS),
                message.arbitration_id,
                message.is_extended_id,
                bytes(message.data),
            )
    except _Cut as cut:
        raise CanLogBroken(f"{path.name} is broken after frame {count}: {cut}.") from cut
    except READERS_FAIL_WITH as error:
        what = str(error) or type(error).__name__
        raise CanLogBroken(f"{path.name} is broken after frame {count}: {what}.") from error
    if not count:
        raise CanLogBroken(f"{path.name} has no frame in it.")


class _Lines:
    """The lines of a text, none longer than it may be; what has no end of line is not given."""

    def __init__(self, file: TextIO, characters_max: int) -> None:
        self._file = file
        self._characters_max = characters_max
        self.count = 0
        self.is_cut = False
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(self._characters_max + 1):
            if not line.endswith("\n"):
                if len(line) > self._characters_max:
                    raise _Cut(f"line {self.count + 1} is longer than {self._characters_max}")
                self.is_cut = True
                return
            self.count += 1
            if not line.isspace():
                self.last = line.strip()
            yield line

    def close(self) -> None:
        """Readers close what they read."""
        self._file.close()


def _read_text(
    path: Path, config: CanBusConfig, make: Callable[[Any], Iterable[can.Message]]
) -> Iterator[can.Message | _Lines]:
    """The messages, and the lines themselves at the end."""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        lines = _Lines(file, config.log_line_characters_max)
        try:
            yield from make(lines)
        except READERS_FAIL_WITH as error:
            raise _Cut(f"line {lines.count} is no frame ({error})") from error
        if lines.is_cut:
            raise _Cut(f"line {lines.count + 1} ends in the middle")
        yield lines


def _read_candump(path: Path, config: CanBusConfig) -> Messages:
    for found in _read_text(path, config, can.CanutilsLogReader):
        if isinstance(found, can.Message):
            yield found


def _read_asc(path: Path, config: CanBusConfig) -> Messages:
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(config.log_line_characters_max)
        begins = "begin triggerblock" in head.lower()
    for found in _read_text(
        path, config, lambda lines: can.ASCReader(lines, relative_timestamp=False)
    ):
        if isinstance(found, can.Message):
            yield found
        elif begins and not found.last.lower().startswith("end triggerblock"):
            raise _Cut("its block has no end")


BLF_HEAD: Final = struct.Struct("<4sL8xQ")
"""Signature, size of the head, and of the whole file in bytes."""
BLF_OBJECT: Final = struct.Struct("<4sHHLL")
"""Signature, size of the head, its version, size of the whole, kind."""
BLF_CONTAINER: Final = struct.Struct("<H6xL4x")
"""How it is packed; how large it is, by its own word."""
BLF_KIND_CONTAINER: Final = 10
BLF_PACKED: Final = 2


def _read_blf(path: Path, config: CanBusConfig) -> Messages:
    with path.open("rb") as file:
        why_cut = _look_through_blf(file, path.stat().st_size, config.log_container_bytes_max)
        file.seek(0)
        yield from can.BLFReader(file)
    if why_cut:
        raise _Cut(why_cut)


def _look_through_blf(file: BinaryIO, size_bytes: int, container_bytes_max: int) -> str:
    """Why the log is not whole, or nothing; raises _Cut for one that cannot be begun."""
    head = file.read(BLF_HEAD.size)
    if len(head) < BLF_HEAD.size or head[:4] != b"LOGG":
        raise _Cut("it does not begin as a BLF log does")
    _, head_bytes, whole_bytes = BLF_HEAD.unpack(head)
    file.seek(head_bytes)
    while base := file.read(BLF_OBJECT.size):
        if len(base) < BLF_OBJECT.size:
            return "an object ends in the middle"
        signature, _, _, object_bytes, kind = BLF_OBJECT.unpack(base)
        if signature != b"LOBJ" or object_bytes < BLF_OBJECT.size:
            return "something is no object"
        if object_bytes > container_bytes_max:
            raise _Cut(f"an object says that it has {object_bytes} bytes")
        content = file.read(object_bytes - BLF_OBJECT.size)
        if len(content) < object_bytes - BLF_OBJECT.size:
            return "an object ends in the middle"
        if kind == BLF_KIND_CONTAINER:
            _check_container(content, container_bytes_max)
        file.seek(object_bytes % 4, 1)
    return "its head counts more bytes than there are" if whole_bytes > size_bytes else ""


def _check_container(content: bytes, bytes_max: int) -> None:
    method, _ = BLF_CONTAINER.unpack_from(content)
    if method == BLF_PACKED:
        unpacking = zlib.decompressobj()
        unpacking.decompress(content[BLF_CONTAINER.size :], bytes_max)
        if unpacking.unconsumed_tail:
            raise _Cut(f"a container unpacks to more than {bytes_max} bytes")


def _read_mf4(path: Path, config: CanBusConfig) -> Messages:
    try:
        failure = importlib.import_module("asammdf.blocks.utils").MdfException
    except ImportError:
        raise CanLogFormatUnknown(
            f"MF4 logs need a package more: {path.name}.",
            hint="Install it with `pip install 'monocoque[mf4]'`.",
        ) from None
    try:
        with can.MF4Reader(path) as reader:
            yield from reader
    except failure as error:
        raise _Cut(str(error)) from error


FORMATS: Final[dict[str, Callable[[Path, CanBusConfig], Messages]]] = {
    ".log": _read_candump,
    ".asc": _read_asc,
    ".blf": _read_blf,
    ".mf4": _read_mf4,
}
"""What is read, by the end of the name."""

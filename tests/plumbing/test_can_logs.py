"""Logs of a vehicle bus: whole, cut in the middle, of no format, and made by an enemy."""

import struct
import zlib

import can
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monocoque.contracts.errors import CanLogBroken, CanLogFormatUnknown
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from tests.plumbing.can_frames import BEGAN_US, WRITERS, some_frames, write_log

CONFIG = CanBusConfig()
SUFFIXES = sorted(WRITERS)
COUNT = 300


def read_some(path):
    """The frames that came before the end or an error of ours."""
    frames = []
    try:
        for frame in read_log(path, CONFIG):
            frames.append(frame)
    except CanLogBroken as error:
        return frames, error
    return frames, None


def _cut(path):
    frames, error = read_some(path)
    assert error is not None
    return frames, error


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_format_gives_the_frames_that_were_written(tmp_path, suffix) -> None:
    frames = some_frames(COUNT)
    read = list(read_log(write_log(tmp_path / f"drive{suffix}", frames), CONFIG))
    assert [frame[1:] for frame in read] == [frame[1:] for frame in frames]
    for got, written in zip(read, frames, strict=True):
        assert abs((got.time_us - read[0].time_us) - (written.time_us - BEGAN_US)) <= 1


@pytest.mark.parametrize("suffix", [".log", ".blf"])
def test_a_log_has_the_times_of_its_recording(tmp_path, suffix) -> None:
    first = next(read_log(write_log(tmp_path / f"drive{suffix}", some_frames(3)), CONFIG))
    assert abs(first.time_us - BEGAN_US) <= 1_000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_end_of_the_name_may_be_in_capitals(tmp_path, suffix) -> None:
    path = write_log(tmp_path / f"drive{suffix}", some_frames(3))
    assert len(list(read_log(path.rename(tmp_path / f"DRIVE{suffix.upper()}"), CONFIG))) == 3


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_log_that_is_cut_gives_what_came_before_and_says_after_which_frame(
    tmp_path, suffix
) -> None:
    frames = some_frames(COUNT)
    path = write_log(tmp_path / f"drive{suffix}", frames)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4 - 3])
    read, error = _cut(path)
    assert 0 < len(read) < COUNT
    assert [frame[1:] for frame in read] == [frame[1:] for frame in frames[: len(read)]]
    assert f"after frame {len(read)}" in error.what


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cut_anywhere_in_its_last_bytes_is_seen(tmp_path, suffix) -> None:
    path = write_log(tmp_path / f"drive{suffix}", some_frames(20))
    content = path.read_bytes()
    for missing in range(1, 12):
        path.write_bytes(content[:-missing])
        _, error = read_some(path)
        assert error is not None, missing


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_log_is_refused_at_once(tmp_path, suffix) -> None:
    path = tmp_path / f"drive{suffix}"
    path.touch()
    with pytest.raises(CanLogBroken, match="is empty"):
        read_log(path, CONFIG)


def test_a_log_that_is_not_there_is_refused_at_once(tmp_path) -> None:
    with pytest.raises(CanLogBroken, match="cannot be read"):
        read_log(tmp_path / "drive.log", CONFIG)


@pytest.mark.parametrize("name", ["drive.csv", "drive", "drive.log.zip"])
def test_a_format_that_nobody_reads_is_named(tmp_path, name) -> None:
    with pytest.raises(CanLogFormatUnknown, match=name):
        read_log(tmp_path / name, CONFIG)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_log_of_another_format_is_broken_from_its_first_frame(tmp_path, suffix) -> None:
    path = tmp_path / f"drive{suffix}"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20 + b"\n")
    frames, error = _cut(path)
    assert not frames
    assert path.name in error.what


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path) -> None:
    path = write_log(tmp_path / "drive.log", some_frames(5))
    with path.open("a") as log:
        log.write("(1.0) can0 123#" + "0" * 3_000_000)
    read, error = _cut(path)
    assert len(read) == 5
    assert "longer than 4096" in error.what


def test_a_container_that_unpacks_beyond_its_limit_is_refused_unread(tmp_path) -> None:
    path = write_log(tmp_path / "drive.blf", some_frames(3))
    head = path.read_bytes()[:144]
    bomb = zlib.compress(bytes(64 * 1_024 * 1_024))
    size = 16 + 16 + len(bomb)
    container = struct.pack("<4sHHLLH6xL4x", b"LOBJ", 16, 1, size, 10, 2, 1_000) + bomb
    path.write_bytes(head + container)
    frames, error = _cut(path)
    assert not frames
    assert "unpacks to more than" in error.what


def test_an_object_that_says_it_is_huge_is_refused(tmp_path) -> None:
    path = write_log(tmp_path / "drive.blf", some_frames(3))
    head = path.read_bytes()[:144]
    path.write_bytes(head + struct.pack("<4sHHLL", b"LOBJ", 16, 1, 2**32 - 1, 10))
    _, error = _cut(path)
    assert "4294967295 bytes" in error.what


def test_frames_without_data_are_left_out(tmp_path) -> None:
    path = tmp_path / "drive.log"
    with can.CanutilsLogWriter(path) as log:
        log.on_message_received(can.Message(timestamp=1.0, is_remote_frame=True, dlc=2))
        log.on_message_received(can.Message(timestamp=1.0, is_error_frame=True))
        log.on_message_received(can.Message(timestamp=1.0, arbitration_id=5, data=b"\x01"))
    assert [frame.data for frame in read_log(path, CONFIG)] == [b"\x01"]


def test_a_frame_of_can_fd_has_its_64_bytes(tmp_path) -> None:
    path = tmp_path / "drive.log"
    path.write_text(f"(1.5) can0 123##1{'AB' * 64}\n")
    assert list(read_log(path, CONFIG)) == [(1_500_000, 0x123, False, b"\xab" * 64)]


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_bytes_raise_anything_but_our_errors(tmp_path, suffix, data) -> None:
    whole = write_log(tmp_path / f"whole{suffix}", some_frames(12)).read_bytes()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        # As a share, since the head of an ASC log has the time of day in it.
        place = len(content) * data.draw(st.integers(0, 9_999)) // 10_000
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path = tmp_path / f"drive{suffix}"
    path.write_bytes(bytes(content) or b"x")
    read_some(path)

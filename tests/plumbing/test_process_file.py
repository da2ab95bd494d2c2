"""Process files name a process by number and start, and never a stranger."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monocoque.contracts.errors import MonocoqueError, SettingInvalid
from monocoque.plumbing.process_file import (
    PROCESS_FILE_BYTES_MAX,
    is_alive,
    read_process_file,
    remove_process_file,
    send_signal,
    write_process_file,
)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits until it is told to end."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as process:
        yield process
        process.kill()


def test_what_was_written_is_read_again(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    written = write_process_file(tmp_path / "nats.json", child.pid, {"bus": 4222})
    assert read_process_file(tmp_path / "nats.json") == written
    assert written is not None
    assert written.ports == {"bus": 4222}
    assert is_alive(written)


def test_a_process_that_was_killed_is_not_alive_even_before_it_is_reaped(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    written = write_process_file(tmp_path / "nats.json", child.pid)
    assert written is not None
    assert send_signal(written, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(written)
    child.wait()
    assert not is_alive(written)
    assert not send_signal(written, signal.SIGKILL)
    assert write_process_file(tmp_path / "other.json", child.pid) is None
    assert not (tmp_path / "other.json").exists()


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param({"started_ticks": 1}, id="same number, other start"),
        pytest.param({"boot_id": "another boot"}, id="same number and start, other boot"),
    ],
)
def test_a_stranger_with_the_same_number_is_never_ended(
    tmp_path: Path, child: subprocess.Popen[bytes], stranger: dict[str, object]
) -> None:
    written = write_process_file(tmp_path / "nats.json", child.pid)
    assert written is not None
    other = dataclasses.replace(written, **stranger)  # type: ignore[arg-type]
    assert not is_alive(other)
    assert not send_signal(other, signal.SIGKILL)
    assert child.poll() is None
    assert is_alive(written)


@pytest.mark.parametrize("pid", [0, -1, 2**31])
def test_a_number_that_is_no_process_is_never_signalled(
    tmp_path: Path, child: subprocess.Popen[bytes], pid: int
) -> None:
    written = write_process_file(tmp_path / "nats.json", child.pid)
    assert written is not None
    assert not send_signal(dataclasses.replace(written, pid=pid), signal.SIGKILL)
    assert child.poll() is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"pid": 12', id="torn"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"pid": 12}', id="fields missing"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(
            b'{"pid": 1, "started_ticks": 2, "boot_id": "b", "ports": [1]}', id="ports of no form"
        ),
        pytest.param(b" " * (PROCESS_FILE_BYTES_MAX + 1), id="too large"),
    ],
)
def test_a_damaged_file_names_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "nats.json").write_bytes(content)
    assert read_process_file(tmp_path / "nats.json") is None


def test_no_file_names_nobody_and_removing_it_is_no_error(tmp_path: Path) -> None:
    assert read_process_file(tmp_path / "nats.json") is None
    remove_process_file(tmp_path / "nats.json")


def test_a_file_that_cannot_be_written_is_an_error_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a directory")
    with pytest.raises(SettingInvalid):
        write_process_file(tmp_path / "run" / "nats.json", os.getpid())
    (tmp_path / "nats.json").mkdir()
    with pytest.raises(MonocoqueError):
        write_process_file(tmp_path / "nats.json", os.getpid())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

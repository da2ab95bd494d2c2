"""MF4 logs, with the packages of the extra, which are in a folder of their own."""

import os
import subprocess
import sys

import pytest

from monocoque.contracts.errors import CanLogFormatUnknown
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from tests.plumbing.can_packages import INSTALL_S_MAX, ROOT, folder_of

pytestmark = pytest.mark.timeout(INSTALL_S_MAX + 120)  # the first run installs the packages

WRITE = """
import sys
from pathlib import Path
import can
from tests.plumbing.can_frames import some_frames, write_log
write_log(Path(sys.argv[1]), some_frames(2_500), can.MF4Writer)
"""
READ = """
import sys
from pathlib import Path
from monocoque.contracts.errors import CanLogBroken
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from tests.plumbing.can_frames import some_frames
frames = []
try:
    for frame in read_log(Path(sys.argv[1]), CanBusConfig()):
        frames.append(frame)
except CanLogBroken as error:
    print(error.what)
written = some_frames(2_500)
print(len(frames), [f[1:] for f in frames] == [f[1:] for f in written[: len(frames)]],
      all(abs(a.time_us - b.time_us) <= 1_000 for a, b in zip(frames, written)))
"""


@pytest.fixture(scope="module")
def with_packages():
    """The environment of a process that has them."""
    return {**os.environ, "PYTHONPATH": f"{folder_of('mf4')}:{ROOT}"}


@pytest.fixture(scope="module")
def log(with_packages, tmp_path_factory):
    """An MF4 log of 2,500 frames."""
    path = tmp_path_factory.mktemp("mf4") / "drive.mf4"
    run(WRITE, path, with_packages)
    return path


def run(program, path, environment):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(path)],
        env=environment, capture_output=True, text=True, timeout=100, cwd=path.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_log_gives_the_frames_that_were_written(log, with_packages) -> None:
    assert run(READ, log, with_packages) == ["2500 True True"]


@pytest.mark.parametrize("left", [0.1, 0.6, 0.98])
def test_a_log_that_is_cut_says_so(log, with_packages, left) -> None:
    content = log.read_bytes()
    cut = log.with_name(f"cut-{left}.mf4")
    cut.write_bytes(content[: int(len(content) * left)])
    said, counts = run(READ, cut, with_packages)[-2:]
    assert said.startswith(f"{cut.name} is broken after frame {counts.split()[0]}:")


def test_bytes_that_are_no_log_are_refused(log, with_packages) -> None:
    path = log.with_name("none.mf4")
    path.write_bytes(b"MDF     4.10    " + bytes(range(256)) * 8)
    said, counts = run(READ, path, with_packages)[-2:]
    assert said.startswith("none.mf4 is broken after frame 0")
    assert counts.startswith("0 ")


def test_without_the_packages_a_log_says_what_to_install(tmp_path) -> None:
    path = tmp_path / "drive.mf4"
    path.write_bytes(b"MDF     4.10    ")
    with pytest.raises(CanLogFormatUnknown) as caught:
        list(read_log(path, CanBusConfig()))
    assert "monocoque[mf4]" in caught.value.hint

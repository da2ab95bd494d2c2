"""The line that a start tells people to type works as it stands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from monocoque import __version__
from monocoque.cli.typed import default_data, typed
from monocoque.plumbing.clock import SystemClock
from monocoque.roles.data_directory import open_data_directory
from tests.e2e.installation import (
    COMMAND_S_MAX,
    MONOCOQUE,
    START_S_MAX,
    Installation,
    wait_until,
)

LINKS = re.compile(r"^  (\w+) +http://\w+\.localhost:\d+/sign-in#\S+$", re.MULTILINE)
LINE = re.compile(r"link of: (.+)\n")


def test_a_data_directory_is_named_unless_it_is_the_default(tmp_path: Path) -> None:
    assert typed("doctor", default_data(), str(MONOCOQUE)).endswith("monocoque doctor")
    named = typed("doctor", tmp_path / "my data", str(MONOCOQUE))
    assert shlex.split(named)[1:] == ["doctor", "--data", str(tmp_path / "my data")]


@pytest.mark.parametrize(
    ("started_as", "path", "line"),
    [
        pytest.param(str(MONOCOQUE), str(MONOCOQUE.parent), "monocoque doctor", id="on-the-path"),
        pytest.param(".venv/bin/monocoque", "/bin", ".venv/bin/monocoque doctor", id="by-its-path"),
        pytest.param("cli/main.py", "/bin", f"{sys.executable} -m monocoque.cli.main doctor",
                     id="as-a-module"),
    ],
)  # fmt: skip
def test_the_program_is_named_as_it_was_started(
    started_as: str, path: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path)
    assert typed("doctor", default_data(), started_as) == line


def test_links_are_printed_until_they_were_and_then_the_line_that_makes_them(
    tmp_path: Path,
) -> None:
    installation = Installation(tmp_path, 0)
    # What a first start leaves behind that is cut off after VERSION.
    open_data_directory(installation.data, __version__, SystemClock().now_us()).close()
    installation.start()
    wait_until("its links", lambda: len(LINKS.findall(installation.printed())) == 3, START_S_MAX)
    assert installation.stop() == 0
    assert LINKS.findall(installation.printed()) == ["shop", "phone", "console"]
    installation.start()
    try:
        check_the_line_of_a_later_start(installation, tmp_path)
    finally:
        assert installation.stop() == 0


def check_the_line_of_a_later_start(installation: Installation, directory: Path) -> None:
    """It prints no links, and what it prints makes one."""
    wait_until("the line", lambda: bool(LINE.findall(installation.printed())), START_S_MAX)
    assert LINKS.findall(installation.printed()) == []
    [line] = LINE.findall(installation.printed())
    words = shlex.split(line.replace("shop|phone|console", "console"))
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=COMMAND_S_MAX, cwd=directory, check=False
    )
    assert "console.localhost" in done.stdout, done.stderr

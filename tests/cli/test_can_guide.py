"""Every command and the program of docs/guide/can.md run, and its files are those that it shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from monocoque.car.can.logic.mapping import parse_mapping

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide" / "can.md").read_text(encoding="utf-8")
MONOCOQUE = Path(sys.executable).with_name("monocoque")
COMMANDS = re.findall(r"^monocoque .*$", GUIDE, re.MULTILINE)
RUN_S_MAX = 60


def run(*words, **options):
    return subprocess.run(
        [*words], cwd=ROOT, capture_output=True, text=True, timeout=RUN_S_MAX, **options
    )


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page_runs_and_shows_signals_move(line) -> None:
    done = run(MONOCOQUE, *line.split()[1:])
    assert done.returncode == 0, done.stderr
    assert "Vehicle.Speed" in done.stdout


def test_the_page_has_its_commands() -> None:
    assert len(COMMANDS) == 5


def test_the_program_of_the_page_locks_the_door() -> None:
    (program,) = blocks("python")
    done = run(sys.executable, "-c", program)
    assert done.stdout.splitlines() == ["accepted done", "True"], done.stderr


def test_the_first_mapping_is_the_file_that_the_page_names() -> None:
    first, out = blocks("yaml")
    assert first == (ROOT / "docs" / "guide" / "can" / "first.yaml").read_text(encoding="utf-8")
    assert parse_mapping(f"version: 1\n{out}", 10).rows_out


def test_the_log_of_the_page_is_what_its_maker_makes(tmp_path) -> None:
    log = ROOT / "docs" / "guide" / "can" / "drive.log"
    maker = (log.parent / "make_drive.py").read_text(encoding="utf-8")
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    maker = maker.replace("HERE.parents[2]", f"Path({str(ROOT)!r})")
    (folder / "make_drive.py").write_text(maker, encoding="utf-8")
    done = run(sys.executable, str(folder / "make_drive.py"))
    assert done.returncode == 0, done.stderr
    assert (folder / "drive.log").read_bytes() == log.read_bytes()

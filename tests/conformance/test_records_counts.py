"""A run in which the stores passed different numbers of tests has failed."""

import subprocess
import sys
from pathlib import Path

import pytest

PLANTED = """
import pytest

@pytest.mark.parametrize("store", {stores})
def test_planted(store):
    if store == {skipped!r}:
        pytest.skip("planted")
"""


@pytest.mark.parametrize(
    ("stores", "skipped", "arguments", "exit_code"),
    [
        pytest.param(["sqlite", "postgresql"], "postgresql", [], 1, id="one skips"),
        pytest.param(["sqlite", "postgresql"], "", ["-k", "sqlite"], 0, id="a part was asked for"),
        pytest.param(["sqlite", "postgresql"], "", ["-n", "2"], 0, id="both pass, two workers"),
        pytest.param(["sqlite"], "", ["-n", "2"], 1, id="one store only, two workers"),
    ],
)
def test_unequal_counts_fail_a_run(
    tmp_path: Path, stores: list[str], skipped: str, arguments: list[str], exit_code: int
) -> None:
    (tmp_path / "test_planted.py").write_text(PLANTED.format(stores=stores, skipped=skipped))
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function")
    root = Path(__file__).parents[2]
    arguments = ["-p", "tests.fixtures.records", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=root,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == exit_code, done.stdout
    assert ("every test must pass on both" in done.stdout) is (exit_code == 1)

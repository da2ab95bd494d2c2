"""A copy of the tree in which a test may plant what the law forbids."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import tidy

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
COMMAND_TIMEOUT_S = 60


@dataclass(frozen=True)
class Copy:
    """A copy of everything that is ours."""

    root: Path

    def plant(self, path: str, text: str) -> None:
        """Put this text at the end of a file, which is made if there is none."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        old = place.read_text(encoding="utf-8") if place.exists() else ""
        place.write_text(old + text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Put one text in place of another, which must be there."""
        place = self.root / path
        text = place.read_text(encoding="utf-8")
        assert old in text
        place.write_text(text.replace(old, new, 1), encoding="utf-8")

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a tool of our environment on the copy."""
        return subprocess.run(
            [TOOLS / command[0] if (TOOLS / command[0]).exists() else command[0], *command[1:]],
            cwd=self.root,
            env={"PYTHONPATH": str(self.root / "src"), "LC_ALL": "C.UTF-8", **environment},
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    for path in tidy.Tree(ROOT).files:
        target = tmp_path / "tree" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    return Copy(tmp_path / "tree")

"""The guide for apps, command by command and file by file, in a car of a real installation."""

import os
import re
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.e2e.installation import MONOCOQUE, Installation, wait_until

PAGE = Path(__file__).parents[2] / "docs/guide/apps.md"
COMMAND_S_MAX = 60
STATE_S_MAX = 30
FILES = ("app.py", "test_app.py")


@pytest.fixture
def installation(tmp_path: Path) -> Generator[Installation]:
    running = Installation(tmp_path, cars=1)
    running.start()
    yield running
    assert running.stop() == 0


class Reader:
    """Somebody who follows the page."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        text = PAGE.read_text("utf-8")
        found = re.findall(r"^```(sh|python)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self._steps = [
            (kind, step)
            for kind, block in found
            for step in (block.splitlines() if kind == "sh" else [block])
        ]
        self._files = list(FILES)
        (car,) = (installation.data / "cars").iterdir()
        self.car_id = car.name

    def run(self, command: str) -> str:
        """What a command prints; words in capitals are put in."""
        done = subprocess.run(
            ["bash", "-euc", command.replace("CAR_ID", self.car_id)],
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            cwd=self._installation.directory,
            env={
                **os.environ,
                "PATH": f"{MONOCOQUE.parent}:{os.environ['PATH']}",
                "MONOCOQUE_DATA": str(self._installation.data),
            },
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def follow(self, beginning: str) -> str:
        """Do what the page says up to the command that begins so, and return what it prints."""
        while True:
            kind, step = self._steps.pop(0)
            if kind == "python":
                folder = self._installation.directory / "warm_charge"
                (folder / self._files.pop(0)).write_text(step)
                continue
            printed = self.run(step)
            if step.startswith(beginning):
                return printed

    def is_over(self) -> bool:
        """Whether every command was run and every file written."""
        return not self._steps and not self._files

    def wait_for(self, command: str, text: str) -> None:
        """A reader looks again until it is so."""
        wait_until(f"{command}: {text}", lambda: text in self.run(command), STATE_S_MAX)


@pytest.mark.timeout(300)
def test_the_guide_leads_to_an_app_that_runs_in_the_car(installation: Installation) -> None:
    reader = Reader(installation)
    assert "warm_charge" in reader.follow("monocoque app new")
    reader.run("python -m pytest -q -p no:cacheprovider warm_charge")  # as it was made
    assert "2 passed" in reader.follow("python -m pytest")
    printed = reader.follow("monocoque app package")
    assert "actuate  Vehicle.Cabin.HVAC.IsAirConditioningActive" in printed
    reader.follow("monocoque car apps trust")
    assert "Me at home" in reader.follow("monocoque car apps install")
    assert "warm-charge" in reader.follow("monocoque car apps list")
    listing = "monocoque car apps list CAR_ID --json"
    reader.wait_for(listing, '"state": "running"')
    reader.follow("monocoque car park")
    log = "monocoque car apps logs CAR_ID warm-charge"
    reader.wait_for(log, "charging: True, climate: True, done")
    assert "[running]" in reader.follow("monocoque car apps logs")
    reader.follow("monocoque car apps stop")
    reader.wait_for(listing, '"state": "stopped"')
    reader.follow("monocoque car apps start")
    reader.wait_for(listing, '"state": "running"')
    reader.follow("monocoque car apps remove")
    assert '"apps": []' in reader.run(listing)
    folder = installation.data / "cars" / reader.car_id / "apps/warm-charge"
    wait_until("its folder is gone", lambda: not folder.exists(), STATE_S_MAX)
    assert reader.is_over()

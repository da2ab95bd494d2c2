"""The tour's page as a test reads it: its commands, and its pictures.

Rules: words in capitals in a command stand for what was printed before; a picture that the page
names is as large as the one that the run makes, and at most ``PICTURE_BYTES_MAX``.

Left out on purpose: what is in a picture. Identifiers and times are others in every run.
"""

import os
import re
import struct
import subprocess
from pathlib import Path

from playwright.async_api import Page

from tests.e2e.browser import PICTURES, look
from tests.e2e.installation import MONOCOQUE, Installation

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/guide/tour.md"
PICTURE_BYTES_MAX = 100 * 1024
COMMAND_S_MAX = 120
START = "make up"
PLACEHOLDER = re.compile(r"\b[A-Z]+_ID\b")
WIDE, NARROW, TALL = (1_000, 700), (390, 760), (390, 1_130)


class Tour:
    """Somebody who follows the page, command by command."""

    def __init__(self, installation: Installation, anew: bool) -> None:
        """anew: whether the pictures of the page are written."""
        self.known: dict[str, str] = {}
        """What the words in capitals stand for."""
        self.made: set[str] = set()
        self._installation = installation
        self._anew = anew
        text = PAGE.read_text("utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self._lines = [line for block in blocks for line in block.splitlines()]
        self.pictures = set(re.findall(r"!\[[^\]]+\]\(tour/(\w+)\.png\)", text))
        (installation.directory / "docs").symlink_to(ROOT / "docs")

    def follow(self, beginning: str) -> str:
        """Run the next command of the page, which begins so; returns what it prints."""
        line = self._lines.pop(0)
        assert line.startswith(beginning), f"the page says {line}"
        if line == START:
            return ""  # it runs already
        done = subprocess.run(
            ["bash", "-euc", PLACEHOLDER.sub(lambda word: self.known[word.group(0)], line)],
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
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    def is_over(self) -> bool:
        """Whether every command was run, and every picture made."""
        return not self._lines and self.made == self.pictures

    async def picture(self, page: Page, name: str, size: tuple[int, int]) -> None:
        """Judge the page, and make the picture that the tour names so."""
        await look(page, f"tour-{name}-whole")
        before = page.viewport_size
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        await page.mouse.move(0, 0)
        checked_in = PAGE.parent / "tour" / f"{name}.png"
        made = checked_in if self._anew else PICTURES / f"tour-{name}.png"
        await page.screenshot(path=made, animations="disabled")
        if before is not None:
            await page.set_viewport_size(before)
        self.made.add(name)
        assert checked_in.exists(), "make tour writes it"
        assert size_of(checked_in) == size_of(made) == size
        assert checked_in.stat().st_size <= PICTURE_BYTES_MAX


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG (its IHDR chunk)."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height

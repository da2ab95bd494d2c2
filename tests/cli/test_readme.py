"""The pages name commands and options that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from monocoque.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / name
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        "docs/guide/worlds.md",
        "docs/guide/can.md",
        "docs/guide/home-assistant.md",
    )
]
BLOCK = re.compile(r"^```.*?^```|^(?: {4}[^\n]*\n)+|`[^`\n]+`", re.MULTILINE | re.DOTALL)
FEWEST = 6
"""So many lines are found at least: a pattern that finds none proves nothing."""


def command_lines() -> Iterator[tuple[str, str]]:
    """Every command line in code of a page, as written."""
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                text = line.strip(" `")
                if text.startswith("monocoque "):
                    yield page.name, text
                elif text.startswith("make up ARGS="):
                    yield page.name, f"monocoque up {shlex.split(text)[2].partition('=')[2]}"


LINES = sorted(set(command_lines()))


def test_the_pages_name_commands() -> None:
    assert len([page for page, _ in LINES if page == "README.md"]) >= FEWEST


@pytest.mark.parametrize(("page", "line"), [pytest.param(*line, id=line[1]) for line in LINES])
def test_a_command_line_of_a_page_can_be_typed(page: str, line: str) -> None:
    group = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    # Parsing alone; nothing runs. Whatever does not exist, or has a wrong type, raises here.
    with group.make_context("monocoque", list(words)) as context:
        name, command, rest = group.resolve_command(context, words)  # type: ignore[attr-defined]
        assert command is not None, f"{page}: {name}"
        command.make_context(name, rest, parent=context)

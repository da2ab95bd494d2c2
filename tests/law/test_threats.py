"""The page of threats names what shows each row, and what it names is there."""

import ast
import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs/protocol/threats.md"
PAGE_TESTS = PROJECT / "web/phone/enemy.test.ts"
VECTORS = PROJECT / "tests/vectors/commands.json"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| It tries to")
]


def functions() -> set[str]:
    """The name of every test in Python."""
    found: set[str] = set()
    for path in (PROJECT / "tests").rglob("test_*.py"):
        nodes = ast.parse(path.read_text("utf-8")).body
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        found |= {node.name for node in nodes if isinstance(node, kinds)}
    return found


def cases() -> set[str]:
    """The name of every case of the vectors, and of the page's tests after ``page:``."""
    kinds = json.loads(VECTORS.read_text("utf-8")).values()
    lists = [kind for kind in kinds if isinstance(kind, list)]
    titles = re.findall(r"\bit\(\s*'([^']+)'", PAGE_TESTS.read_text("utf-8"))
    return {case["name"] for kind in lists for case in kind} | {f"page: {t}" for t in titles}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_threat_is_shown_by_is_there(row: list[str]) -> None:
    attempt, stopped_by, shown_by = row
    tests, quoted = re.findall(r"`(test_\w+)`", shown_by), re.findall(r'"([^"]+)"', shown_by)
    assert attempt
    assert stopped_by
    assert tests or quoted, "nothing shows it"
    assert set(tests) <= functions()
    assert set(quoted) <= cases()


def test_every_attack_on_a_real_cell_stands_on_the_page() -> None:
    source = (PROJECT / "tests/e2e/test_enemy.py").read_text("utf-8")
    attacks = set(re.findall(r"^async def (test_\w+)", source, re.MULTILINE))
    assert attacks
    assert attacks <= set(re.findall(r"`(test_\w+)`", PAGE.read_text("utf-8")))

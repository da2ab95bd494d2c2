"""The linter, the formatter, the speller and the type checker see what they are for."""

import json
import tomllib

import pytest

from tests.law.conftest import ROOT, Copy

RUFF = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
BANNED = sorted(RUFF["flake8-tidy-imports"]["banned-api"])
ROOM = "src/monocoque/cloud/registry/planted.py"

RULES = [
    pytest.param("D100", "x = 1\n", id="a module that does not say what it does"),
    pytest.param("T201", "print()\n", id="print"),
    pytest.param("BLE001", "try:\n    x = 1\nexcept Exception:\n    x = 2\n", id="catching all"),
    pytest.param("E722", "try:\n    x = 1\nexcept:\n    x = 2\n", id="a bare except"),
    pytest.param("S110", "try:\n    x = 1\nexcept Exception:\n    pass\n", id="swallowing"),
    pytest.param("S311", "import random\nx = random.Random()\n", id="chance of one's own"),
    pytest.param("S608", 'def f(x):\n    return f"SELECT * FROM {x}"\n', id="SQL from text"),
    pytest.param("DTZ001", "import datetime\nx = datetime.datetime(2026, 1, 1)\n", id="no zone"),
    pytest.param("PTH118", "import os\nx = os.path.join('a', 'b')\n", id="paths as text"),
    pytest.param("TID252", "from . import service\n", id="a relative import"),
    pytest.param("PGH003", "x = 1  # type: ignore\n", id="an unexplained exception to types"),
    pytest.param("G004", 'import logging\nlogging.info(f"{1}")\n', id="text in a log line"),
    pytest.param(
        "ASYNC251", "import time\nasync def f():\n    time.sleep(1)\n", id="a blocking wait"
    ),
    pytest.param(
        "PLR0915", "def f():\n" + "    x = 1\n" * 41, id="more statements than fit in a head"
    ),
    pytest.param(
        "C901", "def f(x):\n" + "    if x:\n        x = 1\n" * 10, id="more branches than that"
    ),
]

TYPES = {
    "no-untyped-def": "def f(x): ...\n",
    "type-arg": "def f(x: list) -> None: ...\n",
    "no-any-return": "import json\ndef f() -> int:\n    return json.loads('1')\n",
    "arg-type": "def f(x: int) -> None: ...\nf('1')\n",
    "unreachable": "def f(x: int) -> None:\n    if isinstance(x, str):\n        print(x)\n",
    "ignore-without-code": "x: int = ''  # type: ignore\n",
    "unused-ignore": "x: int = 1  # type: ignore[assignment]\n",
    "truthy-bool": "class A: ...\ndef f(a: A) -> None:\n    if a:\n        print(a)\n",
    "redundant-expr": "def f(x: int) -> bool:\n    return isinstance(x, int) and x > 1\n",
    "possibly-undefined": "def f(x: int) -> int:\n    if x:\n        y = 1\n    return y\n",
}


def codes(copy: Copy, path: str, text: str) -> list[tuple[str, int]]:
    """What the linter finds in this one file: codes and lines."""
    copy.plant(path, text)
    result = copy.run("ruff", "check", "--no-cache", "--output-format=json", path)
    return [(found["code"], found["location"]["row"]) for found in json.loads(result.stdout)]


@pytest.mark.parametrize(("code", "text"), RULES)
def test_the_linter_sees_what_is_planted(copy: Copy, code, text):
    assert code in {found for found, _ in codes(copy, ROOM, text)}


def uses_of_everything_banned() -> str:
    """One use of each banned name, each on a line of its own."""
    imports = sorted({f"import {name.split('.')[0]}" for name in BANNED})
    uses = [name if "." in name else f"{name}.x" for name in BANNED]
    return '"""Planted."""\n' + "\n".join([*imports, *uses]) + "\n"


@pytest.mark.parametrize(
    "room", ["car/link", "cloud/registry", "phone/accounts", "roles", "trust", "contracts"]
)
def test_every_banned_name_is_seen_in_a_room(copy: Copy, room):
    text = uses_of_everything_banned()
    found = codes(copy, f"src/monocoque/{room}/planted.py", text)
    lines = text.splitlines()
    seen = {lines[line - 1] for code, line in found if code == "TID251"}
    assert [name for name in BANNED if not {name, f"{name}.x", f"import {name}"} & seen] == []


@pytest.mark.parametrize("room", ["plumbing", "cli", "sim"])
def test_where_the_real_world_is_met_nothing_is_banned(copy: Copy, room):
    found = codes(copy, f"src/monocoque/{room}/planted.py", uses_of_everything_banned())
    assert "TID251" not in {code for code, _ in found}


def test_the_formatter_sees_what_is_planted(copy: Copy):
    assert copy.run("ruff", "format", "--no-cache", "--check", "src").returncode == 0
    copy.plant(ROOM, "x = ( 1 )\n")
    result = copy.run("ruff", "format", "--no-cache", "--check", "src")
    assert result.returncode == 1
    assert ROOM in result.stdout


def test_the_speller_sees_what_is_planted(copy: Copy):
    copy.plant("docs/planted.md", "T" + "eh car.\n")
    result = copy.run("codespell")
    assert "docs/planted.md:1" in result.stdout
    assert result.returncode != 0


def test_the_type_checker_sees_what_is_planted(copy: Copy):
    for code, text in TYPES.items():
        copy.plant(f"src/planted/{code.replace('-', '_')}.py", text)
    copy.plant("src/planted/__init__.py", "")
    result = copy.run("mypy", "--cache-dir", str(ROOT / "build/mypy-planted"), "src/planted")
    found = {
        (line.split(":")[0].removeprefix("src/planted/"), line.rpartition("[")[2].rstrip("]"))
        for line in result.stdout.splitlines()
    }
    wanted = {(f"{code.replace('-', '_')}.py", code) for code in TYPES}
    assert wanted - found == set()
    assert result.returncode == 1

"""Pure code of which a branch is never tried does not pass."""

from tests.law.conftest import ROOT, Copy

MONEY = "src/monocoque/contracts/money.py"
LOGIC = "src/monocoque/cloud/twin/logic.py"
DECISION = """

def planted(x: int) -> int:
    if x:
        x += 1
    return x
"""
HALF_A_TEST = """from monocoque.contracts import money


def test_it():
    assert money.planted(1) == 2
"""


def check(copy: Copy) -> tuple[int, str]:
    """Run the check as `make` does, with the tools of our environment and nothing installed.

    Only the tests of money run, since the check of all takes a minute; so only money, and what is
    planted, is asked for.
    """
    result = copy.run(
        "make",
        "-o",
        ".venv/installed",
        f"BIN={ROOT / '.venv/bin'}",
        "PURE_TESTS=tests/contracts/test_money.py $(wildcard tests/contracts/test_planted.py)",
        "check-coverage",
    )
    return result.returncode, result.stdout + result.stderr


def test_a_branch_that_no_test_takes_and_logic_that_no_test_knows_are_seen(copy: Copy):
    for path in ("contracts", "trust"):
        copy.replace("pyproject.toml", f'    "src/monocoque/{path}/**",\n', "")
    copy.replace("pyproject.toml", "include = [\n", f'include = [\n    "{MONEY}",\n')
    copy.replace("pyproject.toml", '    "src/monocoque/**/logic.py",\n', f'    "{LOGIC}",\n')
    copy.replace("pyproject.toml", '    "src/monocoque/**/logic/**",\n', "")
    whole = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for line in whole.splitlines(keepends=True):
        if line.startswith('    "src/monocoque/plumbing/') and line.endswith('.py",\n'):
            copy.replace("pyproject.toml", line, "")
    assert check(copy)[0] == 0

    copy.plant(MONEY, DECISION)
    copy.plant("tests/contracts/test_planted.py", HALF_A_TEST)
    copy.plant("src/monocoque/cloud/twin/__init__.py", '"""Twin."""\n')
    copy.plant(LOGIC, f'"""Twin."""\n{DECISION}')

    code, said = check(copy)

    assert code != 0
    assert "Required test coverage of 100.0% not reached" in said
    seen = {line.split()[0]: line.split()[-1] for line in said.splitlines() if "%" in line}
    assert "->" in seen[MONEY]
    assert LOGIC in seen

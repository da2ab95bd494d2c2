"""A green run in CI means that everything was tried."""

import pytest

from tests.law.conftest import Copy

SKIPPED = "import pytest\n\n\ndef test_nothing():\n    pytest.skip('no browser')\n"
PYTEST = ("pytest", "-q", "-p", "no:randomly", "tests/law/planted")


@pytest.mark.parametrize(("is_ci", "code"), [("true", 1), ("", 0)], ids=["in CI", "elsewhere"])
def test_a_skip_is_a_failure_in_ci_alone(copy: Copy, is_ci, code):
    copy.plant("tests/law/planted/test_planted.py", SKIPPED)
    result = copy.run(*PYTEST, CI=is_ci)
    assert result.returncode == code
    assert ("skipped in CI" in result.stdout) == (code == 1)


def test_a_run_without_tests_is_a_failure(copy: Copy):
    copy.plant("tests/law/planted/__init__.py", "")
    assert copy.run(*PYTEST).returncode != 0


def test_a_warning_is_a_failure(copy: Copy):
    text = "import warnings\n\n\ndef test_warns():\n    warnings.warn('old', stacklevel=1)\n"
    copy.plant("tests/law/planted/test_planted.py", text)
    assert copy.run(*PYTEST).returncode == 1

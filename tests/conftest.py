"""What every test may ask for; the fixtures themselves are in tests/fixtures/.

In CI nothing is skipped: a test that asks to be becomes a failure, since a green run there means
that everything was tried.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest

pytest_plugins = ["tests.fixtures.records", "tests.fixtures.bus", "tests.fixtures.http"]

IS_CI = os.environ.get("CI") == "true"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a person may ask of a run."""
    parser.addoption("--pictures", action="store_true", help="write the guide's pictures anew")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Turn a skip into a failure where nothing may be skipped."""
    report = yield
    if IS_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report

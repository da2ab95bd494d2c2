"""What the process of the cars loads to start: neither the web nor the solver."""

import subprocess
import sys

import pytest

HEAVY = ("alembic", "cyclonedx", "deltalake", "fastapi", "pydantic", "pyarrow", "pysat", "uvicorn")
PROGRAM = f"""
import sys
import monocoque.cli.main, monocoque.cli.starting_cars
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""


@pytest.mark.timeout(120)
def test_the_process_of_the_cars_loads_neither_web_nor_solver() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.split() == []

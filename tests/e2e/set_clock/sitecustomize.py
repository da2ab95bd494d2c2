"""A machine whose clock can be set, for processes that find this folder on their PYTHONPATH.

Python imports a module of this name before anything else. It puts functions in the place of those
of the standard library that tell the time of day; they add as many seconds as the file named by
SET_CLOCK_FILE says at that moment. The monotonic clock is left alone, as it is when somebody sets
the clock of a real machine. Nothing of the product is touched, and it knows nothing of this.

Left out on purpose: programs that are not Python. nats-server keeps the true time.
"""

import os
import time
from pathlib import Path

_FILE = Path(os.environ["SET_CLOCK_FILE"])
_true_ns = time.time_ns


def _set_ns() -> int:
    return _true_ns() + int(_FILE.read_text() or 0) * 1_000_000_000


def _set_s() -> float:
    return _set_ns() / 1_000_000_000


time.time_ns = _set_ns
time.time = _set_s

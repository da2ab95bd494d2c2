"""What a process counts can be read."""

from monocoque.plumbing.metrics import Metrics
from tests.fixtures.http import SettableClock


def test_the_setbacks_of_the_clock_are_shown_as_they_are_now() -> None:
    clock = SettableClock()
    metrics = Metrics(clock)
    clock.setbacks = 2
    assert b"monocoque_clock_setbacks 2.0" in metrics.text()

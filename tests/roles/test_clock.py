"""A process that starts on a clock that was set back agrees with those that went on counting."""

from pathlib import Path

import pytest
import structlog

from monocoque.contracts import errors
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.metrics import Metrics
from monocoque.roles.clock import ClockWatch, clock_of, read_last_time
from monocoque.roles.layout import Layout
from tests.fixtures.http import SettableClock

HOUR_US = 3_600_000_000
WENT_BACK = {"where": "cell", "code": errors.ClockWentBack.code}


class Times:
    """The two clocks of a machine, in nanoseconds."""

    def __init__(self, wall_us: int) -> None:
        self.wall_us, self.monotonic_us = wall_us, 0

    def clock(self, not_before_us: int) -> SystemClock:
        """The clock of a process that starts now."""
        return SystemClock(
            lambda: self.wall_us * 1_000, lambda: self.monotonic_us * 1_000, not_before_us
        )

    def pass_us(self, us: int) -> None:
        """Time goes on."""
        self.wall_us += us
        self.monotonic_us += us


def test_it_begins_at_what_is_on_record_and_goes_on_from_there() -> None:
    times = Times(10 * HOUR_US)
    clock = times.clock(not_before_us=11 * HOUR_US)
    times.pass_us(7)
    assert (clock.now_us(), clock.setbacks, clock.is_behind) == (11 * HOUR_US + 7, 1, True)
    times.wall_us += HOUR_US  # somebody sets it right
    times.pass_us(1)
    assert (clock.now_us(), clock.setbacks, clock.is_behind) == (11 * HOUR_US + 8, 1, False)


def test_a_clock_that_is_right_begins_where_it_is() -> None:
    clock = Times(10 * HOUR_US).clock(not_before_us=9 * HOUR_US)
    assert (clock.now_us(), clock.setbacks, clock.is_behind) == (10 * HOUR_US, 0, False)


def test_the_record_is_that_of_the_data_directory(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert read_last_time(layout) == 0
    later_us = SystemClock().now_us() + HOUR_US
    layout.last_time.write_text(f"{later_us}\n")
    assert later_us <= clock_of(layout).now_us() < later_us + HOUR_US


def test_a_damaged_record_is_said(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.last_time.write_bytes(b"\xff")
    with pytest.raises(errors.DatabaseCorrupted) as caught:
        clock_of(layout)
    assert "remove the file" in caught.value.hint


def test_each_setback_is_told_once() -> None:
    clock, metrics = SettableClock(), Metrics()
    watch = ClockWatch(clock, metrics, "cell", structlog.stdlib.get_logger())

    def told() -> float | None:
        watch.look()
        return metrics.registry.get_sample_value("monocoque_errors_total", WENT_BACK)

    assert told() is None
    clock.setbacks = 1
    assert (told(), told()) == (1, 1)
    clock.setbacks = 2
    assert (told(), told()) == (2, 2)

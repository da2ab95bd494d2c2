"""Production weeks: one begins where the other ends, and each moment lies in one."""

from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.weeks import SECOND_US, WeekConfig, week_after_us, week_begin_us

REAL = WeekConfig(week_duration_s=604_800.0)
MOMENTS = st.integers(0, 2**52)
PACES = st.sampled_from([0.1, 1.0, 10.0, 604_800.0]).map(lambda s: WeekConfig(week_duration_s=s))


def test_a_real_week_has_seven_days_from_thursday_to_thursday():
    # 1970-01-01, where weeks are counted from, was a Thursday.
    assert week_begin_us(604_799 * SECOND_US, REAL) == 0
    assert week_begin_us(604_800 * SECOND_US, REAL) == 604_800 * SECOND_US


@given(now_us=MOMENTS, pace=PACES)
def test_each_moment_lies_in_one_week(now_us, pace):
    begins_us = week_begin_us(now_us, pace)
    assert begins_us <= now_us < week_after_us(begins_us, pace)
    assert week_begin_us(begins_us, pace) == begins_us
    assert week_begin_us(week_after_us(begins_us, pace), pace) == week_after_us(begins_us, pace)

"""Production weeks: how long a week of the factory is, and which one a moment lies in.

Rules:

* a week is named by the moment at which it begins, in microseconds, so that what was promised keeps
  its meaning when the pace is changed;
* weeks follow each other without a gap, counted from 1970-01-01 UTC;
* the pace is one setting for shop and factory: real weeks in worlds, seconds in a demonstration;
  every page says which;
* at the pace zero, which only the cars of a first start have, a week lasts the least that time is
  counted in, so that what was promised has begun by the time anybody reads it.

Left out on purpose: how many cars a week can carry, which is the shop's book to keep.
"""

from dataclasses import dataclass

SECOND_US = 1_000_000
NO_TIME_S = 1 / SECOND_US
"""How long a week lasts at the pace zero."""


@dataclass(frozen=True)
class WeekConfig:
    """The pace of the factory, the same for whoever promises and whoever builds."""

    week_duration_s: float = 10.0
    """How long a production week takes; a real one has 604,800 s."""
    slots_per_week: int = 8
    """How many cars a week can carry."""


def week_begin_us(now_us: int, config: WeekConfig) -> int:
    """When the week of this moment began, in microseconds."""
    duration_us = round(config.week_duration_s * SECOND_US)
    return now_us - now_us % duration_us


def week_after_us(begins_us: int, config: WeekConfig) -> int:
    """When the week after this one begins, in microseconds."""
    return begins_us + round(config.week_duration_s * SECOND_US)

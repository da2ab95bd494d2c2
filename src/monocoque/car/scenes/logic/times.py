"""When a minute of the day comes, by the clocks of a time zone that are changed twice a year.

Rules:

* a local day has a minute once. Where the clocks are put back and it comes twice, the first counts.
  Where they are put forward past it, it comes when it would have come without the change: 02:30
  at 03:30 by the new clocks;
* a day that a zone left out altogether has no minutes;
* a day that is settled is never looked at again, so that neither a new start nor a clock that was
  set back brings it again. Of several days that were missed, the last one counts.

Left out on purpose: the sun.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from monocoque.contracts.scenes import DAYS, AtTime

SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK: Final = 7
_ORDINAL_MAX: Final = date.max.toordinal() - 3 * _WEEK
_ORDINAL_MIN: Final = 1 + 3 * _WEEK


def settled_day(trigger: AtTime, zone: tzinfo, now_us: int) -> int:
    """The last day (its proleptic Gregorian ordinal) whose minute has come, whatever its name."""
    today = _day_at(zone, now_us)
    for ordinal in (today + 1, today):
        came_us = _comes_us(trigger, zone, ordinal)
        if came_us is not None and came_us <= now_us:
            return ordinal
    return today - 1


def next_day(trigger: AtTime, zone: tzinfo, settled: int, now_us: int) -> tuple[int, int]:
    """The day that is to be settled next, and when its minute comes, which may be past.

    settled: the last day that was. Of several whose minute is past, the last.
    """
    today = _day_at(zone, now_us)
    first, last = max(settled + 1, today - _WEEK), max(settled + 1, today) + 2 * _WEEK
    comings = [
        (ordinal, comes_us)
        for ordinal in range(first, last)
        if DAYS[date.fromordinal(ordinal).weekday()] in trigger.days
        and (comes_us := _comes_us(trigger, zone, ordinal)) is not None
    ]
    past = [coming for coming in comings if coming[1] <= now_us]
    return past[-1] if past else comings[0]


def _day_at(zone: tzinfo, now_us: int) -> int:
    now = (_EPOCH + timedelta(microseconds=now_us)).astimezone(zone)
    return min(_ORDINAL_MAX, max(_ORDINAL_MIN, now.toordinal()))


def _comes_us(trigger: AtTime, zone: tzinfo, ordinal: int) -> int | None:
    """When the minute of that day comes, in microseconds since 1970."""
    day = date.fromordinal(ordinal)
    minute = time(trigger.minute_of_day // 60, trigger.minute_of_day % 60)
    comes = datetime.combine(day, minute, zone).astimezone(UTC)
    if comes.astimezone(zone).date() != day:
        return None
    return round((comes - _EPOCH).total_seconds()) * SECOND_US

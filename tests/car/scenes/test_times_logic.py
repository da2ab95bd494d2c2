"""A minute of the day: once per local day, through both changes of clocks, starts and misses."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.scenes.logic import times
from monocoque.contracts.scenes import DAYS, AtTime
from monocoque.plumbing.zones import find_zone

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
ZONES = (
    "UTC",
    "Europe/Zurich",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",  # its clocks used to be changed a minute after midnight
    "America/Sao_Paulo",  # its clocks used to be put forward at midnight
    "Australia/Lord_Howe",  # its clocks are changed by half an hour
    "Antarctica/Troll",  # its clocks are changed by two hours
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",  # it left out a day
    "Pacific/Kiritimati",
)


def us(text):
    """A time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_US


def at(minute, zone="Europe/Zurich", days=DAYS):
    found = find_zone(zone)
    assert found is not None
    return AtTime(minute, tuple(days), zone), found


def run_on(trigger, zone, now_us, until_us, pauses=None):
    """Every run, as (day, when): by waking at each minute that comes, and else after pauses."""
    settled = times.settled_day(trigger, zone, now_us)
    found = []
    while now_us < until_us:
        day, comes_us = times.next_day(trigger, zone, settled, now_us)
        if comes_us <= now_us:
            found.append((day, comes_us))
            settled = day
            continue
        now_us = comes_us if pauses is None else min(comes_us, now_us + next(pauses))
    return found


def local(when_us, zone):
    return datetime.fromtimestamp(when_us / SECOND_US, UTC).astimezone(zone)


def test_half_past_seven_comes_every_working_day():
    trigger, zone = at(450, days=("mon", "fri"))
    found = run_on(trigger, zone, us("2026-11-26T12:00"), us("2026-12-05T12:00"))
    assert [local(when, zone).isoformat() for _, when in found] == [
        "2026-11-27T07:30:00+01:00",
        "2026-11-30T07:30:00+01:00",
        "2026-12-04T07:30:00+01:00",
    ]


def test_where_the_clocks_are_put_forward_the_minute_comes_when_it_would_have():
    trigger, zone = at(150)
    found = run_on(trigger, zone, us("2026-03-28T12:00"), us("2026-03-30T12:00"))
    assert [when for _, when in found] == [us("2026-03-29T01:30"), us("2026-03-30T00:30")]
    assert local(found[0][1], zone).isoformat() == "2026-03-29T03:30:00+02:00"


def test_where_the_clocks_are_put_back_the_minute_comes_once():
    trigger, zone = at(150)
    found = run_on(trigger, zone, us("2026-10-24T12:00"), us("2026-10-26T12:00"))
    assert [when for _, when in found] == [us("2026-10-25T00:30"), us("2026-10-26T01:30")]
    assert local(found[0][1], zone).isoformat() == "2026-10-25T02:30:00+02:00"


def test_a_day_that_a_zone_left_out_has_no_minute():
    trigger, zone = at(450, "Pacific/Apia")
    found = run_on(trigger, zone, us("2011-12-28T22:00"), us("2012-01-01T22:00"))
    assert [date.fromordinal(day).isoformat() for day, _ in found] == [
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
        "2012-01-02",
    ]


def test_a_day_that_was_left_out_is_not_the_day_after_it():
    trigger, zone = at(450, "Pacific/Apia", days=["fri"])
    found = run_on(trigger, zone, us("2011-12-29T22:00"), us("2012-01-06T22:00"))
    assert [date.fromordinal(day).isoformat() for day, _ in found] == ["2012-01-06"]


def test_clocks_that_are_put_back_over_midnight_do_not_bring_the_day_again():
    trigger, zone = at(0, "America/St_Johns")
    second_evening = us("2010-11-07T03:00")
    assert local(second_evening, zone).isoformat() == "2010-11-06T23:30:00-03:30"
    assert times.settled_day(trigger, zone, second_evening) == date(2010, 11, 7).toordinal()


def test_a_minute_of_today_that_is_past_is_settled():
    trigger, zone = at(450)
    before, after = us("2026-11-26T06:29"), us("2026-11-26T06:30")
    today = date(2026, 11, 26).toordinal()
    assert times.settled_day(trigger, zone, before) == today - 1
    assert times.settled_day(trigger, zone, after) == today
    assert times.next_day(trigger, zone, today, after) == (today + 1, us("2026-11-27T06:30"))


def test_of_many_days_that_were_missed_the_last_one_is_next():
    trigger, zone = at(450)
    settled, now_us = date(2025, 1, 1).toordinal(), us("2026-11-26T12:00")
    today = date(2026, 11, 26).toordinal()
    assert times.next_day(trigger, zone, settled, now_us) == (today, us("2026-11-26T06:30"))


def test_a_clock_that_is_set_back_brings_no_day_again():
    trigger, zone = at(450)
    settled = date(2026, 11, 26).toordinal()
    upcoming = times.next_day(trigger, zone, settled, us("2026-11-20T12:00"))
    assert upcoming == (settled + 1, us("2026-11-27T06:30"))


@pytest.mark.parametrize("now_us", [-(2**62), 2**57])
def test_a_clock_far_off_is_no_reason_to_fall(now_us):
    trigger, zone = at(450)
    with_zone = times.settled_day(trigger, zone, max(now_us, -62_000_000_000 * SECOND_US))
    assert with_zone


@settings(max_examples=150, deadline=None)
@given(
    zone_name=st.sampled_from(ZONES),
    minute=st.one_of(st.integers(0, 1_439), st.integers(0, 240), st.integers(1_380, 1_439)),
    begin=st.dates(date(2000, 1, 1), date(2030, 1, 1)),
    days=st.sets(st.sampled_from(DAYS), min_size=1),
    seed=st.integers(0, 2**32),
)
def test_a_minute_comes_exactly_once_per_local_day(zone_name, minute, begin, days, seed):
    """Through changes of clocks, and through starts at any time, which remember settled days."""
    trigger, zone = at(minute, zone_name, [day for day in DAYS if day in days])
    begin_us = us(f"{begin}T12:00")
    random = Random(seed)
    pauses = iter(lambda: random.randrange(SECOND_US, 2 * DAY_US), None)
    found = run_on(trigger, zone, begin_us, begin_us + 400 * DAY_US, pauses)
    first, last = begin + timedelta(2), begin + timedelta(397)
    wanted = [
        day
        for day in range(first.toordinal(), last.toordinal())
        if DAYS[date.fromordinal(day).weekday()] in days
        and not (zone_name == "Pacific/Apia" and date.fromordinal(day) == date(2011, 12, 30))
    ]
    assert [day for day, _ in found if first.toordinal() <= day < last.toordinal()] == wanted
    for day, when_us in found:
        comes = local(when_us, zone)
        assert comes.date() == date.fromordinal(day)
        if comes.hour * 60 + comes.minute != minute:  # such a minute the day does not have
            naive = datetime.combine(comes.date(), datetime.min.time()) + timedelta(minutes=minute)
            assert naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone) == comes
            assert comes.replace(tzinfo=None) > naive


@pytest.mark.parametrize("name", ["Europe/Zurich", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_zone_is_found_by_its_name(name):
    found = find_zone(name)
    assert found is not None
    assert found.key == name


NO_ZONES = (
    "", "Europe", "Europe/Nowhere", "../zones", "/etc", "tzdata.zi", "zone.tab", "Europe//Zurich",
    "europe/zurich", "zonenow",
)  # fmt: skip


@pytest.mark.parametrize("name", NO_ZONES)
def test_what_is_no_zone_is_none(name):
    assert find_zone(name) is None

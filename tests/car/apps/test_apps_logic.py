"""What follows from how an app ended, and what is too much."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.logic import (
    MB,
    NEXT,
    REASONS,
    AppState,
    Crashes,
    Taken,
    breach,
    can_follow,
    sentence,
)
from monocoque.contracts.apps import Limits

CONFIG = AppsConfig()
LIMITS = Limits(memory_mb=100, cpu_percent=20, start_s=10)
MODEST = Taken(
    processes=1,
    resident_bytes=50 * MB,
    processor_share=0.1,
    data_bytes=0,
    since_start_s=100.0,
    since_beat_s=0.5,
    is_ready=True,
    lines_per_s=2.0,
)


def test_an_app_that_keeps_its_limits_goes_on():
    assert breach(MODEST, LIMITS, CONFIG) is None


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"processes": CONFIG.processes_max + 1}, "processes"),
        ({"resident_bytes": 101 * MB}, "memory"),
        ({"data_bytes": CONFIG.data_mb_max * MB + 1}, "data"),
        ({"lines_per_s": CONFIG.lines_per_s_max + 1.0}, "flood"),
        ({"is_ready": False, "since_start_s": 10.1}, "not_ready"),
        ({"since_beat_s": CONFIG.silence_s_max + 0.1}, "hung"),
        ({"processor_share": 0.21}, "processor"),
    ],
)
def test_each_limit_has_its_reason(members, reason):
    assert breach(replace(MODEST, **members), LIMITS, CONFIG) == reason
    assert sentence(reason) == REASONS[reason]


def test_a_start_may_be_heavy_and_silent():
    starting = replace(
        MODEST, is_ready=False, since_start_s=9.9, since_beat_s=60.0, processor_share=1.0
    )
    assert breach(starting, LIMITS, CONFIG) is None


def test_what_an_app_says_of_its_end_is_kept_in_its_words():
    assert sentence("ValueError: oh") == "ValueError: oh"


def test_pauses_double_until_the_app_is_given_up():
    crashes, pauses = Crashes(), []
    for number in range(CONFIG.crashes_max):
        crashes = crashes.after(number * 1_000_000, CONFIG)
        pauses.append(crashes.pause_s(CONFIG))
    assert pauses == [1.0, 2.0, 4.0, 8.0, None]


def test_a_pause_has_an_end():
    config = replace(CONFIG, crashes_max=100)
    assert Crashes(tuple(range(50))).pause_s(config) == config.pause_s_max


@given(st.lists(st.integers(min_value=700, max_value=10_000), max_size=30))
def test_an_app_that_crashes_seldom_is_never_given_up(gaps_s):
    crashes, now_us = Crashes(), 0
    for gap_s in gaps_s:
        now_us += gap_s * 1_000_000
        crashes = crashes.after(now_us, CONFIG)
        assert crashes.pause_s(CONFIG) == CONFIG.pause_s_min


def test_every_state_has_a_way_on_and_a_given_up_app_only_by_a_person():
    assert set(NEXT) == set(AppState)
    assert can_follow(AppState.STARTING, AppState.RUNNING)
    assert not can_follow(AppState.GIVEN_UP, AppState.RUNNING)
    assert not can_follow(AppState.FINISHED, AppState.WAITING)

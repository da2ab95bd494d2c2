"""Worlds: one seed, one story; and no trouble that breaks an invariant."""

import functools
import os
import subprocess
import sys

import pytest

from monocoque.sim.faults import Faults
from monocoque.sim.people import PeopleConfig
from monocoque.sim.report import WorldReport
from monocoque.sim.setting import CALM_S, ECHO_SERVICES, WITHOUT_DOOR, Setting
from monocoque.sim.world import live, run_world
from tests.world.hurried import hurried, troubled

SEEDS = 12
"""Echo is in every world, those of test_days.py too; here it is asked every few seconds."""


once = functools.cache(troubled)
"""A world that several tests look at."""


@functools.cache
def troubled_echo(seed: int, cars: int) -> WorldReport:
    faults = Faults.usual()
    return live(
        Setting(seed=seed, cars=cars, duration_s=600.0, faults=faults, services=WITHOUT_DOOR)
    )


def test_a_world_without_faults_answers_every_question_and_restarts_nothing() -> None:
    told: list[float] = []
    report = run_world(3, 0.25, 7, Faults.none(), told.append)
    assert told == sorted(told)
    assert len(told) == report.virtual_seconds // 60, "each minute once"
    assert report.violations == ()
    assert report.deliveries >= 3
    assert report.orders == 1, "that of the prologue are not counted"
    assert report.questions == report.answers > 100
    assert report.restarts == report.kills == report.power_cuts == report.path_cuts == 0
    assert report.virtual_seconds == report.prologue_seconds + 900.0 + CALM_S
    assert report.messages > 2 * report.questions


def test_echo_says_each_thing_once_when_nothing_fails() -> None:
    report = live(Setting(seed=7, cars=2, duration_s=600.0, services=ECHO_SERVICES))
    # The question, its answer, and the answerer's state.
    assert report.messages == 3 * report.questions > 0


def test_the_same_seed_gives_the_same_world() -> None:
    first, second = once(seed=11), troubled(seed=11)
    assert first.digest == second.digest
    assert first.events == second.events
    assert first.messages == second.messages


def test_another_seed_gives_another_world() -> None:
    assert len({once(seed=seed).digest for seed in (1, 2, 11)}) == 3


def test_trouble_changes_the_world() -> None:
    assert hurried(seed=11).digest != once(seed=11).digest


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_lives_through_the_same_world(hash_seed: str) -> None:
    code = "from tests.world.hurried import troubled; print(troubled(seed=11).digest)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stdout.strip() == once(seed=11).digest


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_trouble_breaks_an_invariant_of_echo(seed: int) -> None:
    report = troubled_echo(seed, cars=1 + seed % 2)
    assert report.violations == ()
    assert report.questions > 0


def test_people_send_at_least_six_commands_a_day() -> None:
    pauses = PeopleConfig()
    # With nothing in the way: the first at once, then one after each pause.
    assert 1 + (24 * 3_600.0 - pauses.begin_s_max) // pauses.pause_s_max > 6


def test_the_usual_trouble_is_real_trouble() -> None:
    reports = [troubled_echo(seed, cars=1 + seed % 2) for seed in range(SEEDS)]
    assert all(report.path_cuts > 0 and report.restarts > 0 for report in reports)
    assert sum(report.kills for report in reports) > 10
    assert sum(report.power_cuts for report in reports) > 3

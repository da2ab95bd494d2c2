"""Worlds: one seed, one story; and no trouble that breaks an invariant."""

import os
import subprocess
import sys

import pytest

from monocoque.sim.faults import Faults
from monocoque.sim.world import ECHO_SERVICES, Setting, WorldReport, live, run_world

SEEDS = 60


def troubled(seed: int, cars: int = 2) -> WorldReport:
    return live(Setting(seed=seed, cars=cars, duration_s=600.0, faults=Faults.usual()))


def test_a_world_without_faults_answers_every_question_and_restarts_nothing() -> None:
    report = run_world(cars=3, hours=0.25, seed=7, faults=Faults.none())
    assert report.violations == ()
    assert report.questions == report.answers > 100
    assert report.restarts == report.kills == report.power_cuts == report.path_cuts == 0
    assert report.virtual_seconds == 1_200.0
    assert report.messages > 2 * report.questions


def test_echo_says_each_thing_once_when_nothing_fails() -> None:
    report = live(Setting(seed=7, cars=2, duration_s=600.0, services=ECHO_SERVICES))
    # The question, its answer, and the answerer's state.
    assert report.messages == 3 * report.questions > 0


def test_the_same_seed_gives_the_same_world() -> None:
    first, second = troubled(seed=11), troubled(seed=11)
    assert first.digest == second.digest
    assert first.events == second.events
    assert first.messages == second.messages


def test_another_seed_gives_another_world() -> None:
    assert len({troubled(seed).digest for seed in (1, 2, 3)}) == 3


def test_trouble_changes_the_world() -> None:
    calm = live(Setting(seed=11, cars=2, duration_s=600.0))
    assert calm.digest != troubled(seed=11).digest


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_lives_through_the_same_world(hash_seed: str) -> None:
    code = (
        "from monocoque.sim.world import Setting, live; from monocoque.sim.faults import Faults; "
        "print(live(Setting(seed=11, cars=2, duration_s=600.0, faults=Faults.usual())).digest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stdout.strip() == troubled(seed=11).digest


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_trouble_breaks_an_invariant(seed: int) -> None:
    report = troubled(seed, cars=1 + seed % 2)
    assert report.violations == ()
    assert report.questions > 0


def test_the_usual_trouble_is_real_trouble() -> None:
    reports = [troubled(seed) for seed in range(5)]
    assert all(report.path_cuts > 0 and report.restarts > 0 for report in reports)
    assert sum(report.kills for report in reports) > 10
    assert sum(report.power_cuts for report in reports) > 3

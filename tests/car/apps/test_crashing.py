"""An app that crashes again and again: it waits longer each time, and is then given up for all."""

import itertools
import json
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog

from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import migrate_connection
from tests.car.apps.stand import CAR_ID, QUICK, AppStand

MONOCOQUE = Path(sys.executable).with_name("monocoque")
CONFIG = replace(QUICK, pause_s_min=0.2, pause_s_max=60.0, crashes_max=4)
CRASHING = """
async def run(self):
    self.log("here I am")
    raise ValueError("the road is gone")
"""
REASON = "ValueError: the road is gone"


@dataclass
class Told:
    """What the car's log says of an app, and when, by the car's clock."""

    clock: SystemClock = field(default_factory=SystemClock)
    states: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, _logger: Any, _method: str, said: Any) -> Any:
        """Keep it, as a processor of the log does."""
        if said["event"] == "app":
            self.states.append((said["state"], self.clock.now_us()))
        raise structlog.DropEvent


@pytest.fixture
async def stand(tmp_path):
    """A car's folder and records, as a command line finds them."""
    place = Layout(tmp_path).car(CarId(CAR_ID))
    place.make()
    records = SqliteRecords(place.records, Random(1))
    records.transact_once(migrate_connection)
    made = AppStand(place.path, records, CONFIG)
    await made.trust()
    yield made
    await records.close()


async def test_an_app_that_crashes_waits_twice_as_long_each_time_and_is_given_up(stand, tmp_path):
    told = Told(stand.clock)
    stand.log = structlog.wrap_logger(None, processors=[told])
    async with stand.running():
        await stand.install("crashing", CRASHING)
        waiting = await stand.until("crashing", "waiting")
        assert REASON in waiting.reason
        given_up = await stand.until("crashing", "given_up")
    assert given_up.restarts == CONFIG.crashes_max - 1
    # Whether it is seen running before it has crashed is chance.
    told.states = [(state, at_us) for state, at_us in told.states if state != "running"]
    states = [state for state, _ in told.states]
    assert states == [*["starting", "waiting"] * 3, "starting", "given_up"]
    pauses_s = [
        (until_us - since_us) / 1_000_000
        for (state, since_us), (_, until_us) in itertools.pairwise(told.states)
        if state == "waiting"
    ]
    # Each is as long as it must be at least; how much longer is the machine's affair.
    assert all(pause_s >= 0.2 * 2**turn for turn, pause_s in enumerate(pauses_s)), pauses_s
    (row,) = json.loads(typed("list", tmp_path, "--json"))["apps"]
    assert (row["state"], row["restarts"]) == ("given_up", CONFIG.crashes_max - 1)
    assert REASON in row["reason"]
    log = typed("logs", tmp_path, "crashing")
    assert log.count("here I am") == CONFIG.crashes_max
    assert log.count("[waiting: ") == CONFIG.crashes_max - 1
    assert log.count("[given_up: ") == 1


def typed(verb: str, data: Path, *words: str) -> str:
    """What a person is told of the apps of the car."""
    done = subprocess.run(
        [MONOCOQUE, "car", "apps", verb, CAR_ID, *words, "--data", data],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout

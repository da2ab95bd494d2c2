"""Frames on real sockets into a real lake, while cell and cars are killed -9.

Rules: the cars' own count is the oracle: every sequence that was ever given is in the lake once,
and nothing else; nothing is given up on the way. Limits are short, so that much happens soon.
"""

import asyncio
import contextlib
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable, QueryBuilder

from monocoque.contracts.signals import TOLD
from monocoque.contracts.topics import CAR_FRAMES
from monocoque.contracts.wire.telemetry_pb2 import Frames
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.process_file import read_process_file, send_signal
from tests.e2e.installation import Installation, wait_until
from tests.e2e.test_bad_messages import publish_as_a_car

CARS = 3
SETTINGS = """
[link]
frame_interval_s = 0.2
charging_frame_interval_s = 0.2
spool_retry_s = 0.2
resend_after_s_min = 2.0
[telemetry]
batch_interval_s = 0.3
retry_s = 0.2
"""
CAUGHT_UP_S_MAX = 60
CALM_S_MAX = 1.5


class Fleet(Installation):
    """An installation whose cars, which charge, speak often, and what its disks say."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, CARS)
        self.data.mkdir()
        (self.data / "monocoque.toml").write_text(SETTINGS)

    def car_ids(self) -> list[str]:
        return sorted(path.name for path in (self.data / "cars").glob("car_*"))

    def ask_car(self, car_id: str, question: str) -> int:
        """One number out of a car's records; 0 when there is none."""
        file = self.data / "cars" / car_id / "records" / "records.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            row = database.execute(question).fetchone()
        return 0 if row is None else int(row[0])

    def given(self) -> dict[str, int]:
        """The last sequence that each car gave."""
        question = "select last_sequence from link_numbers"
        return {car_id: self.ask_car(car_id, question) for car_id in self.car_ids()}

    def in_lake(self) -> dict[str, dict[int, int]]:
        """Of each car, by sequence: how many rows there are."""
        path = self.data / "cell" / "lake" / "telemetry_values"
        if not DeltaTable.is_deltatable(str(path)):
            return {}
        asked = QueryBuilder().register("frames", DeltaTable(path))
        found = asked.execute(
            "select car_id, sequence, count(*) as rows from frames group by car_id, sequence"
        ).read_all()
        columns = (found[name].to_pylist() for name in ("car_id", "sequence", "rows"))
        there: dict[str, dict[int, int]] = {}
        for car_id, sequence, rows in zip(*columns, strict=True):
            there.setdefault(car_id, {})[sequence] = rows
        return there

    def has_all(self, given: dict[str, int]) -> bool:
        """Whether each of these is there; a later one may be there before it, for a while."""
        there = self.in_lake()
        return all(
            there.get(car_id, {}).keys() >= set(range(1, last + 1))
            for car_id, last in given.items()
        )

    def check_lake(self, given: dict[str, int]) -> None:
        """No gap up to these, no row twice, and nothing that was never given."""
        there, last_given = self.in_lake(), self.given()
        assert there.keys() <= given.keys()
        for car_id, last in given.items():
            rows = there.get(car_id, {})
            assert rows.keys() >= set(range(1, last + 1)), f"{car_id} has a gap"
            assert rows.keys() <= set(range(1, last_given[car_id] + 1)), f"{car_id} never gave it"
            assert set(rows.values()) <= {len(TOLD)}, f"{car_id} has rows twice"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    running = Fleet(tmp_path)
    running.start()
    yield running
    assert running.stop() == 0


def kill_cars(fleet: Fleet) -> None:
    process = read_process_file(fleet.data / "run" / "cars.json")
    assert process is not None
    send_signal(process, signal.SIGKILL)


def kill_nats(fleet: Fleet) -> None:
    process = read_process_file(fleet.data / "run" / "nats.json")
    assert process is not None
    send_signal(process, signal.SIGKILL)


def kill_cell(fleet: Fleet) -> None:
    fleet.kill()
    fleet.start(online=CARS)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(1, id="once each"),
        pytest.param(15, id="often", marks=[pytest.mark.prove, pytest.mark.timeout(900)]),
    ],
)
def test_no_frame_is_lost_or_doubled_over_kills(fleet: Fleet, times: int) -> None:
    chance = random.Random(random.getrandbits(32))  # follows the seed that pytest-randomly prints
    kills = [kill_cell, kill_cars, kill_nats] * times
    for kill in chance.sample(kills, len(kills)):
        time.sleep(chance.uniform(0.2, CALM_S_MAX))  # frames flow
        kill(fleet)
    given = fleet.given()
    assert len(given) == CARS
    wait_until("the lake has caught up", lambda: fleet.has_all(given), CAUGHT_UP_S_MAX)
    fleet.check_lake(given)

    def spools_are_short() -> bool:
        """Not longer than what two batches bring, though it began with what the kills left."""
        waiting = [fleet.ask_car(each, "select count(*) from link_spool") for each in given]
        return max(waiting) <= 25

    wait_until("the spools are emptied", spools_are_short, CAUGHT_UP_S_MAX)
    assert fleet.counted("monocoque_frames_lost_total") == 0
    # By the present cell: one that was killed last may have found everything in the lake already.
    wait_until(
        "the cell counts what it takes",
        lambda: fleet.counted("monocoque_frames_total", outcome="taken") > 0,
        CAUGHT_UP_S_MAX,
    )


async def test_a_car_reaches_its_own_frames_only_and_a_bad_frame_disturbs_nobody(
    fleet: Fleet,
) -> None:
    mine, other = fleet.car_ids()[0], fleet.car_ids()[-1]
    before = fleet.given()

    def frames(sequence: int) -> bytes:
        bad = Frames(sequence=sequence, signal_ids=[1], offsets_ms=[0], values=[float("nan")])
        stamp(bad, SystemClock(), random.Random())
        return bad.SerializeToString()

    # Far ahead: taken for the other car's, it would be in the way of nothing, and counted.
    await publish_as_a_car(fleet, f"car.{other}.frames", frames(10**9))
    await publish_as_a_car(fleet, CAR_FRAMES.name, frames(10**9))

    def refused(code: str) -> float:
        return fleet.counted("monocoque_messages_refused_total", topic=CAR_FRAMES.name, code=code)

    def is_counted() -> bool:
        return refused("message_malformed") > 0

    await asyncio.to_thread(wait_until, "it is counted", is_counted, CAUGHT_UP_S_MAX)

    given = {car_id: last + 3 for car_id, last in before.items()}

    def all_go_on() -> bool:
        return fleet.has_all(given)

    await asyncio.to_thread(wait_until, "every car goes on", all_go_on, CAUGHT_UP_S_MAX)
    assert refused("message_malformed") == 1, f"{mine} spoke for {other}"
    fleet.check_lake(given)
    assert fleet.counted("monocoque_service_restarts_total") == 0

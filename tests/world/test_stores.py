"""A world is the same on either store of records."""

import asyncio
from dataclasses import replace
from random import Random

from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.postgres import InlinePostgresRecords
from monocoque.sim.faults import Faults
from monocoque.sim.world import live
from tests.fixtures.records import PostgresServer
from tests.world.hurried import HURRIED


def test_postgresql_and_sqlite_give_the_same_digest(postgres_server: PostgresServer) -> None:
    setting = replace(
        HURRIED,
        seed=10,
        buyers=1,
        duration_s=200.0,
        calm_s=120.0,
        habits=replace(HURRIED.habits, decline_share=0.0, later_share=0.0),
        faults=replace(Faults.usual(), unit_break_share=0.0),
    )
    # The cell, the factory, the cars and their home.
    urls = [asyncio.run(postgres_server.new_database()) for _ in range(5)]
    unused = list(urls)

    def on_postgresql(_machine_id: str, random: Random) -> Records:
        return InlinePostgresRecords(unused.pop(), random)

    try:
        report = live(setting, on_postgresql)
    finally:
        for url in urls:
            postgres_server.drop(url)
    assert not unused
    assert report.violations == ()
    assert report.deliveries == 2
    assert report.questions > 10
    assert report.commands > 5
    assert report.updates_installed > 0
    assert report.scenes_fired > 0
    assert report.digest == live(setting).digest

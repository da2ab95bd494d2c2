"""A world is the same on either store of records."""

import asyncio
from random import Random

from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.postgres import InlinePostgresRecords
from monocoque.sim.faults import Faults
from monocoque.sim.people import PeopleConfig
from monocoque.sim.setting import Setting
from monocoque.sim.world import live
from tests.fixtures.records import PostgresServer


def test_postgresql_and_sqlite_give_the_same_digest(postgres_server: PostgresServer) -> None:
    setting = Setting(
        seed=9,
        cars=2,
        duration_s=300.0,
        calm_s=120.0,
        faults=Faults.usual(),
        people=PeopleConfig(begin_s_max=5.0, pause_s_min=10.0, pause_s_max=60.0),
    )
    # The cell, the factory and the cars.
    urls = [asyncio.run(postgres_server.new_database()) for _ in range(2 + setting.cars)]
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
    assert report.questions > 10
    assert report.commands > 5
    assert report.digest == live(setting).digest

"""Homes of an installation: made once, completed after a kill, and run by whoever holds them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import structlog

from monocoque.cli.settings import read_settings
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service import desk
from monocoque.contracts.errors import DataDirectoryInUse, NotFound
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.topics import HOME_HELLO, HOME_STATE, Role
from monocoque.plumbing.bus.nats_credentials import NatsAuthority, NatsCredentials
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.locks import DirectoryLock
from monocoque.plumbing.records.port import Records
from monocoque.roles.cars import CarProcess
from monocoque.roles.homes import (
    BUS_KEY,
    BUS_PLACE,
    finish_homes,
    make_home,
    make_homes,
    run_homes,
)
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import records_in_memory
from tests.fixtures.bus import NatsCellBus

CLOCK = SystemClock()
WAIT_S_MAX = 20.0


class Installation:
    """A data directory with a cell's keys and records."""

    def __init__(self, path: Path) -> None:
        self.layout = Layout(path)
        self.layout.make()
        self.records: Records = records_in_memory(Random(1))
        self.authority = NatsAuthority(FileKeyStore(self.layout.secrets), CLOCK)
        self.authority.make_keys()
        self.random = Random(7)

    async def make(self, wanted: int) -> list[str]:
        """What a start does; the homes that are there then."""
        await make_homes(self.layout, self.records, self.authority, CLOCK, self.random, wanted)
        return [home.home_id for home in await desk.every_home(self.records)]

    def secrets(self, home_id: str) -> dict[str, bytes | None]:
        """What is in a home's keystore."""
        store = FileKeyStore(self.layout.home(HomeId(home_id)).secrets)
        return {name: store.read(name) for name in store.names()}


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


async def test_a_start_makes_the_homes_that_are_missing_and_keeps_the_others(here):
    first = await here.make(1)
    assert len(first) == 1
    before = here.secrets(first[0])
    again = await here.make(2)
    assert (again[:1], len(again)) == (first, 2)
    assert await here.make(1) == again
    assert here.secrets(first[0]) == before
    place = NatsCredentials((before[BUS_PLACE] or b"").decode(), before[BUS_KEY] or b"")
    assert place.name == first[0]


@pytest.mark.parametrize("left", ["nothing", "folder", "key", "place"])
async def test_what_a_kill_left_of_a_home_is_completed_under_the_same_name(here, left):
    await desk.add_home(here.records, "home_0123456789abcdefghjkmnpqrs", CLOCK.now_us())
    place = here.layout.home(HomeId("home_0123456789abcdefghjkmnpqrs"))
    kept = None
    if left != "nothing":
        place.make()
    if left in ("key", "place"):
        await finish_homes(here.layout, here.records, here.authority, CLOCK)
        place.born.unlink()
        kept = here.secrets(place.path.name)[BUS_KEY]
        if left == "key":
            (place.secrets / BUS_PLACE).unlink()
    assert await here.make(1) == [place.path.name]
    assert place.born.exists()
    assert kept is None or here.secrets(place.path.name)[BUS_KEY] == kept


async def test_a_home_whose_folder_was_moved_away_is_left_alone(here):
    [home_id] = await here.make(1)
    here.layout.home(HomeId(home_id)).path.rename(here.layout.path / "elsewhere")
    assert await here.make(1) == [home_id]
    assert not here.layout.home(HomeId(home_id)).path.exists()


async def test_each_code_of_a_home_is_a_new_one(here):
    [home_id] = await here.make(1)
    config = read_settings(here.layout.settings, {})[0][HomesConfig]
    codes = [
        await desk.new_code(here.records, home_id, CLOCK.now_us(), here.random, config)
        for _ in range(2)
    ]
    assert len(set(codes)) == 2
    with pytest.raises(NotFound):
        await desk.new_code(here.records, "home_x", CLOCK.now_us(), here.random, config)


async def test_a_cell_starts_without_the_homes_that_it_cannot_make(here):
    here.layout.homes.rmdir()
    here.layout.homes.write_text("This is no folder.")
    [home_id] = await here.make(1)
    here.layout.homes.unlink()
    assert await here.make(1) == [home_id]
    assert here.layout.home(HomeId(home_id)).born.exists()


@contextlib.asynccontextmanager
async def running(process: CarProcess) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        life = group.create_task(run_homes(process))
        try:
            yield
        finally:
            life.cancel()


async def test_homes_run_once_and_those_that_are_made_later_are_found(tmp_path: Path):
    here = Installation(tmp_path / "data")
    secrets = FileKeyStore(here.layout.secrets)
    server = NatsServer(here.layout.path, secrets, CLOCK, structlog.get_logger())
    await server.start()
    cell_bus = NatsCellBus(server)
    process = CarProcess(
        here.layout, CLOCK, Random(7), read_settings(here.layout.settings, {})[0], "0.1.0"
    )
    try:
        bus = await cell_bus.connect(Role.HOMES)
        async with bus.listen(HOME_HELLO) as hellos, bus.watch(HOME_STATE) as states:
            first = await make_home(here.layout, here.records, here.authority, CLOCK, here.random)
            damaged = await make_home(here.layout, here.records, here.authority, CLOCK, here.random)
            here.layout.home(damaged).records.write_bytes(b"This is no database." * 1_000)
            async with running(process):
                assert (await states.next(WAIT_S_MAX)).identifiers["home_id"] == first
                assert (await hellos.next(WAIT_S_MAX)).identifiers["home_id"] == first
                with pytest.raises(DataDirectoryInUse):
                    DirectoryLock(here.layout.home(first).path)
                second = await make_home(
                    here.layout, here.records, here.authority, CLOCK, here.random
                )
                async with asyncio.timeout(WAIT_S_MAX):  # the first may say again what was lost
                    while (await states.next(WAIT_S_MAX)).identifiers["home_id"] != second:
                        pass
        DirectoryLock(here.layout.home(first).path).release()
        counter = process.metrics.errors.labels(where="home", code="database_corrupted")
        assert counter._value.get() >= 1
    finally:
        for each in cell_bus.buses:
            await each.close()
        await server.stop()

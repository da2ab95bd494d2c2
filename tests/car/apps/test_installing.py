"""What a car takes, and what it refuses before anything is kept."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from monocoque.car.apps import service
from monocoque.contracts import signals
from monocoque.contracts.apps import Access, write_manifest
from monocoque.contracts.errors import (
    AppAltered,
    AppMarketWrong,
    AppPublisherUnknown,
    AppSignalUnknown,
    DocumentMalformed,
    NotFound,
    QueueFull,
)
from monocoque.roles.migrations import records_in_memory
from monocoque.trust.apps import pack
from monocoque.trust.keys import SeededKeyMaker
from tests.car.apps.stand import (
    PUBLISHER,
    QUICK,
    WAIT_S_MAX,
    AppStand,
    code_of,
    manifest,
)

STRANGER = SeededKeyMaker(Random(7).randbytes).make("EdDSA")
IDLE = "async def run(self): await self.sleep(3600)"


@pytest.fixture
async def stand(tmp_path):
    records = records_in_memory(Random(3))
    yield AppStand(tmp_path, records, config=replace(QUICK, apps_max=2, publishers_max=2))
    await records.close()


async def test_an_app_is_taken_from_who_is_trusted_and_from_nobody_else(stand):
    with pytest.raises(AppPublisherUnknown):
        await stand.install("mine", IDLE)
    await stand.trust()
    await stand.install("mine", IDLE)
    app = await stand.app("mine")
    assert (app.state, app.version, app.key_id) == ("installed", "1.0.0", PUBLISHER.key_id)


async def test_another_publisher_cannot_bring_the_next_version(stand):
    await stand.trust()
    await stand.trust(STRANGER)
    await stand.install("mine", IDLE)
    with pytest.raises(AppPublisherUnknown, match="another publisher"):
        await stand.install("mine", IDLE, key=STRANGER, version="9.0.0")
    assert (await stand.app("mine")).version == "1.0.0"


async def test_market_signals_and_bytes_are_judged_before_anything_is_kept(stand):
    await stand.trust()
    with pytest.raises(AppMarketWrong):
        await stand.install("mine", IDLE, markets=("US",))
    with pytest.raises(AppSignalUnknown, match="Wings"):
        await stand.install("mine", IDLE, ("Vehicle.Wings", Access.READ))
    with pytest.raises(AppSignalUnknown, match="a sensor"):
        await stand.install("mine", IDLE, (signals.SPEED.path, Access.ACTUATE))
    text = write_manifest(manifest("mine"))
    files = {"app.py": code_of("mine", IDLE).encode()}
    package = pack(text, files, PUBLISHER, stand.clock.now_us())
    with pytest.raises(AppAltered, match=r"app\.py"):
        await stand.install_package(package.replace(b"3600", b"3601"))
    assert not stand.apps.exists()
    assert await service.every_app(stand.records) == []


async def test_apps_and_publishers_end_somewhere(stand):
    await stand.trust()
    await stand.trust()
    await stand.trust(STRANGER)
    with pytest.raises(QueueFull, match="2 publishers"):
        await stand.trust(SeededKeyMaker(Random(8).randbytes).make("EdDSA"))
    await stand.install("app-1", IDLE)
    await stand.install("app-2", IDLE)
    with pytest.raises(QueueFull, match="2 apps"):
        await stand.install("app-3", IDLE)
    await stand.install("app-2", IDLE, version="1.0.1")
    assert (await stand.app("app-2")).version == "1.0.1"


async def test_what_is_no_key_is_not_trusted_and_what_is_not_there_not_found(stand):
    with pytest.raises(DocumentMalformed):
        await service.trust(stand.records, {"kty": "oct"}, 0, QUICK)
    with pytest.raises(NotFound):
        await service.distrust(stand.records, "nobody")
    for order in (service.order_start, service.order_stop, service.order_remove):
        with pytest.raises(NotFound, match="no app nothing"):
            await order(stand.records, "nothing")


async def test_an_app_whose_publisher_is_trusted_no_more_does_not_start(stand):
    await stand.trust()
    await stand.install("mine", IDLE)
    await service.distrust(stand.records, PUBLISHER.key_id)
    assert await service.trusted(stand.records) == {}
    async with stand.running():
        app = await stand.until("mine", "refused")
        assert app.reason.startswith("app_publisher_unknown")
        await stand.trust()
        await service.order_start(stand.records, "mine")
        await stand.until("mine", "running")


async def test_a_package_that_was_altered_on_the_disk_does_not_start(stand):
    await stand.trust()
    await stand.install("mine", IDLE)
    (package,) = (stand.apps / "mine").glob("package-*")
    package.write_bytes(package.read_bytes().replace(b"3600", b"3601"))
    async with stand.running():
        app = await stand.until("mine", "refused")
        assert app.reason.startswith("app_altered: app.py")
        package.unlink()
        await service.order_start(stand.records, "mine")
        assert "cannot be read" in (await stand.until("mine", "refused")).reason


async def test_code_that_was_altered_on_the_disk_is_not_what_runs(stand):
    await stand.trust()
    await stand.install("mine", "async def run(self): self.log('as it was signed')")
    async with stand.running():
        await stand.until("mine", "finished")
        (stand.apps / "mine/code/app.py").write_text("1 / 0")
        await service.order_start(stand.records, "mine")
        async with asyncio.timeout(WAIT_S_MAX):
            while stand.log_of("mine").count("as it was signed") < 2:
                await asyncio.sleep(0.05)
        assert "ZeroDivision" not in stand.log_of("mine")


async def test_the_next_version_takes_the_place_of_the_one_that_runs_and_keeps_its_data(stand):
    await stand.trust()
    first = (
        "async def start(self): (self.data / 'x').write_text('1')\n"
        "async def run(self): await self.sleep(99)"
    )
    await stand.install("mine", first)
    async with stand.running():
        await stand.until("mine", "running")
        second = "async def run(self): self.log('found ' + (self.data / 'x').read_text())"
        await stand.install("mine", second, version="1.1.0")
        await stand.until("mine", "finished")
        assert "found 1" in stand.log_of("mine")
        assert len(list((stand.apps / "mine").glob("package-*"))) == 1


async def test_an_app_waits_for_the_door(tmp_path):
    records = records_in_memory(Random(3))
    opened = []
    stand = AppStand(tmp_path, records, address=lambda: opened[0] if opened else None)
    await stand.trust()
    await stand.install("mine", IDLE)
    async with stand.running():
        await stand.until("mine", "installed")
        opened.append("memory:")
        await stand.until("mine", "running")
    await records.close()


async def test_a_log_is_bounded_and_says_what_it_left_out(stand):
    small = replace(stand.config, log_bytes_max=20_000, log_bytes_per_s_max=8_000)
    stand.config = small
    await stand.trust()
    body = """
    async def run(self):
        for _ in range(2_000):
            self.log("x" * 99)
        await self.sleep(1.5)
        self.log("the end")
        await self.sleep(99)
    """
    await stand.install("mine", body)
    async with stand.running():
        log = await stand.until_logged("mine", "the end")
    kept = [path.stat().st_size for path in (stand.apps / "mine").glob("log*.txt")]
    assert all(size <= small.log_bytes_max for size in kept)
    assert "are left out" in log

"""Apps in processes of their own: those that work, and those that take, break or hang."""

import asyncio
import contextlib
import os
from dataclasses import replace
from random import Random

import psutil
import pytest

from monocoque.car.apps import service
from monocoque.plumbing.process_sessions import look
from monocoque.roles.migrations import records_in_memory
from tests.car.apps.stand import AppStand

GOOD = """
async def run(self):
    (self.data / "diary").write_text("one day")
    self.log("good morning")
    while True:
        await self.sleep(1)
"""


@pytest.fixture
async def stand(tmp_path):
    records = records_in_memory(Random(3))
    made = AppStand(tmp_path, records)
    await made.trust()
    yield made
    await records.close()


def sessions_below():
    """Of what this process started; other tests run beside it."""
    sessions = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(ProcessLookupError):  # one that ended just now
            sessions.add(os.getsid(child.pid))
    return sessions


async def test_an_app_runs_writes_its_log_and_its_folder_and_ends_with_the_car(stand):
    before = sessions_below()
    async with stand.running():
        await stand.install("good", GOOD)
        app = await stand.until("good", "running")
        assert (app.restarts, app.reason) == (0, "")
        await stand.until_logged("good", "good morning")
        assert (stand.apps / "good/data/diary").read_text() == "one day"
        of_app = sessions_below() - before
        assert of_app
    assert of_app.isdisjoint(look())


async def test_a_stopped_app_stays_stopped_until_it_is_started(stand):
    async with stand.running():
        await stand.install("good", GOOD)
        await stand.until("good", "running")
        await service.order_stop(stand.records, "good")
        await stand.until("good", "stopped")
    async with stand.running():
        await service.order_start(stand.records, "good")
        await stand.until("good", "running")


async def test_a_removed_app_leaves_nothing(stand):
    async with stand.running():
        await stand.install("good", GOOD)
        await stand.until("good", "running")
        await service.order_remove(stand.records, "good")
        async with asyncio.timeout(10):
            while (stand.apps / "good").exists():
                await asyncio.sleep(0.05)
        assert await service.every_app(stand.records) == []


async def test_an_app_that_is_done_is_finished_and_not_started_again(stand):
    async with stand.running():
        await stand.install("done", "async def run(self): self.log('that was all')")
        app = await stand.until("done", "finished")
        assert (app.restarts, app.reason) == (0, "")


async def test_processes_are_counted_where_the_kernel_refuses_none(stand):
    stand.config = replace(stand.config, processes_max=0)  # so that the app itself is one too many
    async with stand.running():
        await stand.install("many", GOOD)
        app = await stand.until("many", "given_up")
        assert app.reason == "It started more processes than an app may have."


BAD = {
    "crashes at once": ("async def run(self): raise ValueError('oh')", "ValueError: oh", {}),
    "cannot be loaded": ("1 / 0", "ZeroDivisionError: division by zero", {}),
    "ends without a word": (
        "async def run(self): os._exit(3)", "Its process ended without a word.", {},
    ),
    "eats memory little by little": (
        """
        async def run(self):
            kept = []
            while True:
                kept.append(bytearray(os.urandom(1 << 20)) * 8)
                await self.sleep(0.01)
        """,
        "memory",
        {"limits": {"memory_mb": 64}},
    ),
    "eats memory at once": (
        "async def run(self): kept = b'x' * (1 << 31)", "memory", {"limits": {"memory_mb": 64}},
    ),
    "forks": (
        """
        async def run(self):
            for _ in range(20):
                if os.fork() == 0:
                    time.sleep(60)
            await self.sleep(60)
        """,
        "PermissionError: [Errno 1] Operation not permitted",
        {},
    ),
    "hangs": (
        "async def run(self): time.sleep(60)",
        "It did not say any more that it is alive.",
        {},
    ),
    "takes the processor": (
        """
        async def run(self):
            while True:
                sum(range(100_000))
                await self.sleep(0)
        """,
        "It took more of the processor than its manifest says.",
        {"limits": {"cpu_percent": 30}},
    ),
    "is never ready": (
        "async def start(self): await self.sleep(60)",
        "It was not ready within the time that its manifest says.",
        {"limits": {"start_s": 1}},
    ),
    "is never ready, and never even read": (
        "while True: pass",
        "It was not ready within the time that its manifest says.",
        {"limits": {"start_s": 1}},
    ),
    "writes elsewhere": (
        "async def run(self): open('/tmp/from-an-app', 'w')",
        "PermissionError: [Errno 13] Permission denied: '/tmp/from-an-app'",
        {},
    ),
    "reads the secrets of the car": (
        "async def run(self): os.listdir(self.data.parent.parent.parent / 'secrets')",
        "PermissionError",
        {},
    ),
    "leaves its session": ("async def run(self): os.setsid()", "PermissionError", {}),
    "ends the car": ("async def run(self): os.kill(os.getppid(), 9)", "PermissionError", {}),
    "asks for a signal that its manifest does not name": (
        """
        speed = read(signals.SPEED, float)
        async def run(self):
            type(self).speed._line = None
            await self.surroundings.line.read([signals.CHARGE.path])
        """,
        "signal_denied",
        {},
    ),
    "floods the car": (
        """
        async def run(self):
            import fcntl, stat
            def writes(n):
                try:
                    kind, mode = os.fstat(n).st_mode, fcntl.fcntl(n, fcntl.F_GETFL)
                except OSError:
                    return False
                return stat.S_ISFIFO(kind) and mode & os.O_ACCMODE == os.O_WRONLY
            pipe = next(n for n in range(3, 99) if writes(n))
            while True:
                os.write(pipe, b'{"word":"beat"}\\n' * 100)
                await self.sleep(0)
        """,
        "It said more to the car than an app may.",
        {"limits": {"cpu_percent": 100}},
    ),
}  # fmt: skip


@pytest.mark.timeout(600)  # one after another, each with the time that a slow machine needs
async def test_whatever_an_app_does_it_is_ended_with_its_reason_and_the_others_go_on(stand):
    names = {f"bad-{number}": what for number, what in enumerate(BAD)}
    (stand.path / "secrets").mkdir(exist_ok=True)
    async with stand.running():
        await stand.install("good", GOOD)
        await stand.until("good", "running")
        for name, what in names.items():
            body, reason, members = BAD[what]
            await stand.install(name, body, **members)
            app = await stand.until(name, "given_up", "refused")
            assert app.state == "given_up", (what, app)
            assert reason in app.reason, (what, app, stand.log_of(name))
            assert app.restarts == 1
            await service.order_remove(stand.records, name)
        good = await stand.app("good")
        assert (good.state, good.restarts) == ("running", 0)

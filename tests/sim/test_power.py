"""Power: what the dead may not do, and what a disk keeps."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest
import structlog
from sqlalchemy import Connection, func, insert, select

from monocoque.contracts.errors import (
    MachineFenced,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
)
from monocoque.contracts.topics import ECHO_ANSWERS, ECHO_REQUESTS, ECHO_STATE, Role
from monocoque.contracts.wire import echo_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity, Outgoing
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.echo import records as echo_records
from monocoque.sim.faults import Faults, Weather
from monocoque.sim.loop import run_virtual
from monocoque.sim.power import (
    FencedBus,
    FencedKeyStore,
    FencedRecords,
    Power,
    VirtualKeyStore,
)


class Place:
    """One machine with one life on it."""

    def __init__(self, faults: Faults | None = None, seed: int = 1) -> None:
        self.clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        self.power = Power(Random(seed))
        self.power.add("car")
        self.life = self.power.begin("car", "service")
        self.disk = SqliteRecords(None, Random(0))
        self.disk.transact_once(echo_records.metadata.create_all)
        weather = Weather(faults or Faults.none())
        self.records = FencedRecords(self.disk, self.life, weather, Random(seed))
        self.secrets = VirtualKeyStore()
        self.keystore = FencedKeyStore(self.secrets, self.life, self.power)
        hub = MemoryHub(self.clock, Metrics(), structlog.stdlib.get_logger())
        self.heard: list[str] = []
        hub.observers.append(lambda subject, _data: self.heard.append(subject))
        self.bus = FencedBus(hub.connect(Identity(Role.ECHO)), self.life)

    def message(self) -> echo_pb2.Echo:
        message = echo_pb2.Echo(sequence=1)
        stamp(message, self.clock, Random(5))
        return message

    def count(self) -> int:
        work = select(func.count()).select_from(echo_records.answered)
        return self.disk.transact_once(lambda connection: connection.execute(work).scalar() or 0)

    async def write(self) -> None:
        await self.records.transact(add_row)


def add_row(connection: Connection) -> None:
    last = connection.execute(select(func.max(echo_records.answered.c.number))).scalar() or 0
    connection.execute(
        insert(echo_records.answered).values(
            number=last + 1, echo_id="a", sequence=1, message_id="m", answered_at_us=0
        )
    )


async def _listen(place: Place) -> None:
    async with place.bus.listen(ECHO_ANSWERS):
        pass


async def _watch(place: Place) -> None:
    async with place.bus.watch(ECHO_STATE):
        pass


async def _write_secret(place: Place) -> None:
    place.keystore.write("name", b"new")


ACTS: list[tuple[str, Callable[[Place], Awaitable[object]]]] = [
    ("publish", lambda place: place.bus.publish(ECHO_ANSWERS, place.message(), echo_id="a")),
    (
        "batch",
        lambda place: place.bus.publish_batch(
            ECHO_ANSWERS, [Outgoing(place.message(), {"echo_id": "a"})]
        ),
    ),
    ("wait for a connection", lambda place: place.bus.connected_after(0)),
    ("listen", _listen),
    ("watch", _watch),
    ("last", lambda place: place.bus.last(ECHO_STATE, echo_id="a")),
    ("consumer", lambda place: place.bus.consumer(ECHO_REQUESTS, "reader")),
    ("records", lambda place: place.write()),
    ("read a secret", lambda place: asyncio.sleep(0, place.keystore.read("name"))),
    ("write a secret", _write_secret),
    ("list secrets", lambda place: asyncio.sleep(0, place.keystore.names())),
]


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in ACTS])
@pytest.mark.parametrize("death", ["kill", "cut"])
def test_the_dead_cannot_act(act, death) -> None:
    async def main() -> tuple[list[str], int, list[str]]:
        place = Place()
        await act(place)
        before = (list(place.heard), place.count(), place.secrets.names())
        if death == "kill":
            place.power.kill("car", "service")
        else:
            place.power.cut("car")
        with pytest.raises(MachineFenced, match="Life 1 of car/service is over"):
            await act(place)
        assert (place.heard, place.count(), place.secrets.names()) == before
        assert place.clock.now_us() > 0
        assert not place.bus.is_connected
        return before

    run_virtual(main())


def test_readers_and_consumers_end_with_the_life_that_opened_them() -> None:
    async def main() -> None:
        place = Place()
        consumer = await place.bus.consumer(ECHO_REQUESTS, "reader")
        async with place.bus.listen(ECHO_ANSWERS) as answers:
            place.power.kill("car", "service")
            for call in (
                answers.next(1.0),
                anext(aiter(answers)),
                consumer.fetch(1, 1.0),
                consumer.acknowledge([]),
                consumer.give_back([]),
            ):
                with pytest.raises(MachineFenced):
                    await call

    run_virtual(main())


def test_one_kill_leaves_the_other_services_of_the_machine_alone() -> None:
    async def main() -> None:
        power = Power(Random(1))
        power.add("car")
        one, other = power.begin("car", "one"), power.begin("car", "other")
        power.kill("car", "one")
        assert one.is_over
        assert not other.is_over
        assert power.begin("car", "one").number == 2

    run_virtual(main())


def test_nothing_begins_without_power_and_all_are_told() -> None:
    async def main() -> list[str]:
        told: list[str] = []
        power = Power(Random(1))
        power.on_cut.append(lambda machine_id: told.append(f"cut {machine_id}"))
        power.on_restore.append(lambda machine_id: told.append(f"restore {machine_id}"))
        power.add("car")
        power.cut("car")
        power.cut("car")
        with pytest.raises(MachineFenced, match="no power"):
            power.begin("car", "service")
        power.restore("car")
        power.restore("car")
        power.begin("car", "service")
        return told

    assert run_virtual(main()) == ["cut car", "restore car"]


def test_a_transaction_is_wholly_there_or_wholly_not_at_every_moment_of_a_cut() -> None:
    slow = Faults(disk_delay_s_max=1.0)

    async def main(cut_after_s: float) -> tuple[int, bool]:
        place = Place(slow)
        heard_of: list[bool] = []

        async def write() -> None:
            await place.write()
            heard_of.append(True)

        writing = asyncio.create_task(write())
        await asyncio.sleep(cut_after_s)
        place.power.cut("car")
        await asyncio.wait({writing})
        if not heard_of:
            assert isinstance(writing.exception(), MachineFenced)
        return place.count(), bool(heard_of)

    found = {run_virtual(main(step / 20)) for step in range(45)}
    assert found == {(0, False), (1, False), (1, True)}


def test_records_that_fail_say_truly_whether_they_wrote() -> None:
    async def main(seed: int) -> str:
        place = Place(Faults(records_unavailable_share=0.5), seed)
        try:
            await place.write()
        except RecordsUnavailable:
            assert place.count() == 0
            return "unavailable"
        except RecordsOutcomeUnknown:
            assert place.count() == 1
            return "unknown"
        assert place.count() == 1
        return "written"

    assert {run_virtual(main(seed)) for seed in range(30)} == {"unavailable", "unknown", "written"}


def test_work_that_runs_twice_writes_once() -> None:
    async def main() -> tuple[int, int]:
        place = Place(Faults(work_twice_share=1.0))
        runs: list[int] = []

        def work(connection: Connection) -> None:
            runs.append(1)
            add_row(connection)

        await place.records.transact(work)
        return len(runs), place.count()

    assert run_virtual(main()) == (2, 1)


def test_a_secret_cut_while_it_is_written_is_wholly_old_or_wholly_new() -> None:
    async def main(seed: int) -> bytes | None:
        place = Place(seed=seed)
        place.keystore.write("key", b"old")
        place.power.cut_in_next_secret("car")
        with pytest.raises(MachineFenced):
            place.keystore.write("key", b"new")
        assert place.life.is_over
        return place.secrets.read("key")

    assert {run_virtual(main(seed)) for seed in range(20)} == {b"old", b"new"}

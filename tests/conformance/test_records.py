"""What the port of the records promises, on both stores."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, insert, select
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from monocoque.contracts.errors import RecordsContended, WorkNotSynchronous
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from tests.fixtures.records import RecordsFactory

RACERS = 20
DEADLINE_S = 60
ANSWERS_BEFORE_KILL = 50

counters = Table(
    "conformance_counters",
    MetaData(),
    Column("name", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
)


def make_table(connection: Connection) -> None:
    counters.metadata.create_all(connection)


def put(name: str, count: int) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        connection.execute(insert(counters).values(name=name, count=count))

    return work


def count_of(name: str) -> Callable[[Connection], int | None]:
    return lambda connection: connection.execute(
        select(counters.c.count).where(counters.c.name == name)
    ).scalar()


def count_one_more(connection: Connection) -> None:
    """Read, then write what follows: the race that a weaker isolation loses."""
    count = connection.execute(select(counters.c.count)).scalar_one()
    connection.execute(counters.update().values(count=count + 1))


@pytest.fixture
async def counting(records: Records) -> Records:
    """A database with an empty table of counters."""
    await records.transact(make_table)
    return records


async def all_at_once(works: list[Awaitable[None]]) -> None:
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(_awaited(work))


async def _awaited(work: Awaitable[None]) -> None:
    await work


async def test_twenty_racing_writers_of_one_process_count_to_twenty(counting: Records) -> None:
    await counting.transact(put("race", 0))
    await all_at_once([counting.transact(count_one_more) for _ in range(RACERS)])
    assert await counting.transact(count_of("race")) == RACERS


async def test_twenty_racing_writers_with_connections_of_their_own_count_to_twenty(
    records_factory: RecordsFactory,
) -> None:
    where = await records_factory.new_where()
    first = records_factory.open(where)
    await first.transact(make_table)
    await first.transact(put("race", 0))
    racers = [records_factory.open(where) for _ in range(RACERS)]
    await all_at_once([racer.transact(count_one_more) for racer in racers])
    assert await first.transact(count_of("race")) == RACERS


RACING_PROCESS = """
import asyncio, sys
from random import Random
from monocoque.plumbing.records.opening import open_records
from tests.conformance.test_records import count_one_more

async def main():
    records = open_records(sys.argv[1], Random(int(sys.argv[2])))
    for _ in range(int(sys.argv[3])):
        await records.transact(count_one_more)
    await records.close()

asyncio.run(main())
"""


async def test_racing_processes_lose_no_count(records_factory: RecordsFactory) -> None:
    where = await records_factory.new_where()
    records = records_factory.open(where)
    await records.transact(make_table)
    await records.transact(put("race", 0))
    async with asyncio.timeout(DEADLINE_S):
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", RACING_PROCESS, where, str(seed), "25"
            )
            for seed in range(3)
        ]
        assert [await process.wait() for process in processes] == [0, 0, 0]
    assert await records.transact(count_of("race")) == 75


async def test_racing_inserts_of_one_row_leave_one_row_and_no_error(counting: Records) -> None:
    made: list[int] = []

    def make_if_absent(number: int) -> Callable[[Connection], bool]:
        def work(connection: Connection) -> bool:
            if count_of("only")(connection) is not None:
                return False
            put("only", number)(connection)
            return True

        return work

    async def race(number: int) -> None:
        if await counting.transact(make_if_absent(number)):
            made.append(number)

    await all_at_once([race(number) for number in range(RACERS)])
    assert len(made) == 1
    assert await counting.transact(count_of("only")) == made[0]


async def test_write_skew_is_prevented(counting: Records) -> None:
    """Two take one away each, when both rows together allow for one only."""
    await counting.transact(put("left", 1))
    await counting.transact(put("right", 1))

    def take(name: str) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            if sum(connection.execute(select(counters.c.count)).scalars()) > 1:
                connection.execute(counters.update().where(counters.c.name == name).values(count=0))

        return work

    for _ in range(10):
        await all_at_once([counting.transact(take("left")), counting.transact(take("right"))])
        both = await counting.transact(
            lambda connection: sum(connection.execute(select(counters.c.count)).scalars())
        )
        assert both == 1
        await counting.transact(
            lambda connection: connection.execute(counters.update().values(count=1))
        )


async def test_a_work_that_raises_leaves_no_trace_and_its_exception_passes(
    counting: Records,
) -> None:
    error = LookupError("mine")

    def work(connection: Connection) -> None:
        put("never", 1)(connection)
        raise error

    with pytest.raises(LookupError) as caught:
        await counting.transact(work)
    assert caught.value is error
    assert await counting.transact(count_of("never")) is None


async def test_what_a_work_returns_is_returned(counting: Records) -> None:
    await counting.transact(put("seven", 7))
    assert await counting.transact(count_of("seven")) == 7
    assert await counting.transact(count_of("nothing")) is None


async def test_a_row_that_exists_already_is_the_work_s_own_affair(counting: Records) -> None:
    await counting.transact(put("once", 1))
    with pytest.raises(IntegrityError):
        await counting.transact(put("once", 2))
    assert await counting.transact(count_of("once")) == 1


async def test_values_never_stand_in_an_error(counting: Records) -> None:
    await counting.transact(put("a secret name", 1))
    with pytest.raises(IntegrityError) as caught:
        await counting.transact(put("a secret name", 987_654))
    assert "987654" not in str(caught.value)


async def test_a_mistake_in_sql_is_not_hidden_behind_an_error_of_the_store(
    records: Records,
) -> None:
    with pytest.raises((ProgrammingError, OperationalError)):
        await records.transact(lambda connection: connection.exec_driver_sql("SELEKT 1"))


async def _asynchronous(connection: Connection) -> None:
    put("async", 1)(connection)


def _returns_coroutine(connection: Connection) -> Awaitable[None]:
    put("async", 1)(connection)
    return _asynchronous(connection)


def _returns_future(connection: Connection) -> Awaitable[None]:
    put("async", 1)(connection)
    return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(_asynchronous, id="a coroutine function"),
        pytest.param(_returns_coroutine, id="a function that returns a coroutine"),
        pytest.param(_returns_future, id="a function that returns a future"),
    ],
)
async def test_a_work_that_would_go_on_later_is_refused(
    counting: Records, work: Callable[[Connection], Awaitable[None]]
) -> None:
    with pytest.raises(WorkNotSynchronous):
        await counting.transact(work)
    assert await counting.transact(count_of("async")) is None


async def test_attempts_are_bounded(records_factory: RecordsFactory) -> None:
    attempts = 0

    def never(connection: Connection) -> None:
        nonlocal attempts
        attempts += 1
        raise RecordsContended("Lost again.")

    records = records_factory.open(await records_factory.new_where(), RecordsConfig(attempts_max=3))
    with pytest.raises(RecordsContended):
        await records.transact(never)
    assert attempts == 3


KILLED_PROCESS = """
import asyncio, sys
from random import Random
from monocoque.plumbing.records.opening import open_records
from tests.conformance.test_records import put

async def main():
    records = open_records(sys.argv[1], Random(1))
    for number in range(10_000):
        await records.transact(put(str(number), number))
        print(number, flush=True)

asyncio.run(main())
"""


def _answers_until_killed(where: str) -> list[str]:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_PROCESS, where], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        answered = [process.stdout.readline().strip() for _ in range(ANSWERS_BEFORE_KILL)]
        process.kill()
        return answered + process.stdout.read().split()


async def test_what_was_answered_is_there_after_the_process_was_killed(
    records_factory: RecordsFactory,
) -> None:
    where = await records_factory.new_where()
    records = records_factory.open(where)
    await records.transact(make_table)
    answered = _answers_until_killed(where)
    assert len(answered) >= ANSWERS_BEFORE_KILL
    found = await records.transact(
        lambda connection: set(connection.execute(select(counters.c.name)).scalars())
    )
    assert set(answered) <= found
    # The one that was under way may be there or not; nothing else may.
    assert len(found) <= len(answered) + 1


async def test_cancelling_leaves_the_database_usable(counting: Records) -> None:
    await counting.transact(put("race", 0))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(counting.transact(count_one_more)) for _ in range(RACERS)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
    done = 0
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            task.result()
            done += 1
    count = await counting.transact(count_of("race"))
    assert count is not None
    assert done <= count <= RACERS
    await counting.transact(count_one_more)

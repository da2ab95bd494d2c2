"""What goes wrong between us and a server, on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest
from sqlalchemy import Connection, select

from monocoque.contracts.errors import (
    DatabaseCorrupted,
    DiskFull,
    MonocoqueError,
    NotWritable,
    RecordsContended,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
    SettingInvalid,
    WorkNotSynchronous,
)
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.opening import open_records
from monocoque.plumbing.records.postgres import InlinePostgresRecords, PostgresRecords
from tests.conformance.test_records import (
    RACERS,
    all_at_once,
    count_of,
    count_one_more,
    counters,
    make_table,
    put,
)
from tests.fixtures.records import PostgresServer

END_OURSELVES = "SELECT pg_terminate_backend(pg_backend_pid())"
END_ALL_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE application_name = 'monocoque' AND datname = '{database}'
"""


@pytest.fixture(params=[PostgresRecords, InlinePostgresRecords], ids=["awaited", "inline"])
async def records(
    request: pytest.FixtureRequest, url: str
) -> AsyncIterator[PostgresRecords | InlinePostgresRecords]:
    """Each of the two adapters, on a database with an empty table of counters."""
    records: PostgresRecords | InlinePostgresRecords = request.param(url, Random(1))
    await records.transact(make_table)
    yield records
    await records.close()


@pytest.fixture
async def url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """An empty database."""
    url = postgres_server.empty_database()
    yield url
    postgres_server.drop(url)


def run(statement: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return work


async def test_a_connection_lost_before_the_commit_wrote_nothing(records) -> None:
    def work(connection: Connection) -> None:
        put("lost", 1)(connection)
        connection.exec_driver_sql(END_OURSELVES)

    with pytest.raises(RecordsUnavailable) as caught:
        await records.transact(work)
    assert caught.value.may_have_happened is False
    assert caught.value.temporary
    assert await records.transact(count_of("lost")) is None


async def test_a_connection_lost_in_the_commit_leaves_nobody_knowing(records) -> None:
    """A deferred trigger ends the connection when the commit runs it."""
    await records.transact(
        run(f"""
            CREATE FUNCTION end_ourselves() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM 1 FROM ({END_OURSELVES}) AS ended; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON conformance_counters
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_ourselves();
        """)
    )
    with pytest.raises(RecordsOutcomeUnknown) as caught:
        await records.transact(put("unknown", 1))
    assert caught.value.may_have_happened is True
    await records.transact(run("DROP TRIGGER at_commit ON conformance_counters"))
    await records.transact(put("known", 1))


async def test_connections_that_ended_while_idle_cost_no_error(
    records, url: str, postgres_server: PostgresServer
) -> None:
    await records.transact(put("before", 1))
    database = url.partition("?")[0].rpartition("/")[2]
    ended = postgres_server.execute(END_ALL_OTHERS.format(database=database))
    assert (True,) in ended
    assert await records.transact(count_of("before")) == 1


async def test_a_work_that_lost_a_race_runs_again_and_counts_once(records, url: str) -> None:
    """Somebody else changes the row between our reading and our writing, once."""
    await records.transact(put("twice", 0))
    rival = InlinePostgresRecords(url, Random(2))
    runs = 0

    def work(connection: Connection) -> None:
        nonlocal runs
        runs += 1
        count = connection.execute(select(counters.c.count)).scalar_one()
        if runs == 1:
            rival.transact_once(count_one_more)
        connection.execute(counters.update().values(count=count + 1))

    await records.transact(work)
    assert runs == 2
    assert await records.transact(count_of("twice")) == 2
    await rival.close()


async def test_racing_writers_count_right_with_either_adapter(records) -> None:
    await records.transact(put("race", 0))
    await all_at_once([records.transact(count_one_more) for _ in range(RACERS)])
    assert await records.transact(count_of("race")) == RACERS


async def test_an_asynchronous_work_is_refused_by_either_adapter(records) -> None:
    async def work(connection: Connection) -> None:
        put("async", 1)(connection)

    with pytest.raises(WorkNotSynchronous):
        await records.transact(work)


@pytest.mark.parametrize(
    ("state", "error"),
    [
        pytest.param("53100", DiskFull, id="the server's disk is full"),
        pytest.param("XX001", DatabaseCorrupted, id="a page is damaged"),
        pytest.param("XX002", DatabaseCorrupted, id="an index is damaged"),
        pytest.param("40001", RecordsContended, id="a lost race"),
        pytest.param("40P01", RecordsContended, id="a deadlock"),
        pytest.param("55P03", RecordsContended, id="a lock that was not given"),
        pytest.param("53300", RecordsUnavailable, id="too many connections"),
        pytest.param("57P03", RecordsUnavailable, id="the server is starting"),
        pytest.param("58030", RecordsUnavailable, id="the server cannot read its disk"),
    ],
)
async def test_what_the_server_answers_becomes_an_error_of_the_tree(
    url: str, state: str, error: type[MonocoqueError]
) -> None:
    """The server raises the state itself: its disk is not ours to fill or to damage."""
    records = PostgresRecords(url, Random(1), RecordsConfig(attempts_max=2))
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(error) as caught:
        await records.transact(run(raising))
    assert type(caught.value) is error
    await records.close()


async def test_a_database_that_takes_no_writes_is_said(records) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        put("row", 1)(connection)

    with pytest.raises(NotWritable):
        await records.transact(work)


async def test_a_user_without_the_right_to_write_is_said(records, url: str) -> None:
    role = "reader_of_" + url.partition("?")[0].rpartition("/")[2]

    def work(connection: Connection) -> None:
        connection.exec_driver_sql(f"CREATE ROLE {role}")
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
        put("row", 1)(connection)

    with pytest.raises(NotWritable):
        await records.transact(work)


async def test_a_transaction_that_takes_too_long_is_ended(url: str) -> None:
    records = PostgresRecords(url, Random(1), RecordsConfig(transaction_s_max=0.3))
    async with asyncio.timeout(60):
        with pytest.raises(RecordsUnavailable):
            await records.transact(run("SELECT pg_sleep(600)"))
        await records.close()


async def test_a_transaction_that_finds_every_connection_taken_waits_for_a_bounded_time(
    url: str,
) -> None:
    config = RecordsConfig(connections_max=1, transaction_s_max=3.0)
    records = PostgresRecords(url, Random(1), config)
    await records.transact(make_table)  # it is connected
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(
            *(records.transact(run("SELECT pg_sleep(1.7)")) for _ in range(3)),
            return_exceptions=True,
        )
    assert None in outcomes
    assert {type(outcome) for outcome in outcomes if outcome} == {RecordsUnavailable}
    await records.transact(make_table)
    await records.close()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda url: url.replace("/test_", "/absent_"), id="no such database"),
        pytest.param(lambda url: url.replace("?host=", "?host=/absent"), id="no such server"),
    ],
)
async def test_a_server_that_does_not_take_us_is_said(
    url: str, change: Callable[[str], str]
) -> None:
    records = open_records(change(url), Random(1))
    with pytest.raises(RecordsUnavailable):
        await records.transact(make_table)
    await records.close()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("mysql://somebody:hunter2@localhost/records", id="another kind of server"),
        pytest.param("postgresql://somebody:hunter2@localhost:port/records", id="no number"),
    ],
)
def test_an_address_of_no_use_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        open_records(url, Random(1))
    assert "hunter2" not in caught.value.what

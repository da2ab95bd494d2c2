"""A statement that is executed again gives what SQLAlchemy gives, only sooner."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, InvalidRequestError, StatementError
from sqlalchemy.pool import StaticPool

from monocoque.plumbing.records.quick import QuickConnection

TIMES = 3
"""The first is found by its structure, the second is compiled for itself, the third runs that."""

things = Table(
    "things",
    MetaData(),
    Column("name", String(8), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("share", Float),
    Column("is_there", Boolean, nullable=False),
    Column("content", LargeBinary),
    Column("note", Text),
)
ROW = {
    "name": "a",
    "number": 2**62,
    "share": 0.5,
    "is_there": True,
    "content": b"\0\xff",
    "note": None,
}


@pytest.fixture
def connection() -> Iterator[QuickConnection]:
    engine = create_engine("sqlite+pysqlite://", poolclass=StaticPool)
    with QuickConnection(engine) as connection, connection.begin():
        things.metadata.create_all(connection)
        connection.execute(insert(things), [ROW, ROW | {"name": "b", "is_there": False}])
        yield connection
    engine.dispose()


def usual(connection: Connection, statement: Any, parameters: dict[str, Any]) -> list[Any]:
    """What SQLAlchemy's own connection gives."""
    return [*Connection.execute(connection, statement, parameters)]


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        (select(things).order_by(things.c.name), {}),
        (select(things).where(things.c.name == bindparam("sought")), {"sought": "b"}),
        (select(things).where(things.c.is_there == bindparam("is_it")), {"is_it": True}),
        (select(things.c.name).where(things.c.is_there.is_(True)).limit(1), {}),
        (select(func.count().label("counted"), func.max(things.c.number)), {}),
        (select(things).where(things.c.name.in_(bindparam("any", expanding=True))), {"any": ["a"]}),
        (select(things).where(things.c.name.in_(("b", "c")), things.c.number > 0), {}),
        (
            select(things)
            .where(things.c.is_there.in_([False]), things.c.name == bindparam("sought"))
            .limit(1),
            {"sought": "b"},
        ),
        (select(things.c.name).where(things.c.name.in_(["a", "c"])), {}),
        (
            select(things.c.name)
            .where(things.c.name.in_(["a", "b"]), things.c.number >= bindparam("least"))
            .order_by(things.c.name),
            {"least": 1},
        ),
        (select(things.c.content).where(things.c.content == bindparam("bytes")), {"bytes": b"\0"}),
    ],
)
def test_rows_are_the_same_at_every_time(connection, statement, parameters) -> None:
    expected = usual(connection, statement, parameters)
    for _ in range(TIMES):
        found = connection.execute(statement, parameters).all()
        assert found == expected
        assert [row._mapping for row in found] == [row._mapping for row in expected]
        assert [[type(value) for value in row] for row in found] == [
            [type(value) for value in row] for row in expected
        ]


def test_a_change_says_how_many_rows_it_met_at_every_time(connection) -> None:
    change = update(things).where(things.c.name == bindparam("sought"))
    for number in range(TIMES):
        values = {"number": number, "content": b"\1", "is_there": False}
        assert connection.execute(change, {"sought": "a"} | values).rowcount == 1
        assert connection.execute(change, {"sought": "nobody", "number": 1}).rowcount == 0
        row = connection.execute(select(things).where(things.c.name == "a")).one()
        assert (row.number, row.content, row.is_there) == (number, b"\1", False)
    remove = delete(things).where(things.c.name == bindparam("sought"))
    for name in ("a", "b", "c"):
        assert connection.execute(remove, {"sought": name}).rowcount == (name != "c")


def test_a_row_that_is_there_already_is_sqlalchemys_error_at_every_time(connection) -> None:
    add = insert(things)
    for _ in range(TIMES):
        with pytest.raises(IntegrityError) as caught:
            connection.execute(add, ROW)
        cause = caught.value.orig
        assert isinstance(cause, sqlite3.IntegrityError)
        assert cause.sqlite_errorname == "SQLITE_CONSTRAINT_PRIMARYKEY"


def test_a_parameter_that_is_missing_is_refused_at_every_time(connection) -> None:
    wanted = select(things).where(things.c.name == bindparam("sought"))
    for _ in range(TIMES):
        with pytest.raises(StatementError, match="sought"):
            connection.execute(wanted, {})
        assert connection.execute(wanted, {"sought": "a"}).one().name == "a"


def test_values_that_sqlalchemy_makes_are_made_at_every_time(connection) -> None:
    numbers = iter(range(10, 20))
    made = Table(
        "made",
        MetaData(),
        Column("name", String(8), primary_key=True),
        Column("number", BigInteger, default=lambda: next(numbers)),
    )
    made.create(connection)
    add = insert(made)
    for name in "abc":
        connection.execute(add, {"name": name})
    assert connection.execute(select(made.c.number)).scalars().all() == [10, 11, 12]


def test_who_adds_a_row_is_told_the_number_that_the_store_gave_it_at_every_time(connection) -> None:
    numbered = Table(
        "numbered", MetaData(), Column("number", Integer, primary_key=True), Column("name", String)
    )
    numbered.create(connection)
    adding = insert(numbered)
    numbers = [
        connection.execute(adding, {"name": name}).inserted_primary_key[0] for name in "abc"
    ] + [
        connection.execute(insert(numbered).values(name=name)).inserted_primary_key[0]
        for name in "abc"
    ]
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_a_savepoint_takes_back_what_was_done_in_it(connection) -> None:
    change = update(things).where(things.c.name == bindparam("sought"))
    for number in range(TIMES):
        with connection.begin_nested() as savepoint:
            connection.execute(change, {"sought": "b", "number": number})
            savepoint.rollback()
    assert connection.execute(select(things).where(things.c.name == "b")).one().number == 2**62


def test_a_statement_that_is_built_anew_has_its_own_values(connection) -> None:
    for name, number in (("a", 1), ("b", 2), ("a", 3), ("nobody", 4)):
        mine = things.c.name == name
        changed = connection.execute(update(things).where(mine).values(number=number, note=name))
        wanted = select(things.c.number, things.c.note, things.c.is_there).where(mine).limit(number)
        found = connection.execute(wanted).all()
        assert changed.rowcount == len(found) == (name != "nobody")
        assert found == usual(connection, wanted, {})
        assert [row.number for row in found] in ([number], [])
    for name in "cde":
        connection.execute(insert(things).values(**ROW | {"name": name, "note": name * 2}))
        connection.execute(delete(things).where(things.c.note == name * 2, things.c.name < "e"))
    left = connection.execute(select(things.c.name).order_by(things.c.name)).scalars().all()
    assert left == ["a", "b", "e"]


@pytest.mark.parametrize("names", [["b"], ["a", "b", "c"], [], ["c"], ["b", "a"]])
def test_a_list_is_as_long_as_it_is(connection, names: list[str]) -> None:
    listed = select(things.c.name).where(things.c.name.in_(bindparam("names", expanding=True)))
    for _ in range(TIMES):
        anew = select(things.c.name).where(things.c.name.in_(names), things.c.is_there.in_([True]))
        assert connection.execute(anew).all() == usual(connection, anew, {})
        found = connection.execute(listed.order_by(things.c.name), {"names": names}).scalars().all()
        assert found == sorted(set(names) & {"a", "b"})


def test_statements_of_one_structure_and_other_columns_are_kept_apart(connection) -> None:
    for _ in range(TIMES):
        for column, expected in ((things.c.name, "a"), (things.c.number, 2**62)):
            wanted = select(column).where(things.c.name == "a")
            assert connection.execute(wanted).scalar_one() == expected
        for values in ({"share": 0.25}, {"number": 2**62}):
            connection.execute(update(things).where(things.c.name == "a").values(**values))


def twice(connection: Connection) -> None:
    with connection.begin():
        for _ in range(2):
            connection.execute(insert(things).values(**ROW))


def test_a_transaction_that_is_taken_back_leaves_nothing_and_the_next_one_begins() -> None:
    engine = create_engine("sqlite+pysqlite://", poolclass=StaticPool)
    with QuickConnection(engine) as connection:
        with connection.begin():
            things.metadata.create_all(connection)
        for _ in range(TIMES):
            with pytest.raises(IntegrityError):
                twice(connection)
            with connection.begin():
                assert connection.execute(select(func.count()).select_from(things)).scalar() == 0
    engine.dispose()


@pytest.mark.parametrize("name", ["none", "a", "any"])
@pytest.mark.parametrize(
    "read", ["first", "one_or_none", "one", "scalar", "scalar_one", "fetchone"]
)
def test_rows_are_read_as_sqlalchemy_reads_them(connection, name: str, read: str) -> None:
    wanted = select(things.c.is_there, things.c.name).order_by(things.c.name)
    statement = wanted if name == "any" else wanted.where(things.c.name == bindparam("sought"))
    parameters = {} if name == "any" else {"sought": name}

    def outcome(result: Any) -> Any:
        try:
            return getattr(result, read)()
        except InvalidRequestError as error:
            return type(error)

    expected = outcome(Connection.execute(connection, statement, parameters))
    for _ in range(TIMES):
        assert outcome(connection.execute(statement, parameters)) == expected
    assert [*connection.execute(statement, parameters).scalars()] == [
        *Connection.execute(connection, statement, parameters).scalars()
    ]

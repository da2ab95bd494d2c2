"""What echo must not forget: questions on the asker's machine, and which were answered.

These tables are no part of the production history: they exist in worlds only, which make them
(docs/decisions/0051).
"""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
    update,
)

metadata = MetaData()

questions = Table(
    "echo_questions",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("message_id", String(64), nullable=False, unique=True),
    Column("trace_id", String(64), nullable=False),
    Column("asked_at_us", BigInteger, nullable=False),
    Column("is_sent", Boolean, nullable=False),
    Column("answered_at_us", BigInteger, nullable=True),
)
"""The asker's outbox: one row per question, before anything is said."""

answered = Table(
    "echo_answered",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("echo_id", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("answered_at_us", BigInteger, nullable=False),
)
"""The answerer's: one row per question that it dealt with, numbered in that order. Nothing here is
unique but the number, on purpose: a world must be able to see that an answerer is wrong."""


@dataclass(frozen=True)
class Question:
    """One question as it is said."""

    sequence: int
    message_id: str
    trace_id: str
    asked_at_us: int


def add_question(connection: Connection, message_id: str, trace_id: str, asked_at_us: int) -> None:
    """One more question, with the next sequence number."""
    last = connection.execute(select(func.max(questions.c.sequence))).scalar()
    connection.execute(
        insert(questions).values(
            sequence=(last or 0) + 1,
            message_id=message_id,
            trace_id=trace_id,
            asked_at_us=asked_at_us,
            is_sent=False,
        )
    )


def questions_to_send(connection: Connection, count_max: int) -> list[Question]:
    """The oldest questions that the bus has not taken yet."""
    return _questions(connection, count_max, is_sent=False)


def questions_without_answer(connection: Connection, count_max: int) -> list[Question]:
    """The oldest questions that the bus took and nobody has answered."""
    return _questions(connection, count_max, is_sent=True)


def note_sent(connection: Connection, sequence: int) -> None:
    """The bus has taken this question."""
    connection.execute(
        update(questions).where(questions.c.sequence == sequence).values(is_sent=True)
    )


def note_answer(connection: Connection, sequence: int, now_us: int) -> None:
    """This question was answered; the first answer counts."""
    connection.execute(
        update(questions)
        .where(questions.c.sequence == sequence, questions.c.answered_at_us.is_(None))
        .values(answered_at_us=now_us)
    )


def last_answered(connection: Connection, echo_id: str) -> int:
    """The sequence number of the last question of that asker that was dealt with; 0 for none."""
    found = connection.execute(
        select(func.max(answered.c.sequence)).where(answered.c.echo_id == echo_id)
    ).scalar()
    return int(found or 0)


def add_answered(
    connection: Connection, echo_id: str, sequence: int, message_id: str, now_us: int
) -> None:
    """This question is dealt with."""
    last = connection.execute(select(func.max(answered.c.number))).scalar()
    connection.execute(
        insert(answered).values(
            number=(last or 0) + 1,
            echo_id=echo_id,
            sequence=sequence,
            message_id=message_id,
            answered_at_us=now_us,
        )
    )


def _questions(connection: Connection, count_max: int, *, is_sent: bool) -> list[Question]:
    rows = connection.execute(
        select(questions)
        .where(questions.c.answered_at_us.is_(None), questions.c.is_sent.is_(is_sent))
        .order_by(questions.c.sequence)
        .limit(count_max)
    )
    return [Question(row.sequence, row.message_id, row.trace_id, row.asked_at_us) for row in rows]

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
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
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
    Column("answered_at_us", BigInteger, nullable=True, index=True),
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
    Index("echo_answered_by_asker", "echo_id", "sequence"),
)
"""The answerer's: one row per question that it dealt with, numbered in that order. Nothing here is
unique but the number, on purpose: a world must be able to see that an answerer is wrong."""


# Statements are made once: a world executes them so often that making them would be half of it.
_LAST_SEQUENCE = select(func.max(questions.c.sequence))
_WAITING = (
    select(questions)
    .where(questions.c.answered_at_us.is_(None), questions.c.is_sent == bindparam("was_sent"))
    .order_by(questions.c.sequence)
    .limit(bindparam("count_max"))
)
_NOTE_SENT = (
    update(questions).where(questions.c.sequence == bindparam("question")).values(is_sent=True)
)
_NOTE_ANSWER = (
    update(questions)
    .where(questions.c.sequence == bindparam("question"), questions.c.answered_at_us.is_(None))
    .values(answered_at_us=bindparam("now_us"))
)
_LAST_NUMBER = select(func.max(answered.c.number))
_LAST_ANSWERED = select(func.max(answered.c.sequence)).where(
    answered.c.echo_id == bindparam("asker")
)
_ADD_QUESTION = insert(questions)
_ADD_ANSWERED = insert(answered)


@dataclass(frozen=True)
class Question:
    """One question as it is said."""

    sequence: int
    message_id: str
    trace_id: str
    asked_at_us: int


def add_question(connection: Connection, message_id: str, trace_id: str, asked_at_us: int) -> None:
    """One more question, with the next sequence number."""
    row = {
        "sequence": (connection.execute(_LAST_SEQUENCE).scalar() or 0) + 1,
        "message_id": message_id,
        "trace_id": trace_id,
        "asked_at_us": asked_at_us,
        "is_sent": False,
    }
    connection.execute(_ADD_QUESTION, row)


def questions_to_send(connection: Connection, count_max: int) -> list[Question]:
    """The oldest questions that the bus has not taken yet."""
    return _waiting(connection, {"was_sent": False, "count_max": count_max})


def questions_without_answer(connection: Connection, count_max: int) -> list[Question]:
    """The oldest questions that the bus took and nobody has answered."""
    return _waiting(connection, {"was_sent": True, "count_max": count_max})


def note_sent(connection: Connection, sequence: int) -> None:
    """The bus has taken this question."""
    connection.execute(_NOTE_SENT, {"question": sequence})


def note_answer(connection: Connection, sequence: int, now_us: int) -> None:
    """This question was answered; the first answer counts."""
    connection.execute(_NOTE_ANSWER, {"question": sequence, "now_us": now_us})


def last_answered(connection: Connection, echo_id: str) -> int:
    """The sequence number of the last question of that asker that was dealt with; 0 for none."""
    return int(connection.execute(_LAST_ANSWERED, {"asker": echo_id}).scalar() or 0)


def add_answered(
    connection: Connection, echo_id: str, sequence: int, message_id: str, now_us: int
) -> None:
    """This question is dealt with."""
    row = {
        "number": (connection.execute(_LAST_NUMBER).scalar() or 0) + 1,
        "echo_id": echo_id,
        "sequence": sequence,
        "message_id": message_id,
        "answered_at_us": now_us,
    }
    connection.execute(_ADD_ANSWERED, row)


def _waiting(connection: Connection, which: dict[str, bool | int]) -> list[Question]:
    rows = connection.execute(_WAITING, which)
    return [Question(row.sequence, row.message_id, row.trace_id, row.asked_at_us) for row in rows]

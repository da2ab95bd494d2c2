"""What was asked of the car through its signals, and the last hours of chosen ones.

Rules: an act is on record before the body is asked; a value of the past is JSON, since signals are
of many types.
"""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from monocoque.car.signals.logic.acts import Act, ActState
from monocoque.contracts.signals import Value

metadata = MetaData()

acts = Table(
    "signals_acts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("act_id", String(64), nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("ended_us", BigInteger),
)
"""Each thing that was asked, and what came of it."""

history = Table(
    "signals_history",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("signal_number", Integer, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
    Index("signals_history_by_signal", "signal_number", "time_us"),
)
"""The past of chosen signals."""

_ADD_VALUES: Final = insert(history)
_FORGET_VALUES: Final = delete(history).where(
    (history.c.number <= select(func.max(history.c.number)).scalar_subquery() - bindparam("kept"))
    | (history.c.time_us < bindparam("since"))
)


def add_acts(connection: Connection, asked: Sequence[tuple[Act, str]], acts_kept: int) -> None:
    """These are about to be done, each with the path of its signal; the oldest are forgotten."""
    for act, path in asked:
        connection.execute(
            insert(acts).values(
                act_id=act.act_id,
                path=path,
                target=json.dumps(act.target),
                asked_by=act.asked_by,
                asked_us=act.asked_us,
                state=act.state.value,
                reason="",
            )
        )
    oldest = select(func.max(acts.c.number)).scalar_subquery() - acts_kept
    connection.execute(delete(acts).where(acts.c.number <= oldest))


def end_act(
    connection: Connection, act_id: str, state: ActState, reason: str, ended_us: int
) -> None:
    """What came of it; what has ended stays as it ended."""
    connection.execute(
        update(acts)
        .where(acts.c.act_id == act_id, acts.c.ended_us.is_(None))
        .values(state=state.value, reason=reason, ended_us=ended_us)
    )


def end_open_acts(connection: Connection, reason: str, ended_us: int) -> None:
    """What an earlier life left open has failed, as far as anybody knows, for this reason."""
    connection.execute(
        update(acts)
        .where(acts.c.ended_us.is_(None))
        .values(state=ActState.FAILED.value, reason=reason, ended_us=ended_us)
    )


def last_acts(connection: Connection, count: int) -> list[dict[str, object]]:
    """The newest acts, newest first, as plain members."""
    rows = connection.execute(select(acts).order_by(acts.c.number.desc()).limit(count))
    return [
        {
            "act_id": row.act_id,
            "path": row.path,
            "target": json.loads(row.target),
            "asked_by": row.asked_by,
            "asked_us": row.asked_us,
            "state": row.state,
            "reason": row.reason,
            "ended_us": row.ended_us,
        }
        for row in rows
    ]


def add_values(
    connection: Connection,
    values: Sequence[tuple[int, int, Value]],
    rows_max: int,
    since_us: int,
) -> None:
    """Keep these (signal, time, value); forget what is older than that, or too much."""
    connection.execute(
        _ADD_VALUES,
        [
            {"signal_number": number, "time_us": time_us, "value": json.dumps(value)}
            for number, time_us, value in values
        ],
    )
    connection.execute(_FORGET_VALUES, {"kept": rows_max, "since": since_us})


def read_values(
    connection: Connection, signal_number: int, since_us: int, until_us: int, count_max: int
) -> list[tuple[int, Value]]:
    """The newest values of one signal between these times, oldest first, so many at most."""
    rows = connection.execute(
        select(history.c.time_us, history.c.value)
        .where(
            history.c.signal_number == signal_number,
            history.c.time_us.between(since_us, until_us),
        )
        .order_by(history.c.time_us.desc(), history.c.number.desc())
        .limit(count_max)
    ).all()
    return [(row.time_us, _value(json.loads(row.value))) for row in reversed(rows)]


def _value(kept: object) -> Value:
    """JSON has lists where signals have tuples."""
    value: Value = tuple(kept) if isinstance(kept, list) else kept  # type: ignore[assignment]
    return value

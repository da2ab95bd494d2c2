"""What the parts of the mailbox do to its records, inside one transaction of theirs.

Rules: each function takes the caller's connection; a change of a command and its line in the log
stand or fall together.

Left out on purpose: transactions and the bus, which are the callers'.
"""

from typing import Any

from sqlalchemy import Connection, Row

from monocoque.cloud.commands import records as rows
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.logic import (
    BEFORE_THE_FIRST,
    Pace,
    Standing,
    State,
    due_us,
    line_digest,
    log_line,
)
from monocoque.contracts.errors import LimitError, RecordsContended, UnavailableError

SECOND_US = 1_000_000
AWAY = (UnavailableError, RecordsContended, LimitError)
"""Errors that pass by themselves, when bus or records answer again."""
_NOTHING = {
    "sequence": 0,
    "receipt_sha256": BEFORE_THE_FIRST,
    "number": 0,
    "entry_sha256": BEFORE_THE_FIRST,
}


def pace_of(config: MailboxConfig) -> Pace:
    """The pace that these limits mean."""
    return Pace(
        pause_us=round(config.send_pause_s_min * SECOND_US),
        sends_max=config.sends_by_time_max,
        grace_us=round(config.answer_grace_s * SECOND_US),
    )


def standing_of(row: Row[Any]) -> Standing:
    """How the command of this row stands."""
    return Standing(
        state=State(row.state),
        deadline_us=row.deadline_us,
        sends=row.sends,
        sent_us=row.sent_us,
        reason=row.reason,
        is_answered=row.is_answered,
    )


def columns_of(standing: Standing, pace: Pace) -> dict[str, Any]:
    """The columns that say how a command stands."""
    return {
        "state": str(standing.state),
        "sends": standing.sends,
        "sent_us": standing.sent_us,
        "reason": standing.reason,
        "is_answered": standing.is_answered,
        "due_us": due_us(standing, pace),
    }


def place_of(connection: Connection, car_id: str) -> dict[str, Any]:
    """How far both logs of a car are, as columns."""
    row = rows.place_of(connection, car_id)
    return dict(_NOTHING) if row is None else {name: getattr(row, name) for name in _NOTHING}


def named(row: Row[Any]) -> dict[str, str]:
    """What a line of the log names a command by."""
    return {
        "command_id": row.command_id,
        "command_sha256": row.command_sha256,
        "scope": row.scope,
    }


def write_line(
    connection: Connection, car_id: str, now_us: int, kind: str, **what: str | int | None
) -> None:
    """The next line of the cell's own log of this car."""
    place = place_of(connection, car_id)
    number = place["number"] + 1
    told = {"kind": kind, "car_id": car_id} | what
    line = log_line(number, place["entry_sha256"], now_us, told)
    rows.add_entry(connection, car_id, number, line)
    place |= {"number": number, "entry_sha256": line_digest(line)}
    rows.save_place(connection, car_id, place)

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
from monocoque.trust.receipts import LogPlace, Receipt

SECOND_US = 1_000_000
_NOTHING = {
    "sequence": 0,
    "receipt_sha256": BEFORE_THE_FIRST,
    "number": 0,
    "entry_sha256": BEFORE_THE_FIRST,
    "other_receipt": None,
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


def named(row: Row[Any]) -> dict[str, str]:
    """What a line of the log names a command by."""
    return {
        "command_id": row.command_id,
        "command_sha256": row.command_sha256,
        "scope": row.scope,
    }


class Book:
    """Both logs of one car inside one transaction; ``close`` puts on record how far they are."""

    def __init__(self, connection: Connection, car_id: str, now_us: int) -> None:
        self.car_id = car_id
        self._connection = connection
        self._now_us = now_us
        row = rows.place_of(connection, car_id)
        self._is_new = row is None
        self._place: dict[str, Any] = dict(_NOTHING) if row is None else dict(row._mapping)

    @property
    def receipts(self) -> LogPlace:
        """How far the car's log is on record here."""
        return LogPlace(self._place["sequence"], self._place["receipt_sha256"])

    @property
    def is_contradicted(self) -> bool:
        """Whether the car once said something else than what is on record."""
        return self._place["other_receipt"] is not None

    def write(self, kind: str, **what: str | int | None) -> None:
        """The next line of the cell's own log of this car."""
        number = self._place["number"] + 1
        told = {"kind": kind, "car_id": self.car_id} | what
        line = log_line(number, self._place["entry_sha256"], self._now_us, told)
        rows.add_entry(self._connection, self.car_id, number, line)
        self._place |= {"number": number, "entry_sha256": line_digest(line)}

    def keep(self, receipt: Receipt) -> None:
        """The next line of the car's log; it follows on the last."""
        values = {
            "car_id": self.car_id,
            "sequence": receipt.sequence,
            "sha256": receipt.place.sha256,
            "document": receipt.document,
            "received_us": self._now_us,
        }
        rows.add_receipt(self._connection, values)
        here = {"sequence": receipt.sequence, "receipt_sha256": receipt.place.sha256}
        self._place |= here

    def contradict(self, receipt: Receipt) -> None:
        """The car says something else than what is on record; the first such line is kept."""
        self._place["other_receipt"] = receipt.document
        sha256 = receipt.place.sha256
        self.write("contradicted", sequence=receipt.sequence, receipt_sha256=sha256)

    def close(self) -> None:
        """Nothing more is written in this transaction."""
        if self._is_new:
            rows.add_place(self._connection, {"car_id": self.car_id} | self._place)
        else:
            rows.save_place(self._connection, self.car_id, self._place)

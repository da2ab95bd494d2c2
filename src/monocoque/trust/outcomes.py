"""What can become of a command, and the reasons that the protocol itself gives.

Rules:

* a command has one outcome, and the car alone says it, in a signed receipt;
* the guard and the body of a car have reasons of their own, such as "moving" or "jammed": a reader
  takes any word of the form ``REASON_FORM`` and shows what it does not know as it is.

docs/protocol/commands.md has the table. Left out on purpose: words for people.
"""

import re
from enum import StrEnum
from typing import Final

REASON_FORM: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


class Outcome(StrEnum):
    """What became of a command."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a genuine command was not done, as far as the protocol decides it."""

    DEADLINE_PASSED = "deadline_passed"
    NOT_YET_VALID = "not_yet_valid"
    EPOCH_OTHER = "epoch_other"
    COUNTER_USED = "counter_used"
    REPLACED = "replaced"
    SCOPE_UNKNOWN = "scope_unknown"
    RIGHT_MISSING = "right_missing"
    GRANT_NOT_YET_VALID = "grant_not_yet_valid"
    GRANT_EXPIRED = "grant_expired"
    GRANT_REVOKED = "grant_revoked"
    OWNER_KNOWN = "owner_known"
    ARGUMENTS_UNREADABLE = "arguments_unreadable"
    ARGUMENTS_WRONG = "arguments_wrong"
    POWER_LOST = "power_lost"

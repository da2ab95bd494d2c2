"""What the owner agreed to, as the desk of commands has it written down.

Rules: consent is for one release, by its number; the last word counts. Once units are being
written to, it cannot be taken back any more, since half an update is worse than a whole one.

Left out on purpose: who the owner is. The command was signed by a key with this right.
"""

from typing import Final

from sqlalchemy import Connection

from monocoque.car.updates import records
from monocoque.trust.scopes import Arguments

UNDER_WAY: Final = "update_under_way"
"""Why the car does not take consent back now."""


def agree(connection: Connection, car_id: str, arguments: Arguments, now_us: int) -> str | None:
    """Write down what the owner says; a reason when it is too late for that."""
    journal = records.read_part(connection, car_id, records.JOURNAL)
    if not arguments["agreed"] and journal is not None and journal["is_installing"]:
        return UNDER_WAY
    consent = {
        "release_number": arguments["release_number"],
        "agreed": arguments["agreed"],
        "said_us": now_us,
    }
    records.set_part(connection, car_id, records.CONSENT, consent)
    return None


def agreed_to(connection: Connection, car_id: str) -> int | None:
    """The release that the owner agreed to and did not take back, or None."""
    consent = records.read_part(connection, car_id, records.CONSENT)
    return consent["release_number"] if consent is not None and consent["agreed"] else None

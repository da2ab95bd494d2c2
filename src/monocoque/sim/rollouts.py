"""What must hold of the campaigns in a world, by the cell's own records at any moment.

By the names in ``ROLLOUTS``. Left out on purpose: what is in the cars, which software.py judges.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from monocoque.cloud.campaigns.logic import phases
from monocoque.cloud.campaigns.logic.phases import Phase, State
from monocoque.plumbing.records.port import Records
from monocoque.sim.tables import CAMPAIGN_COUNTS, CAMPAIGN_MEMBERS, CAMPAIGNS, rows_in

ROLLOUTS: Final = {
    "two_campaigns": "a car was in two campaigns that went on",
    "campaign_miscounted": "a campaign counted other cars than it has",
}
Violate = Callable[[str, str], None]


class Rollouts:
    """Watches the campaigns of one world."""

    def __init__(self, cell: Records, violate: Violate) -> None:
        self._cell = cell
        self._violate = violate
        self._told: set[tuple[str, str]] = set()

    async def check(self) -> None:
        """Check what must hold at every moment."""
        for invariant, what in await self._cell.transact(_wrongs):
            if (invariant, what) not in self._told:
                self._told.add((invariant, what))
                self._violate(invariant, what)


def _wrongs(connection: Connection) -> list[tuple[str, str]]:
    """What does not hold, each with the name of its invariant."""
    states = {row.campaign_id: State(row.state) for row in rows_in(connection, CAMPAIGNS)}
    members = rows_in(connection, CAMPAIGN_MEMBERS)
    holding = Counter(
        row.car_id for row in members if phases.holds(states[row.campaign_id], Phase(row.phase))
    )
    found = [("two_campaigns", car_id) for car_id, count in holding.items() if count > 1]
    has = Counter((row.campaign_id, row.wave, row.phase, row.is_forgiven) for row in members)
    counted = {
        (row.campaign_id, row.wave, row.phase, row.is_forgiven): row.cars
        for row in rows_in(connection, CAMPAIGN_COUNTS)
        if row.cars
    }
    wrong = {key[0] for key in has.keys() | counted.keys() if has[key] != counted.get(key, 0)}
    return found + [("campaign_miscounted", campaign_id) for campaign_id in sorted(wrong)]

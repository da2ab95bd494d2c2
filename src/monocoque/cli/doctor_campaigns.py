"""What the doctor looks at in campaigns: those that were halted, and cars that need a person.

Rules: reads the records of a cell that runs, and of no other: to open those would change files.

Left out on purpose: mending; `monocoque campaign list` names what it is about.
"""

import asyncio
from random import SystemRandom

from monocoque.cloud.campaigns.service import reading
from monocoque.contracts.errors import (
    CampaignHalted,
    DocumentRefused,
    InventoryChanged,
    ReportContradicts,
)
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.layout import Layout

COUNTED_MAX = 1_000
HINT = "`monocoque campaign list` names them; docs/protocol/campaigns.md says what each word means."


def look_at_campaigns(layout: Layout, config: RecordsConfig) -> str:
    """Whether campaigns go on by themselves; raises what ``refuse_waiting`` raises."""
    cell = read_process_file(layout.cell_process)
    if cell is None or not is_alive(cell):
        return "not looked at, as no cell runs"

    async def look() -> str:
        records = open_cell_records(layout, config, SystemRandom())
        try:
            return await refuse_waiting(records)
        finally:
            await records.close()

    return asyncio.run(look())


async def refuse_waiting(records: Records) -> str:
    """Nothing waits for a person; raises CampaignHalted, InventoryChanged, ReportContradicts."""
    cars, halted = await reading.read_attention(records, COUNTED_MAX)
    if halted:
        raise CampaignHalted(
            f"{len(halted)} campaigns were halted, and {len(cars)} cars need a person.", hint=HINT
        )
    if cars:
        codes = {reading.attention_of(row) for row in cars}
        kind: type[DocumentRefused] = ReportContradicts
        if codes == {InventoryChanged.code}:
            kind = InventoryChanged
        raise kind(f"{len(cars)} cars need a person.", hint=HINT)
    return "no campaign and no car needs a person"

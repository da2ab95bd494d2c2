"""Where the cell's records are: SQLite in the data directory, or PostgreSQL on a server.

Rules: ``records.url`` decides; cars keep theirs in SQLite, whatever it says.

Left out on purpose: moving records from the one to the other. A cell that is given another database
begins with what is in that one.
"""

from random import Random

from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.opening import open_records
from monocoque.plumbing.records.port import Records
from monocoque.roles.layout import Layout


def open_cell_records(layout: Layout, config: RecordsConfig, random: Random) -> Records:
    """Make the cell's records ready; the first transaction opens them. Raises SettingInvalid."""
    return open_records(config.url or layout.cell.records, random, config)

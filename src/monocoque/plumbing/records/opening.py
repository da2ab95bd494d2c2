"""Which store: chosen by the form of one setting, and nowhere else.

Left out on purpose: migrations. Tables belong to features, which this room does not know.
"""

from pathlib import Path
from random import Random

from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.sqlite import SqliteRecords


def open_records(where: str | Path, random: Random, config: RecordsConfig | None = None) -> Records:
    """Make one database ready; the first transaction opens it.

    where: the path of an SQLite file, which is made when it does not exist, or a URL such as
    ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``. random: spreads the pauses between the
    attempts of a transaction that lost a race. Raises SettingInvalid for a URL of another kind.
    """
    if isinstance(where, str) and "://" in where:
        # Imported here: the driver costs a process without PostgreSQL time and memory.
        from monocoque.plumbing.records.postgres import PostgresRecords

        return PostgresRecords(where, random, config)
    return SqliteRecords(Path(where), random, config)

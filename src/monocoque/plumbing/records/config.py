"""The limits of the records: how long to wait, how often to try again, how many connections."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RecordsConfig:
    """Limits of one database, the same for both stores unless a line says otherwise."""

    attempts_max: int = 40
    """How often a transaction that lost a race is tried before RecordsContended."""
    pause_s_min: float = 0.002
    """Upper end of the pause before the second attempt; it doubles with each further one."""
    pause_s_max: float = 0.25
    """Longest pause between two attempts; all together they stay under nine seconds."""
    lock_wait_ms_max: int = 20
    """SQLite: how long the event loop may stand still for the lock of another process, per
    attempt. The longer wait between attempts is asyncio's and lets everything else go on."""
    transaction_s_max: float = 10.0
    """PostgreSQL: how long one attempt may take, connecting included."""
    connect_s_max: int = 5
    """PostgreSQL: how long making a connection may take."""
    connections_max: int = 5
    """PostgreSQL: connections per process; further transactions wait for one."""
    url: str = field(default="", repr=False)
    """The cell's database, such as ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``; when empty,
    SQLite in the data directory."""

"""What was asked of a car through its signals, and their last hours."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "signals_acts",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("act_id", sa.String(64), nullable=False, unique=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("ended_us", sa.BigInteger),
    )
    op.create_table(
        "signals_history",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("signal_number", sa.Integer, nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("signals_history_by_signal", "signals_history", ["signal_number", "time_us"])

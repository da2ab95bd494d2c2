"""The link's count of starts and its outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "link_starts",
        sa.Column("machine_id", sa.String(64), primary_key=True),
        sa.Column("boot_count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "link_outbox",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("message_id", sa.String(64), nullable=False, unique=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )

"""What a car remembers about its updates, by parts."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "updates_memory",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("part", sa.String(32), primary_key=True),
        sa.Column("members", sa.Text, nullable=False),
    )

"""The cars that the cell knows, and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "registry_cars",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("identity_key", sa.Text),
        sa.Column("bus_key", sa.String(64)),
        sa.Column("enrolled_us", sa.BigInteger),
        sa.Column("online", sa.Boolean, nullable=False),
        sa.Column("last_hello_us", sa.BigInteger),
        sa.Column("boot_count", sa.BigInteger, nullable=False),
        sa.Column("software_version", sa.String(64), nullable=False),
        sa.Column("state_occurred_us", sa.BigInteger),
        sa.Column("started_us", sa.BigInteger),
        sa.Column("disk_free_bytes", sa.BigInteger),
        sa.Column("hellos_missed", sa.BigInteger),
    )
    op.create_table(
        "registry_events",
        sa.Column("message_id", sa.String(64), primary_key=True),
        sa.Column("car_id", sa.String(64), nullable=False, index=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("boot_count", sa.BigInteger, nullable=False),
        sa.Column("occurred_us", sa.BigInteger, nullable=False),
    )

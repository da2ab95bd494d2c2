"""What the factory builds for orders, and what the registry knows of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "build_builds",
        sa.Column("order_id", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("order_sequence", sa.BigInteger, nullable=False),
        sa.Column("event_sequence", sa.BigInteger, nullable=False),
        sa.Column("catalogue_version", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("week_begins_us", sa.BigInteger, nullable=False),
        sa.Column("due_us", sa.BigInteger, index=True),
        sa.Column("vin", sa.String(17), unique=True),
        sa.Column("year", sa.Integer),
        sa.Column("serial", sa.Integer),
        sa.Column("car_id", sa.String(64), unique=True),
        sa.Column("as_built", sa.LargeBinary),
        sa.Column("refusal_code", sa.String(64), nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "build_serials",
        sa.Column("series", sa.String(16), primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
    op.create_table(
        "build_outbox",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("message_id", sa.String(64), nullable=False, unique=True),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "registry_as_built",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("vin", sa.String(17), nullable=False, unique=True),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("recorded_us", sa.BigInteger, nullable=False),
    )

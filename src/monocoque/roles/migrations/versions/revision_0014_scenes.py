"""What a car knows of its scenes."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "scenes_scenes",
        sa.Column("scene_id", sa.String(64), primary_key=True),
        sa.Column("scene", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "scenes_requests",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("request_id", sa.String(64), nullable=False, unique=True),
        sa.Column("scene_id", sa.String(64), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("done_by", sa.String(16), nullable=False),
        sa.Column("occurred_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("is_begun", sa.Boolean, nullable=False),
        sa.Column("trace_number", sa.Integer, nullable=False),
    )
    op.create_table(
        "scenes_traces",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("scene_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("occurred_us", sa.BigInteger, nullable=False),
        sa.Column("ran", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
    )
    op.create_table(
        "scenes_sight",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("members", sa.Text, nullable=False),
    )

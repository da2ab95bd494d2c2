"""Campaigns: each car's software, its directions, and how campaigns go."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables."""
    _make_campaigns()
    _make_cars()


def _make_campaigns() -> None:
    op.create_table(
        "campaigns_campaigns",
        sa.Column("campaign_id", sa.String(64), primary_key=True),
        sa.Column("release_number", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("waves", sa.Text, nullable=False),
        sa.Column("cars", sa.Integer, nullable=False),
        sa.Column("left_out", sa.Integer, nullable=False),
        sa.Column("failures_max", sa.Integer, nullable=False),
        sa.Column("soak_us", sa.BigInteger, nullable=False),
        sa.Column("silent_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("wave_began_us", sa.BigInteger, nullable=False),
        sa.Column("started_by", sa.String(64), nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "campaigns_members",
        sa.Column("campaign_id", sa.String(64), primary_key=True),
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("release_number", sa.BigInteger, nullable=False),
        sa.Column("added_us", sa.BigInteger, nullable=False),
        sa.Column("wave", sa.Integer, nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("progress_percent", sa.Integer, nullable=False),
        sa.Column("is_directed", sa.Boolean, nullable=False),
        sa.Column("was_directed", sa.Boolean, nullable=False),
        sa.Column("is_forgiven", sa.Boolean, nullable=False),
        sa.Column("silent_due_us", sa.BigInteger),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.Index("campaigns_members_by_phase", "campaign_id", "phase", "is_directed", "car_id"),
        sa.Index("campaigns_members_of_car", "car_id"),
        sa.Index("campaigns_members_due", "silent_due_us"),
    )
    op.create_table(
        "campaigns_counts",
        sa.Column("campaign_id", sa.String(64), primary_key=True),
        sa.Column("wave", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("phase", sa.String(16), primary_key=True),
        sa.Column("is_forgiven", sa.Boolean, primary_key=True),
        sa.Column("cars", sa.Integer, nullable=False),
    )


def _make_cars() -> None:
    op.create_table(
        "campaigns_vehicles",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("campaign_id", sa.String(64), index=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("manifest", sa.LargeBinary),
        sa.Column("inventory", sa.Text),
        sa.Column("numbers", sa.Text, nullable=False),
        sa.Column("release_number", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("is_mixed", sa.Boolean, nullable=False, index=True),
        sa.Column("directions_version", sa.BigInteger, nullable=False),
        sa.Column("update_number", sa.BigInteger, nullable=False),
        sa.Column("update_state", sa.String(16), nullable=False),
        sa.Column("update_reason", sa.String(64), nullable=False),
        sa.Column("update_percent", sa.Integer, nullable=False),
        sa.Column("agreed", sa.Boolean),
        sa.Column("heard_us", sa.BigInteger),
        sa.Column("attention", sa.String(64), index=True),
        sa.Column("attention_us", sa.BigInteger),
        sa.Column("refusals", sa.BigInteger, nullable=False),
        sa.Column("refusal_code", sa.String(64), nullable=False),
        sa.Column("refused_us", sa.BigInteger),
    )
    op.create_table(
        "campaigns_directions",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("campaign_id", sa.String(64)),
        sa.Column("release_number", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("timestamp_version", sa.BigInteger, nullable=False),
        sa.Column("targets", sa.LargeBinary, nullable=False),
        sa.Column("snapshot", sa.LargeBinary, nullable=False),
        sa.Column("timestamp", sa.LargeBinary, nullable=False),
        sa.Column("signed_us", sa.BigInteger, nullable=False),
        sa.Column("unsent_us", sa.BigInteger, index=True),
    )

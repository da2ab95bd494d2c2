"""Whose tokens a car takes beside its own."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tokens_issuers",
        sa.Column("issuer_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(256), nullable=False, unique=True),
        sa.Column("audience", sa.String(256), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("keys", sa.Text, nullable=False),
        sa.Column("trusted_us", sa.BigInteger, nullable=False),
    )

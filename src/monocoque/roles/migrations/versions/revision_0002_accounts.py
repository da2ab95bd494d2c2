"""People, their roles, settings, sign-in links and sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts_people",
        sa.Column("person_id", sa.String(64), primary_key=True),
        sa.Column("display_name", sa.String(200), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "accounts_roles",
        sa.Column("person_id", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(32), primary_key=True),
    )
    op.create_table(
        "accounts_settings",
        sa.Column("person_id", sa.String(64), primary_key=True),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("theme", sa.String(16), nullable=False),
    )
    op.create_table(
        "accounts_links",
        sa.Column("code_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("site", sa.String(16), nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "accounts_sessions",
        sa.Column("token_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("session_id", sa.String(64), nullable=False, unique=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("site", sa.String(16), nullable=False),
        sa.Column("last_used_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
    )

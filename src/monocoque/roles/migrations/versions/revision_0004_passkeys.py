"""Passkeys of people, and the challenges that wait for an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "passkeys_keys",
        sa.Column("passkey_id", sa.String(43), primary_key=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("last_used_us", sa.BigInteger),
    )
    op.create_table(
        "passkeys_challenges",
        sa.Column("challenge_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False, index=True),
    )

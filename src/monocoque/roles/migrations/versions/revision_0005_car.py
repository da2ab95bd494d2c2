"""The car's body, its memory of keys, and its log of commands."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "body_state",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("members", sa.Text, nullable=False),
    )
    op.create_table(
        "body_acts",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("command_sha256", sa.String(43), nullable=False, index=True),
        sa.Column("actuator", sa.String(64), nullable=False),
        sa.Column("began_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "keys_memory",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("epoch", sa.String(22), nullable=False),
        sa.Column("owner_grant_id", sa.String(64)),
        sa.Column("owner_key_id", sa.String(43)),
        sa.Column("latest_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "keys_windows",
        sa.Column("key_id", sa.String(43), primary_key=True),
        sa.Column("highest", sa.BigInteger, nullable=False),
        sa.Column("bits", sa.BigInteger, nullable=False),
        sa.Column("used_us", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "commands_intents",
        sa.Column("command_sha256", sa.String(43), primary_key=True),
        sa.Column("command_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(43), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("replaces", sa.String(64)),
        sa.Column("trace_id", sa.String(64), nullable=False),
    )
    op.create_table(
        "commands_lines",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("command_sha256", sa.String(43), nullable=False, index=True),
        sa.Column("key_id", sa.String(43), nullable=False),
        sa.Column("replaces", sa.String(64)),
        sa.Column("receipt_sha256", sa.String(43), nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
    )
    op.create_index("commands_lines_replaced", "commands_lines", ["key_id", "replaces"])
    op.create_table(
        "commands_confirmed",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )

"""Hand-overs, the twin and the mailbox of commands in a cell; the cars that a factory made."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    _make_factory()
    _make_pairing()
    op.create_table(
        "twin_bodies",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("heard_us", sa.BigInteger, nullable=False),
    )
    _make_mailbox()


def _make_factory() -> None:
    op.create_table(
        "build_cars",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("sign_key", sa.Text, nullable=False),
        sa.Column("seal_key", sa.Text, nullable=False),
        sa.Column("hand_over_code", sa.String(22), nullable=False),
        sa.Column("born_us", sa.BigInteger, nullable=False),
        sa.Column("owner_key_id", sa.String(64)),
        sa.Column("first_grant", sa.LargeBinary),
        sa.Column("handed_over_us", sa.BigInteger),
    )
    op.create_table(
        "build_tries",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("request_sha256", sa.String(43), primary_key=True),
        sa.Column("tried_us", sa.BigInteger, nullable=False),
    )


def _make_pairing() -> None:
    op.create_table(
        "pairing_requests",
        sa.Column("request_id", sa.String(64), primary_key=True),
        sa.Column("car_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("refusal_code", sa.String(64)),
        sa.Column("asked_us", sa.BigInteger, nullable=False),
        sa.Column("sent_us", sa.BigInteger, index=True),
        sa.Column("answered_us", sa.BigInteger),
    )
    op.create_table(
        "pairing_owners",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("first_grant", sa.LargeBinary, nullable=False),
        sa.Column("since_us", sa.BigInteger, nullable=False),
    )


def _make_mailbox() -> None:
    op.create_table(
        "commands_mailbox",
        sa.Column("command_id", sa.String(64), primary_key=True),
        sa.Column("car_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(43), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("command_sha256", sa.String(43), nullable=False),
        sa.Column("replaces", sa.String(64)),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("grants", sa.Text, nullable=False),
        sa.Column("handed_in_us", sa.BigInteger, nullable=False),
        sa.Column("deadline_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64)),
        sa.Column("sends", sa.BigInteger, nullable=False),
        sa.Column("sent_us", sa.BigInteger, nullable=False),
        sa.Column("due_us", sa.BigInteger, index=True),
        sa.Column("is_answered", sa.Boolean, nullable=False),
        sa.Column("answered_us", sa.BigInteger),
        sa.Column("receipt", sa.LargeBinary),
        sa.Index("commands_mailbox_of_car", "car_id", "handed_in_us"),
        sa.Index("commands_mailbox_of_key", "key_id", "handed_in_us"),
        sa.Index("commands_mailbox_by_state", "state", "car_id"),
    )
    op.create_table(
        "commands_receipts",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.String(43), nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "commands_entries",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.Text, nullable=False),
    )
    op.create_table(
        "commands_places",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("receipt_sha256", sa.String(43), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("entry_sha256", sa.String(43), nullable=False),
        sa.Column("other_receipt", sa.LargeBinary),
    )

"""The shop: orders with their weeks, payments with the ledger, and the practice provider."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables."""
    _make_orders()
    _make_payments()
    _make_practice()


def _make_orders() -> None:
    op.create_table(
        "orders_orders",
        sa.Column("order_id", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.String(64), nullable=False, index=True),
        sa.Column("idempotency_key", sa.String(64), nullable=False),
        sa.Column("request_sha256", sa.String(43), nullable=False),
        sa.Column("quote_id", sa.String(64), nullable=False, unique=True),
        sa.Column("quote", sa.LargeBinary, nullable=False),
        sa.Column("catalogue_version", sa.String(64), nullable=False),
        sa.Column("market", sa.String(16), nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("total_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_minor", sa.BigInteger, nullable=False),
        sa.Column("quoted_week_us", sa.BigInteger, nullable=False),
        sa.Column("week_us", sa.BigInteger, nullable=False, index=True),
        sa.Column("state", sa.String(24), nullable=False, index=True),
        sa.Column("placed_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, index=True),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("car_id", sa.String(64)),
        sa.UniqueConstraint("idempotency_key", "person_id", name="orders_orders_key"),
    )
    op.create_table(
        "orders_changes",
        sa.Column("order_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_table(
        "orders_outbox",
        sa.Column("order_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at_us", sa.BigInteger, nullable=False, index=True),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "orders_weeks",
        sa.Column("begins_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
    )


def _make_payments() -> None:
    op.create_table(
        "payments_payments",
        sa.Column("payment_id", sa.String(64), primary_key=True),
        sa.Column("order_id", sa.String(64), nullable=False, index=True),
        sa.Column("idempotency_key", sa.String(64), nullable=False),
        sa.Column("request_sha256", sa.String(43), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("charged_minor", sa.BigInteger, nullable=False),
        sa.Column("charged_currency", sa.String(3), nullable=False),
        sa.Column("asked_us", sa.BigInteger, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("look_us", sa.BigInteger, index=True),
        sa.UniqueConstraint("order_id", "idempotency_key", name="payments_payments_key"),
    )
    op.create_table(
        "payments_events",
        sa.Column("event_id", sa.String(64), primary_key=True),
        sa.Column("payment_id", sa.String(64), nullable=False, index=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("treatment", sa.String(32), nullable=False),
        sa.Column("created_s", sa.BigInteger, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "payments_ledger",
        sa.Column("posting", sa.String(96), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("order_id", sa.String(64), nullable=False, index=True),
        sa.Column("account", sa.String(16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("booked_us", sa.BigInteger, nullable=False),
    )


def _make_practice() -> None:
    op.create_table(
        "practice_charges",
        sa.Column("payment_id", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("decided_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "practice_notices",
        sa.Column("notice_id", sa.String(96), primary_key=True),
        sa.Column("event_id", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payment_id", sa.String(64), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("due_us", sa.BigInteger, nullable=False, index=True),
        sa.Column("tries", sa.Integer, nullable=False),
    )

"""The desk for homes in a cell; the bridge and the devices in a home."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables."""
    _make_desk()
    _make_requests()
    _make_home()


def _make_desk() -> None:
    op.create_table(
        "homes_homes",
        sa.Column("home_id", sa.String(64), primary_key=True),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("bus_key", sa.String(64)),
        sa.Column("code_sha256", sa.String(43), unique=True),
        sa.Column("code_expires_us", sa.BigInteger),
        sa.Column("person_id", sa.String(64), index=True),
        sa.Column("since_us", sa.BigInteger),
        sa.Column("hello_us", sa.BigInteger),
        sa.Column("software_version", sa.String(64)),
        sa.Column("state", sa.LargeBinary),
    )
    op.create_table(
        "homes_ties",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("home_id", sa.String(64), nullable=False, index=True),
        sa.Column("since_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "homes_tries",
        sa.Column("person_id", sa.String(64), primary_key=True),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("wrong", sa.BigInteger, nullable=False),
    )


def _make_requests() -> None:
    op.create_table(
        "homes_scenes",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("said", sa.LargeBinary, nullable=False),
        sa.Column("heard_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "homes_requests",
        sa.Column("car_id", sa.String(64), primary_key=True),
        sa.Column("request_id", sa.String(64), primary_key=True),
        sa.Column("home_id", sa.String(64)),
        sa.Column("scene_id", sa.String(64), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(64)),
        sa.Column("occurred_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("taken_us", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("is_answered", sa.Boolean, nullable=False),
        sa.Column("decided_us", sa.BigInteger),
        sa.Column("due_us", sa.BigInteger, index=True),
    )
    op.create_index("homes_requests_by_state", "homes_requests", ["state", "home_id"])
    op.create_index("homes_requests_of_car", "homes_requests", ["car_id", "taken_us"])


def _make_home() -> None:
    op.create_table(
        "bridge_requests",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("car_id", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("scene_id", sa.String(64), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(64)),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("device", sa.String(64)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("decided_us", sa.BigInteger),
        sa.Column("is_known", sa.Boolean, nullable=False),
        sa.UniqueConstraint("car_id", "request_id", name="bridge_requests_once"),
    )
    op.create_index("bridge_requests_by_state", "bridge_requests", ["state", "device"])
    op.create_index("bridge_requests_by_known", "bridge_requests", ["is_known"])
    op.create_index("bridge_requests_by_expiry", "bridge_requests", ["expires_us"])
    op.create_table(
        "devices_devices",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("target_decicelsius", sa.Integer, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.Column("is_jammed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "devices_acts",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("cause", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("began_us", sa.BigInteger, nullable=False),
    )

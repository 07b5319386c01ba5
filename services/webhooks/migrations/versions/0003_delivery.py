"""Rotated secrets, disabled endpoints, claims, what is kept or skipped, redeliveries, and whom to write to."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from servicekit.mail import create_mail_table
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT: Any = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    for name, kind in (
        ("previous_encrypted_secret", sa.LargeBinary()),
        ("previous_secret_until", INSTANT),
        ("failing_since", INSTANT),
        ("disabled_at", INSTANT),
        ("disabled_reason", sa.String()),
    ):
        op.add_column("webhook_endpoints", sa.Column(name, kind, nullable=True))
    op.add_column("webhook_endpoints", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    for name, kind in (
        ("claimed_until", INSTANT),
        ("held_at", INSTANT),
        ("skipped_reason", sa.String()),
        ("archived_at", INSTANT),
    ):
        op.add_column("webhook_events", sa.Column(name, kind, nullable=True))
    op.execute("alter table webhook_events alter column payload drop not null")
    op.add_column("webhook_deliveries", sa.Column("event_type", sa.String(), nullable=True))
    op.execute(
        "update webhook_deliveries d set event_type = w.type from webhook_events w where w.id = d.webhook_event_id"
    )
    op.create_table(
        "webhook_redeliveries",
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        sa.Column("event_types", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("statuses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("http_code_class", sa.String(), nullable=True),
        sa.Column("start_timestamp", INSTANT, nullable=True),
        sa.Column("end_timestamp", INSTANT, nullable=False),
        sa.Column("after_created_at", INSTANT, nullable=True),
        sa.Column("after_id", sa.Uuid(), nullable=True),
        sa.Column("events_count", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("webhook_redeliveries_pkey")),
    )
    op.create_index(
        op.f("webhook_redeliveries_organization_id_idx"), "webhook_redeliveries", ["organization_id"], unique=False
    )
    op.execute(
        "create index webhook_redeliveries_list_idx on webhook_redeliveries (organization_id, created_at desc, id desc)"
    )
    op.execute("create index webhook_redeliveries_due_idx on webhook_redeliveries (due_at) where due_at is not null")
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("organizations_pkey")),
    )
    create_mail_table(op)
    for index in (
        "webhook_events_lanes_idx on webhook_events (endpoint_id, due_at, id) where due_at is not null",
        "webhook_events_endpoint_idx on webhook_events (endpoint_id, created_at desc, id desc)",
        "webhook_events_type_idx on webhook_events (organization_id, type, created_at desc, id desc)",
        "webhook_events_open_idx on webhook_events (organization_id, created_at desc, id desc) "
        "where succeeded_at is null",
        "webhook_events_payload_idx on webhook_events (created_at) where archived_at is null",
        "webhook_deliveries_endpoint_idx on webhook_deliveries (endpoint_id, created_at desc, id desc)",
        "webhook_deliveries_type_idx on webhook_deliveries (organization_id, event_type, created_at desc, id desc)",
        "webhook_deliveries_failed_idx on webhook_deliveries (organization_id, created_at desc, id desc) "
        "where not succeeded",
    ):
        op.execute(f"create index {index}")
    op.execute("drop index webhook_events_due_idx")

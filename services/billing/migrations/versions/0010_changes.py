"""Changes of subscriptions between renewals, and copies of the products and discounts that they are changed to."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT: Any = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    for table in ("products", "discounts"):
        op.create_table(
            table,
            sa.Column("id", sa.Uuid(), primary_key=True),
            sa.Column("organization_id", sa.Uuid(), nullable=False),
            sa.Column("sequence", sa.BigInteger(), nullable=False),
            sa.Column("checksum", sa.Text(), nullable=True),
            sa.Column("data", postgresql.JSONB(), nullable=False),
        )
        op.create_index(f"{table}_organization_id_idx", table, ["organization_id"])
    op.create_table(
        "subscription_changes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("modified_at", INSTANT, nullable=True),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("behavior", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("applies_at", INSTANT, nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("terms", postgresql.JSONB(), nullable=False),
        sa.UniqueConstraint("order_id", name="subscription_changes_order_id_key"),
    )
    op.create_index("subscription_changes_organization_id_idx", "subscription_changes", ["organization_id"])
    op.create_index(
        "subscription_changes_waiting_key",
        "subscription_changes",
        ["subscription_id", "status"],
        unique=True,
        postgresql_where=sa.text("status in ('open', 'scheduled')"),
    )
    op.add_column("subscriptions", sa.Column("period_discount_data", postgresql.JSONB(), nullable=True))
    op.add_column("subscriptions", sa.Column("open_change_id", sa.Uuid(), nullable=True))
    op.execute("update subscriptions set period_discount_data = discount_data where discount_data is not null")

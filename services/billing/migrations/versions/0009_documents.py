"""Invoices and receipts: what was rendered of an order, its seller as it was then, and where numbers are counted."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ZERO: Any = sa.text("0")


def upgrade() -> None:
    for name in ("invoice_checksum", "receipt_checksum"):
        op.add_column("orders", sa.Column(name, sa.String(), nullable=True))
    op.add_column("orders", sa.Column("seller_data", postgresql.JSONB(), nullable=True))
    op.add_column("customers", sa.Column("receipts_count", sa.Integer(), nullable=False, server_default=ZERO))
    op.create_table(
        "invoice_counters",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="invoice_counters_pkey"),
    )

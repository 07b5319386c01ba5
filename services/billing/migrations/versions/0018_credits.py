"""Credits name the orders that they correct, orders what was credited for them, and entries when they were dropped."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns that the released version does not write: each has a default or may be null."""
    for name in ("credited_amount", "credited_tax_amount"):
        op.add_column("orders", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    for table in ("order_items", "billing_entries"):
        op.add_column(table, sa.Column("corrects", JSONB))
    op.add_column("billing_entries", sa.Column("dropped_at", sa.TIMESTAMP(timezone=True)))

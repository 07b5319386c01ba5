"""Payments that nobody owed say since when, and whether their return was published; the list of refunds finds them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns that the released version does not write, and an index over the few payments that came twice."""
    for name in ("duplicate_at", "return_announced_at"):
        op.add_column("payments", sa.Column(name, sa.TIMESTAMP(timezone=True)))
    with op.get_context().autocommit_block():
        op.create_index(
            "payments_duplicates_idx",
            "payments",
            ["organization_id", sa.text("created_at desc")],
            postgresql_where=sa.text("status in ('duplicate', 'refunded')"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )

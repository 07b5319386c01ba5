"""The entries that an order took are found when it is void, and wait again."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index; the released version does not need it."""
    with op.get_context().autocommit_block():
        op.create_index(
            "billing_entries_order_idx",
            "billing_entries",
            ["order_id"],
            postgresql_where=sa.text("order_id is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )

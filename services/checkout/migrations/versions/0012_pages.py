"""Checkouts keep what their pages need: the link that opened them, whether the buyer is new, what was written since."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkouts", sa.Column("link_secret", sa.Text(), nullable=True))
    op.add_column("checkouts", sa.Column("is_new_customer", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("checkouts", sa.Column("order_created_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("checkouts", sa.Column("subscription_created_at", sa.DateTime(timezone=True), nullable=True))
    with op.get_context().autocommit_block():
        op.create_index(
            "checkouts_buyers_idx",
            "checkouts",
            ["customer_id"],
            postgresql_where=sa.text("confirmed_at is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )

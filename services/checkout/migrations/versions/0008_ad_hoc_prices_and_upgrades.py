"""Ad-hoc prices of a checkout, upgrades of free subscriptions, and seats and units of links.

Copies of subscriptions from before cannot say whether they may be upgraded: they count as missing (`sequence` -1), so
that billing publishes them again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkouts", sa.Column("ad_hoc_prices", postgresql.JSONB(), nullable=True))
    op.add_column("checkouts", sa.Column("upgraded_subscription_id", sa.Uuid(), nullable=True))
    op.add_column("checkouts", sa.Column("payment_method_type", sa.String(), nullable=True))
    op.add_column("checkout_links", sa.Column("seats", sa.Integer(), nullable=True))
    op.add_column("checkout_links", sa.Column("units", sa.Integer(), nullable=True))
    op.add_column("subscriptions", sa.Column("is_upgradable", sa.Boolean(), nullable=True))
    op.add_column("subscriptions", sa.Column("checkout_id", sa.Uuid(), nullable=True))
    op.execute("update subscriptions set sequence = -1 where goes_on and sequence > 0")
    with op.get_context().autocommit_block():
        op.create_index(
            "checkouts_upgrades_idx",
            "checkouts",
            ["upgraded_subscription_id"],
            postgresql_where=sa.text("upgraded_subscription_id is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )

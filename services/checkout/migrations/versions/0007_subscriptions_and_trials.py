"""Who has a subscription, who has had a trial, and trials of checkout links."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("checkout_links", sa.Column("trial_interval", sa.String(), nullable=True))
    op.add_column("checkout_links", sa.Column("trial_interval_count", sa.Integer(), nullable=True))
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("goes_on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="subscriptions_pkey"),
    )
    op.create_index("subscriptions_customer_idx", "subscriptions", ["customer_id"], postgresql_where=sa.text("goes_on"))
    op.create_table(
        "trial_redemptions",
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("checkout_id", name="trial_redemptions_pkey"),
    )
    op.create_index("trial_redemptions_customer_idx", "trial_redemptions", ["customer_id"])
    op.create_index("trial_redemptions_email_idx", "trial_redemptions", ["organization_id", "email"])
    op.create_index(
        "trial_redemptions_fingerprint_idx",
        "trial_redemptions",
        ["organization_id", "fingerprint"],
        postgresql_where=sa.text("fingerprint is not null"),
    )
    with op.get_context().autocommit_block():
        op.create_index(
            "checkouts_customer_idx",
            "checkouts",
            ["customer_id", "confirmed_at"],
            postgresql_where=sa.text("subscription_id is not null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
